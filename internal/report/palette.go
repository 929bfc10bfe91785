package report

import (
	"charm.land/lipgloss/v2"

	"meridian/pkg/protocol"
)

// A palette says how each kind of text looks. Its colors are the first eight of
// the terminal's own, so that they follow the user's theme.
type palette struct {
	strong lipgloss.Style
	quiet  lipgloss.Style
	status map[protocol.Status]lipgloss.Style
}

// plain is the palette without any escape sequence.
func plain() palette { return palette{} }

// colored is the palette for a terminal.
func colored() palette {
	style := lipgloss.NewStyle()
	quiet := style.Faint(true)
	return palette{
		strong: style.Bold(true),
		quiet:  quiet,
		status: map[protocol.Status]lipgloss.Style{
			protocol.StatusSucceeded:  style.Foreground(lipgloss.Green),
			protocol.StatusFailed:     style.Foreground(lipgloss.Red),
			protocol.StatusTimedOut:   style.Foreground(lipgloss.Yellow),
			protocol.StatusAborted:    style.Foreground(lipgloss.Magenta),
			protocol.StatusNotStarted: quiet,
			protocol.StatusSkipped:    quiet,
		},
	}
}

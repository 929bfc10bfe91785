package report

import (
	"charm.land/lipgloss/v2"

	"meridian/pkg/protocol"
)

// A palette has a style for each kind of text. Its colors are the first eight of the
// terminal, so that they follow the user's theme. The zero palette has no escape
// sequences.
type palette struct {
	strong lipgloss.Style
	quiet  lipgloss.Style
	status map[protocol.Status]lipgloss.Style
}

// palette returns the palette of the options.
func (o Options) palette() palette {
	if !o.Color {
		return palette{}
	}
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
			protocol.StatusRunning:    style.Foreground(lipgloss.Cyan),
		},
	}
}

package live

import (
	"time"

	"github.com/charmbracelet/x/ansi"
)

// Frame draws a state, without its colors.
func Frame(s *State, now time.Time, width, height int) string {
	return ansi.Strip(NewFrames(s)(now, width, height))
}

// NewFrames returns what draws a state again and again.
func NewFrames(s *State) func(now time.Time, width, height int) string {
	v := &view{state: s}
	return func(now time.Time, width, height int) string {
		v.width, v.height = width, height
		_, _ = v.Update(drawMsg(now))
		return v.View().Content
	}
}

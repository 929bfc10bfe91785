package live

import (
	"context"
	"io"
	"os"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"
)

const (
	// Redraws is how many times a second a terminal is drawn at most.
	Redraws = 15

	// patience is how long a run may take before it is drawn: the view of a shorter one would
	// only flicker.
	patience = 200 * time.Millisecond

	// usualWidth and usualHeight are the size of a terminal that does not know its size.
	usualWidth, usualHeight = 80, 24
)

// A Terminal is what Draw draws on.
type Terminal struct {
	// Output is the terminal. Env is the environment, as in "TERM=xterm".
	Output io.Writer
	Env    []string

	// Profile says which colors the terminal has.
	Profile colorprofile.Profile
}

// Draw draws a state on a terminal until stop is called or ctx ends. When stop returns, what was
// drawn is erased. A view that ends with ctx is erased too, before the run is given up, so that
// the terminal is restored when a second signal ends the process. Call stop once.
func Draw(ctx context.Context, s *State, t Terminal) (stop func()) {
	return until(ctx, func(stopping <-chan struct{}) {
		select {
		case <-stopping:
			return
		case <-time.After(patience):
		}
		v := &view{state: s, now: time.Now(), width: usualWidth, height: usualHeight, ended: func() tea.Msg {
			<-stopping
			return endedMsg{}
		}}
		output := t.Output
		if file, ok := output.(*os.File); ok { // the library asks a file for its size
			output = cutting{file}
		}
		program := tea.NewProgram(v, tea.WithInput(nil), tea.WithOutput(output), tea.WithEnvironment(t.Env),
			tea.WithColorProfile(t.Profile), tea.WithoutSignalHandler(), tea.WithFPS(Redraws), tea.WithWindowSize(usualWidth, usualHeight))
		_, _ = program.Run()                                        // a view that cannot be drawn is no error of the run
		_, _ = io.WriteString(t.Output, "\r"+ansi.EraseScreenBelow) // the "^C" of a terminal, too
	})
}

// A cutting terminal cuts lines that are too long, and does not wrap them: a frame that is drawn
// just after the terminal became narrower would make the view lose its place, and leave a part of
// itself behind. Between frames the terminal wraps lines, because a person can stop the process.
type cutting struct{ *os.File }

// Write implements io.Writer.
func (c cutting) Write(p []byte) (int, error) {
	const before = ansi.ResetModeAutoWrap
	n, err := c.File.Write(slices.Concat([]byte(before), p, []byte(ansi.SetModeAutoWrap)))
	return min(max(n-len(before), 0), len(p)), err //nolint:wrapcheck // as its File does
}

// until calls show, with a channel that is closed when stop is called or ctx ends. stop returns
// after show has.
func until(ctx context.Context, show func(stopping <-chan struct{})) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	restored := make(chan struct{})
	go func() {
		defer close(restored)
		show(ctx.Done())
	}()
	return func() {
		cancel()
		<-restored
	}
}

// A view is the model of the program that draws a state.
type view struct {
	state         *State
	rows          rowCount
	now           time.Time
	width, height int
	ended         tea.Cmd // returns when the view ends
	done          bool
}

// A drawMsg has the view drawn.
type drawMsg time.Time

// An endedMsg ends the view.
type endedMsg struct{}

// next asks for the next redraw.
func next() tea.Cmd {
	return tea.Tick(time.Second/Redraws, func(now time.Time) tea.Msg { return drawMsg(now) })
}

// Init starts the redraws, and the wait for the end.
func (v *view) Init() tea.Cmd { return tea.Batch(next(), v.ended) }

// Update handles the time, the terminal's size, and the end.
func (v *view) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		v.width, v.height = msg.Width, msg.Height
	case endedMsg:
		v.done = true
		return v, tea.Quit
	case drawMsg:
		v.now = time.Time(msg)
		v.rows.take(v.state)
		return v, next()
	}
	return v, nil
}

// View draws the state, or nothing after the end. The cursor stays at the start of the view: a
// terminal that wraps lines again when it becomes narrower moves what is below the cursor, and
// the next redraw still begins where the view does.
func (v *view) View() tea.View {
	const asItIs = -1 // the shape that makes bubbletea write none
	frame := tea.View{DisableBracketedPasteMode: true, Cursor: &tea.Cursor{Shape: asItIs}}
	if !v.done {
		p := v.state.picture(v.now)
		p.rows, p.rowsKnown, p.rowsLost = v.rows.total, v.rows.counts != nil || v.rows.lost, v.rows.lost
		frame.Content = p.frame(v.width, v.height)
	}
	return frame
}

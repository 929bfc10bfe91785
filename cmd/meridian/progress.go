package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"charm.land/bubbles/v2/spinner"
	tea "charm.land/bubbletea/v2"
	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/colorprofile"
	"github.com/charmbracelet/x/ansi"

	"meridian/pkg/protocol"
)

// patience is how long a run may take before its progress is shown: the progress of
// a shorter one would only flicker.
const patience = 200 * time.Millisecond

// patienceWithoutView is how long a command may wait before it says for what.
const patienceWithoutView = 500 * time.Millisecond

// A watch shows the progress of a run on standard error if that is a terminal. It
// reads nothing, handles no signals, and erases what it has drawn.
type watch struct {
	done, total, failed, accounts atomic.Int64

	settled  map[string]protocol.RegionOutcome // by account and Region; only event uses it
	running  attempts
	stopping chan struct{} // closed by stop
	restored chan struct{} // closed when the terminal is as it was before
}

// watch starts to show the progress. It shows nothing when standard error is no
// terminal, or gets the log.
func (c *cli) watch(ctx context.Context, doing string, logged bool) *watch {
	w := &watch{stopping: make(chan struct{}), restored: make(chan struct{})}
	if logged || !c.live(c.stderr) {
		close(w.restored)
		return w
	}
	profile := colorprofile.ASCII
	if c.colorful(c.stderr) {
		profile = colorprofile.ANSI
	}
	view := newProgressView(w, doing)
	go func() {
		defer close(w.restored)
		select {
		case <-w.stopping:
			return
		case <-ctx.Done():
			return
		case <-time.After(patience):
		}
		// The view ends with ctx, before the run does, so that the terminal is
		// restored when a second signal ends the process.
		view.ended = func() tea.Msg {
			select {
			case <-w.stopping:
			case <-ctx.Done():
			}
			return endedMsg{}
		}
		program := tea.NewProgram(view, tea.WithInput(nil), tea.WithOutput(c.stderr), tea.WithEnvironment(c.env),
			tea.WithColorProfile(profile), tea.WithoutSignalHandler())
		_, _ = program.Run() // a progress line that cannot be shown is no error of the run
	}()
	return w
}

// await is a watch that also writes a line when standard error is no terminal: what the
// command waits for, before it has waited for a second.
func (c *cli) await(ctx context.Context, what string, logged bool) *watch {
	if logged || c.live(c.stderr) {
		return c.watch(ctx, what, logged)
	}
	w := &watch{stopping: make(chan struct{}), restored: make(chan struct{})}
	go func() {
		defer close(w.restored)
		select {
		case <-w.stopping:
		case <-ctx.Done():
		case <-time.After(patienceWithoutView):
			_, _ = io.WriteString(c.stderr, what+"\n")
		}
	}()
	return w
}

// event follows a run. It is called from one goroutine at a time.
func (w *watch) event(e protocol.Event) {
	switch e.Type {
	case protocol.EventRunStarted:
		w.total.Store(int64(e.Started.Regions))
		w.accounts.Store(int64(e.Started.Accounts))
	case protocol.EventGenerationStarted:
		if d := e.Generation.Redrive; d != nil {
			maps.DeleteFunc(w.settled, func(_ string, o protocol.RegionOutcome) bool { return isRedriven(&o, d) })
			w.done.Store(int64(len(w.settled)))
			w.failed.Store(0)
			for _, o := range w.settled {
				w.failed.Add(failed(o))
			}
		}
	case protocol.EventRegionSettled:
		if w.settled == nil {
			w.settled = map[string]protocol.RegionOutcome{}
		}
		place, o := placeOf(e.Account, e.Region), remembered(e.Outcome)
		w.failed.Add(failed(o) - failed(w.settled[place]))
		w.settled[place] = o
		w.done.Store(int64(len(w.settled)))
	case protocol.EventAttemptStarted, protocol.EventAttemptEnded:
		w.running.event(e)
	case protocol.EventNotice, protocol.EventGenerationEnded, protocol.EventRunEnded:
	}
}

// stop ends the watch and waits until the terminal is restored. Call it once.
func (w *watch) stop() {
	close(w.stopping)
	<-w.restored
}

// A progressView is one line: a spinner, how many Regions have settled, a bar,
// the time, how many failed, and in which accounts attempts are running.
type progressView struct {
	watch   *watch
	doing   string
	start   time.Time
	now     time.Time
	spinner spinner.Model
	width   int
	ended   tea.Cmd // returns when the view ends
	done    bool
}

// An endedMsg ends the view.
type endedMsg struct{}

// barCells is the length of the bar.
const barCells = 24

func newProgressView(w *watch, doing string) *progressView {
	now := time.Now()
	return &progressView{
		watch: w, doing: doing, start: now, now: now,
		spinner: spinner.New(spinner.WithSpinner(spinner.MiniDot), spinner.WithStyle(lipgloss.NewStyle().Foreground(lipgloss.Cyan))),
	}
}

// Init starts the spinner, and the wait for the end.
func (v *progressView) Init() tea.Cmd { return tea.Batch(v.spinner.Tick, v.ended) }

// Update handles the time, the terminal's width, and the end.
func (v *progressView) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		v.width = msg.Width
	case endedMsg:
		v.done = true
		return v, tea.Quit
	case spinner.TickMsg:
		v.now = msg.Time
		var next tea.Cmd
		v.spinner, next = v.spinner.Update(msg)
		return v, next
	}
	return v, nil
}

// View draws the line, or nothing after the end.
func (v *progressView) View() tea.View {
	if v.done {
		return tea.NewView("")
	}
	line := v.line()
	if v.width > 0 {
		line = ansi.Truncate(line, v.width-1, "…")
	}
	return tea.NewView(line)
}

func (v *progressView) line() string {
	quiet := lipgloss.NewStyle().Faint(true)
	elapsed := quiet.Render(fmt.Sprintf("%.1f s", v.now.Sub(v.start).Seconds()))
	done, total, failed := v.watch.done.Load(), v.watch.total.Load(), v.watch.failed.Load()
	if total == 0 {
		return fmt.Sprintf("%s %s  %s", v.spinner.View(), v.doing, elapsed)
	}
	full := int(barCells * done / total)
	of := ""
	if accounts := v.watch.accounts.Load(); accounts > 0 {
		of = " of " + count(int(accounts), "account")
	}
	line := fmt.Sprintf("%s %d of %d Regions%s  %s%s  %s", v.spinner.View(), done, total, of,
		lipgloss.NewStyle().Foreground(lipgloss.Green).Render(strings.Repeat("━", full)),
		quiet.Render(strings.Repeat("─", barCells-full)), elapsed)
	if failed > 0 {
		line += lipgloss.NewStyle().Foreground(lipgloss.Red).Render(fmt.Sprintf("  %d failed", failed))
	}
	if where := v.watch.running.where(); where != "" {
		line += quiet.Render("  in " + printable(where))
	}
	return line
}

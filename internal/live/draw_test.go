package live_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/charmbracelet/colorprofile"

	"meridian/internal/live"
)

// A recorder is a terminal that keeps what is written to it.
type recorder struct {
	mu     sync.Mutex
	writes int
	text   strings.Builder
}

func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.writes++
	return r.text.Write(p)
}

// seen returns how often the recorder was written to, and what.
func (r *recorder) seen() (int, string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.writes, r.text.String()
}

func (r *recorder) draw(ctx context.Context, s *live.State) (stop func()) {
	return live.Draw(ctx, s, live.Terminal{Output: r, Env: []string{"TERM=xterm"}, Profile: colorprofile.ANSI})
}

// A terminal is drawn at most 15 times a second, however many events there are.
func TestDrawRedrawsAtMost15TimesASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(begin()))
		s, terminal := &script{State: live.New(live.Settings{})}, &recorder{}
		s.run(2000, 0)
		stop := terminal.draw(t.Context(), s.State)
		<-time.After(time.Second)
		before, _ := terminal.seen()
		const seconds = 4
		for range 1000 * seconds {
			s.at += time.Millisecond
			s.start(1, "", "eu-west-1")
			s.end(1, "", 0, "", "eu-west-1")
			<-time.After(time.Millisecond)
		}
		after, _ := terminal.seen()
		if n := after - before; n > live.Redraws*seconds+1 || n < seconds*5 {
			t.Errorf("%d redraws in %d seconds, want at most %d a second, and at least 5", n, seconds, live.Redraws)
		}
		stop()
		<-time.After(time.Second) // ends a timer of bubbletea
	})
}

// A run of less than 200 ms is not drawn. The view of another one ends with its context, before
// stop is called, and shows the cursor again.
func TestDrawEnds(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		after time.Duration
		drawn bool
	}{
		{"at once", 0, false},
		{"just before it would be drawn", 199 * time.Millisecond, false},
		{"later", time.Second, true},
	} {
		for _, byContext := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					s, terminal := live.New(live.Settings{Doing: "waiting"}), &recorder{}
					stop := terminal.draw(ctx, s)
					<-time.After(tt.after)
					if byContext {
						cancel()
						<-time.After(time.Second)
					} else {
						stop()
					}
					_, text := terminal.seen()
					if drawn := strings.Contains(text, "waiting"); drawn != tt.drawn {
						t.Errorf("drawn = %v, want %v: %q", drawn, tt.drawn, text)
					}
					if tt.drawn && (strings.LastIndex(text, "\x1b[J") < strings.LastIndex(text, "waiting") ||
						strings.LastIndex(text, "\x1b[?25h") < strings.LastIndex(text, "\x1b[?25l")) {
						t.Errorf("the view is not erased, or the cursor hidden: %q", text)
					}
					if byContext {
						stop()
					}
					<-time.After(time.Second) // ends a timer of bubbletea
				})
			})
		}
	}
}

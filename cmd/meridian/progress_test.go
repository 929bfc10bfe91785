package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"charm.land/bubbles/v2/spinner"
	tea "charm.land/bubbletea/v2"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/charmbracelet/x/ansi"

	"meridian/pkg/protocol"
)

// What the line says, step by step, without its colors.
func TestProgressView(t *testing.T) {
	t.Parallel()
	w := &watch{}
	v := newProgressView(w, "waiting for my-coordinator")
	v.start = time.Unix(0, 0)
	tick := func(after time.Duration) {
		// Whatever its tag, the view takes the time from it.
		_, _ = v.Update(spinner.TickMsg{ID: v.spinner.ID(), Time: v.start.Add(after)})
	}

	for _, step := range []struct {
		name string
		do   func()
		want string
	}{
		{"nothing known", func() { tick(400 * time.Millisecond) }, "⠙ waiting for my-coordinator  0.4 s"},
		{"one settled", func() {
			w.event(protocol.Event{Type: protocol.EventRunStarted, Started: &protocol.RunStarted{Regions: 3}})
			settle(w, protocol.StatusSucceeded)
			tick(1250 * time.Millisecond)
		}, "⠹ 1 of 3 Regions  ━━━━━━━━────────────────  1.2 s"},
		{"one failed", func() {
			settle(w, protocol.StatusTimedOut)
		}, "⠹ 2 of 3 Regions  ━━━━━━━━━━━━━━━━────────  1.2 s  1 failed"},
		{"all settled", func() {
			settle(w, protocol.StatusSkipped)
		}, "⠹ 3 of 3 Regions  ━━━━━━━━━━━━━━━━━━━━━━━━  1.2 s  1 failed"},
		{"narrow", func() { _, _ = v.Update(tea.WindowSizeMsg{Width: 20}) }, "⠹ 3 of 3 Regions  …"},
		{"over", func() { _, _ = v.Update(endedMsg{}) }, ""},
	} {
		step.do()
		if got := ansi.Strip(v.View().Content); got != step.want {
			t.Errorf("%s: View() = %q, want %q", step.name, got, step.want)
		}
	}
}

// The line of a run over accounts says how many there are, and in which attempts are
// running: how many accounts, or the last one with its Regions.
func TestProgressViewOfAccounts(t *testing.T) {
	t.Parallel()
	w := &watch{}
	v := newProgressView(w, "running")
	w.event(protocol.Event{Type: protocol.EventRunStarted, Started: &protocol.RunStarted{Accounts: 2, Regions: 4}})
	attempt := func(s protocol.EventType, account, region string, regions ...string) {
		w.event(protocol.Event{Type: s, Account: account, Region: region, Regions: regions, Number: 1, Attempt: &protocol.Attempt{}})
	}
	for _, step := range []struct {
		do   func()
		want string
	}{
		{func() {}, ""},
		{func() { attempt(protocol.EventAttemptStarted, "111122223333", "eu-west-1") }, "  in 111122223333 eu-west-1"},
		{func() { attempt(protocol.EventAttemptStarted, "222233334444", "eu-west-1", "eu-west-1", "eu-west-2") }, "  in 2 accounts"},
		{func() { attempt(protocol.EventAttemptEnded, "111122223333", "eu-west-1") }, "  in 222233334444, 2 Regions"},
		{func() { attempt(protocol.EventAttemptEnded, "222233334444", "eu-west-1") }, ""},
		{func() { attempt(protocol.EventAttemptStarted, "", "eu-west-1") }, ""},
	} {
		step.do()
		_, got, _ := strings.Cut(ansi.Strip(v.line()), "4 Regions of 2 accounts  "+strings.Repeat("─", barCells)+"  0.0 s")
		if got != step.want {
			t.Errorf("line() = %q, want %q at its end", ansi.Strip(v.line()), step.want)
		}
	}
}

// settle sends w the event of a Region that has settled.
// settle has the next Region of a run settle.
func settle(w *watch, s protocol.Status) {
	w.event(protocol.Event{
		Type: protocol.EventRegionSettled, Region: fmt.Sprint("region-", w.done.Load()), Outcome: &protocol.RegionOutcome{Status: s},
	})
}

// Without a terminal a watch writes nothing, but takes events and can be stopped.
func TestWatchWithoutTerminal(t *testing.T) {
	t.Parallel()
	c := &cli{stderr: brokenWriter{t}, env: []string{"TERM=xterm"}}
	w := c.watch(t.Context(), "running", false)
	settle(w, protocol.StatusSucceeded)
	w.stop()
}

// A brokenWriter is one that nothing should be written to.
type brokenWriter struct{ t *testing.T }

func (w brokenWriter) Write(p []byte) (int, error) {
	w.t.Errorf("something was written: %q", p)
	return 0, errors.ErrUnsupported
}

var _ io.Writer = brokenWriter{}

// A command that waits for credentials says so before a second has passed, and one that
// gets them at once says nothing.
func TestSignInSaysWhatItWaitsFor(t *testing.T) {
	t.Parallel()
	for wait, want := range map[time.Duration]string{0: "", 400 * time.Millisecond: "", 4 * time.Second: "looking for AWS credentials\n"} {
		synctest.Test(t, func(t *testing.T) {
			stderr := &timedWriter{begin: time.Now()}
			c := &cli{stderr: stderr}
			none := errors.New("no role found")
			err := c.signIn(t.Context(), aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
				time.Sleep(wait)
				return aws.Credentials{}, none
			}), false)
			if got := stderr.text.String(); got != want || stderr.last >= time.Second {
				t.Errorf("signIn that waits for %v says %q after %v, want %q before a second", wait, got, stderr.last, want)
			}
			if complaint, ok := errors.AsType[*complaintError](err); !ok || complaint.status != exitNoResult || len(complaint.hints) != 1 {
				t.Errorf("signIn = %v, want a complaint with hints", err)
			}
		})
	}
}

// A signal ends the wait for credentials.
func TestASignalEndsSignIn(t *testing.T) {
	t.Parallel()
	ctx, end := context.WithCancelCause(t.Context())
	end(&signalError{os.Interrupt})
	var stderr strings.Builder
	c := &cli{stderr: &stderr}
	err := c.signIn(ctx, aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		<-ctx.Done()
		return aws.Credentials{}, ctx.Err()
	}), false)
	if want := "no AWS credentials: interrupt signal received"; err == nil || err.Error() != want {
		t.Errorf("signIn = %v, want %s", err, want)
	}
}

// A timedWriter notes how long after its begin it was written to.
type timedWriter struct {
	begin time.Time
	last  time.Duration
	text  strings.Builder
}

func (w *timedWriter) Write(p []byte) (int, error) {
	w.last = time.Since(w.begin)
	return w.text.Write(p)
}

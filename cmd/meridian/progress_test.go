package main

import (
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Without a terminal, a line on standard error says every ten seconds of a run what is done and
// what is still out. A run that ends before writes none, and neither does one that logs or prints its
// events.
func TestProgressWithoutTerminal(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		seconds string
		more    []string
		want    string
	}{
		{"a short run", "seconds=4", nil, ""},
		{"a long run", "seconds=11", nil, "10.0 s: 0 of 2 Regions done, 2 still out (eu-west-1 10.0 s and 1 more)\n" +
			"20.0 s: 1 of 2 Regions done, 1 still out (eu-west-2 9.0 s)\n"},
		{"-o events", "seconds=11", []string{"-o", "events"}, ""},
		{"--verbose", "seconds=11", []string{"-v"}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var stderr strings.Builder
				args := append([]string{
					"run", "--region", "eu-west-1,eu-west-2", "--task", "sleep", "-p", tt.seconds,
					"--max-concurrency", "1", "-o", "regions",
				}, tt.more...)
				if got := run(t.Context(), args, strings.NewReader(""), io.Discard, &stderr, []string{"MERIDIAN_STORE=none", "TERM=xterm"}); got != exitSucceeded {
					t.Errorf("run(%q) = %d, want %d; it prints %s", args, got, exitSucceeded, &stderr)
				}
				var lines strings.Builder
				for line := range strings.Lines(stderr.String()) {
					if !strings.HasPrefix(line, "{") { // of the log
						lines.WriteString(line)
					}
				}
				if lines.String() != tt.want {
					t.Errorf("run(%q) prints %q on standard error, want %q", args, &lines, tt.want)
				}
			})
		})
	}
}

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

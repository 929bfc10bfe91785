package fanout_test

import (
	"errors"
	"testing"
	"time"

	"meridian/internal/fanout"
)

// asked is an error that says everything that the engine asks.
type asked struct{ skip bool }

func (asked) Error() string             { return "long" }
func (asked) ErrorName() string         { return "Name" }
func (asked) RetryAfter() time.Duration { return time.Minute }
func (asked) Final() bool               { return true }
func (asked) Interrupted() bool         { return true }
func (a asked) Skip() bool              { return a.skip }

func TestWithTextSaysTheSameToTheEngine(t *testing.T) {
	t.Parallel()
	got := fanout.WithText(asked{}, "short")
	var (
		delayed     fanout.DelayedError
		final       fanout.FinalError
		interrupted fanout.InterruptedError
		skip        fanout.SkipError
	)
	if got.Error() != "short" || fanout.ErrorName(got) != "Name" ||
		!errors.As(got, &delayed) || delayed.RetryAfter() != time.Minute ||
		!errors.As(got, &final) || !final.Final() ||
		!errors.As(got, &interrupted) || !interrupted.Interrupted() ||
		!errors.As(got, &skip) || skip.Skip() {
		t.Errorf("WithText = %+v, want what the error says", got)
	}
	if got := fanout.WithText(asked{skip: true}, "short"); !errors.As(got, &skip) || !skip.Skip() {
		t.Errorf("WithText = %+v, want it to be skipped", got)
	}
	if errors.As(got, new(asked)) {
		t.Error("WithText holds the error")
	}
	if name := fanout.ErrorName(fanout.WithText(errors.New("long"), "short")); name != fanout.NameTaskFailed {
		t.Errorf("WithText has the name %q, want %q", name, fanout.NameTaskFailed)
	}
}

package invoke

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"meridian/pkg/protocol"
)

// An ending is the end of the calls whose contexts end together, as those of a run do. They
// share it, because registering with a context takes the context's lock: thousands of calls
// that begin at once would queue for it, each with a stack of 8 KB.
type ending struct {
	sent  context.Context         // of the requests that are sent
	end   context.CancelCauseFunc // ends sent
	over  <-chan struct{}         // closed when the contexts of the calls have ended
	calls atomic.Int64            // that have not returned
}

// endingOf returns the ending of a call under ctx, which has a deadline, and begins now. The
// call leaves it when it returns. The requests have the values of the first call's context.
func (l *Lambda) endingOf(ctx context.Context, now time.Time) *ending {
	e := l.ending.Load()
	if e == nil || e.over != ctx.Done() {
		e = l.newEnding(ctx, now)
	}
	e.calls.Add(1)
	return e
}

// newEnding returns the ending of the calls under ctx. The first call begins now. When ctx is
// cancelled, the calls wait for their answers for a quarter of the first worker's reserve.
func (l *Lambda) newEnding(ctx context.Context, now time.Time) *ending {
	deadline, _ := ctx.Deadline()
	wait := protocol.Reserve(deadline.Sub(now)) / 4
	e := &ending{over: ctx.Done()}
	e.sent, e.end = context.WithCancelCause(context.WithoutCancel(ctx))
	l.ending.Store(e)
	context.AfterFunc(ctx, func() {
		l.ending.CompareAndSwap(e, nil) // e holds the context
		if e.calls.Load() > 0 && needed(ctx) {
			select {
			case <-time.After(wait):
			case <-e.sent.Done():
			}
		}
		e.end(context.Cause(ctx))
	})
	return e
}

// leave ends a call.
func (e *ending) leave() {
	if e.calls.Add(-1) > 0 {
		return
	}
	select {
	case <-e.over: // calls that begin now are not sent
		if e.calls.Load() == 0 {
			e.end(nil)
		}
	default:
	}
}

// needed reports whether ctx was cancelled in a way that still needs the answer.
func needed(ctx context.Context) bool {
	var cause interface{ Unneeded() bool }
	unneeded := errors.As(context.Cause(ctx), &cause) && cause.Unneeded()
	return errors.Is(ctx.Err(), context.Canceled) && !unneeded
}

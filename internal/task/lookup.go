package task

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

const (
	// lookupTime is longer than a service of AWS takes to answer, a dead connection and a
	// second service included.
	lookupTime = 10 * time.Second

	// failureKept is how long a failed look-up is not made again, for thousands of targets
	// that would fail the same way. It is not longer than a retrier's usual first wait.
	failureKept = time.Second

	// transientKept is how long a look-up that failed with a transient error is not made
	// again. It is shorter than most waits of the retries that come without retriers of the
	// request, which are half a second on average.
	transientKept = 100 * time.Millisecond
)

// A lookup finds values by key, each once for all callers, and keeps them. A caller waits
// for a value only as long as its own context lasts, and holds no lock while it waits.
type lookup[T any] struct {
	running singleflight.Group
	kept    sync.Map // of found[T], by key
}

// A found is what a look-up returned.
type found[T any] struct {
	value T
	err   error
	until time.Time // zero means for ever
}

// get returns the value of a key. find finds it, within lookupTime, even when the caller
// that began has gone. The value is kept for a time; zero means for ever. Closing the
// channel enough ends the wait with the zero value and no error; a nil enough never does.
func (l *lookup[T]) get(
	ctx context.Context, key string, keep time.Duration, enough <-chan struct{}, find func(context.Context) (T, error),
) (value T, err error) {
	if f, ok := l.known(key); ok {
		return f.value, f.err
	}
	done := l.running.DoChan(key, func() (any, error) {
		if f, ok := l.known(key); ok { // found since
			return f, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupTime)
		defer cancel()
		var f found[T]
		if f.value, f.err = find(ctx); f.err != nil {
			keep = failureKept
			if transient(f.err) {
				keep = transientKept
			}
			if ctx.Err() != nil { // which is not the caller's
				f.err = &CallError{Name: ErrorCallLost, Err: fmt.Errorf("no answer within %v: %w", lookupTime, plain(f.err)), transient: true}
			}
		}
		if keep != 0 {
			f.until = time.Now().Add(keep)
		}
		l.kept.Store(key, f)
		return f, nil
	})
	select {
	case result := <-done:
		f, _ := result.Val.(found[T])
		return f.value, f.err
	case <-enough:
		return value, nil
	case <-ctx.Done():
		return value, context.Cause(ctx)
	}
}

// known returns what is kept of a key.
func (l *lookup[T]) known(key string) (f found[T], ok bool) {
	kept, _ := l.kept.Load(key)
	f, ok = kept.(found[T])
	return f, ok && (f.until.IsZero() || time.Now().Before(f.until))
}

package coordinator

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// call calls an invoker. The answer is held until release is called, which is not nil.
func (r *run) call(ctx context.Context, invoker Invoker, region string, payload func(waited time.Duration) []byte) (
	answer []byte, release func(), report protocol.Attempt, err error,
) {
	release = func() {}
	holder, ok := invoker.(Holder)
	if !ok {
		answer, report, err = invoker.Invoke(ctx, region, payload(0))
		return answer, release, report, err
	}
	answer, held, report, err := holder.InvokeHeld(ctx, region, payload)
	if err == nil {
		release = func() { r.waits.add(held()) }
	}
	return answer, release, report, err
}

// waits are the answers that waited for memory before they were read.
type waits struct {
	mu      sync.Mutex
	answers int
	longest time.Duration
}

func (w *waits) add(waited time.Duration) {
	if waited == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.answers++
	w.longest = max(w.longest, waited)
}

// notice returns a notice when answers waited, else "".
func (w *waits) notice() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answers == 0 {
		return ""
	}
	return fmt.Sprintf("%d answers waited up to %v to be read: more at once may not fit into the coordinator's memory",
		w.answers, w.longest.Round(time.Millisecond))
}

// brief returns a copy of an invocation's error that takes little memory: the engine keeps it
// until the run's end, and the error itself may hold an answer or a request of megabytes. The
// end of the context, which is no [invoke.Error], is kept as it is.
func brief(err error) error {
	e, ok := errors.AsType[*invoke.Error](err)
	if !ok {
		return err
	}
	short := *e
	short.Name, short.Message, short.Err = protocol.CutErrorName(e.Name), shorten(e.Message), nil
	return &short
}

// shorten cuts a cause that is too long. A shorter one stays as it is: the engine leaves
// out what only repeats that the time was over.
func shorten(cause string) string {
	if len(cause) <= protocol.MaxCauseBytes {
		return cause
	}
	return protocol.CutCause(cause)
}

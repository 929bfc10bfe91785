package trigger

import (
	"context"
	"time"

	"meridian/pkg/protocol"
)

// A Keeper keeps runs. It checks what this package cannot know, and then its error is a
// [protocol.InvalidRequestError]. If the runs it has do not allow what is asked, its error
// is a [Refusal]. After any other error it is not known whether it did what was asked.
type Keeper interface {
	// Start keeps a run of a request, and returns before the run has ended. Faults are the
	// ones found when the request was decoded; with any, it returns them.
	Start(ctx context.Context, r protocol.Request, faults protocol.Faults) (protocol.RunState, error)

	// Show waits up to wait for a run's end, and returns its state, with its result in at
	// most limit bytes if the run has ended.
	Show(ctx context.Context, runID string, wait time.Duration, limit int) (protocol.RunState, error)

	// Events returns the events of a run after a sequence: as many as fit into limit bytes,
	// each with a line break, but at least one if there is any. The list is never nil.
	Events(ctx context.Context, runID string, after, limit int) (protocol.EventPage, error)

	// List returns one page of runs, the newest first. The list is never nil.
	List(ctx context.Context, q protocol.RunQuery) (protocol.RunPage, error)

	// Stop stops a run, Resume has it carried on if nothing does, and Redrive does again
	// what did not succeed. All return before that is done.
	Stop(ctx context.Context, runID string) (protocol.RunState, error)
	Resume(ctx context.Context, runID string) (protocol.RunState, error)
	Redrive(ctx context.Context, runID string, d protocol.Redrive) (protocol.RunState, error)

	// Continue carries a run on in this invocation, and Sweep has all runs carried on that
	// nothing carries on.
	Continue(ctx context.Context, runID string) error
	Sweep(ctx context.Context) error
}

// A Refusal is the error of a Keeper whose runs do not allow what is asked. It has done
// nothing.
type Refusal interface {
	error

	// HTTPStatus returns the status of the HTTP API's answer, such as 404 or 409.
	HTTPStatus() int

	// Run returns the id of the run that does not allow it, or "" if there is none.
	Run() string
}

// noStore is what to do about a coordinator without a Keeper.
const noStore = "the coordinator has no store; deploy it with store=ENABLED"

// storeFaults returns the faults of a request for a kept run when there is no store.
func (h *Handler) storeFaults(r *protocol.Request) (faults protocol.Faults) {
	if h.Keeper != nil {
		return nil
	}
	if r.Key != "" {
		faults = append(faults, protocol.NewFault("key", r.Key, noStore))
	}
	if r.Keep {
		faults = append(faults, protocol.NewFault("keep", true, noStore))
	}
	return faults
}

package runs

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"meridian/internal/record"
	"meridian/pkg/protocol"
)

// held is the log of a run for the coordinator.
type held struct {
	*record.Holder

	records  *record.Runs
	run      protocol.RunRecord
	optional bool // whether the run goes on without its log
	once     bool // whether its work may not be done twice

	giving atomic.Bool   // whether one attempt gives up for all
	gaveUp chan struct{} // closed when the run goes on without its log, or err says why it does not
	err    error
}

const (
	// patience is how long a run waits for an optional log.
	patience = 5 * time.Second

	// surelyHeld is how long after its last file a holder can be sure that no other one has taken
	// the run over: less than record.TakeOverAfter, by the time that it takes to give up.
	surelyHeld = record.TakeOverAfter - 3*patience
)

// Sync implements coordinator.Log.
func (h *held) Sync(ctx context.Context) error { return h.await(ctx, h.Holder.Sync) }

// Room implements coordinator.Log.
func (h *held) Room(ctx context.Context) error { return h.await(ctx, h.Holder.Room) }

// PutTargets implements coordinator.Log.
func (h *held) PutTargets(ctx context.Context, name string, targets []byte) (key string, err error) {
	err = h.await(ctx, func(ctx context.Context) error {
		key, err = h.records.PutTargets(ctx, h.run.RunID, name, targets)
		return err
	})
	return key, err
}

// await waits for the store. It gives up on an optional log after patience, and from then on does
// not wait. The loss of the run is an error in any case.
func (h *held) await(ctx context.Context, wait func(context.Context) error) error {
	if !h.optional {
		return wait(ctx)
	}
	select {
	case <-h.gaveUp:
		return h.err
	default:
	}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := wait(waiting)
	if _, lost := errors.AsType[*record.LostError](err); err == nil || lost || ctx.Err() != nil {
		return err
	}
	if h.giving.CompareAndSwap(false, true) {
		h.err = h.giveUp(context.WithoutCancel(ctx))
		close(h.gaveUp)
	}
	<-h.gaveUp
	return h.err
}

// giveUp makes the run one that is not kept: what the store has of it is removed, so that no
// other process carries it on. If that fails, work that may not be done twice must not be done
// without its log.
func (h *held) giveUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	err := h.Abandon(ctx)
	if wrote := h.Wrote(); err == nil && !wrote.IsZero() && time.Now().Round(0).Sub(wrote) > surelyHeld {
		err = errors.New("another process may carry the run on")
	}
	if err == nil {
		err = h.records.Forget(ctx, h.run)
	}
	if err != nil && h.once {
		return fmt.Errorf("the store of runs does not answer, and the run could not be removed from it: %w", err)
	}
	return nil
}

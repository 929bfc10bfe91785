package runs

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"meridian/internal/record"
	"meridian/pkg/protocol"
)

const (
	// lookBack is how many earlier runs of a name are looked at for one that has ended.
	lookBack = 4

	// lastShare is the share of the coordinator's memory that the result of the last run may take
	// in the store: with 256 MB, every result that a coordinator has kept fits. To read, decode and
	// compare 5 MB of 46,750 outcomes allocates 43 MB.
	lastShare = 32

	// unknownMB is the memory of a coordinator that is not known.
	unknownMB = 256
)

// runEnded calls Ended for a run. What it reads from the store takes at most compareTime, and half
// of ctx's time.
func (k *Keeper) runEnded(ctx context.Context, result protocol.Result, kept bool) {
	if k.Ended == nil {
		return
	}
	var last *protocol.Result
	if kept && result.Name != "" {
		limit := compareTime
		if deadline, ok := ctx.Deadline(); ok {
			limit = min(limit, time.Until(deadline)/2)
		}
		reading, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		var err error
		if last, err = k.last(reading, result.Name, result.RunID); err != nil {
			k.logger(result.RunID).WarnContext(ctx, "not compared with the last run of its name", "cause", err.Error())
		}
	}
	k.Ended(ctx, result, last)
}

// last returns the result of the last run of a name before the run with an id that has ended, or nil
// if there is none.
func (k *Keeper) last(ctx context.Context, name, before string) (*protocol.Result, error) {
	memoryMB := cmp.Or(k.Coordinator.MemoryMB, unknownMB)
	records := &record.Runs{Store: k.Store, MaxBytes: int64(memoryMB) << 20 / lastShare}
	ids, _, err := records.List(ctx, protocol.RunQuery{Name: name, Since: time.Unix(1, 0), Next: before, Limit: lookBack})
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it is about
	}
	for _, id := range ids {
		kept, _, err := records.Result(ctx, id)
		switch {
		case err == nil:
			return &kept.Result, nil
		case !errors.Is(err, fs.ErrNotExist): // else it has not ended, or is being deleted
			return nil, err //nolint:wrapcheck // it names the key
		}
	}
	if len(ids) == lookBack {
		return nil, fmt.Errorf("none of the %d runs before it has ended", lookBack)
	}
	return nil, nil //nolint:nilnil // a first run is no error
}

package runs

import (
	"context"
	"time"

	"meridian/pkg/protocol"
)

// answerOnce carries out a request without keeping its run. Lambda repeats an asynchronous
// invocation after the death of its coordinator, with the same id. Work that may not be done
// twice is then refused: a mark in the store says that it was begun. The mark costs one write. If
// the store fails, the work is done without the mark.
func (k *Keeper) answerOnce(ctx context.Context, r protocol.Request, faults protocol.Faults, limit int) ([]byte, error) {
	p, err := k.Coordinator.PlanDecoded(r, faults, limit)
	if err != nil {
		return nil, err //nolint:wrapcheck // it lists the faults
	}
	if p.AtMostOnce && k.Once != nil {
		if id := k.Once(ctx); id != "" {
			if err := k.mark(ctx, id, p.RunID, r); err != nil {
				return nil, err
			}
		}
	}
	result := k.Coordinator.Execute(ctx, p)
	k.runEnded(ctx, result, false)
	answer, err := protocol.Fit(&result, limit)
	return answer, ofRun(result.RunID, err)
}

// mark marks that an invocation has begun its work. The error is a [StateError] if an earlier one
// has.
func (k *Keeper) mark(ctx context.Context, id, runID string, r protocol.Request) error {
	marking, cancel := within(ctx)
	defer cancel()
	owner, won, err := k.records().Claim(marking, "invocation-"+id, protocol.RunRecord{
		Version: protocol.RecordVersion, RunID: runID, StartedAt: time.Now().UTC(), Request: protocol.Request{Name: r.Name, Task: r.Task},
	})
	switch {
	case err != nil:
		k.logger(runID).WarnContext(ctx, "invocation not marked", "cause", err.Error())
	case !won:
		return &StateError{owner.RunID, "was begun by an earlier try of this invocation, and its work may not be done twice; set keep to have such runs carried on"}
	}
	return nil
}

package record

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"meridian/pkg/protocol"
)

// CreateResult keeps the result of the run itself, with redrive 0, or of its redrive with that
// number, from 1. If there is a result already, that one stays and created is false, even if it is
// from an earlier call that returned an error. At most one call returns true. Then CreateResult
// calls [Runs.Shut], but does not return its error: Shut can be called again.
func (r *Runs) CreateResult(ctx context.Context, id string, redrive int, result protocol.Result) (created bool, err error) {
	if err := checkID(id); err != nil {
		return false, err
	}
	data, err := json.Marshal(protocol.ResultRecord{Version: protocol.RecordVersion, Result: result})
	if err != nil {
		return false, fmt.Errorf("encode the result of run %s: %w", id, err)
	}
	err = r.Store.Create(ctx, resultKey(id, redrive), data)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return false, err
	}
	_ = r.Shut(ctx, id, redrive) // a sweep shuts it again
	return err == nil, nil
}

// Result returns the newest result of a run, and the number of its redrive. If there is no
// result, the error is fs.ErrNotExist.
func (r *Runs) Result(ctx context.Context, id string) (result protocol.ResultRecord, redrive int, err error) {
	if err := checkID(id); err != nil {
		return result, 0, err
	}
	if result, err = read[protocol.ResultRecord](ctx, r, resultKey(id, 0)); err != nil {
		return result, 0, err
	}
	// A redrive begins after a result, so results have no gaps. A list may lack the newest.
	for {
		newer, err := read[protocol.ResultRecord](ctx, r, resultKey(id, redrive+1))
		if errors.Is(err, fs.ErrNotExist) {
			return result, redrive, checkVersion(resultKey(id, redrive), result.Version)
		}
		if err != nil {
			return result, redrive, err
		}
		result, redrive = newer, redrive+1
	}
}

// Opened returns which redrive of a run is open, or 0 for the run itself, and false if it has
// ended.
func (r *Runs) Opened(ctx context.Context, id string) (redrive int, open bool, err error) {
	if err := checkID(id); err != nil {
		return 0, false, err
	}
	marks, err := r.Store.List(ctx, openPrefix+id, "", listPage)
	for _, mark := range marks {
		n, _ := strconv.Atoi(strings.TrimPrefix(strings.TrimPrefix(mark, openPrefix+id), "-"))
		redrive = max(redrive, n)
	}
	return redrive, len(marks) > 0, err
}

// Reopen marks a run as open again, for a redrive. It comes before the redrive's Hold, so that
// a sweep finds the run if the redrive dies.
func (r *Runs) Reopen(ctx context.Context, id string, redrive int) error {
	if err := checkID(id); err != nil {
		return err
	}
	return r.ensure(ctx, openKey(id, redrive), mark())
}

// Shut removes the marks that say that a run, and its redrives up to that one, are open. A later
// redrive stays open: each has a mark of its own.
func (r *Runs) Shut(ctx context.Context, id string, redrive int) error {
	if err := checkID(id); err != nil {
		return err
	}
	for k := range redrive + 1 {
		if err := r.Store.Delete(ctx, openKey(id, k)); err != nil {
			return err
		}
	}
	return nil
}

// Stop records that a run, or its redrive with that number, has to stop. It does not stop a redrive
// that begins later.
func (r *Runs) Stop(ctx context.Context, id string, redrive int) error {
	if err := checkID(id); err != nil {
		return err
	}
	return r.ensure(ctx, stopKey(id, redrive), mark())
}

// Stopped reports whether Stop was called for a run, or for its redrive with that number.
func (r *Runs) Stopped(ctx context.Context, id string, redrive int) (bool, error) {
	if err := checkID(id); err != nil {
		return false, err
	}
	_, err := r.Store.Read(ctx, stopKey(id, redrive), maxObject)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"meridian/pkg/protocol"
)

// Create writes the first objects of a run: its record, and the entries by which it is found.
// A start may be repeated with the same record. If the run exists with another
// record, the error wraps fs.ErrExist.
func (r *Runs) Create(ctx context.Context, run protocol.RunRecord) error {
	if err := checkID(run.RunID); err != nil {
		return err
	}
	data, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("encode the record of run %s: %w", run.RunID, err)
	}
	kept, err := r.createOnce(ctx, requestKey(run.RunID), data)
	if err != nil {
		return err
	}
	if !bytes.Equal(kept, data) {
		return fmt.Errorf("run %s has another record: %w", run.RunID, fs.ErrExist)
	}
	entries := []string{dayKey(run.RunID), openKey(run.RunID, 0)}
	if run.Request.Name != "" {
		entries = append(entries, nameKey(run.Request.Name, run.RunID))
	}
	var writing sync.WaitGroup
	errs := make([]error, len(entries))
	for i, key := range entries {
		writing.Go(func() { errs[i] = r.ensure(ctx, key, mark()) })
	}
	writing.Wait()
	return errors.Join(errs...)
}

// Claim gives a key to a run, unless another run has it. It returns the record of the run that
// has the key, and whether that is this run. Of all runs that claim a key one wins. The
// owner may have died before its Create; its record is enough to repeat that.
func (r *Runs) Claim(ctx context.Context, key string, run protocol.RunRecord) (owner protocol.RunRecord, won bool, err error) {
	if err := checkID(run.RunID); err != nil {
		return owner, false, err
	}
	data, err := json.Marshal(protocol.KeyRecord{Version: protocol.RecordVersion, Key: key, Run: run})
	if err != nil {
		return owner, false, fmt.Errorf("encode the record of key %s: %w", key, err)
	}
	kept, err := r.createOnce(ctx, keyKey(key), data)
	if err != nil {
		return owner, false, err
	}
	if bytes.Equal(kept, data) {
		return run, true, nil
	}
	var record protocol.KeyRecord
	if err := decode(keyKey(key), kept, &record); err != nil {
		return owner, false, err
	}
	return record.Run, false, nil
}

// Request returns the record of a run. A run that does not exist is fs.ErrNotExist.
func (r *Runs) Request(ctx context.Context, id string) (run protocol.RunRecord, err error) {
	if err := checkID(id); err != nil {
		return run, err
	}
	run, err = read[protocol.RunRecord](ctx, r, requestKey(id))
	if err == nil {
		err = checkVersion(requestKey(id), run.Version)
	}
	return run, err
}

// CreatePlan keeps the plan of a run, and returns the plan that is kept: another one if another
// generation was faster.
func (r *Runs) CreatePlan(ctx context.Context, id string, plan []byte) (kept []byte, err error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	return r.createOnce(ctx, planKey(id), plan)
}

// Plan returns the plan of a run. A run without one is fs.ErrNotExist.
func (r *Runs) Plan(ctx context.Context, id string) ([]byte, error) {
	if err := checkID(id); err != nil {
		return nil, err
	}
	return r.Store.Read(ctx, planKey(id), maxObject)
}

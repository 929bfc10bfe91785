// Package record is the form in which runs are kept in a store, and the log that is a run's
// lock. The package runs starts, carries on and looks up runs with it. It knows objects, and
// nothing of how a run is done.
//
// # Objects
//
// A run's objects are below runs/<id>/:
//
//	request.json          the RunRecord
//	plan.json             the plan, as the first generation made it
//	events/<n>.jsonl      the log, from 1
//	outputs/<name>.json   outcomes that are too large for the log
//	stop, stop-<k>        the run, or its redrive k, was stopped
//	result.json           the ResultRecord, and result-<k>.json that of redrive k
//
// Others find runs: keys/<key> the run of a key, names/<name>/ the runs of a name, days/<date>/
// the runs of a day by the time in their ids, and open/ those that have not ended.
//
// Each object is created once and never changes. Every method may be called again after an
// error: what exists already counts as written.
//
// # The log is the lock
//
// The files of a log are numbered from 1 without gaps. A holder creates file n+1 only when it
// knows that file n exists and which one it is: [Runs.Hold] has read the log up to it, or the
// holder has written it. The store lets one creation of each number succeed. So each number is
// decided once, in order, and every reader sees a prefix of the same log.
//
// A generation begins with a file of its own, with the event GENERATION_STARTED. The holder of the
// generation before needs that number for its next file. It finds other bytes under the number,
// has lost the run, and never writes again. So no event of the old holder follows the new
// holder's start in the log, whatever the old holder still believes, and however long its
// requests were on the way.
//
// A holder may lose the run without a sign of it until its next write. Work that may not be
// done twice therefore waits for [Holder.Sync] after the event ATTEMPT_STARTED: when Sync
// returns nil, that event is in the log, before every later GENERATION_STARTED. Each later
// holder reads it before it begins, and does not start that work again. If Sync
// returns an error, the event is in the log or not, and the work was not done.
//
// After an error of a creation, other than fs.ErrExist, the file may exist or not. The holder
// creates the same number with the same bytes again. If the number is then taken by these
// bytes, the first creation was successful: they have the holder's random id, which no other
// writer has.
//
// All of this needs that files of a log are not deleted while a holder may be alive.
// [Runs.Prune] keeps runs that have not ended and whose logs are still written.
package record

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"meridian/pkg/protocol"
)

// A Store keeps objects, as those of internal/store do. Errors wrap fs.ErrExist and
// fs.ErrNotExist.
type Store interface {
	// Create stores data under a new key. Of all calls with a key one succeeds, and the others
	// return fs.ErrExist. After any other error the object may exist or not.
	Create(ctx context.Context, key string, data []byte) error

	// Read returns the object under a key. One of more than most bytes is an error.
	Read(ctx context.Context, key string, most int64) ([]byte, error)

	// List returns the first keys that begin with prefix and are greater than after, in byte
	// order. Fewer than limit means that there are no more.
	List(ctx context.Context, prefix, after string, limit int) ([]string, error)

	// Delete removes the object under a key, if there is one.
	Delete(ctx context.Context, key string) error
}

// Runs are the runs in a store. Any number of processes may use the store at once.
//
// An id that is not a run's id ([protocol.ValidRunID]) is an error of every method, and wraps
// fs.ErrNotExist.
type Runs struct {
	// Store keeps the objects. Required.
	Store Store

	// Process is the Process of the files that holders write. Empty means none.
	Process string

	// MaxBytes bounds the requests and results that are read. A larger one is an error. Zero means
	// 256 MB.
	MaxBytes int64
}

// maxObject limits the objects that are read whole, except for files of the log. It is a guard
// against objects of others: a result has at most the outputs that a coordinator can hold.
const maxObject = 256 << 20

// mark is the object of an entry that says all with its key.
func mark() []byte { return fmt.Appendf(nil, `{"version":%d}`, protocol.RecordVersion) }

// ensure creates an object unless it exists.
func (r *Runs) ensure(ctx context.Context, key string, data []byte) error {
	if err := r.Store.Create(ctx, key, data); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

// createOnce creates an object, or reads the one that exists.
func (r *Runs) createOnce(ctx context.Context, key string, data []byte) (kept []byte, err error) {
	err = r.Store.Create(ctx, key, data)
	switch {
	case errors.Is(err, fs.ErrExist):
		return r.Store.Read(ctx, key, maxObject)
	case err != nil:
		return nil, err
	}
	return data, nil
}

// read reads an object of JSON.
func read[T any](ctx context.Context, r *Runs, key string) (v T, err error) {
	data, err := r.Store.Read(ctx, key, cmp.Or(r.MaxBytes, maxObject))
	if err != nil {
		return v, err
	}
	return v, decode(key, data, &v)
}

// checkVersion returns an error for an object that a newer version has written.
func checkVersion(key string, version int) error {
	if version > protocol.RecordVersion {
		return fmt.Errorf("read %s: its version is %d, and this program knows up to %d: use a newer one", key, version, protocol.RecordVersion)
	}
	return nil
}

// decode decodes the object under a key.
func decode(key string, data []byte, v any) error {
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode %s: %w", key, err)
	}
	return nil
}

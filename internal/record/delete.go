package record

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// Delete removes everything of a run. It can be repeated after an error: the record of the
// run is removed after the other entries that it names, and the entry of its day last of all. A
// holder of the run finds that it has lost the run, or writes files that another Delete removes.
func (r *Runs) Delete(ctx context.Context, id string) error {
	if err := checkID(id); err != nil {
		return err
	}
	run, err := r.Request(ctx, id)
	if err == nil {
		err = r.deleteEntries(ctx, run)
	} else if errors.Is(err, fs.ErrNotExist) {
		err = nil // the rest of a run, or nothing
	}
	if err != nil {
		return err
	}
	for _, prefix := range []string{openPrefix + id, runPrefix(id)} {
		for key, err := range r.keys(ctx, prefix, "") {
			if err == nil && key != requestKey(id) {
				err = r.Store.Delete(ctx, key)
			}
			if err != nil {
				return err
			}
		}
	}
	if err := r.Store.Delete(ctx, requestKey(id)); err != nil {
		return err
	}
	return r.Store.Delete(ctx, dayKey(id))
}

// Forget makes a run one that nothing can carry on, and removes the rest of it as far as the
// store can. The error says that it can still be carried on.
func (r *Runs) Forget(ctx context.Context, run protocol.RunRecord) error {
	if err := checkID(run.RunID); err != nil {
		return err
	}
	if err := r.Store.Delete(ctx, requestKey(run.RunID)); err != nil {
		return err
	}
	if r.deleteEntries(ctx, run) == nil {
		_ = r.Delete(ctx, run.RunID)
	}
	return nil
}

// deleteEntries removes the entries of a run's key, if it has the key, and of its name.
func (r *Runs) deleteEntries(ctx context.Context, run protocol.RunRecord) error {
	if key := run.Request.Key; key != "" {
		owner, err := read[protocol.KeyRecord](ctx, r, keyKey(key))
		if err == nil && owner.Run.RunID == run.RunID {
			err = r.Store.Delete(ctx, keyKey(key))
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if run.Request.Name == "" {
		return nil
	}
	return r.Store.Delete(ctx, nameKey(run.Request.Name, run.RunID))
}

// Limits bound what is kept in a store. Zero means no limit.
type Limits struct {
	// Runs bounds how many runs there are, and Age how old they are.
	Runs int
	Age  time.Duration

	// Bytes bounds the bytes of their objects. It needs a store with a method
	// Size(ctx, prefix), such as internal/store's Dir; without one it means nothing.
	Bytes int64
}

// A sizer is a store that knows how many bytes the objects under a prefix have.
type sizer interface {
	Size(ctx context.Context, prefix string) (int64, error)
}

// Prune deletes the oldest runs until the others are within limits. It keeps runs that have not
// ended and whose logs were written in the last 60 seconds, and the newest one whatever its size.
// It returns how many it deleted.
func (r *Runs) Prune(ctx context.Context, limits Limits) (deleted int, err error) {
	ids, sizes, err := r.measure(ctx, limits.Bytes > 0)
	if err != nil {
		return 0, err
	}
	total := int64(0)
	for _, size := range sizes {
		total += size
	}
	count := len(ids)
	for i, id := range ids {
		old := limits.Age > 0 && time.Since(startOf(id)) > limits.Age
		if !old && (limits.Runs == 0 || count <= limits.Runs) && (limits.Bytes == 0 || total <= limits.Bytes || i == len(ids)-1) {
			break // the others are younger
		}
		if alive, err := r.alive(ctx, id); err != nil {
			return deleted, err
		} else if alive {
			continue
		}
		if err := r.Delete(ctx, id); err != nil {
			return deleted, err
		}
		deleted++
		count--
		total -= sizes[i]
	}
	return deleted, nil
}

// measure returns the ids of all runs, the oldest first, and the bytes of each: zeros unless they
// are wanted and known.
func (r *Runs) measure(ctx context.Context, want bool) (ids []string, sizes []int64, err error) {
	for key, err := range r.keys(ctx, daysPrefix, "") {
		if err != nil {
			return nil, nil, err
		}
		if id := key[strings.LastIndexByte(key, '/')+1:]; protocol.ValidRunID(id) && dayKey(id) == key {
			ids = append(ids, id)
		}
	}
	sizes = make([]int64, len(ids))
	s, ok := r.Store.(sizer)
	for i := 0; ok && want && i < len(ids); i++ {
		if sizes[i], err = s.Size(ctx, runPrefix(ids[i])); err != nil {
			return nil, nil, err
		}
	}
	return ids, sizes, nil
}

// alive reports whether a run is open and was written to in the last 60 seconds. A run that
// has no log yet was written to when it started.
func (r *Runs) alive(ctx context.Context, id string) (bool, error) {
	open, err := r.Store.List(ctx, openPrefix+id, "", 1)
	if err != nil || len(open) == 0 {
		return false, err
	}
	written := startOf(id)
	for f, err := range r.Log(ctx, id, 0) {
		if err != nil {
			return false, err
		}
		written = f.Header.Time
	}
	return time.Since(written) < TakeOverAfter, nil
}

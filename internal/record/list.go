package record

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

const (
	// listAge is how old the runs are that a query without a Since lists.
	listAge = 30 * 24 * time.Hour

	// listPage is how many keys are listed at once; S3 lists as many in one request.
	listPage = 1000
)

// Open yields the ids of the runs that are marked as open, the oldest first. A run that has
// ended may still be among them.
func (r *Runs) Open(ctx context.Context) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		last := ""
		for key, err := range r.keys(ctx, openPrefix, "") {
			id, _, _ := strings.Cut(strings.TrimPrefix(key, openPrefix), "-")
			if err == nil && (id == last || !protocol.ValidRunID(id)) {
				continue // another redrive of the run, or an object of others
			}
			if last = id; !yield(id, err) {
				return
			}
		}
	}
}

// List returns the ids of runs, the newest first, and the Next of the query for the next page;
// empty means that there is none. It leaves the query's Status to the
// caller. A run is as old as its id says. Of a run that is being deleted, it may return the id.
func (r *Runs) List(ctx context.Context, q protocol.RunQuery) (ids []string, next string, err error) {
	if q.Next != "" {
		if err := checkID(q.Next); err != nil {
			return nil, "", err
		}
	}
	if q.Since.IsZero() {
		q.Since = time.Now().Add(-listAge)
	}
	q.Limit = cmp.Or(q.Limit, protocol.DefaultRunPage)
	list := r.byDay
	if q.Name != "" {
		list = r.byName
	}
	for id, err := range list(ctx, q) {
		if err != nil {
			return nil, "", err
		}
		if startOf(id).Before(q.Since.Truncate(time.Millisecond)) {
			break
		}
		if len(ids) == q.Limit {
			return ids, ids[len(ids)-1], nil
		}
		ids = append(ids, id)
	}
	return ids, "", nil
}

// byName yields the runs of a name after q.Next, the newest first.
func (r *Runs) byName(ctx context.Context, q protocol.RunQuery) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		after := ""
		if q.Next != "" {
			after = nameKey(q.Name, q.Next)
		}
		for key, err := range r.keys(ctx, namePrefix(q.Name), after) {
			_, id, _ := strings.Cut(strings.TrimPrefix(key, namePrefix(q.Name)), "-")
			if err == nil && !protocol.ValidRunID(id) {
				continue
			}
			if !yield(id, err) {
				return
			}
		}
	}
}

// byDay yields all runs after q.Next, the newest first, down to the day of q.Since.
func (r *Runs) byDay(ctx context.Context, q protocol.RunQuery) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		day := time.Now().UTC()
		if q.Next != "" {
			day = startOf(q.Next)
		}
		// The days before the first run have none.
		first, err := r.Store.List(ctx, daysPrefix, dayPrefix(q.Since), 1)
		if err != nil || len(first) == 0 {
			if err != nil {
				yield("", err)
			}
			return
		}
		for ; first[0] < dayPrefix(day) || strings.HasPrefix(first[0], dayPrefix(day)); day = day.AddDate(0, 0, -1) {
			ids, err := r.day(ctx, day, q.Next)
			if err != nil {
				yield("", err)
				return
			}
			for _, id := range slices.Backward(ids) {
				if !yield(id, nil) {
					return
				}
			}
		}
	}
}

// day returns the runs of a day that are older than the run before, in their order. An empty
// before means all of the day.
func (r *Runs) day(ctx context.Context, day time.Time, before string) (ids []string, err error) {
	for key, err := range r.keys(ctx, dayPrefix(day), "") {
		if err != nil {
			return nil, err
		}
		id := strings.TrimPrefix(key, dayPrefix(day))
		if before != "" && id >= before {
			break
		}
		if protocol.ValidRunID(id) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

// keys yields the keys with a prefix that are greater than after, in order.
func (r *Runs) keys(ctx context.Context, prefix, after string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			page, err := r.Store.List(ctx, prefix, after, listPage)
			if err != nil {
				yield("", err)
				return
			}
			for _, key := range page {
				if after = key; !yield(key, nil) {
					return
				}
			}
			if len(page) < listPage {
				return
			}
		}
	}
}

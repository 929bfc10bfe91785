package record_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/record"
	"meridian/pkg/protocol"

	"pgregory.net/rapid"
)

// list returns the runs of all pages of a query.
func list(ctx context.Context, t rapid.TB, r *record.Runs, q protocol.RunQuery) (all []string) {
	t.Helper()
	for page := 0; ; page++ {
		ids, next, err := r.List(ctx, q)
		if err != nil {
			t.Fatal(err)
		}
		if all = append(all, ids...); next == "" {
			return all
		}
		if len(ids) != q.Limit && q.Limit > 0 || len(ids) == 0 {
			t.Fatalf("page %d has %d runs and is not the last, want %d", page, len(ids), q.Limit)
		}
		q.Next = next
	}
}

func TestPagesHaveEveryRunOnceTheNewestFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		s := &memory{}
		runs := &record.Runs{Store: s}
		now := time.Now()
		names := []string{"", "a", "a.", ".a", "a:b"}
		ages := rapid.SliceOfNDistinct(rapid.IntRange(0, 45*24), 0, 40, rapid.ID).Draw(r, "hours")
		slices.Sort(ages)
		q := protocol.RunQuery{Limit: rapid.IntRange(0, 10).Draw(r, "limit"), Name: rapid.SampledFrom(names).Draw(r, "name")}
		oldest := 30 * 24
		if rapid.Bool().Draw(r, "since") {
			oldest = rapid.IntRange(0, 45*24).Draw(r, "oldest")
			q.Since = now.Add(-time.Duration(oldest)*time.Hour - time.Minute)
		}
		var want []string
		for _, age := range ages {
			began := now.Add(-time.Duration(age)*time.Hour - 30*time.Second) // never the very moment of the oldest
			id, name := newID(began, 0), rapid.SampledFrom(names).Draw(r, "name of one")
			if err := runs.Create(r.Context(), recordOf(id, name, "")); err != nil {
				r.Fatal(err)
			}
			if (q.Name == "" || q.Name == name) && (age < oldest || age == oldest && !q.Since.IsZero()) {
				want = append(want, id)
			}
		}
		if got := list(r.Context(), r, runs, q); !slices.Equal(got, want) {
			r.Errorf("List = %q, want %q", got, want)
		}
	})
}

func TestADayMayHaveMoreRunsThanAPageOfTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memory{objects: map[string][]byte{}}
		r := &record.Runs{Store: s}
		time.Sleep(12 * time.Hour)
		var want []string
		for n := range 2500 {
			id := newID(time.Now().Add(-time.Duration(n)*time.Second), 0)
			s.objects["days/2000-01-01/"+id], want = nil, append(want, id)
		}
		s.objects["days/2000-01-01/somebody-elses"], s.objects["days/1999-12-31"], s.objects["days/x"] = nil, nil, nil
		if got := list(t.Context(), t, r, protocol.RunQuery{Limit: 100}); !slices.Equal(got, want) {
			t.Errorf("List = %d runs, want %d in order", len(got), len(want))
		}
	})
}

func TestListsOfAnEmptyStoreAreEmpty(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		for _, q := range []protocol.RunQuery{{}, {Name: "a"}, {Since: start()}, {Next: runID()}, {Name: "a", Next: runID()}} {
			if got := list(t.Context(), t, r, q); len(got) > 0 {
				t.Errorf("List(%+v) = %q", q, got)
			}
		}
		wantOpen(t, r)
	})
}

func TestListsInADirectory(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		now := time.Now()
		var all, named []string
		for n := range 6 {
			id, name := newID(now.Add(-time.Duration(n)*20*time.Hour), 0), "odd."
			if n%2 == 0 {
				name, named = "Even", append(named, id)
			}
			all = append(all, id)
			if err := r.Create(t.Context(), recordOf(id, name, "")); err != nil {
				t.Fatal(err)
			}
		}
		if got := list(t.Context(), t, r, protocol.RunQuery{Limit: 2}); !slices.Equal(got, all) {
			t.Errorf("List = %q, want %q", got, all)
		}
		if got := list(t.Context(), t, r, protocol.RunQuery{Limit: 2, Name: "Even"}); !slices.Equal(got, named) {
			t.Errorf("List of a name = %q, want %q", got, named)
		}
		slices.Reverse(all)
		wantOpen(t, r, all...)
	})
}

func TestAnErrorOfTheStoreEndsAList(t *testing.T) {
	t.Parallel()
	for _, q := range []protocol.RunQuery{{}, {Name: "a"}} {
		t.Run(fmt.Sprintf("of the name %q", q.Name), func(t *testing.T) {
			t.Parallel()
			s := &memory{before: func(context.Context, string, string, []byte) error { return errStore }}
			if ids, next, err := (&record.Runs{Store: s}).List(t.Context(), q); !errors.Is(err, errStore) || ids != nil || next != "" {
				t.Errorf("List = %q, %q, %v, want the store's error", ids, next, err)
			}
		})
	}
}

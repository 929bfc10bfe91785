package record_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/record"
	"meridian/internal/store"
	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

// fill keeps a run with all objects that a run can have.
func fill(t *testing.T, r *record.Runs, run protocol.RunRecord) {
	t.Helper()
	ctx, id := t.Context(), run.RunID
	_, _, err := r.Claim(ctx, run.Request.Key, run)
	err2 := r.Create(ctx, run)
	_, err3 := r.CreatePlan(ctx, id, []byte("{}"))
	_, err4 := r.PutTargets(ctx, id, "a", []byte("[]"))
	h, err5 := r.Hold(ctx, id, record.Position{}, protocol.Generation{Number: 1})
	if err := errors.Join(err, err2, err3, err4, err5); err != nil {
		t.Fatal(err)
	}
	err = errors.Join(h.Close(ctx), r.Stop(ctx, id, 0), createResult(ctx, r, id, 0), r.Reopen(ctx, id, 1), r.Stop(ctx, id, 1))
	if err != nil {
		t.Fatal(err)
	}
}

func TestDeleteRemovesEverythingOfARun(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		other := recordOf(newID(start(), 1), "nightly", "other")
		fill(t, r, other)
		want, _ := r.Store.List(t.Context(), "", "", 100)
		fill(t, r, recordOf(runID(), "nightly", "k"))
		for range 2 {
			if err := r.Delete(t.Context(), runID()); err != nil {
				t.Error(err)
			}
		}
		got, err := r.Store.List(t.Context(), "", "", 100)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("objects: %v (-want +got):\n%s", err, diff)
		}
	})
}

func TestDeleteLeavesAKeyToTheRunThatHasIt(t *testing.T) {
	t.Parallel()
	s := &memory{}
	r := &record.Runs{Store: s}
	owner, other := recordOf(runID(), "", "k"), recordOf(newID(start(), 1), "", "k")
	fill(t, r, owner)
	if err := errors.Join(r.Create(t.Context(), other), r.Delete(t.Context(), other.RunID)); err != nil {
		t.Fatal(err)
	}
	if got, won, err := r.Claim(t.Context(), "k", other); got.RunID != owner.RunID || won || err != nil {
		t.Errorf("Claim = %s, %t, %v, want the owner", got.RunID, won, err)
	}
}

func TestADeleteCanBeRepeatedAfterAnError(t *testing.T) {
	t.Parallel()
	for fails := 0; ; fails++ {
		s, deletes := &memory{}, 0
		r := &record.Runs{Store: s}
		fill(t, r, recordOf(runID(), "nightly", "k"))
		s.before = func(_ context.Context, op, _ string, _ []byte) error {
			if op == "delete" {
				deletes++
			}
			if op == "delete" && deletes == fails+1 {
				return errStore
			}
			return nil
		}
		err := r.Delete(t.Context(), runID())
		if err == nil {
			if got := s.keys(); len(got) > 0 || deletes != fails {
				t.Errorf("%q are left after %d deletes", got, deletes)
			}
			return
		}
		if keys := s.keys(); !errors.Is(err, errStore) || !slices.Contains(keys, "days/2026-11-30/"+runID()) {
			t.Errorf("Delete = %v, and %q are left; want that a list finds the run", err, keys)
		}
		if err := r.Delete(t.Context(), runID()); err != nil {
			t.Error(err)
		}
		if got := s.keys(); len(got) > 0 {
			t.Errorf("%q are left of a delete that was repeated after %d deletes", got, fails)
		}
	}
}

func TestPruneDeletesTheOldestRunsUntilTheOthersAreWithinLimits(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		limits record.Limits
		want   int // of 6 runs of 1,000 bytes, 0 to 5 days old
	}{
		{"no limits", record.Limits{}, 6},
		{"runs", record.Limits{Runs: 2}, 2},
		{"as many runs as there are", record.Limits{Runs: 6}, 6},
		{"age", record.Limits{Age: 3*24*time.Hour - time.Hour}, 3},
		{"bytes", record.Limits{Bytes: 4999}, 4},
		{"as many bytes as there are", record.Limits{Bytes: 6000}, 6},
		{"all, but the newest", record.Limits{Runs: 5, Age: 9 * 24 * time.Hour, Bytes: 1}, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := &record.Runs{Store: &store.Dir{Path: t.TempDir()}}
			var ids []string
			for n := range 6 {
				id := newID(time.Now().Add(-time.Duration(n)*24*time.Hour), 0)
				if err := r.Create(t.Context(), recordOf(id, "", "")); err != nil {
					t.Fatal(err)
				}
				size, err := r.Store.(*store.Dir).Size(t.Context(), "runs/"+id)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := r.CreatePlan(t.Context(), id, make([]byte, 1000-size)); err != nil {
					t.Fatal(err)
				}
				if err := r.Shut(t.Context(), id, 0); err != nil {
					t.Fatal(err)
				}
				ids = append(ids, id)
			}
			if n, err := r.Prune(t.Context(), test.limits); n != 6-test.want || err != nil {
				t.Errorf("Prune = %d, %v, want %d", n, err, 6-test.want)
			}
			if got := list(t.Context(), t, r, protocol.RunQuery{}); !slices.Equal(got, ids[:test.want]) {
				t.Errorf("List = %q, want %q", got, ids[:test.want])
			}
		})
	}
}

func TestPruneKeepsRunsThatHaveNotEndedAndWereWrittenInTheLast60Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &memory{}
		r := &record.Runs{Store: s}
		time.Sleep(time.Hour)
		limits := record.Limits{Age: time.Nanosecond, Bytes: 1} // a store in memory does not know its size
		written, started, ended := newID(time.Now().Add(-30*time.Minute), 0), newID(time.Now().Add(-50*time.Second), 0), newID(time.Now().Add(-time.Second), 0)
		for _, id := range []string{written, started, ended} {
			if err := r.Create(t.Context(), recordOf(id, "", "")); err != nil {
				t.Fatal(err)
			}
		}
		h, err := r.Hold(t.Context(), written, record.Position{}, protocol.Generation{Number: 1})
		if err := errors.Join(err, createResult(t.Context(), r, ended, 0)); err != nil {
			t.Fatal(err)
		}
		prune := func(after time.Duration, want int) {
			t.Helper()
			time.Sleep(after)
			if n, err := r.Prune(t.Context(), limits); n != want || err != nil {
				t.Errorf("Prune = %d, %v, want %d", n, err, want)
			}
		}
		prune(0, 1)
		prune(9*time.Second, 0)
		prune(2*time.Second, 1)
		prune(time.Hour, 0) // heartbeats
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
		prune(39*time.Second, 0)
		prune(time.Minute, 1)
		if got := s.keys(); len(got) > 0 {
			t.Errorf("objects: %s", strings.Join(got, "\n"))
		}
	})
}

package record_test

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"testing"

	"meridian/internal/record"
	"meridian/pkg/protocol"
)

// openRuns returns the runs that are open.
func openRuns(t *testing.T, r *record.Runs) (ids []string) {
	t.Helper()
	for id, err := range r.Open(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		ids = append(ids, id)
	}
	return ids
}

// wantOpen checks which runs are open.
func wantOpen(t *testing.T, r *record.Runs, want ...string) {
	t.Helper()
	if got := openRuns(t, r); !slices.Equal(got, want) {
		t.Errorf("Open = %q, want %q", got, want)
	}
}

// createResult creates an empty result.
func createResult(ctx context.Context, r *record.Runs, id string, redrive int) error {
	_, err := r.CreateResult(ctx, id, redrive, protocol.Result{})
	return err
}

func TestTheNewestResultOfARunIsReturned(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		if _, _, err := r.Result(t.Context(), runID()); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Result = %v, want fs.ErrNotExist", err)
		}
		for redrive := range 3 {
			for i, status := range []protocol.Status{protocol.StatusFailed, protocol.StatusSucceeded} { // the first one stays
				result := protocol.Result{RunID: runID(), Status: status, Redrives: redrive}
				if created, err := r.CreateResult(t.Context(), runID(), redrive, result); err != nil || created != (i == 0) {
					t.Fatalf("CreateResult number %d = %v, %v", i+1, created, err)
				}
			}
			got, of, err := r.Result(t.Context(), runID())
			if err != nil || of != redrive || got.Redrives != redrive || got.Status != protocol.StatusFailed || got.Version != protocol.RecordVersion {
				t.Errorf("Result = %+v of redrive %d, %v, want that of %d", got, of, err, redrive)
			}
		}
	})
}

func TestARunIsOpenUntilItHasAResult(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		one, other := runID(), newID(start(), 1)
		for _, id := range []string{other, one} {
			if err := r.Create(t.Context(), recordOf(id, "", "")); err != nil {
				t.Fatal(err)
			}
		}
		wantOpen(t, r, one, other)
		if err := createResult(t.Context(), r, one, 0); err != nil {
			t.Fatal(err)
		}
		wantOpen(t, r, other)
		for redrive := 1; redrive <= 2; redrive++ {
			if err := r.Reopen(t.Context(), one, redrive); err != nil {
				t.Fatal(err)
			}
		}
		wantOpen(t, r, one, other)
		if err := r.Shut(t.Context(), one, 1); err != nil { // late: a redrive has begun
			t.Fatal(err)
		}
		wantOpen(t, r, one, other)
		if err := createResult(t.Context(), r, one, 2); err != nil {
			t.Fatal(err)
		}
		wantOpen(t, r, other)
	})
}

func TestAResultIsKeptEvenIfTheRunStaysOpen(t *testing.T) {
	t.Parallel()
	s := &memory{before: func(_ context.Context, op, _ string, _ []byte) error {
		if op == "delete" {
			return errStore
		}
		return nil
	}}
	r := &record.Runs{Store: s}
	if err := errors.Join(r.Create(t.Context(), recordOf(runID(), "", "")), createResult(t.Context(), r, runID(), 0)); err != nil {
		t.Fatal(err)
	}
	wantOpen(t, r, runID())
	if _, _, err := r.Result(t.Context(), runID()); err != nil {
		t.Error(err)
	}
	if err := r.Shut(t.Context(), runID(), 0); !errors.Is(err, errStore) {
		t.Errorf("Shut = %v, want the store's error", err)
	}
}

func TestAStopIsForOneRedrive(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		for range 2 {
			if err := r.Stop(t.Context(), runID(), 1); err != nil {
				t.Fatal(err)
			}
		}
		for redrive := range 3 {
			if got, err := r.Stopped(t.Context(), runID(), redrive); got != (redrive == 1) || err != nil {
				t.Errorf("Stopped(%d) = %t, %v", redrive, got, err)
			}
		}
	})
}

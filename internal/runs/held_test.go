package runs_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/record"
	"meridian/internal/runs"
	"meridian/pkg/protocol"
)

// A frozen store does not answer for a while, and does not hear that it need not.
type frozen struct {
	record.Store

	from, till time.Time
}

// Create implements record.Store.
func (f *frozen) Create(ctx context.Context, key string, data []byte) error {
	if now := time.Now(); strings.Contains(key, "/events/") && now.After(f.from) && now.Before(f.till) {
		time.Sleep(time.Until(f.till))
	}
	return f.Store.Create(ctx, key, data)
}

// Delete implements record.Store.
func (f *frozen) Delete(ctx context.Context, key string) error { return f.Store.Delete(ctx, key) }

// A full store has no room for objects of some kind.
type full struct {
	record.Store

	kind string
	from time.Time
}

// Create implements record.Store.
func (f *full) Create(ctx context.Context, key string, data []byte) error {
	if strings.Contains(key, f.kind) && !time.Now().Before(f.from) {
		return errBroken
	}
	return f.Store.Create(ctx, key, data)
}

// optionally carries out a request as the command line does, which goes on without its store.
func optionally(ctx context.Context, t *testing.T, k *runs.Keeper) protocol.Result {
	t.Helper()
	r := twenty()
	r.Key = ""
	plan, err := k.Coordinator.Plan(r, 0)
	if err != nil {
		t.Fatal(err)
	}
	result, err := k.Execute(ctx, r, plan)
	if err != nil {
		t.Logf("Execute = %v", err)
	}
	return result
}

// once checks that nothing was done twice.
func (w *world) once(t *testing.T) {
	t.Helper()
	for item, n := range w.ran {
		if n > 1 {
			t.Errorf("%s was done %d times", item, n)
		}
	}
}

// A run whose optional store hangs does nothing that may not be done twice while another process
// may take it over.
func TestAHangingStoreOfWorkThatMayNotBeDoneTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.takes = 2 * time.Second
		p, k, ctx := w.keeper(0, false)
		k.Store = &frozen{p, time.Now().Add(3 * time.Second), time.Now().Add(100 * time.Second)}
		ended := make(chan bool)
		go func() {
			optionally(ctx, t, k)
			close(ended)
		}()
		time.Sleep(70 * time.Second)
		_, other, otherCtx := w.keeper(0, false)
		page, err := other.List(otherCtx, protocol.RunQuery{})
		if err != nil || len(page.Runs) != 1 || !page.Runs[0].Interrupted {
			t.Fatalf("List = %+v, %v", page, err)
		}
		if _, err := other.Resume(otherCtx, page.Runs[0].RunID); err != nil {
			t.Error(err)
		}
		<-ended
		w.once(t)
		if len(w.ran) != 20 {
			t.Errorf("%d targets were done, want 20", len(w.ran))
		}
		time.Sleep(10 * time.Minute)
	})
}

// A run goes on when its optional store fails. It is then removed from the store, so that nothing
// resumes it.
func TestARunThatGoesOnWithoutItsStoreCannotBeResumed(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"plan.json", "events/", "result", "request"} {
		for _, after := range []time.Duration{0, 2500 * time.Millisecond} {
			t.Run(kind+" "+after.String(), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					w := newWorld()
					p, k, ctx := w.keeper(0, false)
					k.Store = &full{p, kind, time.Now().Add(after)}
					var warned []error
					k.Warn = func(err error) { warned = append(warned, err) }
					result := optionally(ctx, t, k)
					kept := after > 0 && !slices.Contains([]string{"events/", "result"}, kind)
					if result.Status != protocol.StatusSucceeded || len(warned) == 0 != kept {
						t.Errorf("the run is %s, with the warnings %v", result.Status, warned)
					}
					time.Sleep(2 * time.Minute)
					page, err := k.List(ctx, protocol.RunQuery{})
					if err != nil || len(page.Runs) == 1 != kept {
						t.Errorf("List = %+v, %v; kept %t", page, err, kept)
					}
					w.once(t)
				})
			})
		}
	}
}

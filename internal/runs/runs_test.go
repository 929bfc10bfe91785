package runs_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/record"
	"meridian/internal/runs"
	"meridian/internal/store/storetest"
	"meridian/pkg/protocol"
)

// newWorld returns a world with an empty store.
func newWorld() *world {
	return &world{store: &memory{objects: map[string][]byte{}}, takes: time.Second, ran: map[string]int{}, fails: map[string]string{}}
}

// lambda runs continue commands until nothing is asked for any more, and returns how many.
func (w *world) lambda(t *testing.T) (n int) {
	t.Helper()
	for next := w.takeNext(); len(next) > 0; next = w.takeNext() {
		for _, id := range next {
			n++
			p, k, ctx := w.keeper(0, false)
			if err := k.Continue(ctx, id); err != nil {
				t.Errorf("Continue = %v", err)
			}
			p.kill()
		}
	}
	return n
}

// Of 200 starts with one key, one creates the run. The others attach to it, and answer with its
// result.
func TestOnceByKey(t *testing.T) {
	t.Parallel()
	for name, open := range stores() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.store = open(t)
				ids := make([]string, 200)
				var racing sync.WaitGroup
				for i := range ids {
					racing.Go(func() {
						p, k, ctx := w.keeper(0, false)
						defer p.kill()
						result, err := k.Run(ctx, twenty(), nil, 0)
						if err != nil || result.Status != protocol.StatusSucceeded {
							t.Errorf("Run = %s, %v", result.Status, err)
						}
						ids[i] = result.RunID
					})
				}
				racing.Wait()
				slices.Sort(ids)
				if ids = slices.Compact(ids); len(ids) != 1 || len(w.ran) != 20 {
					t.Errorf("the runs are %v, of %d items; want one run of 20", ids, len(w.ran))
				}
				for item, n := range w.ran {
					if n != 1 {
						t.Errorf("%s was done %d times", item, n)
					}
				}
			})
		})
	}
}

func TestAKeyOfAnotherRequestIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, k, ctx := w.keeper(0, false)
		first, err := k.Run(ctx, twenty(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		other := twenty()
		other.Regions = other.Regions[1:]
		_, err = k.Run(ctx, other, nil, 0)
		conflict, ok := errors.AsType[*runs.ConflictError](err)
		if !ok || conflict.RunID != first.RunID || len(w.ran) != 20 {
			t.Errorf("Run = %v after %d items, want a conflict with %s", err, len(w.ran), first.RunID)
		}
	})
}

// An hour's run of 2,500 targets, in invocations of five minutes.
func TestARunIsCarriedOnForAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.takes, w.limit, w.idempotent = 28*time.Second, 5*time.Minute, true
		r := twenty()
		r.MaxTargetsPerInvocation, r.MaxConcurrency, r.Targets = 10, 2, nil
		for i := range 250 {
			r.Targets = append(r.Targets, protocol.Target{Name: fmt.Sprint("target-", i)})
		}
		begin := time.Now()
		p, k, ctx := w.keeper(0, false)
		s, err := k.Start(ctx, r, nil)
		if err != nil || s.Status != protocol.StatusRunning {
			t.Fatalf("Start = %+v, %v", s, err)
		}
		p.kill()
		generations := w.lambda(t)
		_, k, ctx = w.keeper(0, false)
		s, err = k.Show(ctx, s.RunID, 0, protocol.MaxPayloadBytes)
		if err != nil || s.Status != protocol.StatusSucceeded || s.Targets.Succeeded != 2500 || s.Generations != generations || generations <= 10 {
			t.Errorf("after %v the run is %+v, %v; %d generations", time.Since(begin), s, err, generations)
		}
		if took := time.Since(begin); took < 58*time.Minute || took > 65*time.Minute {
			t.Errorf("it took %v, want about the 58m20s of its work", took)
		}
		for item, n := range w.ran {
			if n != 1 {
				t.Errorf("%s was done %d times", item, n)
			}
		}
	})
}

// If its function ends first, a caller gets the run's id, the outcomes so far, and RUNNING.
func TestACallerWhoseTimeEndsFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit, w.takes = 20*time.Second, 4*time.Second
		p, k, ctx := w.keeper(0, false)
		result, err := k.Run(ctx, twenty(), nil, protocol.MaxPayloadBytes)
		p.kill()
		if err != nil || result.Status != protocol.StatusRunning || result.Summary.Regions.Succeeded == 0 || result.Summary.Regions.Running == 0 || len(result.RunID) != 26 {
			t.Errorf("Run = %+v, %v; want it RUNNING, with some Regions done", result.Summary, err)
		}
		if n := w.lambda(t); n == 0 {
			t.Error("nothing carries it on")
		}
		_, k, ctx = w.keeper(0, false)
		again, err := k.Run(ctx, twenty(), nil, protocol.MaxPayloadBytes)
		if err != nil || again.Status != protocol.StatusSucceeded || again.RunID != result.RunID {
			t.Errorf("Run again = %s, %v; want the result", again.Status, err)
		}
		w.check(t, twenty(), again)
	})
}

func TestStopTakesEffectWithinFiveSeconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.takes = time.Hour
		_, k, ctx := w.keeper(0, false)
		done := make(chan protocol.Result)
		go func() {
			result, _ := k.Run(ctx, twenty(), nil, 0)
			done <- result
		}()
		time.Sleep(10 * time.Second)
		page, err := k.List(ctx, protocol.RunQuery{Name: "test"})
		if err != nil || len(page.Runs) != 1 {
			t.Fatalf("List = %+v, %v", page, err)
		}
		s, err := k.Stop(ctx, page.Runs[0].RunID)
		if err != nil || !s.Stopping || s.Status != protocol.StatusRunning || s.Regions.Running != 4 {
			t.Errorf("Stop = %+v, %v", s, err)
		}
		begin := time.Now()
		result := <-done
		if took := time.Since(begin); result.Status != protocol.StatusAborted || took > 5*time.Second || !strings.Contains(result.Cause, "stopped") {
			t.Errorf("the run is %s after %v: %s", result.Status, took, result.Cause)
		}
		if s, err := k.Stop(ctx, result.RunID); err != nil || s.Status != protocol.StatusAborted || s.Stopping {
			t.Errorf("Stop of a run that has ended = %+v, %v; want it as it is", s, err)
		}
		time.Sleep(2 * time.Hour)
	})
}

// A run whose coordinator has died is interrupted, and a sweep has it carried on. A stop of it
// ends it.
func TestAnInterruptedRun(t *testing.T) {
	t.Parallel()
	for _, stop := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.limit, w.takes = 5*time.Minute, 10*time.Second
			p, k, ctx := w.keeper(14, false)
			if _, err := k.Run(ctx, twenty(), nil, 0); err == nil {
				t.Fatal("the coordinator has not died")
			}
			p.kill()
			_, k, ctx = w.keeper(0, false)
			page, err := k.List(ctx, protocol.RunQuery{})
			if err != nil || len(page.Runs) != 1 || page.Runs[0].Interrupted {
				t.Fatalf("List = %+v, %v; want one run, which may be alive", page, err)
			}
			id := page.Runs[0].RunID
			if _, err := k.Resume(ctx, id); err == nil {
				t.Error("a run that may be alive is resumed")
			}
			time.Sleep(time.Minute)
			s, err := k.Show(ctx, id, 0, 0)
			if err != nil || !s.Interrupted || s.Status != protocol.StatusRunning {
				t.Errorf("Show = %+v, %v; want it interrupted", s, err)
			}
			want := protocol.StatusSucceeded
			if stop {
				want = protocol.StatusAborted
				_, err = k.Stop(ctx, id)
			} else {
				err = k.Sweep(ctx)
			}
			if err != nil {
				t.Error(err)
			}
			if n := w.lambda(t); n != 1 {
				t.Errorf("%d invocations carry it on, want 1", n)
			}
			if s, err = k.Show(ctx, id, 0, 0); err != nil || s.Status != want && s.Status != protocol.StatusSucceeded {
				t.Errorf("Show = %s %s, %v; want %s", s.Status, s.Cause, err, want)
			}
			if err := k.Sweep(ctx); err != nil || len(w.takeNext()) > 0 {
				t.Errorf("a sweep after its end = %v", err)
			}
			time.Sleep(10 * time.Minute)
		})
	}
}

// A redrive of three failed Regions makes three invocations, in the same run.
func TestRedrive(t *testing.T) {
	t.Parallel()
	for _, limit := range []time.Duration{0, 5 * time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.limit = limit
			w.fails = map[string]string{"us-east-2": "Test.A", "eu-west-1": "Test.B", "sa-east-1": "Test.A"}
			r := twenty()
			r.Targets, r.ToleratedFailurePercentage = protocol.Targets("a"), nil
			_, k, ctx := w.keeper(0, false)
			result, err := k.Run(ctx, r, nil, 0)
			if err != nil || result.Status != protocol.StatusFailed || result.Summary.Regions.Failed != 3 {
				t.Fatalf("Run = %s %+v, %v", result.Status, result.Summary.Regions, err)
			}
			w.fails = nil
			if _, err := k.Redrive(ctx, result.RunID, protocol.Redrive{Errors: []string{"Test.C"}}); err == nil {
				t.Error("a redrive of nothing is accepted")
			}
			s, err := k.Redrive(ctx, result.RunID, protocol.Redrive{})
			if err != nil {
				t.Fatal(err)
			}
			w.lambda(t)
			if s, err = k.Show(ctx, s.RunID, 0, 0); err != nil || s.Status != protocol.StatusSucceeded || s.Redrives != 1 {
				t.Fatalf("Show after the redrive = %s, %d redrives, %v", s.Status, s.Redrives, err)
			}
			attempts := 0
			for i, o := range s.Result.Regions {
				attempts += len(o.Attempts)
				if o.Region != r.Regions[i] {
					t.Errorf("Region %d is %s, want %s", i, o.Region, r.Regions[i])
				}
			}
			if attempts != 13 || s.Result.Redrives != 1 || w.ran["us-east-2 a"] != 2 || w.ran["us-east-1 a"] != 1 {
				t.Errorf("%d attempts in the record, want those of both: 10 and 3; done %v", attempts, w.ran)
			}
			if _, err := k.Redrive(ctx, s.RunID, protocol.Redrive{}); err == nil {
				t.Error("a run that has succeeded is redriven")
			}
			if err := k.Sweep(ctx); err != nil || len(w.takeNext()) > 0 {
				t.Errorf("a sweep after its end = %v", err)
			}
		})
	}
}

// A list is never nil.
func TestAListOfNothingIsEmpty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		_, k, ctx := w.keeper(0, false)
		listed, err := k.List(ctx, protocol.RunQuery{})
		if listed.Runs == nil || len(listed.Runs) > 0 || err != nil {
			t.Errorf("List = %#v, %v; want none", listed.Runs, err)
		}
		result, err := k.Run(ctx, twenty(), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		page, err := k.Events(ctx, result.RunID, 1_000_000, 0)
		if page.Events == nil || len(page.Events) > 0 || err != nil {
			t.Errorf("Events = %#v, %v; want none", page.Events, err)
		}
	})
}

// broken is a store that fails.
type broken struct{ memory }

var errBroken = errors.New("broken")

func (*broken) Create(context.Context, string, []byte) error { return errBroken }

// A store that fails fails a run that is kept before anything is invoked.
func TestAStoreThatFailsFailsTheRun(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"", "key"} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.store = &broken{}
			_, k, ctx := w.keeper(0, false)
			r := twenty()
			r.Key, r.Keep = key, true
			_, err := k.Run(ctx, r, nil, 0)
			if _, failed := errors.AsType[*runs.StoreError](err); !failed || len(w.ran) > 0 {
				t.Errorf("Run = %v after %d items; want the store's error before any", err, len(w.ran))
			}
		})
	}
}

// A store that fails costs a run of Execute a warning.
func TestAStoreThatFailsCostsAWarning(t *testing.T) {
	t.Parallel()
	for _, idempotent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.store, w.idempotent = &broken{}, idempotent
			_, k, ctx := w.keeper(0, false)
			var warned error
			k.Warn = func(err error) { warned = err }
			plan, err := k.Coordinator.Plan(twenty(), 0)
			if err != nil {
				t.Fatal(err)
			}
			result, err := k.Execute(ctx, twenty(), plan)
			if err != nil || !errors.Is(warned, errBroken) || result.Status != protocol.StatusSucceeded {
				t.Errorf("Execute = %s, %v, warned %v; want success and a warning", result.Status, err, warned)
			}
		})
	}
}

// More outputs than fit into an answer are in the store, and the whole result has them.
func TestOutputsThatDoNotFitAreInTheStore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const limit, output = 600_000, 100_000
		w := newWorld()
		w.output, w.idempotent = strings.Repeat("x", output), true
		r := twenty()
		_, k, ctx := w.keeper(0, false)
		k.Next = func(context.Context, string) error { return nil }
		result, err := k.Run(ctx, r, nil, limit)
		data, fits := protocol.Fit(&result, limit)
		if err != nil || fits != nil || len(data) > limit || !result.Truncated {
			t.Errorf("Run = %d bytes, truncated %t, %v", len(data), result.Truncated, err)
		}
		if !slices.ContainsFunc(result.Notices, func(s string) bool { return strings.Contains(s, "meridian show "+result.RunID) }) {
			t.Errorf("the notices %q do not say where the rest is", result.Notices)
		}
		whole, err := k.Result(ctx, result.RunID)
		if err != nil || whole.Truncated || whole.Status != protocol.StatusSucceeded {
			t.Errorf("Result = %s, truncated %t, %v", whole.Status, whole.Truncated, err)
		}
		for _, o := range whole.Regions {
			for _, target := range o.Targets {
				if len(target.Output) < output {
					t.Errorf("%s %s has an output of %d bytes", o.Region, target.Target, len(target.Output))
				}
			}
		}
	})
}

// A distant store takes a time to create an object, as S3 does, so all starts of attempts that are
// logged meanwhile share a file.
type distant struct {
	record.Store

	takes time.Duration
}

func (d *distant) Create(ctx context.Context, key string, data []byte) error {
	time.Sleep(d.takes)
	return d.Store.Create(ctx, key, data)
}

// A run of two seconds in 34 Regions makes at most 15 requests to the store more than one that is
// not kept.
func TestWhatKeepingARunCosts(t *testing.T) {
	t.Parallel()
	for _, idempotent := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			s := storetest.NewS3(t)
			w := newWorld()
			w.store, w.takes, w.idempotent = &distant{bucket(s), 20 * time.Millisecond}, 2*time.Second, idempotent
			r := protocol.Request{Task: "act", Key: "cost", Name: "cost", Partition: "aws", Regions: []string{"all"}}
			_, k, ctx := w.keeper(0, false)
			k.Coordinator.Billing = coordinator.Billing{Region: "us-east-1", Architecture: "arm64", WorkerMemoryMB: 256}
			result, err := k.Run(ctx, r, nil, protocol.MaxPayloadBytes)
			if err != nil || result.Summary.Regions.Succeeded < 34 {
				t.Fatalf("Run = %+v, %v", result.Summary.Regions, err)
			}
			requests := len(s.Requests) - 2 // without the delete of a mark, which is free, and the search for the last run
			if last := s.Requests[requests+1]; !strings.Contains(last, "prefix=names%2Fcost%2F") {
				t.Errorf("after the result and the delete of a mark comes %s, want one search for the last run", last)
			}
			used := result.Summary.Cost.Store
			if requests > 15 || used == nil || used.Writes+used.Reads != requests {
				t.Errorf("%d requests, counted %+v; want the same, at most 15:\n%s", requests, used, strings.Join(s.Requests, "\n"))
			}
			if want := float64(used.Writes)*0.005/1000 + float64(used.Reads)*0.0004/1000; used.USD < want*0.999 || used.USD > want*1.001 {
				t.Errorf("they cost $%v, want $%v", used.USD, want)
			}
		})
	}
}

// A coordinator that cannot invoke the next one tries again. If that does not help, its caller
// still gets what is known, and a sweep has the run carried on.
func TestTheNextGenerationCannotBeInvoked(t *testing.T) {
	t.Parallel()
	for failures, want := range map[int]int{2: 0, 1000: 1} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld()
			w.limit, w.takes = 20*time.Second, 4*time.Second
			p, k, ctx := w.keeper(0, false)
			next := k.Next
			k.Next = func(ctx context.Context, runID string) error {
				if failures--; failures >= 0 {
					return errBroken
				}
				return next(ctx, runID)
			}
			result, err := k.Run(ctx, twenty(), nil, protocol.MaxPayloadBytes)
			if late := ctx.Err() != nil; err != nil || result.Status != protocol.StatusRunning || late {
				t.Errorf("Run = %s, %v, late %t; want it RUNNING, in time", result.Status, err, late)
			}
			p.kill()
			time.Sleep(2 * time.Minute)
			w.lambda(t)
			_, k, ctx = w.keeper(0, false)
			if err := k.Sweep(ctx); err != nil || len(w.next) != want {
				t.Errorf("Sweep = %v, %d runs carried on, want %d", err, len(w.next), want)
			}
			w.lambda(t)
			if s, err := k.Show(ctx, result.RunID, 0, 0); err != nil || s.Status != protocol.StatusSucceeded {
				t.Errorf("Show = %s, %v", s.Status, err)
			}
			time.Sleep(10 * time.Minute)
		})
	}
}

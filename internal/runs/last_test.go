package runs_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/record"
	"meridian/internal/runs"
	"meridian/pkg/protocol"
)

// series is a request of one Region for a kept run of a series.
func series() protocol.Request {
	return protocol.Request{Name: "reachable", Keep: true, Task: "act", Targets: protocol.Targets("a"), Regions: []string{"eu-west-1"}}
}

// answer has a keeper answer a request, and returns the id of the run.
func answer(ctx context.Context, t *testing.T, k *runs.Keeper, r protocol.Request) string {
	t.Helper()
	data, err := k.Answer(ctx, r, nil, protocol.MaxPayloadBytes)
	if err != nil {
		t.Fatal(err)
	}
	result, err := protocol.DecodeResult(data)
	if err != nil {
		t.Fatal(err)
	}
	return result.RunID
}

// Ended is called once for each run, with the last run of its name that has ended.
func TestEndedGetsTheLastRunOfTheName(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		p, k, ctx := w.keeper(0, false)
		defer p.kill()
		var want []end
		run := func(r protocol.Request, last string, status protocol.Status) string {
			id := answer(ctx, t, k, r)
			want = append(want, end{id, last, status})
			time.Sleep(time.Second) // ids sort by their time
			return id
		}
		other, unnamed, notKept := series(), series(), series()
		other.Name, unnamed.Name, notKept.Keep = "other", "", false
		first := run(series(), "", protocol.StatusSucceeded)
		run(other, "", protocol.StatusSucceeded)
		run(unnamed, "", protocol.StatusSucceeded)
		run(notKept, "", protocol.StatusSucceeded)
		w.fails["eu-west-1"] = "Boom"
		second := run(series(), first, protocol.StatusFailed)

		// A run that has not ended is passed over, and the end of a redrive is none of the run.
		w.takes = time.Hour
		cut, stop := context.WithCancel(ctx)
		open := &runs.Keeper{Coordinator: k.Coordinator, Store: k.Store, Next: func(context.Context, string) error { return nil }}
		if _, err := open.Start(cut, series(), nil); err != nil {
			t.Fatal(err)
		}
		stop()
		time.Sleep(time.Second)
		w.takes = time.Second
		delete(w.fails, "eu-west-1")
		if _, err := k.Redrive(ctx, second, protocol.Redrive{}); err != nil {
			t.Fatal(err)
		}
		run(series(), second, protocol.StatusSucceeded)
		if diff := cmp.Diff(want, w.ends); diff != "" {
			t.Errorf("the calls of Ended (-want +got):\n%s", diff)
		}
	})
}

// Of the generations of a run the last one calls Ended, and a caller that attaches to a run that has
// ended does not.
func TestEndedIsCalledInTheGenerationThatEndsTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld()
		w.limit, w.takes, w.idempotent = 20*time.Second, 4*time.Second, true
		p, k, ctx := w.keeper(0, false)
		id := answer(ctx, t, k, twenty())
		p.kill()
		if len(w.ends) > 0 {
			t.Errorf("Ended was called for a run that goes on: %v", w.ends)
		}
		if n := w.lambda(t); n < 1 {
			t.Fatalf("%d further generations, want some", n)
		}
		p, k, ctx = w.keeper(0, false)
		defer p.kill()
		if again := answer(ctx, t, k, twenty()); again != id {
			t.Errorf("the key belongs to run %s, want %s", again, id)
		}
		if diff := cmp.Diff([]end{{id, "", protocol.StatusSucceeded}}, w.ends); diff != "" {
			t.Errorf("the calls of Ended (-want +got):\n%s", diff)
		}
	})
}

// A mute is a store that does not answer lists of names, or has results that cannot be read.
type mute struct {
	record.Store

	lists bool
}

func (m *mute) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	if m.lists && strings.HasPrefix(prefix, "names/") {
		<-ctx.Done()
		return nil, fmt.Errorf("list %s: %w", prefix, ctx.Err())
	}
	return m.Store.List(ctx, prefix, after, limit)
}

// A last run that cannot be read costs a line of the log and at most two seconds, and one that would
// take too much of the memory is not read.
func TestALastRunThatCannotBeReadCostsALineOfTheLog(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		mute     bool
		limit    time.Duration
		output   int // bytes of the last run's output
		memoryMB int
		open     int // runs before that have not ended
		takes    time.Duration
		cause    string // "" means that it is read
	}{
		{name: "small enough", output: 25_000, memoryMB: 1},
		{name: "too large", output: 35_000, memoryMB: 1, cause: "is too large"},
		{name: "the default is enough for each answer", output: 5_900_000, memoryMB: 256},
		{name: "a store that does not answer", mute: true, takes: 2 * time.Second, cause: "context deadline exceeded"},
		{name: "little time left", mute: true, limit: 3 * time.Second, takes: 500 * time.Millisecond, cause: "context deadline exceeded"},
		{name: "many runs that have not ended", open: 4, cause: "none of the 4 runs before it has ended"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := newWorld()
				w.output = strings.Repeat("x", tt.output)
				p, k, ctx := w.keeper(0, false)
				first := answer(ctx, t, k, series())
				p.kill()
				w.output = ""
				_, k, ctx = w.keeper(0, false)
				k.Next = func(context.Context, string) error { return nil }
				for range tt.open {
					time.Sleep(time.Second)
					if _, err := k.Start(ctx, series(), nil); err != nil {
						t.Fatal(err)
					}
				}
				time.Sleep(time.Second)
				w.store, w.limit = &mute{w.store, tt.mute}, tt.limit
				p, k, ctx = w.keeper(0, false)
				defer p.kill()
				var log bytes.Buffer
				k.Log, k.Coordinator.MemoryMB = slog.New(slog.NewTextHandler(&log, nil)), tt.memoryMB
				begin := time.Now()
				id := answer(ctx, t, k, series())
				want := end{id, first, protocol.StatusSucceeded}
				if tt.cause != "" {
					want.Last = ""
				}
				if diff := cmp.Diff(want, w.ends[len(w.ends)-1]); diff != "" {
					t.Errorf("the call of Ended (-want +got):\n%s", diff)
				}
				if took := time.Since(begin) - w.takes; took > tt.takes {
					t.Errorf("the run took %v longer, want at most %v", took, tt.takes)
				}
				logged := strings.Contains(log.String(), "not compared with the last run of its name")
				if logged != (tt.cause != "") || !strings.Contains(log.String(), tt.cause) {
					t.Errorf("the log has %s, want %q", log.String(), tt.cause)
				}
			})
		})
	}
}

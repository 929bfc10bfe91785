package regionworker_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/pkg/protocol"
)

// heap returns the bytes of the live heap.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

func numbered(n int) []string {
	targets := make([]string, n)
	for i := range targets {
		targets[i] = fmt.Sprintf("t%d", i)
	}
	return targets
}

// An answer holds 6 MB. A worker keeps no more of what its targets bring: outputs, and
// texts of errors. The measure is the memory of the whole process, so nothing runs
// beside it.
//
//nolint:paralleltest // see above
func TestAWorkerKeepsNoMoreThanAnAnswerHolds(t *testing.T) {
	const targets, each = 40, 1 << 20
	for _, tt := range []struct {
		name string
		act  func() (any, error)
	}{
		{"outputs", func() (any, error) { return strings.Repeat("x", each), nil }},
		{"texts of errors", func() (any, error) { return nil, errors.New(strings.Repeat("x", each)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var mu sync.Mutex
			begun, most := 0, 0
			before := heap()
			w := acting(func(context.Context, string) (any, error) {
				mu.Lock()
				defer mu.Unlock()
				if begun++; begun%10 == 0 {
					most = max(most, heap()-before)
				}
				return tt.act()
			})
			r := request(numbered(targets)...)
			r.Policy.MaxConcurrency = 2
			got := handle(t, w, r)
			// Two targets are worked on: each has its value and its JSON.
			if limit := 2*protocol.MaxPayloadBytes + 4*each; most > limit || begun != targets {
				t.Errorf("after %d targets of %d bytes the worker holds %d, want at most %d", begun, each, most, limit)
			}
			for _, outcome := range got.Targets {
				if len(outcome.Cause) > protocol.MaxCauseBytes {
					t.Fatalf("%s has a cause of %d bytes", outcome.Target, len(outcome.Cause))
				}
			}
		})
	}
}

// Of 200 outputs, some of 1 MB, the small ones stay and the outcomes of the others have
// their lengths.
func TestTheLargestOutputsAreDroppedAndTheirOutcomesSayTheirLengths(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		length := func(target string) int {
			if strings.HasSuffix(target, "7") {
				return 1_000_000
			}
			return 1000
		}
		w := acting(func(_ context.Context, target string) (any, error) {
			time.Sleep(time.Duration(len(target)) * time.Second)
			return strings.Repeat("x", length(target)-len(`""`)), nil
		})
		got := handle(t, w, request(numbered(200)...))
		if got.Status != protocol.StatusSucceeded || !got.Truncated {
			t.Errorf("Handle = %s, truncated %v; want SUCCEEDED, true", got.Status, got.Truncated)
		}
		dropped := 0
		for _, outcome := range got.Targets {
			want := length(outcome.Target)
			switch {
			case outcome.Output == nil && outcome.DroppedOutputBytes == want && want > 1000:
				dropped++
			case len(outcome.Output) != want || outcome.DroppedOutputBytes != 0:
				t.Errorf("%s has %d bytes of output and %d were dropped, want %d", outcome.Target, len(outcome.Output), outcome.DroppedOutputBytes, want)
			}
		}
		if dropped != 14 {
			t.Errorf("%d of 20 outputs of 1 MB were dropped, want 14: six fit beside the others", dropped)
		}
	})
}

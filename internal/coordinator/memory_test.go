package coordinator_test

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/race"
	"meridian/pkg/protocol"
)

// heap returns the bytes of the live heap, without the buffers that a sync.Pool holds for each CPU:
// it drops them in two collections.
func heap() int {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// A crowd is an Invoker whose calls take a second, and which measures how many are in
// flight and how much memory they take.
type crowd struct {
	mu            sync.Mutex
	now, peak     int
	payload       int
	before, bytes int
}

func (c *crowd) Invoke(_ context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
	c.mu.Lock()
	c.now++
	c.peak = max(c.peak, c.now)
	c.payload = len(payload)
	c.mu.Unlock()
	time.Sleep(time.Second)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now == c.peak {
		c.bytes = max(c.bytes, heap()-c.before)
	}
	c.now--
	runtime.KeepAlive(payload)
	return nil, protocol.Attempt{}, errors.New("measured")
}

// It measures the memory of the whole process, so nothing runs beside it.
//
//nolint:paralleltest // see above
func TestTheRequestsInFlightTakeAnEighthOfTheMemory(t *testing.T) {
	race.Skip(t, "takes much memory")
	retriers := slices.Repeat([]protocol.Retrier{{ErrorEquals: slices.Repeat([]string{strings.Repeat("E", 90)}, 100)}}, 100)
	for _, tt := range []struct {
		name     string
		request  protocol.Request
		memoryMB int
		inFlight int
		notice   string
	}{
		{
			"long parameters",
			protocol.Request{Parameters: fill(940_000)},
			128, 17,
			"maxConcurrency is 17 here: more invocations of up to 940178 bytes in flight may not fit into the coordinator's memory",
		},
		{
			"many retriers for targets",
			protocol.Request{TargetRetry: retriers},
			128, 18,
			"maxConcurrency is 18 here: more invocations of up to 931985 bytes in flight may not fit into the coordinator's memory",
		},
		{
			"one that is longer than its share",
			protocol.Request{Parameters: fill(940_000)},
			5, 1,
			"maxConcurrency is 1 here: more invocations of up to 940178 bytes in flight may not fit into the coordinator's memory",
		},
		{"as many as fit", protocol.Request{Parameters: fill(940_000), MaxConcurrency: 17}, 128, 17, ""},
		{"short ones", protocol.Request{}, 128, 60, ""},
		{"a memory that is not known", protocol.Request{Parameters: fill(940_000)}, 0, 35, "maxConcurrency is 35 here"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				in := &crowd{}
				c := &coordinator.Coordinator{Tasks: unchecked{}, Invoker: in, MemoryMB: tt.memoryMB}
				r := tt.request
				r.Task, r.Regions, r.Targets, r.MaxTargetsPerInvocation = "any", []string{"eu-west-1"}, protocol.Targets(numbered(60)...), 1
				r.Retry = []protocol.Retrier{}
				in.before = heap()
				result, err := c.Run(t.Context(), r)
				if err != nil || in.peak != tt.inFlight {
					t.Errorf("%d invocations of %d bytes were in flight, %v; want %d", in.peak, in.payload, err, tt.inFlight)
				}
				if said := strings.Join(result.Notices, "; "); !strings.HasPrefix(said, tt.notice) || tt.notice == "" && said != "" {
					t.Errorf("notices are %q, want %q", said, tt.notice)
				}
				const rest = 5 << 20
				if most := max(cmp.Or(tt.memoryMB, 256)<<20/8, 940_178) + rest; in.bytes > most {
					t.Errorf("%d requests in flight take %d bytes, want at most %d", in.peak, in.bytes, most)
				}
			})
		})
	}
}

// An invocation that failed leaves what is told of it, not what it brought. The measure
// is the memory of the whole process, so nothing runs beside it.
//
//nolint:paralleltest // see above
func TestAnErrorIsKeptByWhatIsToldOfIt(t *testing.T) {
	race.Skip(t, "takes much memory")
	const each, invocations = 256 << 10, 40
	long := func() string { return strings.Repeat("x", each) }
	answer := func(payload []byte, edit func(*protocol.RegionResult)) []byte {
		request, err := protocol.DecodeRegionRequest(payload)
		if err != nil {
			panic(err)
		}
		result := protocol.RegionResult{
			Version: 1, RunID: request.RunID, Region: request.Region, Batch: request.Batch, Status: protocol.StatusFailed,
			Targets: []protocol.TargetOutcome{{Target: request.Targets[0], Status: protocol.StatusFailed}},
		}
		edit(&result)
		data, err := json.Marshal(result)
		if err != nil {
			panic(err)
		}
		return data
	}
	for _, tt := range []struct {
		name   string
		invoke func(payload []byte) ([]byte, error)
	}{
		{"an error's text", func([]byte) ([]byte, error) { return nil, &invoke.Error{Name: "E", Message: long()} }},
		{"an error's name", func([]byte) ([]byte, error) { return nil, &invoke.Error{Name: long(), Message: "it failed"} }},
		{"what an error wraps", func([]byte) ([]byte, error) { return nil, &invoke.Error{Name: "E", Err: errors.New(long())} }},
		{"a cause", func(p []byte) ([]byte, error) {
			return answer(p, func(r *protocol.RegionResult) { r.Cause, r.Targets[0].Cause = long(), long() }), nil
		}},
		{"an error name", func(p []byte) ([]byte, error) {
			return answer(p, func(r *protocol.RegionResult) { r.Error, r.Targets[0].Error = long(), long() }), nil
		}},
		{"a function error without its header", func([]byte) ([]byte, error) {
			return []byte(`{"errorType":"` + long() + `","errorMessage":"` + long() + `"}`), nil
		}},
		{"an answer for another run", func(p []byte) ([]byte, error) {
			return answer(p, func(r *protocol.RegionResult) { r.RunID = long() }), nil
		}},
		{"no JSON", func([]byte) ([]byte, error) { return []byte(long()), nil }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			begun, most, before := 0, 0, heap()
			c := &coordinator.Coordinator{Tasks: unchecked{}, Invoker: invokerFunc(
				func(_ context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
					if begun++; begun%10 == 0 {
						most = max(most, heap()-before)
					}
					answer, err := tt.invoke(payload)
					return answer, protocol.Attempt{}, err
				})}
			result, err := c.Run(t.Context(), protocol.Request{
				Task: "any", Regions: []string{"eu-west-1"}, Targets: protocol.Targets(numbered(invocations)...), MaxTargetsPerInvocation: 1,
				MaxConcurrency: 1, Retry: []protocol.Retrier{},
			})
			if err != nil || begun != invocations || result.Summary.Targets.Failed != invocations {
				t.Errorf("Run = %+v, %v after %d invocations", result.Summary.Targets, err, begun)
			}
			if limit := 6 * each; most > limit {
				t.Errorf("after %d errors of %d bytes the run holds %d, want at most %d", begun, each, most, limit)
			}
		})
	}
}

// A waiting is an Invoker whose answers wait before they are read, each a second longer
// than the one before.
type waiting struct {
	invoker coordinator.Invoker
	mu      sync.Mutex
	answers int
	held    int
}

func (w *waiting) Invoke(context.Context, string, []byte) ([]byte, protocol.Attempt, error) {
	return nil, protocol.Attempt{}, errors.New("its answers are to be held")
}

func (w *waiting) InvokeHeld(ctx context.Context, region string, payload func(time.Duration) []byte) (
	[]byte, func() time.Duration, protocol.Attempt, error,
) {
	answer, report, err := w.invoker.Invoke(ctx, region, payload(0))
	w.mu.Lock()
	defer w.mu.Unlock()
	waited := time.Duration(w.answers) * time.Second
	w.answers++
	w.held++
	return answer, func() time.Duration {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.held--
		return waited
	}, report, err
}

func TestANoticeSaysThatAnswersWaitedToBeRead(t *testing.T) {
	t.Parallel()
	for regions, want := range map[int][]string{
		1: nil,
		4: {"3 answers waited up to 3s to be read: more at once may not fit into the coordinator's memory"},
	} {
		synctest.Test(t, func(t *testing.T) {
			var told []string
			invoker := &waiting{invoker: brings{"us-east-1": {2}, "us-east-2": {2}, "us-west-1": {2}, "us-west-2": {2}}}
			c := &coordinator.Coordinator{
				Invoker: invoker, Tasks: world{}.tasks(),
				Events: func(e protocol.Event) {
					if e.Type == protocol.EventNotice {
						told = append(told, e.Notice)
					}
				},
			}
			result, err := c.Run(t.Context(), protocol.Request{
				Task: "act", Regions: []string{"us-east-1", "us-east-2", "us-west-1", "us-west-2"}[:regions], Targets: protocol.Targets("a"),
			})
			if err != nil || result.Summary.Targets.Succeeded != regions || !slices.Equal(result.Notices, want) || !slices.Equal(told, want) {
				t.Errorf("Run = %+v, %v, notices %q, told %q; want %q", result.Summary.Targets, err, result.Notices, told, want)
			}
			if invoker.held != 0 {
				t.Errorf("%d answers are held after the run, want none", invoker.held)
			}
		})
	}
}

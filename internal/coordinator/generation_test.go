package coordinator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// A book is the log of a kept run in memory.
type book struct {
	mu     sync.Mutex
	lines  [][]byte
	beside map[string][]byte
}

// A pen writes into a book until it dies. What is not synced when it dies is lost.
type pen struct {
	*book

	dies    int // how many more lines it writes
	pending [][]byte
	dead    context.CancelFunc
}

var errDead = errors.New("dead")

// Append implements coordinator.Log.
func (p *pen) Append(e protocol.Event) {
	line, err := json.Marshal(e)
	if err != nil {
		panic(err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.pending = append(p.pending, line)
}

// Sync implements coordinator.Log.
func (p *pen) Sync(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.pending {
		if p.dies == 0 {
			p.dead()
			return errDead
		}
		p.dies--
		p.lines = append(p.lines, line)
	}
	p.pending = nil
	return nil
}

// Room implements coordinator.Log.
func (p *pen) Room(context.Context) error { return nil }

// PutTargets implements coordinator.Log.
func (p *pen) PutTargets(_ context.Context, name string, data []byte) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, exists := p.beside[name]; exists {
		return "", fs.ErrExist
	}
	p.beside[name] = data
	return name, nil
}

// keeper carries a run on, generation by generation, each in its time.
type keeper struct {
	t     rapid.TB
	c     *coordinator.Coordinator
	ready coordinator.Ready
	book  *book
	begin time.Time
	each  time.Duration

	longest time.Duration
	last    bool

	generations int
}

func keep(t rapid.TB, c *coordinator.Coordinator, r protocol.Request, each time.Duration) *keeper {
	t.Helper()
	plan, err := c.Plan(r, protocol.MaxPayloadBytes)
	if err != nil {
		t.Fatal(err)
	}
	k := &keeper{t: t, c: c, book: &book{beside: map[string][]byte{}}, begin: time.Now(), each: each}
	ready := c.Complete(context.Background(), plan, k.begin)
	data, err := ready.Encode()
	if err == nil {
		k.ready, err = coordinator.DecodeReady(data)
	}
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// history returns the history of the book, with the start of a generation.
func (k *keeper) history(redrive *protocol.Redrive) *coordinator.History {
	k.t.Helper()
	k.generations++
	start, _ := json.Marshal(protocol.Event{
		Sequence: len(k.book.lines) + 1, Time: time.Now(), Type: protocol.EventGenerationStarted,
		Generation: &protocol.Generation{Number: k.generations, Redrive: redrive},
	})
	k.book.lines = append(k.book.lines, start)
	return k.past()
}

// past returns the history of the book. Its events have no gaps.
func (k *keeper) past() *coordinator.History {
	k.t.Helper()
	k.book.mu.Lock()
	defer k.book.mu.Unlock()
	h := coordinator.NewHistory(&k.ready, func(key string) ([]byte, error) { return k.book.beside[key], nil })
	for i, line := range k.book.lines {
		e, err := protocol.DecodeEvent(line)
		if err == nil {
			err = h.Add(e)
		}
		if err != nil || e.Sequence != i+1 {
			k.t.Fatalf("event %d has sequence %d, %v: %s", i+1, e.Sequence, err, line)
		}
	}
	return h
}

// carry carries the run on in one generation, which writes at most so many lines before it dies.
func (k *keeper) carry(lines int, redrive *protocol.Redrive) (result protocol.Result, ended bool) {
	k.t.Helper()
	h := k.history(redrive)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := &pen{book: k.book, dies: lines, dead: cancel}
	if k.each > 0 {
		ctx, cancel = context.WithTimeout(ctx, k.each)
		defer cancel()
	}
	go func() {
		for ctx.Err() == nil {
			time.Sleep(time.Second)
			_ = p.Sync(ctx)
		}
	}()
	result, ended = k.c.Carry(ctx, k.ready, coordinator.Generation{Log: p, History: h, Begin: k.begin, Longest: k.longest, Last: k.last})
	if p.Sync(ctx) != nil {
		return result, false
	}
	cancel()
	time.Sleep(2 * time.Second) // until the goroutine has ended
	return result, ended
}

// events returns the events of the book, of these types.
func (k *keeper) events(types ...protocol.EventType) (events []protocol.Event) {
	for _, line := range k.book.lines {
		if e, _ := protocol.DecodeEvent(line); slices.Contains(types, e.Type) {
			events = append(events, e)
		}
	}
	return events
}

// rebuild returns the result that the book has.
func (k *keeper) rebuild() protocol.Result {
	k.t.Helper()
	return k.c.Rebuild(k.ready, k.begin, k.past())
}

// checkRebuilt checks that the book has the whole result of the run.
func (k *keeper) checkRebuilt(want protocol.Result) {
	k.t.Helper()
	want.Hint = ""                                                                        // the log does not have it
	outputs := cmp.Comparer(func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) // fast
	if diff := cmp.Diff(want, k.rebuild(), outputs); diff != "" {
		k.t.Errorf("the result of the log (-of the run +of its log):\n%s", diff)
	}
}

// finish carries the run on until it ends.
func (k *keeper) finish() protocol.Result {
	k.t.Helper()
	for range 100 {
		if result, ended := k.carry(1e9, nil); ended {
			return result
		}
	}
	k.t.Fatal("the run does not end")
	return protocol.Result{}
}

// regionsOf returns the names of Regions for tests.
func someRegions(n int) []string {
	return []string{
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1",
		"eu-central-1", "sa-east-1", "ca-central-1", "ap-south-1",
	}[:n]
}

func TestARunIsCarriedOnOverGenerations(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{}
		for _, region := range someRegions(12) {
			w[region] = happening{target: slowly(5 * time.Second)}
		}
		w["us-east-2"] = happening{target: fails("Test.Broken")}
		w["us-west-1"] = happening{target: slowly(5 * time.Second), way: throttled(3)}
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks(), Billing: coordinator.Billing{Region: "eu-west-1", Architecture: "arm64", WorkerMemoryMB: 128}, MemoryMB: 256}
		request := protocol.Request{Task: "act", Regions: someRegions(12), Targets: protocol.Targets("a", "b"), MaxConcurrency: 2, ToleratedFailureCount: new(1)}
		k := keep(t, c, request, 20*time.Second)
		result := k.finish()
		k.checkRebuilt(result)
		if result.Status != protocol.StatusSucceeded || result.Summary.Regions.Succeeded != 11 || result.Summary.Regions.Failed != 1 {
			t.Errorf("the run is %s, %+v; want 11 Regions succeeded, 1 failed", result.Status, result.Summary)
		}
		if result.Generations < 3 || result.Generations != k.generations || result.Summary.Cost.Coordinator.Requests != k.generations {
			t.Errorf("it took %d generations of %d, %d coordinators; want 3 or more", result.Generations, k.generations, result.Summary.Cost.Coordinator.Requests)
		}
		for i, o := range result.Regions {
			want := 1
			if o.Region == "us-west-1" {
				want = 4
			}
			if o.Region != request.Regions[i] || len(o.Attempts) != want || len(o.Targets) != 2 {
				t.Errorf("%s has %d attempts and %d targets; want %d and 2", o.Region, len(o.Attempts), len(o.Targets), want)
			}
			if o.Status == protocol.StatusSucceeded && (len(o.Targets[1].Output) == 0 || o.ElapsedMs < 5000 || o.WorkerRegion != "") {
				t.Errorf("%s took %v ms, with output %s; want 5 s, and an output", o.Region, o.ElapsedMs, o.Targets[1].Output)
			}
		}
		if result.Summary.Throttled != 3 || result.Summary.Attempts != 15 {
			t.Errorf("%d throttles of %d attempts, want 3 of 15", result.Summary.Throttled, result.Summary.Attempts)
		}
		types := map[protocol.EventType]int{}
		for _, line := range k.book.lines {
			e, _ := protocol.DecodeEvent(line)
			types[e.Type]++
		}
		if types[protocol.EventRunStarted] != 1 || types[protocol.EventRunEnded] != 1 || types[protocol.EventRegionSettled] != 12 {
			t.Errorf("the log has %v, want one start, one end, and 12 Regions", types)
		}
	})
}

func TestARetryIsWaitedForInTheNextGeneration(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		w := world{"us-east-1": {way: func(_ context.Context, _ int, invoke func() ([]byte, error)) ([]byte, error) {
			if tries++; tries < 3 {
				return nil, named("Test.Again")
			}
			return invoke()
		}}}
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
		k := keep(t, c, protocol.Request{Task: "act", Regions: someRegions(1), Retry: []protocol.Retrier{
			{ErrorEquals: []string{"Test.Again"}, IntervalSeconds: 60, MaxAttempts: new(2)},
		}}, 20*time.Second)
		result := k.finish()
		if result.Status != protocol.StatusSucceeded || tries != 3 {
			t.Errorf("the run is %s after %d tries: %+v", result.Status, tries, result.Regions)
		}
		if took := time.Since(k.begin); took < 180*time.Second || took > 200*time.Second {
			t.Errorf("it took %v, want the waits of 60 s and 120 s, and little more", took)
		}
	})
}

func TestARedriveDoesWhatDidNotSucceed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken, done := true, map[string]int{}
		var mu sync.Mutex
		w := world{}
		for _, region := range someRegions(12) {
			w[region] = happening{target: func(context.Context, string) error {
				mu.Lock()
				defer mu.Unlock()
				done[region]++
				if broken && (region == "us-east-2" || region == "eu-west-1") {
					return named("Test." + region)
				}
				return nil
			}}
		}
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, protocol.Request{Task: "act", Regions: someRegions(12)}, 0)
		if result := k.finish(); result.Status != protocol.StatusFailed || result.Summary.Regions.Failed != 2 {
			t.Errorf("the run is %s, %+v; want 2 failed", result.Status, result.Summary.Regions)
		}
		broken = false
		time.Sleep(time.Hour)
		result, ended := k.carry(1e9, &protocol.Redrive{Errors: []string{"Test.us-east-2"}})
		k.checkRebuilt(result)
		if !ended || result.Status != protocol.StatusFailed || result.Summary.Regions.Failed != 1 || result.Redrives != 1 {
			t.Errorf("after one redrive the run is %s, %+v; want 1 failed", result.Status, result.Summary.Regions)
		}
		result, ended = k.carry(1e9, &protocol.Redrive{})
		k.checkRebuilt(result)
		if !ended || result.Status != protocol.StatusSucceeded || result.Redrives != 2 || result.ElapsedMs > 60_000 {
			t.Errorf("after two redrives the run is %s after %v ms; want success", result.Status, result.ElapsedMs)
		}
		for region, n := range done {
			want := 1
			if region == "us-east-2" || region == "eu-west-1" {
				want = 2
			}
			if n != want {
				t.Errorf("%s was done %d times, want %d", region, n, want)
			}
		}
		if attempts := result.Regions[1].Attempts; len(attempts) != 2 || attempts[0].Error != "States.ExceedToleratedFailureThreshold" {
			t.Errorf("the attempts of %s are %+v, want both", result.Regions[1].Region, attempts)
		}
	})
}

// However often the coordinator dies, each item has one outcome, and what may not be done twice is
// not.
func TestADeathLosesNothingAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		rapid.SyncTest(rt, func(rt *rapid.T) {
			var mu sync.Mutex
			ran := map[string]int{}
			w := world{}
			w.idempotent(rapid.Bool().Draw(rt, "idempotent"))
			_, twice := w["idempotent"]
			regions := someRegions(rapid.IntRange(1, 6).Draw(rt, "regions"))
			for _, region := range regions {
				takes := time.Duration(rapid.IntRange(0, 8000).Draw(rt, "takes")) * time.Millisecond
				w[region] = happening{target: func(ctx context.Context, target string) error {
					mu.Lock()
					ran[region+" "+target]++
					mu.Unlock()
					return slowly(takes)(ctx, target)
				}}
			}
			c := &coordinator.Coordinator{Invoker: w.invoker(rt), Tasks: w.tasks()}
			k := keep(rt, c, protocol.Request{
				Task: "act", Regions: regions, Targets: protocol.Targets("a", "b", "c"), MaxTargetsPerInvocation: 2,
				MaxConcurrency: rapid.IntRange(0, 4).Draw(rt, "at once"),
			}, time.Duration(rapid.SampledFrom([]int{0, 20, 40}).Draw(rt, "seconds"))*time.Second)
			for range rapid.IntRange(0, 4).Draw(rt, "deaths") {
				if _, ended := k.carry(rapid.IntRange(0, 20).Draw(rt, "lines"), nil); ended {
					break
				}
				time.Sleep(time.Minute) // its workers end
			}
			result := k.finish()
			k.checkRebuilt(result)
			var got []string
			for _, o := range result.Regions {
				got = append(got, o.Region)
				for i, target := range o.Targets {
					n := ran[o.Region+" "+target.Target]
					switch {
					case target.Target != []string{"a", "b", "c"}[i]:
						rt.Errorf("target %d of %s is %s", i, o.Region, target.Target)
					case !twice && n > 1:
						rt.Errorf("%s %s was done %d times", o.Region, target.Target, n)
					case target.Status == protocol.StatusSucceeded && n == 0:
						rt.Errorf("%s %s succeeded and was not done", o.Region, target.Target)
					case target.Status != protocol.StatusSucceeded && (twice || target.Error != protocol.ErrorInterrupted && target.Error != protocol.ErrorTimeout):
						rt.Errorf("%s %s is %s: %s", o.Region, target.Target, target.Status, target.Error)
					}
				}
			}
			if !slices.Equal(got, regions) {
				rt.Errorf("outcomes of %v, want %v", got, regions)
			}
		})
	})
}

// A redrive of an error leaves targets that failed with others as they are.
func TestARedriveOfAnErrorLeavesOtherErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken, done := true, map[string]int{}
		var mu sync.Mutex
		w := world{"us-east-1": {target: func(_ context.Context, target string) error {
			mu.Lock()
			defer mu.Unlock()
			if done[target]++; broken && target != "c" {
				return named("Test." + target)
			}
			return nil
		}}}
		w.idempotent(true)
		request := protocol.Request{Task: "act", Regions: someRegions(1), Targets: protocol.Targets("a", "b", "c")}
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, request, 0)
		k.finish()
		broken = false
		result, _ := k.carry(1e9, &protocol.Redrive{Errors: []string{"Test.a"}})
		o := result.Regions[0]
		if done["a"] != 2 || done["b"] != 1 || done["c"] != 1 || o.Status != protocol.StatusFailed || o.Targets[0].Status != protocol.StatusSucceeded || o.Targets[1].Error != "Test.b" {
			t.Errorf("done %v, the outcome is %+v", done, o)
		}
		if o.Error != "States.ExceedToleratedFailureThreshold" || !strings.HasPrefix(o.Cause, "1 of 3 targets failed; b: Test.b") {
			t.Errorf("%s: %s", o.Error, o.Cause)
		}
		result, _ = k.carry(1e9, &protocol.Redrive{})
		if done["a"] != 2 || done["b"] != 2 || result.Status != protocol.StatusSucceeded {
			t.Errorf("done %v, the run is %s", done, result.Status)
		}
	})
}

// A batch whose targets failed with other errors than the selected one is not invoked again.
func TestARedriveOfAnErrorLeavesBatchesWithOtherErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken, invoked := true, 0
		w := world{"us-east-1": {
			target: func(_ context.Context, target string) error {
				if broken {
					return named("Test." + target)
				}
				return nil
			},
			way: func(_ context.Context, _ int, invoke func() ([]byte, error)) ([]byte, error) {
				invoked++
				return invoke()
			},
		}}
		request := protocol.Request{Task: "act", Regions: someRegions(1), Targets: protocol.Targets("a", "b"), MaxTargetsPerInvocation: 1, MaxConcurrency: 1}
		k := keep(t, &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}, request, 0)
		k.finish()
		broken = false
		result, ended := k.carry(1e9, &protocol.Redrive{Errors: []string{"Test.a"}})
		targets := result.Regions[0].Targets
		if !ended || invoked != 3 || targets[0].Status != protocol.StatusSucceeded || targets[1].Error != "Test.b" {
			t.Errorf("%d invocations, the targets are %+v; want 3, and b as it was", invoked, targets)
		}
	})
}

package faults_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// An echo is the output of these tests' task: its Region and target. So an output in
// the wrong place is noticed.
type echo struct {
	Region string `json:"region"`
	Target string `json:"target"`
}

// tasks returns the tasks: "tell", and "retell", which is idempotent.
func tasks() *task.Registry {
	return registry(func(_ context.Context, in task.Input[struct{}]) (echo, error) {
		return echo{in.Region, in.Target.Name}, nil
	})
}

func registry(tell func(context.Context, task.Input[struct{}]) (echo, error)) *task.Registry {
	return task.NewRegistry(
		task.New("tell", "tell the Region and the target", tell),
		task.New("retell", "tell them as often as you like", tell, task.Idempotent))
}

// handler returns the worker.
func handler() invoketest.Worker { return (&regionworker.Worker{Tasks: tasks()}).Handle }

// A fleet is one invoker for each Region.
type fleet map[string]*invoke.Lambda

func (f fleet) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	return f[region].Invoke(ctx, region, payload)
}

func (f fleet) InvokeHeld(ctx context.Context, region string, payload invoke.Payload) (
	[]byte, func() time.Duration, protocol.Attempt, error,
) {
	return f[region].InvokeHeld(ctx, region, payload)
}

// regional reports whether it has more than one invoker.
func (f fleet) regional() bool {
	different := map[*invoke.Lambda]bool{}
	for _, l := range f {
		different[l] = true
	}
	return len(different) > 1
}

// newFleet returns invokers of the server's functions: one for each Region, with the
// Region's own endpoint, or with home one for all.
func newFleet(t *testing.T, server *invoketest.Server, regions []string, home bool) fleet {
	t.Helper()
	f := fleet{}
	for i, region := range regions {
		if home && i > 0 {
			f[region] = f[regions[0]]
			continue
		}
		cfg := server.Config()
		if !home {
			cfg = server.RegionConfig(region)
		}
		l, err := invoke.NewLambda(cfg, invoke.Settings{Function: "regionworker", Dial: server.Dial})
		if err != nil {
			t.Fatal(err)
		}
		f[region] = l
	}
	return f
}

// An answer is the outcome of a run.
type answer struct {
	result protocol.Result
	// margin is the time from the answer to the deadline; negative means late.
	margin time.Duration
	// stalled is how long this process did not run in the meantime. Other processes of
	// the machine cause that, but a busy loop of ours looks the same. So the late
	// answers that it excuses are counted and printed.
	stalled time.Duration
	limit   time.Duration // from the start to the deadline
	// regional means that each Region had its own limit and its own prices.
	regional bool
}

// late reports whether the answer was late by more than the process stalled.
func (a answer) late() bool { return a.margin+a.stalled < 0 }

// watchStalls starts to measure how long this process does not run, in real time. In
// virtual time nothing stalls.
func watchStalls(ctx context.Context, clock bool) (stalled func() time.Duration) {
	if !clock {
		return func() time.Duration { return 0 }
	}
	const often = 10 * time.Millisecond
	ctx, stop := context.WithCancel(ctx)
	sum := make(chan time.Duration)
	go func() {
		tick := time.NewTicker(often)
		defer tick.Stop()
		var total time.Duration
		for last := time.Now(); ; {
			select {
			case now := <-tick.C:
				total += max(time.Since(last)-2*often, 0)
				last = now
			case <-ctx.Done():
				sum <- total + max(time.Since(last)-2*often, 0)
				return
			}
		}
	}()
	return func() time.Duration {
		stop()
		return <-sum
	}
}

// carryOut makes a run as a Lambda function does, from the request to the bytes of the
// answer, with a deadline after limit.
func carryOut(
	ctx context.Context, t *testing.T, invoker coordinator.Invoker, r protocol.Request, limit time.Duration, clock bool,
) answer {
	t.Helper()
	stalled := watchStalls(context.WithoutCancel(ctx), clock)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	deadline, _ := ctx.Deadline()
	where, ok := invoker.(interface{ regional() bool })
	regional := ok && where.regional()
	c := &coordinator.Coordinator{
		Invoker: invoker, Tasks: tasks(), Regional: regional, MemoryMB: 256,
		Billing: coordinator.Billing{Region: "us-east-1", Architecture: "arm64", WorkerMemoryMB: 256},
	}
	data, err := c.Answer(ctx, r, r.Validate(), protocol.MaxPayloadBytes)
	got := answer{margin: time.Until(deadline), stalled: stalled(), limit: limit, regional: regional}
	if err != nil {
		t.Fatalf("Answer = %v", err)
	}
	if got.result, err = protocol.DecodeResult(data); err != nil {
		t.Fatalf("DecodeResult = %v", err)
	}
	return got
}

// An account compares a result with its request.
type account struct {
	asked, counted         int // outcomes of targets
	duplicates, lost       int // outcomes that are there twice, and that are missing
	misplaced              int // outcomes in another order than the request's, and outputs of another target
	succeeded              int
	recorded, givenUp      map[invoketest.Unit]int // attempts, and those that timed out or lost against a hedge
	attempts, unsuccessful int                     // all attempts; Regions
	repeated               int                     // attempts at what may have run and may not be done twice
	surplus                int                     // attempts that no retrier of the request allows
}

// accountOf compares a result with its request, which must name each Region and target.
func accountOf(r protocol.Request, got protocol.Result) account {
	a := account{asked: len(r.Regions) * len(r.Targets), recorded: map[invoketest.Unit]int{}, givenUp: map[invoketest.Unit]int{}}
	seen := map[echo]int{}
	for i, region := range got.Regions {
		if i >= len(r.Regions) || r.Regions[i] != region.Region {
			a.misplaced++
		}
		for j, target := range region.Targets {
			if j >= len(r.Targets) || r.Targets[j].Name != target.Target {
				a.misplaced++
			}
			at := echo{region.Region, target.Target}
			a.counted++
			if seen[at]++; seen[at] > 1 {
				a.duplicates++
			}
			if target.Status == protocol.StatusSucceeded {
				a.succeeded++
				if string(target.Output) != fmt.Sprintf(`{"region":%q,"target":%q}`, at.Region, at.Target) {
					a.misplaced++
				}
			}
		}
		for _, attempt := range region.Attempts {
			unit := invoketest.Unit{RunID: got.RunID, Region: region.Region, Batch: attempt.Batch}
			a.recorded[unit]++
			if attempt.Error == protocol.ErrorTimeout || attempt.Error == "" && attempt.Cause != "" {
				a.givenUp[unit]++
			}
			a.attempts++
		}
		if region.Status != protocol.StatusSucceeded {
			a.unsuccessful++
		}
		a.surplus += surplus(r, region)
	}
	for _, region := range r.Regions {
		for _, target := range r.Targets {
			if seen[echo{region, target.Name}] == 0 {
				a.lost++
			}
		}
	}
	return a
}

// surplus counts the attempts of a Region beyond those that the request's retriers allow
// for its batches. It does not count hedges, nor what the default retriers do not limit.
func surplus(r protocol.Request, region protocol.RegionOutcome) (n int) {
	retriers, unlimited := r.Retry, []string(nil)
	if retriers == nil {
		retriers, unlimited = invoke.DefaultRetry()[:1], append(invoke.DefaultRetry()[1].ErrorEquals, protocol.ErrorLambdaThrottled)
	}
	most := 1
	for _, retrier := range retriers {
		if retrier.MaxAttempts == nil {
			most += 3
		} else {
			most += *retrier.MaxAttempts
		}
	}
	made := map[int]int{}
	for _, a := range region.Attempts {
		if !a.Hedge && !slices.Contains(unlimited, a.Error) {
			made[a.Batch]++
		}
	}
	for _, attempts := range made {
		n += max(0, attempts-most)
	}
	return n
}

// check returns what is wrong with an answer. It holds for every fault.
func (a account) check(got answer) []string {
	problems := contradictions(got)
	for _, check := range []struct {
		name  string
		wrong bool
	}{
		{fmt.Sprintf("%d of %d outcomes lost", a.lost, a.asked), a.lost > 0},
		{fmt.Sprintf("%d outcomes are there twice", a.duplicates), a.duplicates > 0},
		{fmt.Sprintf("%d outcomes are in the wrong place", a.misplaced), a.misplaced > 0},
		{fmt.Sprintf("%d outcomes, want %d", a.counted, a.asked), a.counted != a.asked},
		{fmt.Sprintf("%d attempts that no retrier allows", a.surplus), a.surplus > 0},
		{fmt.Sprintf("late by %v; the process was stalled for %v", -got.margin, got.stalled), got.late()},
		{
			fmt.Sprintf("the summary counts %d targets and %d attempts", got.result.Summary.Targets.Total, got.result.Summary.Attempts),
			got.result.Summary.Targets.Total != a.asked || got.result.Summary.Attempts != a.attempts,
		},
		{"the result has no status of a run", !slices.Contains(
			[]protocol.Status{protocol.StatusSucceeded, protocol.StatusFailed, protocol.StatusTimedOut, protocol.StatusAborted},
			got.result.Status)},
	} {
		if check.wrong {
			problems = append(problems, check.name)
		}
	}
	return problems
}

// contradictions returns where a result contradicts itself: a Region and its targets, a
// status and its attempts, the order of attempts, the attempts' usage and the cost.
func contradictions(answer answer) (problems []string) {
	got := answer.result
	var requests int
	var billedMs float64
	for _, r := range got.Regions {
		var usage protocol.Usage
		for _, a := range r.Attempts {
			if a.Metrics != nil {
				usage.Requests++
				usage.BilledDurationMs += a.Metrics.BilledDurationMs
			}
		}
		if said := r.Usage; (said != nil) != (usage.Requests > 0) ||
			said != nil && (said.Requests != usage.Requests || said.BilledDurationMs != usage.BilledDurationMs || said.USD == 0 && !answer.regional) { // not every Region's prices are known
			problems = append(problems, fmt.Sprintf("%s took %+v, its attempts %+v", r.Region, said, usage))
		}
		requests, billedMs = requests+usage.Requests, billedMs+usage.BilledDurationMs
		var c protocol.Counts
		for _, target := range r.Targets {
			c.Add(target.Status)
		}
		done := c.Succeeded+c.Skipped == c.Total
		switch {
		case (r.Status == protocol.StatusNotStarted) != (len(r.Attempts) == 0),
			(r.Status == protocol.StatusSkipped) != (c.Skipped == c.Total),
			(r.Status == protocol.StatusSucceeded) != (done && c.Succeeded > 0),
			r.Status == protocol.StatusNotStarted && c.NotStarted < c.Total:
			problems = append(problems, fmt.Sprintf("%s is %s (%s: %s) with %d attempts and targets %+v",
				r.Region, r.Status, r.Error, r.Cause, len(r.Attempts), c))
		}
		const rounding = 0.002
		last, hedged := map[int]protocol.Attempt{}, map[int]bool{}
		for _, a := range r.Attempts {
			hedged[a.Batch] = hedged[a.Batch] || a.Hedge
		}
		for _, a := range r.Attempts {
			if b, ok := last[a.Batch]; ok && !hedged[a.Batch] && (b.Error == "" || a.StartMs < b.StartMs+b.ElapsedMs+b.WaitMs-rounding) {
				problems = append(problems, fmt.Sprintf("%s: attempt %+v after %+v", r.Region, a, b))
			}
			if a.StartMs > protocol.Milliseconds(answer.limit) {
				problems = append(problems, fmt.Sprintf("%s: attempt %+v after the deadline", r.Region, a))
			}
			last[a.Batch] = a
		}
	}
	if c := got.Summary.Cost; c == nil || c.Workers.Requests != requests || c.Workers.BilledDurationMs != billedMs || c.USD == 0 && !answer.regional {
		problems = append(problems, fmt.Sprintf("the run cost %+v, its Regions took %d requests of %v ms", c, requests, billedMs))
	}
	return problems
}

// compareReports compares the reports in the result with those that the server sent.
// Some of the server's may have been lost.
func compareReports(got protocol.Result, gave invoketest.Counts) (problems []string) {
	reports, billed := 0, time.Duration(0)
	for _, r := range got.Regions {
		for _, a := range r.Attempts {
			if a.Metrics != nil && !a.Metrics.Estimated {
				reports++
				billed += time.Duration(a.Metrics.BilledDurationMs) * time.Millisecond
			}
		}
	}
	if reports > gave.Reports || billed > gave.Billed {
		problems = append(problems, fmt.Sprintf("the result has %d reports of %v, the server sent %d of %v", reports, billed, gave.Reports, gave.Billed))
	}
	return problems
}

// compareAttempts compares the attempts in the result with those that the server saw.
// With a hazard that hides calls, it may have seen fewer. In real time it may not have
// seen an attempt that timed out before it was sent, or may not know its unit.
func (a account) compareAttempts(seen map[invoketest.Unit]int, hidesCalls, clock bool) (problems []string) {
	for unit, recorded := range a.recorded {
		got, least := seen[unit], recorded
		if clock {
			least -= a.givenUp[unit]
		}
		if got > recorded || got < least && !hidesCalls {
			problems = append(problems, fmt.Sprintf("%s batch %d: %d attempts recorded, %d seen", unit.Region, unit.Batch, recorded, got))
		}
	}
	for unit, n := range seen {
		if a.recorded[unit] == 0 && (!clock || unit != invoketest.Unit{}) {
			problems = append(problems, fmt.Sprintf("%d attempts at %+v are not in the result", n, unit))
		}
	}
	return problems
}

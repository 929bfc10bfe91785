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

// A told is what the task of these tests returns: where it was and for what, so
// that an answer that went to another place is noticed.
type told struct {
	Region string `json:"region"`
	Target string `json:"target"`
}

// tasks returns the tasks there are: "tell", and "retell", which may be done twice.
func tasks() *task.Registry {
	return registry(func(_ context.Context, in task.Input[struct{}]) (told, error) { return told{in.Region, in.Target}, nil })
}

func registry(tell func(context.Context, task.Input[struct{}]) (told, error)) *task.Registry {
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

// regional reports whether there is more than one.
func (f fleet) regional() bool {
	different := map[*invoke.Lambda]bool{}
	for _, l := range f {
		different[l] = true
	}
	return len(different) > 1
}

// newFleet returns invokers of the server's functions: in each Region by its own
// endpoint, or at home all by one.
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

// An answer is what came of a run.
type answer struct {
	result protocol.Result
	// margin is how long before the deadline it was there; negative is late.
	margin time.Duration
	// stalled is how long nothing of this process ran meanwhile. On a machine that
	// others use that is their doing, but work of our own that takes all of the
	// processor looks the same: what it excuses is counted and printed.
	stalled time.Duration
	limit   time.Duration // how far away the deadline was
	// regional says that each Region had a limit, and prices, of its own.
	regional bool
}

// late reports whether the answer was late by more than the machine was.
func (a answer) late() bool { return a.margin+a.stalled < 0 }

// watchStalls begins to measure how long the machine lets nothing run, against
// the clock. In virtual time there is no such thing.
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

// carryOut has a request run with a deadline so far away, as a Lambda function
// would: from its values to the bytes of the answer.
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
		Invoker: invoker, Tasks: tasks(), Regional: regional,
		Billing: coordinator.Billing{Region: "us-east-1", Architecture: "arm64", MemoryMB: 256, WorkerMemoryMB: 256},
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

// An account says how a result answers what was asked.
type account struct {
	asked, counted         int // outcomes of targets
	duplicates, lost       int // those that are there again, and not at all
	misplaced              int // those not in the order asked for, and outputs of another target
	succeeded              int
	recorded, givenUp      map[invoketest.Unit]int // attempts, and those that ended with their time or were outrun
	attempts, unsuccessful int                     // in all, and Regions
	surplus                int                     // attempts that no retrier of the request allows
}

// accountOf compares a result with its request, which names Regions and targets
// one by one.
func accountOf(r protocol.Request, got protocol.Result) account {
	a := account{asked: len(r.Regions) * len(r.Targets), recorded: map[invoketest.Unit]int{}, givenUp: map[invoketest.Unit]int{}}
	seen := map[told]int{}
	for i, region := range got.Regions {
		if i >= len(r.Regions) || r.Regions[i] != region.Region {
			a.misplaced++
		}
		for j, target := range region.Targets {
			if j >= len(r.Targets) || r.Targets[j] != target.Target {
				a.misplaced++
			}
			at := told{region.Region, target.Target}
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
			if seen[told{region, target}] == 0 {
				a.lost++
			}
		}
	}
	return a
}

// surplus counts the attempts of a Region that are more than the request's
// retriers allow for its batches. Throttles are not counted, unless the retriers
// are the request's own; nor are hedges.
func surplus(r protocol.Request, region protocol.RegionOutcome) (n int) {
	retriers := r.Retry
	if retriers == nil {
		retriers = protocol.DefaultRetry()
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
		if !a.Hedge && (r.Retry != nil || a.Error != protocol.ErrorLambdaThrottled) {
			made[a.Batch]++
		}
	}
	for _, attempts := range made {
		n += max(0, attempts-most)
	}
	return n
}

// sound returns what is wrong with an answer, whatever happened on the way.
func (a account) sound(got answer) []string {
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
		{fmt.Sprintf("late by %v; the machine stood still for %v", -got.margin, got.stalled), got.late()},
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

// contradictions returns where a result says two things: of a Region and of its
// targets, of its status and its attempts, of attempts one after the other, of
// what those took and what the run cost.
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

// unreported compares what the result has from reports with those that the other
// side gave, of which some may have been lost.
func unreported(got protocol.Result, gave invoketest.Counts) (problems []string) {
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
		problems = append(problems, fmt.Sprintf("%d reports of %v, and %d of %v were given", reports, billed, gave.Reports, gave.Billed))
	}
	return problems
}

// unseen compares the attempts of the result with those that the other side saw.
// It need not have seen one that the way swallowed; nor, against the clock, one
// that was given up before it was sent, or of which unit it was.
func (a account) unseen(seen map[invoketest.Unit]int, swallows, clock bool) (problems []string) {
	for unit, recorded := range a.recorded {
		got, least := seen[unit], recorded
		if clock {
			least -= a.givenUp[unit]
		}
		if got > recorded || got < least && !swallows {
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

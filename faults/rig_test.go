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

// tasks returns the one task there is, "tell".
func tasks() *task.Registry {
	return task.NewRegistry(task.New("tell", "tell the Region and the target",
		func(_ context.Context, in task.Input[struct{}]) (told, error) { return told{in.Region, in.Target}, nil }))
}

// handler returns the worker.
func handler() invoketest.Worker { return (&regionworker.Worker{Tasks: tasks()}).Handle }

// A fleet is one invoker for each Region.
type fleet map[string]*invoke.Lambda

func (f fleet) Invoke(ctx context.Context, region string, payload []byte) ([]byte, string, error) {
	return f[region].Invoke(ctx, region, payload)
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
}

// carryOut has a request run with a deadline so far away, as a Lambda function
// would: from its values to the bytes of the answer.
func carryOut(t *testing.T, invoker coordinator.Invoker, r protocol.Request, limit time.Duration) answer {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	deadline, _ := ctx.Deadline()
	c := &coordinator.Coordinator{Invoker: invoker, Tasks: tasks()}
	data, err := c.Answer(ctx, r, r.Validate(), protocol.MaxPayloadBytes)
	margin := time.Until(deadline)
	if err != nil {
		t.Fatalf("Answer = %v", err)
	}
	result, err := protocol.DecodeResult(data)
	if err != nil {
		t.Fatalf("DecodeResult = %v", err)
	}
	return answer{result, margin}
}

// An account says how a result answers what was asked.
type account struct {
	asked, counted         int // outcomes of targets
	duplicates, lost       int // those that are there again, and not at all
	misplaced              int // those not in the order asked for, and outputs of another target
	succeeded              int
	recorded, timedOut     map[invoketest.Unit]int // attempts, and those that ended with their time
	attempts, unsuccessful int                     // in all, and Regions
}

// accountOf compares a result with its request, which names Regions and targets
// one by one.
func accountOf(r protocol.Request, got protocol.Result) account {
	a := account{asked: len(r.Regions) * len(r.Targets), recorded: map[invoketest.Unit]int{}, timedOut: map[invoketest.Unit]int{}}
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
			if attempt.Error == protocol.ErrorTimeout {
				a.timedOut[unit]++
			}
			a.attempts++
		}
		if region.Status != protocol.StatusSucceeded {
			a.unsuccessful++
		}
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

// sound returns what is wrong with an answer, whatever happened on the way.
func (a account) sound(got answer) (problems []string) {
	for _, check := range []struct {
		name  string
		wrong bool
	}{
		{fmt.Sprintf("%d of %d outcomes lost", a.lost, a.asked), a.lost > 0},
		{fmt.Sprintf("%d outcomes are there twice", a.duplicates), a.duplicates > 0},
		{fmt.Sprintf("%d outcomes are in the wrong place", a.misplaced), a.misplaced > 0},
		{fmt.Sprintf("%d outcomes, want %d", a.counted, a.asked), a.counted != a.asked},
		{fmt.Sprintf("late by %v", -got.margin), got.margin < 0},
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

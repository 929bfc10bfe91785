//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// keptSeconds is the timeout of the coordinator. Each generation of a run takes no longer.
const keptSeconds = 20

// A kept has a deployment that keeps runs, with a function in Python for a worker.
type kept struct {
	*workers
}

// TestKept deploys with a short timeout of the coordinator, and keeps runs: one that needs many
// coordinators, two whose coordinators are killed, a large one, and small ones. The long ones go on
// while the steps after their start are done.
func TestKept(t *testing.T) {
	part(t, "kept", "npm", "python3")
	if runtime.GOOS != "linux" {
		t.Skip("the processes of functions are found in /proc")
	}
	d, tools := prepared(t)
	d.goBuild(t.Context(), t, d.repo, "probe", "./e2e/testdata/probe")
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	begin := time.Now()
	k := &kept{&workers{d, startCounter(t), arch(t)}}
	// The emulator repeats a failed asynchronous invocation as late as Lambda does: after one
	// minute, and then after two.
	d.aws = startEmulator(ctx, t, tools, "LAMBDA_ASYNC_RETRY_BASE_SECONDS=60", "LAMBDA_ASYNC_RETRY_MAX_SECONDS=120")
	d.env = append(d.env, "AWS_ENDPOINT_URL="+d.aws.url(),
		"AWS_ACCESS_KEY_ID="+root.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+root.SecretAccessKey)
	var long, retried, swept string // runs
	for _, step := range []struct {
		name string
		do   func(context.Context, *testing.T)
	}{
		{"deploy", k.deployKept},
		{"kill coordinators", func(ctx context.Context, t *testing.T) { retried, swept = k.killCoordinators(ctx, t) }},
		{"start what needs many coordinators", func(ctx context.Context, t *testing.T) { long = k.startLong(ctx, t) }},
		{"once by key", k.tryKeys},
		{"stop", k.tryStop},
		{"redrive", k.tryRedrive},
		{"repeated event", k.tryRepeatedEvent},
		{"repeated schedule", k.tryRepeatedSchedule},
		{"10,000 targets, 60 MB", k.tryLarge},
		{"roles", func(ctx context.Context, t *testing.T) { k.tryStoreRoles(ctx, t, long) }},
		{"carried on by Lambda's retry", func(ctx context.Context, t *testing.T) { k.checkRetried(ctx, t, retried) }},
		{"carried on by the sweep", func(ctx context.Context, t *testing.T) { k.checkSwept(ctx, t, swept) }},
		{"many coordinators", func(ctx context.Context, t *testing.T) { k.checkLong(ctx, t, long) }},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(ctx, t) }) && step.name == "deploy" {
			return
		}
	}
	t.Logf("without the build: %v", time.Since(begin).Round(time.Second))
}

// deployKept deploys the function in Python and the coordinator.
func (k *kept) deployKept(ctx context.Context, t *testing.T) {
	deployed := make(chan error, 1)
	go func() { deployed <- k.deployFunction(ctx, inPython, home, "") }()
	k.deploy(ctx, t, "workerFunctions="+inPython, fmt.Sprintf("coordinatorTimeout=%d", keptSeconds))
	if err := <-deployed; err != nil {
		t.Fatalf("deploy %s: %v", inPython, err)
	}
	outputs := k.outputs(ctx, t)
	k.apiID, k.bucket = outputs["HttpApiId"], outputs["RunsBucket"]
}

// own returns a request for the function in Python, which is told the target with a prefix and the
// Region.
func own(prefix string, regions []string, targets ...protocol.Target) protocol.Request {
	return protocol.Request{
		Name: prefix, Regions: regions, Targets: targets,
		Worker: &protocol.Worker{
			Function: inPython, Payload: []byte(`{"target":"` + prefix + `/{region}/{target}","input":"{target.input}"}`),
		},
		ToleratedFailurePercentage: new(100.0),
	}
}

// startLong starts a run of 84 s over the HTTP API, which does not wait for it.
func (k *kept) startLong(ctx context.Context, t *testing.T) (runID string) {
	r := protocol.Request{
		Name: "long", Keep: true, Task: "sleep", Parameters: []byte(`{"seconds":1}`), Regions: regionNames()[:28],
		Targets: protocol.Targets("a", "b", "c"), MaxConcurrency: 1, TargetMaxConcurrency: 1,
	}
	answer := k.send(ctx, t, "POST", "/runs", encoded(t, r), "Prefer: respond-async")
	state := answer.state(t)
	if location := "/runs/" + state.RunID; answer.status != 202 || answer.header.Get("Location") != location {
		t.Errorf("POST /runs = %d with Location %q, want 202 and %s", answer.status, answer.header.Get("Location"), location)
	}
	return state.RunID
}

// checkLong waits for the end of the run of startLong, and checks its result and its log.
func (k *kept) checkLong(ctx context.Context, t *testing.T, runID string) {
	state := k.ended(ctx, t, runID)
	k.checkLog(ctx, t, state)
	t.Logf("%d generations, %d events, %.1f s", state.Generations, state.Events, state.ElapsedMs/1000)
	if state.Status != protocol.StatusSucceeded || state.Generations < 5 || state.Targets.Succeeded != 84 {
		t.Errorf("the run is %s after %d generations: %+v, want all of 84 targets succeeded after 5 or more", state.Status, state.Generations, state.Targets)
	}
	checkOutcomes(t, state, regionNames()[:28], 3)
}

// checkOutcomes checks that a result has one outcome for each Region in this order, and in it one for each
// target.
func checkOutcomes(t *testing.T, s protocol.RunState, regions []string, targets int) {
	t.Helper()
	if s.Result == nil || len(s.Result.Regions) != len(regions) {
		t.Fatalf("the result of run %s has not %d Regions: %+v", s.RunID, len(regions), s.Result)
	}
	for i, o := range s.Result.Regions {
		seen := map[string]bool{}
		for _, target := range o.Targets {
			seen[target.Target] = true
		}
		if o.Region != regions[i] || len(o.Targets) != targets || len(seen) != targets {
			t.Errorf("outcome %d is that of %s with %d targets, want %s with %d", i, o.Region, len(o.Targets), regions[i], targets)
		}
	}
}

// regionNames returns the Regions of the partition aws.
func regionNames() []string { return endpoints.Names(endpoints.Regions("aws")) }

// children returns the processes in which the emulator runs a function.
func (e *emulator) children(t *testing.T, function string) (pids []int) {
	t.Helper()
	entries, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		var pid, group int
		if n, _ := fmt.Sscan(entry.Name(), &pid); n != 1 {
			continue
		}
		stat, _ := os.ReadFile("/proc/" + entry.Name() + "/stat") // it may have ended
		_, after, _ := strings.Cut(string(stat), ") ")
		if n, _ := fmt.Sscanf(after, "%s %d %d", new(string), new(int), &group); n != 3 || group != e.group {
			continue
		}
		environment, _ := os.ReadFile("/proc/" + entry.Name() + "/environ")
		if strings.Contains("\x00"+string(environment), "\x00AWS_LAMBDA_FUNCTION_NAME="+function+"\x00") {
			pids = append(pids, pid)
		}
	}
	return pids
}

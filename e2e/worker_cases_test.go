//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// tryAtMostOnce runs what is not idempotent, without retriers. Nothing is invoked twice.
func (w *workers) tryAtMostOnce(ctx context.Context, t *testing.T) {
	for function, flags := range map[string][]string{inNode: nil, inPython + ":$LATEST": {"--function", coordinator}} {
		asked := asks(function)
		asked.Worker.Idempotent, asked.TargetRetry, asked.Targets = false, nil, asked.Targets[190:]
		once := maps.Clone(named)
		once["flaky"] = ending{protocol.StatusFailed, "Flaky", 1}
		once["crash"] = ending{protocol.StatusFailed, "Runtime.ExitError", 1}
		w.check(t, asked, w.result(ctx, t, asked, flags...), once)
	}
	// Errors after which the function has run are refused.
	asked := asks(inPython)
	asked.Worker.Idempotent = false
	w.refused(ctx, t, asked, []string{"--target-retry: [0].errorEquals[0]", "--worker-idempotent"})
}

// refused runs a request that is refused before anything is invoked. The message has texts.
func (w *workers) refused(ctx context.Context, t *testing.T, r protocol.Request, texts []string, flags ...string) {
	t.Helper()
	out := w.run(ctx, t, r, flags...)
	t.Log(out.stderr)
	for _, text := range texts {
		if !strings.Contains(out.stderr, text) {
			t.Errorf("the refusal does not have %q", text)
		}
	}
	if counts := w.counter.take(); out.status != 2 || len(counts) != 0 || out.stdout != "" {
		t.Errorf("exit status %d, %d targets in the function, want 2 and none: %s", out.status, len(counts), out.stdout)
	}
}

// tryBatches runs batches of ten. One has an answer of the wrong length, and one with failures.
func (w *workers) tryBatches(ctx context.Context, t *testing.T) {
	for function, flags := range map[string][]string{inPython: nil, inNode: {"--function", coordinator}} {
		asked := asks(function)
		asked.Worker.Idempotent, asked.TargetRetry, asked.Targets, asked.MaxTargetsPerInvocation = false, nil, asked.Targets[:30], 10
		for i := range 20 {
			asked.Targets[i] = does(asked.Targets[i].Name, []string{"beside", "short"}[i/10], 0)
		}
		asked.Targets[3] = does("item-broken", "broken", 0)
		r := w.result(ctx, t, asked, flags...)
		w.check(t, asked, r, endings{
			"square": {protocol.StatusSucceeded, "", 1}, "beside": {protocol.StatusSucceeded, "", 1}, "broken": {protocol.StatusFailed, "Broken", 1},
			"short": {protocol.StatusFailed, protocol.ErrorBadAnswer, 1},
		})
		if r.Summary.Attempts != 3*len(workerRegions) {
			t.Errorf("%d invocations, want 3 in each Region", r.Summary.Attempts)
		}
	}
}

// tryThrottles reserves no concurrency for the function, and then enough for one of four.
func (w *workers) tryThrottles(ctx context.Context, t *testing.T) {
	asked := asks(inNode)
	asked.Regions, asked.Targets = []string{home}, asked.Targets[:4]
	asked.Worker.Idempotent = false // a throttled invocation has not run
	asked.TargetRetry = []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorLambdaThrottled}, IntervalSeconds: 0.1, MaxAttempts: new(2), BackoffRate: 1}}
	w.reserve(ctx, t, inNode, 0)
	r := w.result(ctx, t, asked, "--function", coordinator)
	for _, o := range r.Regions[0].Targets {
		if o.Status != protocol.StatusFailed || o.Error != protocol.ErrorLambdaThrottled || len(o.Attempts) != 3 {
			t.Errorf("%s: %s %s after %d attempts, want it throttled three times", o.Target, o.Status, o.Error, len(o.Attempts))
		}
	}
	if counts := w.counter.take(); len(counts) != 0 {
		t.Errorf("throttled invocations have run: %v", counts)
	}

	w.reserve(ctx, t, inNode, 1)
	for i := range asked.Targets {
		asked.Targets[i].Input = fmt.Appendf(nil, `{"name":%q,"do":"square","seconds":0.5}`, asked.Targets[i].Name)
	}
	asked.TargetRetry[0].MaxAttempts = new(100)
	r = w.result(ctx, t, asked, "--function", coordinator)
	if c := r.Summary.Targets; c.Succeeded != 4 || r.Summary.Throttled == 0 {
		t.Errorf("targets: %+v, %d throttled; want all succeeded after throttles", c, r.Summary.Throttled)
	}
	for at, n := range w.counter.take() {
		if n != 1 {
			t.Errorf("%s was in the function %d times, want once", at.target, n)
		}
	}
}

// tryAccounts runs with the function of each account. The coordinator assumes a role there.
func (w *workers) tryAccounts(ctx context.Context, t *testing.T) {
	asked := asks(inPython)
	asked.Regions, asked.Role = []string{home}, invokeRole
	asked.Targets = slices.Concat(asked.Targets[190:194], asked.Targets[195:]) // without the one that takes long
	for _, id := range workerAccounts {
		asked.Accounts = append(asked.Accounts, protocol.Account{ID: id})
	}
	r := w.result(ctx, t, asked, "--function", coordinator)
	if len(r.Regions) != len(workerAccounts) {
		t.Fatalf("%d items, want one for each account", len(r.Regions))
	}
	w.check(t, asked, r, named)
	out := w.run(ctx, t, asked, "--function", coordinator, "-o", "jsonl")
	w.checkRows(t, r, out.stdout)
	if !strings.Contains(out.stderr, "cost: ") {
		t.Errorf("there is no line with the cost: %s", out.stderr)
	}
	w.counter.take()

	asked.Role = "another" // which the coordinator may not assume
	r = w.result(ctx, t, asked, "--function", coordinator)
	for _, o := range r.Regions {
		if o.Status != protocol.StatusFailed || o.Targets[0].Error != "AccessDenied" {
			t.Errorf("%s with a role that may not be assumed: %s %s", o.Account, o.Status, o.Targets[0].Error)
		}
	}
	if counts := w.counter.take(); len(counts) != 0 {
		t.Errorf("worked without a role: %v", counts)
	}
}

// checkRows compares the rows of a run with the outcomes of another one: a row is an output, or
// an error.
func (w *workers) checkRows(t *testing.T, r protocol.Result, rows string) {
	t.Helper()
	var want, got []string
	for _, region := range r.Regions {
		for _, o := range region.Targets {
			line := fmt.Sprintf("%s %s %s %s", region.Account, region.Region, o.Target, o.Error)
			if o.Status == protocol.StatusSucceeded {
				line += text(decode[map[string]any](t, string(o.Output))["square"])
			}
			want = append(want, line)
		}
	}
	for line := range strings.Lines(rows) {
		row := decode[map[string]any](t, line)
		found, _ := row["error"].(string)
		found, _, _ = strings.Cut(found, ": ")
		if found == "" {
			found = text(row["square"])
		}
		got = append(got, fmt.Sprintf("%s %s %s %s", row["account"], row["region"], row["target"], found))
	}
	slices.Sort(want) // the rows of errors follow the others
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// tryHome invokes the function in one Region for both, by its ARN, with a payload.
func (w *workers) tryHome(ctx context.Context, t *testing.T) {
	asked := asks(nodeARN)
	asked.Worker.Placement, asked.Targets = protocol.PlacementHome, asked.Targets[:4]
	r := w.result(ctx, t, asked, "--payload", `{"target":"{target} for {region}","input":"{target.input}"}`, "--function", coordinator)
	want := map[attempted]int{}
	for _, region := range r.Regions {
		for _, o := range region.Targets {
			want[attempted{management, abroad[0], inNode, o.Target + " for " + region.Region}] = 1
			if where := at(decode[map[string]any](t, string(o.Output)), "where"); where != abroad[0] {
				t.Errorf("%s of %s was done in %v, want %s", o.Target, region.Region, where, abroad[0])
			}
		}
	}
	if got := w.counter.take(); len(got) != 8 || !maps.Equal(got, want) {
		t.Errorf("attempts: %v, want %v", got, want)
	}
}

// tryNotAllowed names a function that the deployment does not allow.
func (w *workers) tryNotAllowed(ctx context.Context, t *testing.T) {
	asked := asks("e2e-other")
	w.refused(ctx, t, asked, []string{
		"worker.function", "e2e-other", "make deploy PARAMS='--param workerFunctions=" + ownFunctions + ",e2e-other'",
	}, "--function", coordinator)
}

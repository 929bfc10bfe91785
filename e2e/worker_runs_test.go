//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// An ending is what becomes of a kind of target.
type ending struct {
	status protocol.Status
	error  string
	tries  int // attempts: each reaches the function
}

// endings are those of each kind of target, by what its input says is done.
type endings map[string]ending

// named are the endings of a run that repeats two errors, by their names.
var named = endings{
	"square":  {protocol.StatusSucceeded, "", 1},
	"flaky":   {protocol.StatusSucceeded, "", 3},
	"broken":  {protocol.StatusFailed, "Broken", 1},
	"hang":    {protocol.StatusFailed, "Sandbox.Timedout", 1},
	"crash":   {protocol.StatusFailed, "Runtime.ExitError", 2},
	"garbage": {protocol.StatusFailed, protocol.ErrorBadAnswer, 1},
}

// asks is a request for a function in both Regions, over 200 targets.
func asks(function string) protocol.Request {
	r := protocol.Request{
		Worker:  &protocol.Worker{Function: function, Placement: protocol.PlacementRegional, Idempotent: true},
		Regions: workerRegions,
		TargetRetry: []protocol.Retrier{
			{ErrorEquals: []string{"Flaky"}, IntervalSeconds: 0.1, MaxAttempts: new(2), BackoffRate: 1},
			{ErrorEquals: []string{"Runtime.ExitError"}, IntervalSeconds: 0.1, MaxAttempts: new(1)},
		},
	}
	for i := range 194 {
		r.Targets = append(r.Targets, does(fmt.Sprintf("item-%03d", i), "square", i))
	}
	for _, kind := range []string{"hang", "flaky", "broken", "crash", "garbage"} {
		r.Targets = append(r.Targets, does("item-"+kind, kind, 7))
	}
	r.Targets = append(r.Targets, does("item-flaky-too", "flaky", 8))
	return r
}

// does returns a target with what is done.
func does(name, what string, n int) protocol.Target {
	return protocol.Target{Name: name, Input: fmt.Appendf(nil, `{"name":%q,"do":%q,"n":%d}`, name, what, n)}
}

// given is the input of a target.
type given struct {
	Do string `json:"do"`
	N  int    `json:"n"`
}

// run runs a request at the command line, with its targets in a file, and more flags.
func (w *workers) run(ctx context.Context, t *testing.T, r protocol.Request, flags ...string) printed {
	t.Helper()
	var items []byte
	for _, target := range r.Targets {
		items = append(append(items, target.Input...), '\n')
	}
	w.write(t, "items.jsonl", items)
	args := []string{
		"run", "--worker-function", r.Worker.Function, "--worker-placement", string(r.Worker.Placement), "--target", "@items.jsonl",
		"--region", strings.Join(r.Regions, ","), "--target-max-concurrency", "4", "--tolerated-failure-percentage", "100",
	}
	if r.Worker.Idempotent {
		args = append(args, "--worker-idempotent")
	}
	if r.TargetRetry != nil {
		retriers, err := json.Marshal(r.TargetRetry)
		if err != nil {
			t.Fatal(err)
		}
		args = append(args, "--target-retry", string(retriers))
	}
	if n := r.MaxTargetsPerInvocation; n > 0 {
		args = append(args, "--max-targets-per-invocation", strconv.Itoa(n))
	}
	for _, account := range r.Accounts {
		args = append(args, "--account", account.ID)
	}
	if r.Role != "" {
		args = append(args, "--role", r.Role)
	}
	return w.meridian(ctx, t, append(args, flags...)...)
}

// result runs a request with more flags, and returns its result.
func (w *workers) result(ctx context.Context, t *testing.T, r protocol.Request, flags ...string) protocol.Result {
	t.Helper()
	out := w.run(ctx, t, r, append(flags, "-o", "json")...)
	got, err := protocol.DecodeResult([]byte(out.stdout))
	if err != nil {
		t.Fatalf("exit status %d: %v: %s\n%s", out.status, err, out.stdout, out.stderr)
	}
	if out.status != 0 {
		t.Errorf("exit status %d of %s %s: %s, want 0", out.status, got.Status, got.Error, got.Cause)
	}
	t.Logf("%s: %s, %d invocations, %d throttled", got.Status, got.Message, got.Summary.Attempts, got.Summary.Throttled)
	return got
}

// check compares the outcome of each target in each Region and account with the ending of its
// kind, and with how often the function was reached.
func (w *workers) check(t *testing.T, asked protocol.Request, r protocol.Result, kinds endings) {
	t.Helper()
	counts := w.counter.take()
	var want, got []string
	for _, region := range r.Regions {
		account := region.Account
		if account == "" {
			account = management
		}
		for i, target := range asked.Targets {
			in := decode[given](t, string(target.Input))
			e := kinds[in.Do]
			output := ""
			if e.status == protocol.StatusSucceeded && in.Do != "beside" {
				output = fmt.Sprintf(`{"square":%d,"where":%q,"owner":%q}`, in.N*in.N, region.Region, account)
			}
			line := func(status protocol.Status, err string, tries, reached int, output string) string {
				return fmt.Sprintf("%s %s %s %s %s: %d tries, %d in the function %s", account, region.Region, target.Name, status, err, tries, reached, output)
			}
			at := attempted{account, region.Region, asked.Worker.FunctionName(), target.Name}
			o := region.Targets[i]
			want = append(want, line(e.status, e.error, e.tries, e.tries, output))
			got = append(got, line(o.Status, o.Error, len(o.Attempts), counts[at], compact(o.Output)))
			delete(counts, at)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("outcomes (-want +got):\n%s", d)
	}
	if len(counts) > 0 {
		t.Errorf("worked on what was not asked for: %v", slices.Collect(maps.Keys(counts)))
	}
}

// compact returns JSON without blanks.
func compact(output json.RawMessage) string {
	return strings.NewReplacer(" ", "", "\n", "").Replace(string(output))
}

// tryAtCommandLine invokes the function in Python with the person's own credentials.
func (w *workers) tryAtCommandLine(ctx context.Context, t *testing.T) {
	asked := asks(inPython)
	r := w.result(ctx, t, asked)
	w.check(t, asked, r, named)
	w.checkCost(t, r, 0)
}

// tryByCoordinator lets the deployed coordinator invoke the function in JavaScript.
func (w *workers) tryByCoordinator(ctx context.Context, t *testing.T) {
	asked := asks(inNode)
	r := w.result(ctx, t, asked, "--function", coordinator)
	w.check(t, asked, r, named)
	w.checkCost(t, r, 1)
}

// checkCost checks the cost of a run: each invocation is counted, and of the coordinator one
// or none.
func (w *workers) checkCost(t *testing.T, r protocol.Result, coordinators int) {
	t.Helper()
	c := r.Summary.Cost
	if c == nil || c.Workers.Requests != r.Summary.Attempts || c.Coordinator.Requests != coordinators {
		t.Errorf("cost: %+v, want %d requests of the workers and %d of the coordinator", c, r.Summary.Attempts, coordinators)
	}
	if c != nil && strings.Contains(c.Note, "the architecture of ") != (c.Workers.USD > 0) {
		t.Errorf("the cost's note %q of a price of %v: want it to say what is assumed in a price", c.Note, c.Workers.USD)
	}
}

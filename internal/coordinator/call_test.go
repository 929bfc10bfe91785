package coordinator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// calls returns a request for operations.
func calls(parameters string, targets ...string) protocol.Request {
	r := protocol.Request{Task: "call", Regions: []string{"eu-west-1"}, Targets: protocol.Targets(targets...)}
	if parameters != "" {
		r.Parameters = json.RawMessage(parameters)
	}
	return r
}

// Whether work may be done twice is decided for each request: it governs hedges, and
// whether an invocation that may have run is made again.
func TestWhetherCallsMayBeDoneTwiceIsDecidedByTheRequest(t *testing.T) {
	t.Parallel()
	c := &coordinator.Coordinator{Tasks: task.Builtin()}
	for _, test := range []struct {
		name    string
		request protocol.Request
		twice   bool
	}{
		{"a read", calls("", "ec2:DescribeVpcs"), true},
		{"reads", calls("", "ec2:DescribeVpcs", "dynamodb:ListTables"), true},
		{"a change with a token", calls(`{"input":{"MinCount":1,"MaxCount":1}}`, "ec2:RunInstances"), true},
		{"a change", calls(`{"input":{"CidrBlock":"10.0.0.0/16"}}`, "ec2:CreateVpc"), false},
		{"a change among reads", calls(`{"input":{"DryRun":true}}`, "ec2:DescribeVpcs", "ec2:CreateInternetGateway"), false},
	} {
		p, err := c.Plan(test.request, 0)
		if err != nil || p.AtMostOnce == test.twice {
			t.Errorf("%s: at most once %v, %v, want %v", test.name, p.AtMostOnce, err, !test.twice)
		}
		test.request.Hedge = &protocol.Hedge{AfterSeconds: 1}
		_, err = c.Plan(test.request, 0)
		if refused := err != nil && strings.HasPrefix(err.Error(), `hedge: {"afterSeconds":1}: task call`); refused == test.twice || err != nil && !refused {
			t.Errorf("%s: a hedge gives %v, want it allowed: %v", test.name, err, test.twice)
		}
		test.request.Hedge, test.request.Retry = nil, []protocol.Retrier{}
		if p, err = c.Plan(test.request, 0); err != nil || p.AtMostOnce {
			t.Errorf("%s: with retriers at most once %v, %v, want false", test.name, p.AtMostOnce, err)
		}
	}
}

// A lostCallError is an invocation that may have run.
type lostCallError struct{ error }

func (lostCallError) ErrorName() string { return protocol.ErrorLambdaSDKClient }

func (lostCallError) MayHaveRun() bool { return true }

// lister is a worker without a Lambda: it answers for every target, except in the first
// attempt in some Regions, and lists enabled Regions.
type lister struct {
	enabled any // the output of the task that lists Regions, or an error

	mu   sync.Mutex
	lost map[string]bool // by Region, whether the next invocation is lost
	got  []string        // Region, task and targets of each invocation
}

func (l *lister) Invoke(_ context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	var r protocol.RegionRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, protocol.Attempt{}, err
	}
	l.mu.Lock()
	l.got = append(l.got, fmt.Sprint(region, " ", r.Task, " ", r.Targets))
	lost := l.lost[region]
	delete(l.lost, region)
	l.mu.Unlock()
	if lost {
		return nil, protocol.Attempt{}, lostCallError{errors.New("connection lost")}
	}
	result := protocol.RegionResult{Version: r.Version, RunID: r.RunID, Region: r.Region, Batch: r.Batch, Status: protocol.StatusSucceeded}
	for _, target := range r.Targets {
		o := protocol.TargetOutcome{Target: target, Status: protocol.StatusSucceeded, Output: json.RawMessage(`"` + target + `"`)}
		if r.Task == protocol.EnabledRegionsTask {
			if failed, ok := l.enabled.(error); ok {
				o = protocol.TargetOutcome{Target: target, Status: protocol.StatusFailed, Error: "AccessDenied", Cause: failed.Error()}
				result.Status, result.Error, result.Cause = protocol.StatusFailed, "AccessDenied", failed.Error()
			} else {
				o.Output, _ = json.Marshal(l.enabled)
			}
		}
		result.Targets = append(result.Targets, o)
	}
	answer, err := json.Marshal(result)
	return answer, protocol.Attempt{Metrics: &protocol.Metrics{BilledDurationMs: 10}}, err
}

// An invocation that may have run is made again only if each of its calls may be made
// twice.
func TestACallThatMayHaveRunIsRepeatedOnlyIfItMayBeDoneTwice(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		request protocol.Request
		want    string
	}{
		{"a read", calls("", "ec2:DescribeVpcs"), "SUCCEEDED after 2"},
		{"a change with a token", calls(`{"input":{"MinCount":1,"MaxCount":1}}`, "ec2:RunInstances"), "SUCCEEDED after 2"},
		{"a change", calls(`{"input":{"CidrBlock":"10.0.0.0/16"}}`, "ec2:CreateVpc"), "FAILED after 1"},
	} {
		synctest.Test(t, func(t *testing.T) {
			worker := &lister{lost: map[string]bool{"eu-west-1": true}}
			c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}
			result, err := c.Run(t.Context(), test.request)
			if got := fmt.Sprintf("%s after %d", result.Status, len(worker.got)); err != nil || got != test.want {
				t.Errorf("%s: %s, %v, want %s", test.name, got, err, test.want)
			}
		})
	}
}

// outcomes returns what became of each target in each Region, a line each.
func outcomes(r protocol.Result) []string {
	var lines []string
	for _, region := range r.Regions {
		for _, o := range region.Targets {
			lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s%s%s", region.Region, o.Target, o.Status, string(o.Output), o.Error, o.Cause)))
		}
	}
	return lines
}

// The Regions "enabled" are those that a worker lists first. A Region that is asked for in
// another way too, and is not enabled, is skipped with the reason.
func TestEnabledRegionsAreListedByAWorkerFirst(t *testing.T) {
	t.Parallel()
	list := protocol.EnabledRegionsOutput{
		Message: "Regions enabled in the account: 3, says account:ListRegions", Source: "account:ListRegions",
		Regions: []string{"eu-west-1", "mars-1", "us-east-1"},
	}
	for _, test := range []struct {
		name             string
		regions, exclude []string
		enabled          any
		status           string
		want, sent       []string
	}{
		{
			name: "enabled", regions: []string{"enabled"}, enabled: list, status: "SUCCEEDED",
			want: []string{"eu-west-1 dynamodb:ListTables SUCCEEDED \"dynamodb:ListTables\"", "us-east-1 dynamodb:ListTables SUCCEEDED \"dynamodb:ListTables\""},
			sent: []string{"us-east-1 enabled-regions [enabled]", "eu-west-1 call [dynamodb:ListTables]", "us-east-1 call [dynamodb:ListTables]"},
		},
		{
			name: "and one by name", regions: []string{"me-south-1", "enabled"}, exclude: []string{"us-*"}, enabled: list, status: "SUCCEEDED",
			want: []string{
				"me-south-1 dynamodb:ListTables SKIPPED me-south-1 is not enabled in the account, says account:ListRegions",
				"eu-west-1 dynamodb:ListTables SUCCEEDED \"dynamodb:ListTables\"",
			},
			sent: []string{"us-east-1 enabled-regions [enabled]", "eu-west-1 call [dynamodb:ListTables]"},
		},
		{
			name: "no permission", regions: []string{"enabled"}, exclude: []string{"ap-*", "us-*", "ca-*", "eu-*", "af-*", "il-*", "mx-*", "me-*"},
			enabled: errors.New("no"), status: "FAILED",
			want: []string{"sa-east-1 dynamodb:ListTables FAILED AccessDenied"},
			sent: []string{"us-east-1 enabled-regions [enabled]"},
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			worker := &lister{enabled: test.enabled}
			c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin(), Billing: coordinator.Billing{Region: "us-east-1"}}
			request := calls("", "dynamodb:ListTables")
			request.Regions, request.ExcludeRegions, request.MaxConcurrency = test.regions, test.exclude, 1
			result, err := c.Run(t.Context(), request)
			if err != nil || string(result.Status) != test.status {
				t.Errorf("%s: %s, %v, want %s", test.name, result.Status, err, test.status)
			}
			if diff := cmp.Diff(test.want, outcomes(result)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
			if diff := cmp.Diff(test.sent, worker.got); diff != "" {
				t.Errorf("%s: invocations (-want +got):\n%s", test.name, diff)
			}
			if len(result.Lookups) != 1 || len(result.Lookups[0].Attempts) != 1 || result.Summary.Attempts != len(test.sent) {
				t.Errorf("%s: look-ups %+v, %d attempts; want one, and %d attempts", test.name, result.Lookups, result.Summary.Attempts, len(test.sent))
			}
			if cost := result.Summary.Cost; cost == nil || cost.Workers.Requests != len(test.sent) {
				t.Errorf("%s: cost %+v, want %d requests to workers", test.name, cost, len(test.sent))
			}
			if test.status == "FAILED" && !strings.Contains(result.Regions[0].Cause, "the Regions that are enabled in the account could not be listed: no") {
				t.Errorf("%s: cause %q", test.name, result.Regions[0].Cause)
			}
		})
	}
}

// A plan leaves out what need not be asked, and the result still lists it in its place.
func TestAPlanLeavesOutWhatNeedNotBeAsked(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		regions []string
		targets []string
		want    []string
		sent    int
	}{
		{
			"the same answer everywhere",
			[]string{"eu-west-1", "us-east-1", "cn-north-1"},
			[]string{"ec2:DescribeVpcs", "iam:ListUsers", "s3:ListBuckets"},
			[]string{
				`eu-west-1 ec2:DescribeVpcs SUCCEEDED "ec2:DescribeVpcs"`,
				"eu-west-1 iam:ListUsers SKIPPED iam:ListUsers has the same answer in every Region; it is asked in us-east-1",
				"eu-west-1 s3:ListBuckets SKIPPED s3:ListBuckets has the same answer in every Region; it is asked in us-east-1",
				`us-east-1 ec2:DescribeVpcs SUCCEEDED "ec2:DescribeVpcs"`, `us-east-1 iam:ListUsers SUCCEEDED "iam:ListUsers"`, `us-east-1 s3:ListBuckets SUCCEEDED "s3:ListBuckets"`,
				`cn-north-1 ec2:DescribeVpcs SUCCEEDED "ec2:DescribeVpcs"`, `cn-north-1 iam:ListUsers SUCCEEDED "iam:ListUsers"`, `cn-north-1 s3:ListBuckets SUCCEEDED "s3:ListBuckets"`,
			},
			3,
		},
		{
			"a whole Region",
			[]string{"us-east-1", "us-east-2"},
			[]string{"iam:ListUsers"},
			[]string{
				`us-east-1 iam:ListUsers SUCCEEDED "iam:ListUsers"`,
				"us-east-2 iam:ListUsers SKIPPED iam:ListUsers has the same answer in every Region; it is asked in us-east-1",
			},
			1,
		},
		{
			"not listed in a Region that a pattern matches",
			[]string{"mx-*"},
			[]string{"ec2:DescribeVpcs", "workmail:ListOrganizations"},
			[]string{
				`mx-central-1 ec2:DescribeVpcs SUCCEEDED "ec2:DescribeVpcs"`,
				"mx-central-1 workmail:ListOrganizations SKIPPED workmail is not listed in mx-central-1; name the Region to ask it all the same",
			},
			1,
		},
		{
			"not listed in a Region that is named",
			[]string{"mx-central-1"},
			[]string{"workmail:ListOrganizations"},
			[]string{`mx-central-1 workmail:ListOrganizations SUCCEEDED "workmail:ListOrganizations"`},
			1,
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			worker := &lister{}
			c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}
			request := calls("", test.targets...)
			request.Regions = test.regions
			p, err := c.Plan(request, 0)
			if err != nil {
				t.Fatal(err)
			}
			encoded, err := storedPlan(p)
			if err != nil {
				t.Fatal(err)
			}
			if p, err = readPlan(encoded); err != nil {
				t.Fatal(err)
			}
			result := c.Execute(t.Context(), p)
			if diff := cmp.Diff(test.want, outcomes(result)); diff != "" || len(worker.got) != test.sent {
				t.Errorf("%s: %d invocations, want %d (-want +got):\n%s", test.name, len(worker.got), test.sent, diff)
			}
			if s := result.Summary.Targets; s.Total != len(test.want) {
				t.Errorf("%s: summary %+v, want %d targets", test.name, s, len(test.want))
			}
		})
	}
}

// What is left of a request once the enabled Regions are known.
func TestTheLookUpOfEnabledRegionsTakesNothingElseAway(t *testing.T) {
	t.Parallel()
	list := func(regions ...string) protocol.EnabledRegionsOutput {
		return protocol.EnabledRegionsOutput{Message: "listed", Source: "account:ListRegions", Regions: regions}
	}
	for _, test := range []struct {
		name    string
		regions []string
		targets []string
		workers []string // nil means one for all
		enabled protocol.EnabledRegionsOutput
		want    []string
		asked   string // the first invocation
		notices string
	}{
		{
			name: "one answer for all Regions is asked of one that is left", regions: []string{"enabled"}, targets: []string{"iam:ListUsers"},
			enabled: list("us-west-2", "eu-west-1"),
			want: []string{
				`eu-west-1 iam:ListUsers SUCCEEDED "iam:ListUsers"`,
				"us-west-2 iam:ListUsers SKIPPED iam:ListUsers has the same answer in every Region; it is asked in eu-west-1",
			},
			asked: "us-east-1 enabled-regions [enabled]", notices: "listed",
		},
		{
			name: "Regions of other partitions are asked", regions: []string{"enabled", "cn-north-1"}, targets: []string{"ec2:DescribeVpcs"},
			enabled: list("us-west-2"),
			want:    []string{`us-west-2 ec2:DescribeVpcs SUCCEEDED "ec2:DescribeVpcs"`, `cn-north-1 ec2:DescribeVpcs SUCCEEDED "ec2:DescribeVpcs"`},
			asked:   "us-east-1 enabled-regions [enabled]", notices: "listed",
		},
		{
			name: "what is not known is said", regions: []string{"enabled"}, targets: []string{"ec2:DescribeVpcs"},
			enabled: list("us-west-2", "moon-1"),
			want:    []string{`us-west-2 ec2:DescribeVpcs SUCCEEDED "ec2:DescribeVpcs"`},
			asked:   "us-east-1 enabled-regions [enabled]", notices: "listed|left out, because this version does not know them: moon-1",
		},
		{
			name: "a Region that has a worker is asked", regions: []string{"enabled"}, targets: []string{"ec2:DescribeVpcs"},
			workers: []string{"eu-central-1", "eu-west-1"}, enabled: list("eu-west-1", "us-east-1"),
			want:  []string{`eu-west-1 ec2:DescribeVpcs SUCCEEDED "ec2:DescribeVpcs"`},
			asked: "eu-central-1 enabled-regions [enabled]", notices: "listed",
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			worker := &lister{enabled: test.enabled}
			c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin(), Regional: test.workers != nil, Regions: test.workers}
			request := calls("", test.targets...)
			request.Regions = test.regions
			result, err := c.Run(t.Context(), request)
			if err != nil || result.Status != protocol.StatusSucceeded {
				t.Fatalf("%s: %s, %v", test.name, result.Status, err)
			}
			if diff := cmp.Diff(test.want, outcomes(result)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.name, diff)
			}
			if got := strings.Join(result.Notices, "|"); worker.got[0] != test.asked || got != test.notices {
				t.Errorf("%s: asked first %s, notices %q; want %s, %q", test.name, worker.got[0], got, test.asked, test.notices)
			}
		})
	}
}

// A look-up that hangs ends in half of the run's time, and is the reason of every Region.
func TestALookUpThatHangsIsTheReasonOfEveryRegion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		hangs := invokerFunc(func(ctx context.Context, _ string, _ []byte) ([]byte, protocol.Attempt, error) {
			<-ctx.Done()
			return nil, protocol.Attempt{}, context.Cause(ctx)
		})
		c := &coordinator.Coordinator{Invoker: hangs, Tasks: task.Builtin()}
		request := calls("", "ec2:DescribeVpcs")
		request.Regions, request.TimeoutSeconds = []string{"enabled"}, 4
		result, err := c.Run(t.Context(), request)
		if err != nil || result.ElapsedMs > 2100 {
			t.Errorf("Run = %v after %v ms, want it after half of its 4 s", err, result.ElapsedMs)
		}
		for _, region := range result.Regions {
			if region.Status != protocol.StatusTimedOut || !strings.Contains(region.Cause, "could not be listed: ") || !strings.Contains(region.Cause, "timed out after") {
				t.Fatalf("%s: %s %s %q", region.Region, region.Status, region.Error, region.Cause)
			}
		}
	})
}

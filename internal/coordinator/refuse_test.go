package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/endpoints"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// refusing returns a coordinator whose invoker fails the test. It has the built-in
// tasks and "any", which takes any target.
func refusing(t *testing.T) *coordinator.Coordinator {
	t.Helper()
	return &coordinator.Coordinator{
		Invoker: invokerFunc(func(_ context.Context, region string, _ []byte) ([]byte, protocol.Attempt, error) {
			t.Errorf("a worker was invoked in %s", region)
			return nil, protocol.Attempt{}, errors.New("not to be invoked")
		}),
		Tasks:     builtinAndAny(),
		Functions: (&callers{}).functions,
	}
}

func builtinAndAny() *task.Registry {
	return task.NewRegistry(append(task.Builtin().All(), task.New("any", "nothing",
		func(context.Context, task.Input[struct{}]) (any, error) { return nil, errors.New("nothing") }))...)
}

// partitions returns the names of those there are.
func partitions() (ids []string) {
	for _, p := range endpoints.Partitions() {
		ids = append(ids, p.ID)
	}
	return ids
}

// Each fault is named with its path, its value and what is allowed, and nothing
// is invoked. The faults of form and range that need no knowledge of Regions and
// tasks are in pkg/protocol's own table.
func TestABadRequestIsRefusedWholeBeforeAnythingIsInvoked(t *testing.T) {
	t.Parallel()
	many := func(n int) string {
		return `"` + strings.Join(numbered(n), `","`) + `"`
	}
	tests := []struct {
		name    string
		request string
		want    []string
	}{
		{"no JSON object", `["regions"]`, []string{`["regions"]: want an object, got an array`}},
		{"unknown Region", `{"regions":["eu-wst-1"]}`, []string{`regions[0]: "eu-wst-1": is not a Region; did you mean "eu-west-1"?`}},
		{"Region of no likeness", `{"regions":["mars"]}`, []string{`regions[0]: "mars": is not a Region`}},
		{"zone for a Region", `{"regions":["us-east-1a"]}`, []string{`regions[0]: "us-east-1a": is not a Region; did you mean "us-east-1"?`}},
		{"glob without a match", `{"regions":["xx-*"]}`, []string{`regions[0]: "xx-*": matches no Region`}},
		{"broken glob", `{"regions":["eu-["]}`, []string{`regions[0]: "eu-[": is not a glob; known are * ? and [a-z]`}},
		{"unknown Region left out", `{"excludeRegions":["us-esat-1"]}`, []string{`excludeRegions[0]: "us-esat-1": is not a Region; did you mean "us-east-1"?`}},
		{"every Region left out", `{"regions":["eu-west-1"],"excludeRegions":["eu-*"]}`, []string{`excludeRegions: leaves no Region to run in`}},
		{
			"a hedge for a task that may not be done twice", `{"task":"any","hedge":{"afterSeconds":1}}`,
			[]string{`hedge: {"afterSeconds":1}: task any does not say of itself that it may be done twice with this request`},
		},
		{
			"an input for a task that takes none", `{"task":"any","targets":["a",{"name":"b","input":{"x":1}},{"name":"c","input":2}]}`,
			[]string{`targets[1].input: {"x":1}: is not taken by the task any; leave it out, use a worker, or give a task of your own the trait TakesInput`},
		},
		{
			"an input for the default task", `{"targets":[{"name":"s3","input":false}]}`,
			[]string{`targets[0].input: false: is not taken by the task resolve; leave it out, use a worker, or give a task of your own the trait TakesInput`},
		},
		{"an input for an unknown task", `{"task":"resolv","targets":[{"name":"s3","input":1}]}`, []string{`task: "resolv": is not a task; did you mean "resolve"?`}},
		{"unknown partition", `{"partition":"aws-us-gv"}`, []string{`partition: "aws-us-gv": is not a partition; did you mean "aws-us-gov"?`}},
		{
			"unknown partition and what is wrong in any", `{"partition":"nowhere","regions":["mars","cn-*","xx-*","*"],"excludeRegions":["venus"]}`,
			[]string{
				protocol.UnknownFault("partition", "nowhere", "a partition", partitions()).String(),
				`regions[0]: "mars": is not a Region`,
				`regions[2]: "xx-*": matches no Region`,
				`excludeRegions[0]: "venus": is not a Region`,
			},
		},
		{"glob of another partition", `{"regions":["cn-*"]}`, []string{`regions[0]: "cn-*": matches no Region of its partition; partition "aws-cn" has some that match`}},
		{"unknown task", `{"task":"resolv"}`, []string{`task: "resolv": is not a task; did you mean "resolve"?`}},
		{"target that is no service", `{"targets":["s3","dynamodbb"]}`, []string{`targets[1]: "dynamodbb": is not a service; did you mean "dynamodb"?`}},
		{"task without parameters it has", `{"parameters":{"seconds":1}}`, []string{`parameters.seconds: 1: unknown field; known are fips, dualStack`}},
		{"parameters out of range", `{"task":"sleep","parameters":{"seconds":601}}`, []string{`parameters.seconds: 601: out of range; want 0.001 to 600`}},
		{"parameters missing", `{"task":"sleep"}`, []string{`parameters.seconds: missing; want 0.001 to 600`}},
		{"parameters of nothing", `{"task":"sleep","parameters":{"seconds":0}}`, []string{`parameters.seconds: 0: out of range; want 0.001 to 600`}},
		{"parameters misspelt", `{"task":"sleep","parameters":{"secs":1,"seconds":1}}`, []string{`parameters.secs: 1: unknown field; known are seconds`}},
		{"parameters of another type", `{"task":"sleep","parameters":{"seconds":"1"}}`, []string{`parameters.seconds: "1": want a number, got a string`}},
		{"more to succeed than there are", `{"regions":["eu-west-1"],"minSuccessful":2}`, []string{`minSuccessful: 2: want at most 1, the number of its Regions`}},
		{
			"too many invocations", `{"task":"any","targets":[` + many(1000) + `],"maxTargetsPerInvocation":1}`,
			[]string{`maxTargetsPerInvocation: 17000 targets over 17 Regions, in batches of up to 1, are 17000 invocations; at most 10000 fit into one run`},
		},
		{
			"more outcomes than an answer holds", `{"task":"any","targets":[` + many(10000) + `]}`,
			[]string{`targets: the outcomes of 170000 targets over 17 Regions need up to 22813184 bytes, an answer holds 6291556; split the run`},
		},
		{
			"everything at once", `{"regions":["eu-wst-1","us-east-1"],"task":"job","maxConcurrency":-1,"wait":3}`,
			[]string{
				`wait: 3: unknown field; known are name, key, keep, task, parameters, worker, partition, regions, excludeRegions, accounts, organization, role, ` +
					`externalId, sessionName, sessionTags, waves, targets, maxConcurrency, ` +
					`targetMaxConcurrency, maxTargetsPerInvocation, timeoutSeconds, regionTimeoutSeconds, targetTimeoutSeconds, ` +
					`retry, hedge, targetRetry, toleratedFailurePercentage, toleratedFailureCount, failFast, minSuccessful`,
				`maxConcurrency: -1: out of range; want 0 to 2147483647 (0 means as many as there are)`,
				`regions[0]: "eu-wst-1": is not a Region; did you mean "eu-west-1"?`,
				protocol.UnknownFault("task", "job", "a task", builtinAndAny().Names()).String(),
			},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, faults := protocol.DecodeRequest([]byte(tt.request))
			answer, err := refusing(t).Answer(t.Context(), r, faults, protocol.MaxPayloadBytes)
			invalid, ok := errors.AsType[*protocol.InvalidRequestError](err)
			if !ok {
				t.Fatalf("Answer(%.80s) = %.80s, %v; want an InvalidRequestError", tt.request, answer, err)
			}
			var got []string
			for _, fault := range invalid.Faults {
				got = append(got, fault.String())
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("Answer(%.80s) (-want +got):\n%s", tt.request, diff)
			}
		})
	}
}

// inProcess returns a coordinator with workers in the same process.
func inProcess(tasks *task.Registry) *coordinator.Coordinator {
	worker := &regionworker.Worker{Tasks: tasks}
	return &coordinator.Coordinator{
		Tasks: tasks,
		Invoker: invokerFunc(func(ctx context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
			answer, err := worker.Handle(ctx, payload)
			return answer, protocol.Attempt{}, err
		}),
	}
}

func numbered(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("t%05d", i)
	}
	return names
}

func TestRunRefusesWhatAnswerRefuses(t *testing.T) {
	t.Parallel()
	_, err := refusing(t).Run(t.Context(), protocol.Request{Regions: []string{"eu-wst-1"}, MaxConcurrency: -1})
	invalid, ok := errors.AsType[*protocol.InvalidRequestError](err)
	if !ok || len(invalid.Faults) != 2 {
		t.Errorf("Run = %v, want an InvalidRequestError of 2 faults", err)
	}
}

func TestWhichRegionsARequestStandsFor(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name             string
		regions, exclude []string
		want             []string
		partition        string
	}{
		{
			name: "* is every Region that needs no opt-in", regions: []string{"*"}, exclude: []string{"us-*", "ap-*"},
			want: []string{"ca-central-1", "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1"},
		},
		{
			name: "all is every Region", regions: []string{"all"}, exclude: []string{"us-*", "ap-*", "eu-*"},
			want: []string{
				"af-south-1", "ca-central-1", "ca-west-1", "il-central-1", "me-central-1", "me-south-1", "mx-central-1", "sa-east-1",
			},
		},
		{name: "a glob is of both kinds", regions: []string{"ca-*"}, want: []string{"ca-central-1", "ca-west-1"}},
		{name: "of another partition", partition: "aws-cn", want: []string{"cn-north-1", "cn-northwest-1"}},
		{name: "names keep their order", regions: []string{"us-east-1", "eu-west-1", "af-south-1"}, want: []string{"us-east-1", "eu-west-1", "af-south-1"}},
		{name: "a glob's are in the order of their names", regions: []string{"us-*-1"}, want: []string{"us-east-1", "us-west-1"}},
		{name: "each once", regions: []string{"us-west-1", "us-*", "us-east-1"}, want: []string{"us-west-1", "us-east-1", "us-east-2", "us-west-2"}},
		{name: "without those left out", regions: []string{"eu-*"}, exclude: []string{"eu-west-*", "eu-central-2"}, want: []string{"eu-central-1", "eu-north-1", "eu-south-1", "eu-south-2"}},
		{name: "a name of another partition", regions: []string{"cn-north-1", "us-gov-west-1"}, want: []string{"cn-north-1", "us-gov-west-1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := runRequest(t, inProcess(task.Builtin()), protocol.Request{
				Partition: tt.partition, Regions: tt.regions, ExcludeRegions: tt.exclude,
			})
			var names []string
			for _, r := range got.Regions {
				names = append(names, r.Region)
			}
			if diff := cmp.Diff(tt.want, names); diff != "" {
				t.Errorf("Regions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEveryServiceIsEveryServiceListedInTheRegion(t *testing.T) {
	t.Parallel()
	c := inProcess(task.Builtin())
	got, err := c.Run(t.Context(), protocol.Request{
		Regions: []string{"us-east-1", "ca-west-1", "me-west-1"}, Targets: protocol.Targets("s3", "*"),
	})
	if err != nil || got.Status != protocol.StatusSucceeded {
		t.Fatalf("Run = %s, %s, %v", got.Status, got.Cause, err)
	}
	for i, region := range []string{"us-east-1", "ca-west-1", "me-west-1"} {
		services := map[string]bool{"s3": true}
		for _, service := range endpoints.Services(region) {
			services[service] = true
		}
		outcome := got.Regions[i]
		if outcome.Targets[0].Target != "s3" || len(outcome.Targets) != len(services) {
			t.Errorf("%s has %d targets, %s first; want %d, s3", region, len(outcome.Targets), outcome.Targets[0].Target, len(services))
		}
	}
	got, err = c.Run(t.Context(), protocol.Request{Regions: []string{"me-west-1"}, Targets: protocol.Targets("*")})
	if err != nil || statuses(got) != "FAILED: SKIPPED" || got.Cause != "every target was skipped; the first one: no service is listed in this Region" {
		t.Errorf("Run where no service is listed = %s, %s, %v; want FAILED: SKIPPED with the cause", statuses(got), got.Cause, err)
	}
}

// runRequest runs a request that is not refused.
func runRequest(t *testing.T, c *coordinator.Coordinator, r protocol.Request) protocol.Result {
	t.Helper()
	result, err := c.Run(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

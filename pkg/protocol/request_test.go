package protocol_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

// What is right is taken as it is, up to the ends of the ranges.
func TestDecodeRequestAccepts(t *testing.T) {
	t.Parallel()
	all := protocol.Retrier{ErrorEquals: []string{protocol.ErrorAll}}
	tests := []struct {
		name, in string
		want     protocol.Request
	}{
		{"{}: every field is optional", `{}`, protocol.Request{}},
		{"white space around it", " \r\n\t{ } \n", protocol.Request{}},
		{
			"zeros that mean the default",
			`{"maxConcurrency":0,"targetMaxConcurrency":-0,"maxTargetsPerInvocation":0,"timeoutSeconds":0,` +
				`"regionTimeoutSeconds":0.0,"targetTimeoutSeconds":-0.0,"minSuccessful":0,"failFast":false,"name":"","task":""}`,
			protocol.Request{},
		},
		{
			"a tolerance of none is not no tolerance", `{"toleratedFailureCount":0,"toleratedFailurePercentage":0}`,
			protocol.Request{ToleratedFailureCount: new(0), ToleratedFailurePercentage: new(0.0)},
		},
		{"the whole percentage", `{"toleratedFailurePercentage":1e2}`, protocol.Request{ToleratedFailurePercentage: new(100.0)}},
		{
			"no retriers is not the default", `{"retry":[],"targetRetry":[]}`,
			protocol.Request{Retry: []protocol.Retrier{}, TargetRetry: []protocol.Retrier{}},
		},
		{
			"States.ALL alone and last", `{"retry":[{"errorEquals":["X","Y"]},{"errorEquals":["States.ALL"]}]}`,
			protocol.Request{Retry: []protocol.Retrier{{ErrorEquals: []string{"X", "Y"}}, all}},
		},
		{
			"the ends of a retrier's ranges",
			retrier(`"intervalSeconds":31622400,"maxAttempts":99999999,"backoffRate":1,"maxDelaySeconds":31622400.9,"jitterStrategy":"NONE"`),
			protocol.Request{Retry: []protocol.Retrier{{
				ErrorEquals: []string{"X"}, IntervalSeconds: 31_622_400, MaxAttempts: new(99_999_999), BackoffRate: 1,
				MaxDelaySeconds: 31_622_400.9, JitterStrategy: protocol.JitterNone,
			}}},
		},
		{
			"the longest interval", retrier(`"intervalSeconds":99999999`),
			protocol.Request{Retry: []protocol.Retrier{{ErrorEquals: []string{"X"}, IntervalSeconds: 99_999_999}}},
		},
		{
			"the most retries with an interval that is no whole second", retrier(`"intervalSeconds":0.001,"maxAttempts":1000,"maxDelaySeconds":0.002`),
			protocol.Request{Retry: []protocol.Retrier{{
				ErrorEquals: []string{"X"}, IntervalSeconds: 0.001, MaxAttempts: new(1000), MaxDelaySeconds: 0.002,
			}}},
		},
		{
			"no retries, and an interval of a fraction", retrier(`"maxAttempts":0,"intervalSeconds":0.001`),
			protocol.Request{Retry: []protocol.Retrier{{
				ErrorEquals: []string{"X"}, MaxAttempts: new(0), IntervalSeconds: 0.001,
			}}},
		},
		{
			"parameters as they are", `{"parameters":{ "b": [1, null], "a":{"a":1,"a":2} }}`,
			protocol.Request{Parameters: json.RawMessage(`{ "b": [1, null], "a":{"a":1,"a":2} }`)},
		},
		{"escapes", `{"t\u0061sk":"\u0072esolve\/\ud83d\ude00"}`, protocol.Request{Task: "resolve/😀"}},
		{
			"a name of every allowed character", `{"name":"AZaz09._-:+` + strings.Repeat("x", 69) + `"}`,
			protocol.Request{Name: "AZaz09._-:+" + strings.Repeat("x", 69)},
		},
		{"a schedule's time for a name", `{"name":"2026-03-01T01:23:45Z"}`, protocol.Request{Name: "2026-03-01T01:23:45Z"}},
		{"a time with a fraction and an offset for a name", `{"name":"2026-03-01T01:23:45.678+05:30"}`, protocol.Request{Name: "2026-03-01T01:23:45.678+05:30"}},
		{
			"the same Region twice, and targets that differ in case", `{"regions":["*","eu-*","eu-*"],"targets":["S3","s3"]}`,
			protocol.Request{Regions: []string{"*", "eu-*", "eu-*"}, Targets: protocol.Targets("S3", "s3")},
		},
		{
			"a target of 2,048 bytes", `{"targets":["` + strings.Repeat("é", 1024) + `"]}`,
			protocol.Request{Targets: protocol.Targets(strings.Repeat("é", 1024))},
		},
		{
			"a request of 1 MiB", `{"failFast":true` + strings.Repeat(" ", 1<<20-17) + `}`, protocol.Request{FailFast: true},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, faults := protocol.DecodeRequest([]byte(tt.in))
			if faults != nil {
				t.Fatalf("DecodeRequest(%.200s) faults = %v, want none", tt.in, faults)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("DecodeRequest(%.200s) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

// The limits are inclusive: 10,000 targets, 200 Regions and 100 retriers of 100 names are a
// valid request, and a worker accepts the invocations of it.
func TestDecodeRequestAcceptsAsManyAsTheLimits(t *testing.T) {
	t.Parallel()
	retriers := `[` + times(`{"errorEquals":`+listOf(protocol.MaxErrorNames)+`}`, protocol.MaxRetriers) + `]`
	in := `{"targets":` + listOf(protocol.MaxTargets) + `,"regions":` + listOf(protocol.MaxRegions) +
		`,"excludeRegions":` + listOf(protocol.MaxRegions) + `,"retry":` + retriers + `,"targetRetry":` + retriers + `}`
	got, faults := protocol.DecodeRequest([]byte(in))
	if faults != nil || len(got.Targets) != protocol.MaxTargets || len(got.Regions) != protocol.MaxRegions ||
		len(got.TargetRetry) != protocol.MaxRetriers || len(got.Retry[0].ErrorEquals) != protocol.MaxErrorNames {
		t.Errorf("DecodeRequest = %d targets, %d Regions, %v; want %d, %d and no faults",
			len(got.Targets), len(got.Regions), faults, protocol.MaxTargets, protocol.MaxRegions)
	}
	invocation := regionRequestMinimal()
	invocation.Targets, invocation.Policy.Retry = protocol.TargetNames(got.Targets), got.TargetRetry
	if _, err := protocol.DecodeRegionRequest(encode(t, invocation)); err != nil {
		t.Errorf("DecodeRegionRequest = %v", err)
	}
	invocation.Targets = append(invocation.Targets, "one more")
	invocation.Policy.Retry = append(invocation.Policy.Retry, got.Retry[0])
	const want = "targets: has 10001 entries; at most 10000\npolicy.retry: has 101 entries; at most 100"
	if _, err := protocol.DecodeRegionRequest(encode(t, invocation)); err == nil || err.Error() != want {
		t.Errorf("DecodeRegionRequest = %v, want %s", err, want)
	}
}

// With faults DecodeRequest also returns what it could read.
func TestDecodeRequestReturnsWhatItCouldRead(t *testing.T) {
	t.Parallel()
	const in = `{"task":"resolve","regions":["eu-west-1",7,"mars-1"],"failFast":"no","minSuccessful":1.5,"x":1,"task":"sleep"}`
	got, faults := protocol.DecodeRequest([]byte(in))
	want := protocol.Request{Task: "resolve", Regions: []string{"eu-west-1", "", "mars-1"}}
	if diff := cmp.Diff(want, got); diff != "" || len(faults) != 5 {
		t.Errorf("DecodeRequest(%s) = %v (-want +got):\n%s", in, faults, diff)
	}
}

// The faults of a request that the command line builds are those of one that was
// decoded, but for its form.
func TestValidateReadsNoJSON(t *testing.T) {
	t.Parallel()
	inf := 1 / zero()
	request := protocol.Request{
		Targets: protocol.Targets("a\xffb"), TimeoutSeconds: inf, ToleratedFailurePercentage: new(inf - inf),
		Retry: []protocol.Retrier{{ErrorEquals: []string{"X"}, BackoffRate: inf - inf, IntervalSeconds: -inf}},
	}
	want := faults(
		"targets[0]", `"a�b"`, "is not UTF-8",
		"timeoutSeconds", `"+Inf"`, "out of range; want 0 to 99999999 seconds (0 means what the function's deadline leaves)",
		"retry[0].intervalSeconds", `"-Inf"`, "out of range; want more than 0, at most 99999999",
		"retry[0].backoffRate", `"NaN"`, "out of range; want at least 1",
		"toleratedFailurePercentage", `"NaN"`, "out of range; want 0 to 100",
	)
	if diff := cmp.Diff(want, request.Validate()); diff != "" {
		t.Errorf("Validate() (-want +got):\n%s", diff)
	}
	long := protocol.Request{
		Regions: make([]string, 201), ExcludeRegions: make([]string, 201), Targets: protocol.Targets(make([]string, 10_001)...),
		Retry: make([]protocol.Retrier, 101), TargetRetry: []protocol.Retrier{{ErrorEquals: make([]string, 101)}},
	}
	want = faults(
		"regions", "", "has 201 entries; at most 200", "excludeRegions", "", "has 201 entries; at most 200",
		"targets", "", "has 10001 entries; at most 10000", "retry", "", "has 101 entries; at most 100",
		"targetRetry[0].errorEquals", "", "has 101 entries; at most 100",
	)
	if diff := cmp.Diff(want, long.Validate()); diff != "" {
		t.Errorf("Validate() of long lists (-want +got):\n%s", diff)
	}
}

func zero() float64 { return 0 }

// A worker trusts its coordinator no more than that one trusts its caller.
func TestRegionRequestIsStrict(t *testing.T) {
	t.Parallel()
	const rest = `"runId":"r","region":"eu-west-1","attempt":1,"task":"resolve","targets":["s3"]`
	const missing = "missing or empty; a worker needs it"
	tests := []struct {
		name, in string
		want     protocol.Faults
	}{
		{"everything missing", `{"version":1}`, faults(
			"runId", "", missing, "region", "", missing, "task", "", missing,
			"attempt", "0", "out of range; want 1 or more", "targets", "", "missing; a worker needs it")},
		{"no targets", `{"version":1,"runId":"r","region":"eu-west-1","attempt":1,"task":"resolve","targets":[]}`, faults(
			"targets", "[]", "is empty; a worker needs at least one")},
		{"a null", `{"version":1,"batch":null,` + rest + `}`, faults("batch", "null", "null is not allowed; leave the field out")},
		{"a negative batch", `{"version":1,"batch":-1,` + rest + `}`, faults("batch", "-1", "out of range; want 0 or more")},
		{"an unknown field", `{"version":1,"budget":1000,` + rest + `}`, faults("budget", "1000",
			`unknown field; did you mean "budgetMs"?`)},
		{"a negative budget", `{"version":1,"budgetMs":-5,` + rest + `}`, faults("budgetMs", "-5",
			"out of range; want 0 to 99999999000 ms (0 means the worker's own deadline)")},
		{"a bad policy", `{"version":1,"policy":{"maxConcurrency":10001,"timeoutSeconds":-1,"retry":[{}],"x":0},` + rest + `}`, faults(
			"policy.x", "0", "unknown field; known are maxConcurrency, timeoutSeconds, retry",
			"policy.maxConcurrency", "10001", "out of range; want 0 to 10000 (0 means 64)",
			"policy.timeoutSeconds", "-1", "out of range; want 0 to 99999999 seconds (0 means what is left)",
			"policy.retry[0].errorEquals", "", `name at least one error; "States.ALL" matches any error`)},
		{"targets listed twice", `{"version":1,"runId":"r","region":"x","attempt":1,"task":"t","targets":["a","a"]}`, faults(
			"targets[1]", `"a"`, "is listed twice, first as targets[0]")},
		{"a version of the wrong type", `{"version":"1",` + rest + `}`, faults("version", `"1"`,
			"want a whole number, got a string")},
		{"a version that is null", `{"version":null,` + rest + `}`, faults("version", `null`,
			"null is not allowed; leave the field out")},
		{"two versions, the first known", `{"version":1,"version":4,` + rest + `}`, faults("version", "4", "given twice")},
		{"not JSON", `{"version":2`, faults("", `{"version":2`, "not JSON at line 1, column 12")},
		{"not UTF-8", "{\"version\":2,\"task\":\"\xff\"}", faults("", "", "not UTF-8 at line 1, column 22")},
		{"empty", ``, faults("", "", "empty; want a JSON object")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := protocol.DecodeRegionRequest([]byte(tt.in))
			invalid, ok := errors.AsType[*protocol.InvalidRequestError](err)
			if !ok {
				t.Fatalf("DecodeRegionRequest(%s) error = %v, want an InvalidRequestError", tt.in, err)
			}
			if diff := cmp.Diff(tt.want, withoutHabitsIn(invalid.Faults)); diff != "" {
				t.Errorf("DecodeRegionRequest(%s) (-want +got):\n%s", tt.in, diff)
			}
			if invalid.ErrorName() != protocol.ErrorInvalidRequest {
				t.Errorf("ErrorName() = %q, want %q", invalid.ErrorName(), protocol.ErrorInvalidRequest)
			}
		})
	}
}

// A worker refuses a version it does not know, whatever else is wrong with the
// values.
func TestRegionRequestOfAnotherVersionIsRefusedByName(t *testing.T) {
	t.Parallel()
	const deploy = ", this worker has 4: deploy coordinator and worker together"
	tests := []struct {
		name, in string
		got      int
		text     string
	}{
		{"a later one", `{"version":5,"runId":"r"}`, 5, "request needs protocol version 5" + deploy},
		{"none", `{}`, 0, "request has no protocol version" + deploy},
		{"0", `{"version":0,"targets":7}`, 0, "request has no protocol version" + deploy},
		{"a negative one", `{"version":-1}`, -1, "request needs protocol version -1" + deploy},
		{
			"unknown fields and wrong types beside it", `{"sail":null,"version":5,"targets":{"s3":1},"attempt":"x"}`, 5,
			"request needs protocol version 5" + deploy,
		},
		{"two, the first unknown", `{"version":5,"version":1}`, 5, "request needs protocol version 5" + deploy},
		{"in another case", `{"Version":1}`, 0, "request has no protocol version" + deploy},
		{
			"more than a hundred faults beside it", `{` + strings.Repeat(`"x":1,`, 200) + `"version":5}`, 5,
			"request needs protocol version 5" + deploy,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := protocol.DecodeRegionRequest([]byte(tt.in))
			unsupported, ok := errors.AsType[*protocol.UnsupportedVersionError](err)
			if !ok {
				t.Fatalf("DecodeRegionRequest(%.100s) error = %v, want an UnsupportedVersionError", tt.in, err)
			}
			if unsupported.Got != tt.got || err.Error() != tt.text || unsupported.ErrorName() != protocol.ErrorUnsupportedVersion {
				t.Errorf("DecodeRegionRequest(%.100s) = version %d, %q, %q; want %d, %q, %q", tt.in,
					unsupported.Got, err, unsupported.ErrorName(), tt.got, tt.text, protocol.ErrorUnsupportedVersion)
			}
		})
	}
}

func TestAWorkerDoesTheRequestsOfEveryEarlierVersion(t *testing.T) {
	t.Parallel()
	for version := 1; version <= protocol.Version; version++ {
		in := fmt.Sprintf(`{"version":%d,"runId":"r","region":"eu-west-1","attempt":1,"task":"resolve","targets":["s3"]}`, version)
		if got, err := protocol.DecodeRegionRequest([]byte(in)); err != nil || got.Version != version {
			t.Errorf("DecodeRegionRequest(%s) = version %d, %v; want it accepted", in, got.Version, err)
		}
	}
}

func TestARequestNamesTheLowestVersionThatItsTaskNeeds(t *testing.T) {
	t.Parallel()
	for task, want := range map[string]int{"resolve": 1, "probe": 1, "mine": 1, "call": 2, protocol.EnabledRegionsTask: 2, protocol.OrganizationTask: 3} {
		if got := protocol.VersionFor(task); got != want {
			t.Errorf("VersionFor(%s) = %d, want %d", task, got, want)
		}
	}
}

// With an error DecodeRegionRequest also returns what it could read.
func TestDecodeRegionRequestReturnsWhatItCouldRead(t *testing.T) {
	t.Parallel()
	const in = `{"version":2,"runId":"r","region":"eu-west-1","batch":3,"news":true,"targets":["s3"]}`
	got, err := protocol.DecodeRegionRequest([]byte(in))
	want := protocol.RegionRequest{Version: 2, RunID: "r", Region: "eu-west-1", Batch: 3, Targets: []string{"s3"}}
	if diff := cmp.Diff(want, got); diff != "" || err == nil {
		t.Errorf("DecodeRegionRequest(%s) error = %v (-want +got):\n%s", in, err, diff)
	}
}

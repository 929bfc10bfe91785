//go:build e2e

package e2e

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	coordinator  = "meridian-dev-coordinator"
	regionworker = "meridian-dev-regionworker"
)

// A deployment is the state that the steps of TestDeployment share.
type deployment struct {
	*site
	aws   *emulator
	tools string // the directory of cfn-lint and ministack
	apiID string

	bucket string // of the kept runs
}

// TestDeployment runs its steps in order. Each needs the ones before it, so the first
// failure ends the test. With -v, "go test" prints the seconds of every step.
func TestDeployment(t *testing.T) {
	part(t, "deployment", "npm", "python3", "curl")
	d, tools := prepared(t)
	d.tools = tools
	t.Parallel()
	// An interrupt ends the running step and so the test, which stops every process
	// that it started.
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()

	step := func(name string, limit time.Duration, do func(context.Context, *testing.T)) {
		t.Helper()
		if !t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeoutCause(ctx, limit, errors.New("the step's time, "+limit.String()+", is up"))
			defer cancel()
			do(ctx, t)
		}) {
			t.FailNow()
		}
	}

	step("start the emulator", 30*time.Second, func(ctx context.Context, _ *testing.T) {
		d.aws = startEmulator(ctx, t, d.tools) // t of the test: it outlives the step
		d.env = append(d.env, "AWS_ENDPOINT_URL="+d.aws.url(),
			"AWS_ACCESS_KEY_ID="+root.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+root.SecretAccessKey)
	})
	step("deploy", 2*time.Minute, d.deployFirst)
	step("serverless invoke", time.Minute, d.invokeDirectly)
	step("call the API", time.Minute, d.callAPI)
	step("refuse bad requests", time.Minute, d.refuse)
	step("roles", 2*time.Minute, d.tryRoles)
	step("deploy during a run", time.Minute, d.deployDuringRun)
	step("schedule", time.Minute, d.runOnSchedule)
	step("keep the settings", time.Minute, d.keepSettings)
	step("calls", time.Minute, d.tryCalls)
	step("deploy workers", 2*time.Minute, d.deployWorkers)
	step("placement regional", time.Minute, d.runRegional)
	step("workers of another version", 3*time.Minute, d.tryVersions)
	step("remove", 2*time.Minute, d.removeAll)
}

// prepared returns a deployment with its programs built, and the directory of the emulator. The
// parts that deploy then run side by side: they wait most of the time.
func prepared(t *testing.T) (d *deployment, tools string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Minute)
	defer cancel()
	d = &deployment{site: newSite(t)}
	d.build(ctx, t)
	return d, d.site.tools(ctx, t)
}

func (d *deployment) build(ctx context.Context, t *testing.T) {
	d.machine(ctx, t, "make", "-s", "build", "FUNCTION_GOOS="+runtime.GOOS, "ARCH="+runtime.GOARCH, "DIST="+d.path("dist"))
	d.goBuild(ctx, t, d.repo, "deploy", "./scripts/deploy")
	d.goBuild(ctx, t, d.repo, "meridian", "./cmd/meridian")
	// The program builds before it deploys.
	d.write(t, "Makefile", []byte(".PHONY: build\nbuild:\n"))
}

// goBuild builds a program of a copy of the repository into the directory build, in the
// way of the functions, so that they share the build cache.
func (d *deployment) goBuild(ctx context.Context, t *testing.T, repo, name, program string) {
	t.Helper()
	d.machine(ctx, t, "env", "CGO_ENABLED=0", "go", "build", "-C", repo, "-tags", "lambda.norpc", "-trimpath", "-buildvcs=false",
		"-o", d.path("build", name), program)
}

// program runs scripts/deploy as make does, with variables of the form NAME=value.
func (d *deployment) program(ctx context.Context, t *testing.T, action string, variables ...string) printed {
	t.Helper()
	env := slices.Concat(d.env, []string{"GIVEN_ARCH=" + runtime.GOARCH}, variables)
	out := d.command(ctx, t, env, d.path("build", "deploy"), "-root", d.dir, action)
	t.Logf("$ make %s %s = %d", action, strings.Join(variables, " "), out.status)
	return out
}

// deploy deploys with parameters of the form key=value, and with two more: the emulator has no
// TLS, and sweeps would be invocations that steps count.
func (d *deployment) deploy(ctx context.Context, t *testing.T, params ...string) printed {
	t.Helper()
	var all strings.Builder
	for _, p := range append(params, "storeTlsOnly=DISABLED", "sweep=DISABLED") {
		all.WriteString(" --param '" + p + "'")
	}
	out := d.program(ctx, t, "deploy", "PARAMS="+all.String())
	if out.status != 0 {
		t.Fatalf("exit status %d\n%s%s", out.status, out.stdout, out.stderr)
	}
	return out
}

func (d *deployment) deployFirst(ctx context.Context, t *testing.T) {
	out := d.deploy(ctx, t, `tags={"team":"e2e"}`)
	stack := d.aws.query(ctx, t, "cloudformation", "2010-05-15", "DescribeStacks", "StackName", "meridian-dev")
	if got, want := element(stack, "StackStatus"), "COMPLETE"; !strings.HasSuffix(got, want) {
		t.Errorf("the stack is %s", got)
	}
	outputs := d.outputs(ctx, t)
	d.apiID, d.bucket = outputs["HttpApiId"], outputs["RunsBucket"]
	for key, want := range map[string]string{
		"RunsUrl":              "https://" + d.apiID + ".execute-api." + home + ".amazonaws.com/runs",
		"CoordinatorFunction":  coordinator,
		"RegionworkerFunction": regionworker,
	} {
		if got := outputs[key]; got != want {
			t.Errorf("output %s = %q, want %q", key, got, want)
		}
	}
	if want := "POST requests to " + outputs["RunsUrl"]; !strings.Contains(out.stdout, want) {
		t.Errorf("make deploy prints %q, want %q in it", out.stdout, want)
	}
	if _, tags, _ := strings.Cut(stack, "<Key>team</Key>"); element(tags, "Value") != "e2e" {
		t.Errorf("the stack has not the tag team=e2e: %s", stack)
	}
}

// outputs returns the outputs of the stack.
func (d *deployment) outputs(ctx context.Context, t *testing.T) map[string]string {
	t.Helper()
	stack := d.aws.query(ctx, t, "cloudformation", "2010-05-15", "DescribeStacks", "StackName", "meridian-dev")
	outputs := map[string]string{}
	for _, member := range strings.Split(stack, "<OutputKey>")[1:] {
		key, _, _ := strings.Cut(member, "<")
		outputs[key] = element(member, "OutputValue")
	}
	return outputs
}

// A result has the fields of a run's result that this test reads.
type result struct {
	Status  string   `json:"status"`
	Message string   `json:"message"`
	Notices []string `json:"notices"`
	Summary struct {
		Cost cost `json:"cost"`
	} `json:"summary"`
	Regions []struct {
		Region  string `json:"region"`
		Status  string `json:"status"`
		Error   string `json:"error"`
		Targets []struct {
			Target string         `json:"target"`
			Status string         `json:"status"`
			Error  string         `json:"error"`
			Cause  string         `json:"cause"`
			Output map[string]any `json:"output"`
		} `json:"targets"`
	} `json:"regions"`
}

// A cost has the fields of a run's cost that this test reads.
type cost struct {
	USD         float64 `json:"usd"`
	Workers     used    `json:"workers"`
	Coordinator used    `json:"coordinator"`
	Region      string  `json:"region"`
}

type used struct {
	Requests         int     `json:"requests"`
	Estimated        int     `json:"estimated"`
	BilledDurationMs float64 `json:"billedDurationMs"`
	MemorySizeMB     int     `json:"memorySizeMB"` //nolint:tagliatelle // Lambda's spelling
}

// check checks the cost of a run over a number of Regions, with the memory of
// serverless.yml. Without a report of the emulator the cost is an estimate.
func (c cost) check(t *testing.T, regions int) {
	t.Helper()
	t.Logf("cost: %+v", c)
	for name, u := range map[string]struct {
		used
		requests int
	}{"workers": {c.Workers, regions}, "coordinator": {c.Coordinator, 1}} {
		if u.Requests < u.requests || u.BilledDurationMs < float64(u.requests) || u.MemorySizeMB != 256 {
			t.Errorf("the %s took %+v, want at least %d requests, a millisecond each, of 256 MB", name, u.used, u.requests)
		}
	}
	if c.Region != home || c.USD <= 0 {
		t.Errorf("the run cost %v dollars in %s, want more than nothing in %s", c.USD, c.Region, home)
	}
}

// succeeded checks that a run succeeded in these Regions, in this order, with the one
// target dynamodb.
func succeeded(t *testing.T, text string, regions ...string) {
	t.Helper()
	r := decode[result](t, text)
	var got []string
	for _, region := range r.Regions {
		got = append(got, region.Region)
		if len(region.Targets) != 1 || region.Targets[0].Target != "dynamodb" || region.Targets[0].Status != "SUCCEEDED" {
			t.Errorf("the targets of %s are %v, want dynamodb SUCCEEDED", region.Region, region.Targets)
		}
	}
	if r.Status != "SUCCEEDED" || !slices.Equal(got, regions) {
		t.Fatalf("the run is %s in %v, want SUCCEEDED in %v: %s", r.Status, got, regions, text)
	}
	r.Summary.Cost.check(t, len(regions))
	t.Logf("%s: %s", r.Status, r.Message)
}

// asked returns the Regions of events/*.json.
var asked = []string{"us-east-1", "eu-west-1", "ap-southeast-2"}

func (d *deployment) invokeDirectly(ctx context.Context, t *testing.T) {
	out := d.must(ctx, t, d.serverless(), "invoke", "--function", "coordinator", "--path", "events/direct.json")
	succeeded(t, out.stdout, asked...)

	// An event as the API sends it, without the API.
	answer, _ := d.aws.invoke(ctx, t, coordinator, d.read(t, "events", "api.json"))
	response := decode[struct {
		StatusCode int    `json:"statusCode"`
		Body       string `json:"body"`
	}](t, answer)
	if response.StatusCode != 200 {
		t.Fatalf("status %d, want 200: %s", response.StatusCode, response.Body)
	}
	succeeded(t, response.Body, asked...)

	before := d.aws.starts(ctx, t, home, regionworker)
	const refused = `{"task":"sleep","colour":"red"}`
	out = d.command(ctx, t, d.env, d.serverless(), "invoke", "--function", "coordinator", "--data", refused)
	if out.status == 0 || !strings.Contains(out.stdout, `"errorType": "Meridian.InvalidRequest"`) {
		t.Errorf("exit status %d, want 1 and Meridian.InvalidRequest: %s%s", out.status, out.stdout, out.stderr)
	}
	sqs, err := os.ReadFile("testdata/sqs.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, payload := range []string{`[{"task":"sleep"}]`, string(sqs)} {
		answer, functionError := d.aws.invoke(ctx, t, coordinator, payload)
		if functionError == "" || !strings.Contains(answer, `Meridian.InvalidRequest`) {
			t.Errorf("%s is answered %s, want Meridian.InvalidRequest", payload, answer)
		}
	}
	if after := d.aws.starts(ctx, t, home, regionworker); after != before {
		t.Errorf("%d workers were invoked for requests that are refused", after-before)
	}
}

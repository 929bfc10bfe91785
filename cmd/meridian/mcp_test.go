package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"meridian/internal/mcp"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// agentServers is a place in which servers for agents are started, in front of an AWS that counts.
type agentServers struct {
	env   []string
	calls atomic.Int64 // requests that AWS got
}

func newAgentServers(t *testing.T) *agentServers {
	t.Helper()
	s := &agentServers{}
	aws := lambdaServer(newCoordinators(t))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		aws.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	home := t.TempDir()
	s.env = []string{
		"HOME=" + home, "XDG_STATE_HOME=" + home, "LOCALAPPDATA=" + home, "GORACE=atexit_sleep_ms=0",
		"AWS_ENDPOINT_URL=" + server.URL, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ACCESS_KEY_ID=key", "AWS_SECRET_ACCESS_KEY=secret", "AWS_REGION=eu-west-1",
		"MERIDIAN_CALL_ALLOW=s3:*", // for other commands: it decides nothing for an agent
	}
	return s
}

// start starts a server with flags over standard input and output, and returns a client of it.
func (s *agentServers) start(t *testing.T, flags ...string) *sdk.ClientSession {
	t.Helper()
	command := exec.CommandContext(t.Context(), "meridian", append([]string{"mcp"}, flags...)...)
	command.Env, command.Stderr = s.env, os.Stderr
	c, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &sdk.CommandTransport{Command: command}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// meridian runs a command and returns its standard output.
func (s *agentServers) meridian(t *testing.T, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "meridian", args...)
	command.Env = append(slices.Clone(s.env), "MERIDIAN_CALL_ALLOW=reads")
	out, err := command.Output()
	if err != nil && command.ProcessState.ExitCode() != exitFailed {
		t.Fatalf("meridian %s: %v", args, err)
	}
	return string(out)
}

// askTool calls a tool and returns its texts.
func askTool(t *testing.T, c *sdk.ClientSession, tool, arguments string) (*sdk.CallToolResult, string) {
	t.Helper()
	r, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: tool, Arguments: json.RawMessage(arguments)})
	if err != nil {
		t.Fatalf("%s(%s): %v", tool, arguments, err)
	}
	var texts []string
	for _, content := range r.Content {
		texts = append(texts, content.(*sdk.TextContent).Text)
	}
	return r, strings.Join(texts, "\n")
}

// answered calls a tool that must answer, and reads the answer.
func answered[T any](t *testing.T, c *sdk.ClientSession, tool, arguments string) (v T) {
	t.Helper()
	r, text := askTool(t, c, tool, arguments)
	if r.IsError {
		t.Fatalf("%s(%s): %s", tool, arguments, text)
	}
	if err := json.Unmarshal([]byte(text[strings.LastIndex(text, "\n")+1:]), &v); err != nil { // the last text, as it was sent
		t.Fatal(err)
	}
	return v
}

func TestAnAgentGetsTheRowsOfTheCommandLine(t *testing.T) {
	t.Parallel()
	s := newAgentServers(t)
	c := s.start(t)
	for _, test := range []struct {
		name, tool, arguments string
		args                  []string
	}{
		{
			"a query with a Region that fails", "call", `{"operations":["ec2:DescribeVpcs"],"query":"Vpcs[].{vpc: VpcId, tags: Tags}"}`,
			[]string{"call", "ec2:DescribeVpcs", "--query", "Vpcs[].{vpc: VpcId, tags: Tags}"},
		},
		{
			"two operations, sorted and selected", "call",
			`{"operations":["ec2:DescribeVpcs","sts:GetCallerIdentity"],"regions":["eu-*"],"query":"Vpcs[].VpcId || Account","sort":["-region"],"columns":["region","value"]}`,
			[]string{"call", "ec2:DescribeVpcs", "sts:GetCallerIdentity", "--region", "eu-*", "--query", "Vpcs[].VpcId || Account", "--sort", "-region", "--columns", "region,value"},
		},
		{
			"counted", "call", `{"operations":["ec2:DescribeVpcs"],"query":"Vpcs[]","countBy":["IsDefault"]}`,
			[]string{"call", "ec2:DescribeVpcs", "--query", "Vpcs[]", "--count-by", "IsDefault"},
		},
		{"a task", "run", `{"targets":["s3","sqs"],"excludeRegions":["us-*"]}`, []string{"run", "--target", "s3,sqs", "--exclude-region", "us-*"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var lines []string
			a := answered[mcp.Answer](t, c, test.tool, test.arguments)
			for _, row := range a.Rows {
				lines = append(lines, string(row))
			}
			want := strings.TrimSpace(s.meridian(t, append(test.args, "-o", "jsonl")...))
			if diff := cmp.Diff(strings.Split(want, "\n"), lines); diff != "" || !a.Kept {
				t.Errorf("rows of %s, kept %t (-command +agent):\n%s", a.RunID, a.Kept, diff)
			}
		})
	}
}

// refusedCalls are calls that a server without flags refuses.
var refusedCalls = []struct{ name, tool, arguments, want string }{
	{"an operation that writes", "call", `{"operations":["ec2:StopInstances"],"input":{"InstanceIds":["i-1"]}}`, "ec2:StopInstances is not allowed: it does more than read\nhint: the person who starts the server can allow it with --allow ec2:StopInstances"},
	{"one of several writes", "call", `{"operations":["ec2:DescribeVpcs","ec2:CreateDefaultVpc"]}`, "ec2:CreateDefaultVpc is not allowed: it does more than read"},
	{"a read of secrets", "call", `{"operations":["secretsmanager:GetSecretValue"],"input":{"SecretId":"s"}}`, "secretsmanager:GetSecretValue is not allowed: it hands out secrets"},
	{"a write by run", "run", `{"task":"call","targets":["s3:DeleteBucket"],"parameters":{"input":{"Bucket":"bucket-1"}}}`, "s3:DeleteBucket is not allowed: it does more than read"},
	{"a plan of a write", "plan", `{"task":"call","targets":["s3:DeleteBucket"],"parameters":{"input":{"Bucket":"bucket-1"}}}`, "s3:DeleteBucket is not allowed"},
	{"an unknown operation", "call", `{"operations":["ec2:DescribeVpc"]}`, `operations[0]: "ec2:DescribeVpc": is not an operation of ec2; did you mean "ec2:DescribeVpcs"?`},
	{"an operation twice", "call", `{"operations":["ec2:DescribeVpcs","ec2:DescribeVpcs"]}`, `operations[1]: "ec2:DescribeVpcs": is listed twice, first as operations[0]`},
	{"an unknown Region", "call", `{"operations":["ec2:DescribeVpcs"],"regions":["eu-wst-1"]}`, `regions[0]: "eu-wst-1": is not a Region; did you mean "eu-west-1"?`},
	{"an unknown member of an input", "call", `{"operations":["ec2:DescribeVpcs"],"input":{"VpcIdz":["v"]}}`, `input.VpcIdz: `},
	{"a broken query", "call", `{"operations":["ec2:DescribeVpcs"],"query":"Vpcs[].{"}`, `query: "Vpcs[].{": `},
	{"a file as the input", "call", `{"operations":["ec2:DescribeVpcs"],"input":"@/etc/passwd"}`, `input: "@/etc/passwd": want an object, got a string`},
	{"a file as an operation", "call", `{"operations":["@/etc/passwd"]}`, `operations[0]: "@/etc/passwd": `},
	{"a file as a target", "run", `{"targets":["@/etc/passwd"]}`, `targets[0]: "@/etc/passwd": `},
	{"an unknown task", "run", `{"task":"shell","targets":["id"]}`, `task: "shell": is not a task`},
	{"a worker function", "run", `{"worker":{"function":"echo"}}`, `worker.function: "echo" is not allowed`},
	{"accounts", "call", `{"operations":["ec2:DescribeVpcs"],"accounts":["111122223333"]}`, "accounts: is not allowed: this server has no role to assume in accounts"},
	{"the organization", "run", `{"task":"call","organization":true}`, "organization: is not allowed: this server has no role"},
	{"the metadata service", "run", `{"task":"probe","parameters":{"url":"http://169.254.169.254/latest/meta-data/"}}`, `parameters.url: "http://169.254.169.254/latest/meta-data/" is not allowed: this server probes only AWS's own endpoints`},
	{"a host of the caller's choice", "run", `{"task":"probe","parameters":{"url":"https://example.com/?leak=1"}}`, "is not allowed: this server probes only AWS's own endpoints"},
	{"a redirect to another host", "run", `{"task":"probe","targets":["s3"],"parameters":{"followRedirects":true}}`, "parameters.followRedirects: is not allowed: this server sends AWS's own endpoints nothing but a path without a query"},
	{"a write with GET", "run", `{"task":"probe","targets":["sqs"],"parameters":{"path":"/111122223333/q?Action=SendMessage&MessageBody=m"}}`, "parameters.path: is not allowed"},
	{"data in a header", "plan", `{"task":"probe","targets":["s3"],"parameters":{"headers":{"Referer":"secret"}}}`, "parameters.headers: is not allowed"},
	{"data in a body", "run", `{"task":"probe","targets":["sqs"],"parameters":{"body":"secret"}}`, "parameters.body: is not allowed"},
	{"a probe that may not be done twice", "run", `{"task":"probe","targets":["sqs"],"parameters":{"method":"POST"}}`, `parameters.method: "POST" is not allowed: it may change something`},
	{"too long", "run", `{"task":"sleep","timeoutSeconds":86400}`, "timeoutSeconds: 86400: is too long; this server was started with --timeout 1m0s"},
	{"less than no time", "run", `{"timeoutSeconds":-1}`, "timeoutSeconds: -1: out of range; want more than 0, or leave it out for the server's limit"},
	{"kept under a key", "run", `{"key":"once"}`, `key: "once": unknown field`},
	{"an unknown status", "runs", `{"status":"BROKEN"}`, `status: "BROKEN": is not a status of a run`},
	{"an id that no run has", "show", `{"run":"01JDCX4T0000000000000000AA"}`, "no run"},
	{"an unknown service", "operations", `{"service":"ec3"}`, `"ec3": is not a service`},
	{"an unknown partition", "regions", `{"partition":"aws-uk"}`, `"aws-uk": is not a partition`},
}

func TestAnAgentIsRefusedBeforeAnythingHasRun(t *testing.T) {
	t.Parallel()
	s := newAgentServers(t)
	c := s.start(t)
	for _, test := range refusedCalls {
		r, text := askTool(t, c, test.tool, test.arguments)
		if !r.IsError || !strings.Contains(text, test.want) {
			t.Errorf("%s: error %t: %s\nwant %s", test.name, r.IsError, text, test.want)
		}
		if strings.Contains(text, "run `meridian") {
			t.Errorf("%s has a hint to run a command: %s", test.name, text)
		}
	}
	targets := make([]string, 10_000)
	for i := range targets {
		targets[i] = fmt.Sprint("t", i)
	}
	many := must(json.Marshal(map[string]any{"task": "sleep", "parameters": map[string]any{"seconds": 1}, "regions": []string{"*"}, "targets": targets}))
	if r, text := askTool(t, c, "run", string(many)); !r.IsError || !strings.HasPrefix(text, "targets: 170000 in all Regions are too many; at most 100000") {
		t.Errorf("too many targets: error %t: %s", r.IsError, text)
	}
	if _, err := c.CallTool(t.Context(), &sdk.CallToolParams{Name: "stop"}); err == nil {
		t.Error("there is a tool stop")
	}
	if n := s.calls.Load(); n != 0 {
		t.Errorf("AWS got %d requests", n)
	}
	if p := answered[mcp.Page](t, c, "runs", `{}`); p.RowsTotal != 0 {
		t.Errorf("%d runs are kept, want none", p.RowsTotal)
	}
	answered[mcp.Answer](t, c, "call", `{"operations":["ec2:DescribeVpcs"],"regions":["us-east-1","eu-west-1"]}`)
	if n := s.calls.Load(); n != 2 { // what counts them does count
		t.Errorf("AWS got %d requests of a call in two Regions", n)
	}
}

func TestTheFlagsOfTheServerAllowMore(t *testing.T) {
	t.Parallel()
	const stop = `{"operations":["ec2:StopInstances"],"input":{"InstanceIds":["i-{region}"]},"regions":["eu-west-1"]}`
	for _, test := range []struct{ name, flags, tool, arguments, want string }{
		{"an operation that writes", "--allow ec2:Stop*", "call", stop, "i-eu-west-1"},
		{"accounts", "--role Audit", "call", `{"operations":["sts:GetCallerIdentity"],"regions":["eu-west-1"],"accounts":["111122223333"],"query":"Account"}`, `"value":"111122223333"`},
		{"a worker function", "--allow-function echo", "run", `{"worker":{"function":"echo","payload":{"hello":"{target}"}},"targets":["a"],"regions":["eu-west-1"]}`, `"hello":"a"`},
		{"a URL, which the guard of the probe refuses by its address", "--allow-url", "run", `{"task":"probe","parameters":{"url":"http://169.254.169.254/"},"regions":["eu-west-1"]}`, "its address is refused"},
		{"a header of a probe", "--allow-url", "plan", `{"task":"probe","targets":["s3"],"regions":["eu-west-1"],"parameters":{"path":"/?list","headers":{"Accept":"text/html"},"followRedirects":true}}`, `"targets":1`},
		{"a Region", "--region eu-west-1,us-*", "call", `{"operations":["ec2:DescribeVpcs"],"regions":["eu-west-1"],"query":"Vpcs[].VpcId"}`, "vpc-eu-west-1"},
		{"a time", "--timeout 90s", "run", `{"timeoutSeconds":80}`, `"status":"SUCCEEDED"`},
		{"a deployed coordinator", "--function coordinator", "run", `{"targets":["sqs"],"regions":["eu-west-1"]}`, "sqs.eu-west-1.amazonaws.com"},
		{"a deployed coordinator that keeps", "--function keeper-mcp --keep", "run", `{"targets":["sqs"],"regions":["eu-west-1"]}`, `"kept":true`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newAgentServers(t).start(t, strings.Fields(test.flags)...)
			if r, text := askTool(t, c, test.tool, test.arguments); r.IsError || !strings.Contains(text, test.want) {
				t.Errorf("error %t: %s\nwant %s", r.IsError, text, test.want)
			}
		})
	}
}

func TestNoArgumentGoesBeyondTheFlagsOfTheServer(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, flags, tool, arguments, want string }{
		{"another operation", "--allow ec2:Start*", "call", `{"operations":["ec2:StopInstances"],"input":{"InstanceIds":["i-1"]}}`, "ec2:StopInstances is not allowed"},
		{"another function", "--allow-function echo", "run", `{"worker":{"function":"arn:aws:lambda:eu-west-1:111122223333:function:echo"}}`, "is not allowed"},
		{"another Region", "--region eu-west-*", "run", `{"regions":["eu-west-1","us-east-1"]}`, `regions: "us-east-1" is not allowed: this server was started with --region eu-west-*`},
		{"all Regions", "--region eu-west-*", "run", `{"regions":["all"]}`, "hint: leave regions out for all that are allowed"},
		{"an empty list of accounts", "--role Audit", "run", `{"accounts":[]}`, "accounts: []: is empty; leave it out for the account of the credentials"},
		{"a write on a deployed coordinator", "--function coordinator", "call", `{"operations":["ec2:StopInstances"],"input":{"InstanceIds":["i-1"]}}`, "ec2:StopInstances is not allowed"},
		{"more rows", "--max-rows 3", "call", `{"operations":["ec2:DescribeVpcs"],"maxRows":4}`, "maxRows: 4: out of range; want 1 to 3"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newAgentServers(t)
			if r, text := askTool(t, s.start(t, strings.Fields(test.flags)...), test.tool, test.arguments); !r.IsError || !strings.Contains(text, test.want) {
				t.Errorf("error %t: %s\nwant %s", r.IsError, text, test.want)
			}
			if n := s.calls.Load(); n != 0 {
				t.Errorf("AWS got %d requests", n)
			}
		})
	}
}

func TestARegionOfTheServerIsTheDefault(t *testing.T) {
	t.Parallel()
	a := answered[mcp.Answer](t, newAgentServers(t).start(t, "--region", "eu-west-*"), "run", `{}`)
	if a.Regions.Total != 3 {
		t.Errorf("%d Regions, want the three of eu-west-*", a.Regions.Total)
	}
}

func TestAnAgentReadsItsRunsAgain(t *testing.T) {
	t.Parallel()
	c := newAgentServers(t).start(t, "--max-rows", "5")
	first := answered[mcp.Answer](t, c, "call", `{"operations":["ec2:DescribeVpcs"],"query":"Vpcs[].VpcId"}`)
	if first.RowsTotal != 17 || len(first.Rows) != 5 || !strings.Contains(first.Cut, "12 rows of 17 are left out: call show with run") || len(first.Errors) != 1 {
		t.Errorf("answer: %+v", first)
	}
	var all []string
	for len(all) < 17 {
		for _, row := range answered[mcp.Answer](t, c, "show", `{"run":"last","offset":`+string(must(json.Marshal(len(all))))+`}`).Rows {
			all = append(all, string(row))
		}
	}
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 17 {
		t.Errorf("%d different rows, want 17", n)
	}
	failed := answered[mcp.Answer](t, c, "show", `{"run":"`+first.RunID[:10]+`","failedOnly":true}`)
	if failed.RowsTotal != 1 || !strings.Contains(string(failed.Rows[0]), `"region":"us-west-1"`) || failed.Regions.Total != 17 {
		t.Errorf("failures: %+v", failed)
	}
	answered[mcp.Answer](t, c, "run", `{"name":"nightly","targets":["sqs"],"regions":["eu-west-1"]}`)
	answered[mcp.Answer](t, c, "run", `{"name":"nightly","targets":["sqs"],"regions":["eu-west-1","eu-west-2"]}`)
	if p := answered[mcp.Page](t, c, "runs", `{"name":"nightly"}`); p.RowsTotal != 2 {
		t.Errorf("%d runs with the name, want 2", p.RowsTotal)
	}
	d := answered[mcp.Difference](t, c, "diff", `{"name":"nightly","slower":"1h"}`) // on a busy machine either may be slower
	if d.Worse || d.Counts["CAME"] != 1 || len(d.Rows) != 1 || !strings.Contains(string(d.Rows[0]), `"region":"eu-west-2"`) {
		t.Errorf("difference: %+v", d)
	}
	list, err := c.ListResources(t.Context(), nil)
	if err != nil || len(list.Resources) != 3 {
		t.Fatalf("ListResources() = %+v, %v", list, err)
	}
	read, err := c.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "meridian://runs/" + first.RunID})
	if err != nil {
		t.Fatal(err)
	}
	if r, err := protocol.DecodeResult([]byte(read.Contents[0].Text)); err != nil || r.RunID != first.RunID || len(r.Regions) != 17 {
		t.Errorf("resource: %+v, %v", r, err)
	}
	if _, err := c.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "meridian://runs/01JDCX4T0000000000000000AA"}); err == nil || !strings.Contains(err.Error(), "not found") {
		t.Errorf("a run that is not there: %v", err)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestACancelledCallStopsItsRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, flags string }{
		{"in this process", ""},
		{"in a deployed coordinator", "--function keeper-cancelled --keep"},
		{"in a deployed coordinator that has not answered yet", "--function keeper-late --keep"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newAgentServers(t).start(t, strings.Fields(test.flags)...)
			await := func(status string) {
				for {
					if p := answered[mcp.Page](t, c, "runs", `{"status":"`+status+`"}`); p.RowsTotal == 1 {
						return
					}
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			called := make(chan error, 1)
			go func() {
				_, err := c.CallTool(ctx, &sdk.CallToolParams{Name: "run", Arguments: json.RawMessage(`{"task":"sleep","parameters":{"seconds":50},"regions":["eu-west-1"]}`)})
				called <- err
			}()
			await("RUNNING")
			cancel()
			if err := <-called; !errors.Is(err, context.Canceled) {
				t.Errorf("the call ended with %v", err)
			}
			await("ABORTED")
		})
	}
}

func TestAnAgentFindsOperationsAndRegions(t *testing.T) {
	t.Parallel()
	s := newAgentServers(t)
	c := s.start(t)
	found := answered[mcp.Operations](t, c, "operations", `{"service":"ec2","search":"describevpcs"}`)
	if len(found.Rows) != 1 || string(found.Rows[0]) != `{"operation":"ec2:DescribeVpcs","kind":"reads"}` {
		t.Errorf("operations: %s", found.Rows)
	}
	operation := answered[mcp.Operations](t, c, "operations", `{"operation":"ec2:DescribeVpcs"}`)
	if !slices.ContainsFunc(operation.Rows, func(row json.RawMessage) bool {
		return string(row) == `{"of":"output","name":"Vpcs[].CidrBlock","type":"string"}`
	}) || !slices.Equal(operation.Results, []string{"Vpcs"}) {
		t.Errorf("ec2:DescribeVpcs: %s %v", operation.Rows, operation.Results)
	}
	if all := answered[mcp.Operations](t, c, "operations", `{}`); all.RowsTotal < 15_000 || !strings.Contains(all.Cut, "call operations again with offset 500") {
		t.Errorf("all operations: %d, %s", all.RowsTotal, all.Cut)
	}
	if p := answered[mcp.Page](t, c, "regions", `{"partition":"aws-cn"}`); p.RowsTotal != 2 {
		t.Errorf("Regions of aws-cn: %+v", p)
	}
	if p := answered[mcp.Plan](t, c, "plan", `{"targets":["sqs","s3"],"regions":["eu-west-*"]}`); p.Targets != 6 || len(p.Rows) != 3 {
		t.Errorf("plan: %+v", p)
	}
	if n := s.calls.Load(); n != 0 {
		t.Errorf("AWS got %d requests", n)
	}
	tools, err := c.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	described := string(must(json.Marshal(tools.Tools)))
	for _, name := range task.Builtin().Names() {
		if !strings.Contains(described, `\n`+name+": ") {
			t.Errorf("run does not describe the task %s", name)
		}
	}
}

func TestAScriptedSessionHasNothingElseOnStandardOutput(t *testing.T) {
	t.Parallel()
	s := newAgentServers(t)
	command := exec.CommandContext(t.Context(), "meridian", "mcp", "--verbose")
	command.Env = s.env
	in, err := command.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	session, err := os.ReadFile(filepath.Join("testdata", "mcp-session.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	answers := json.NewDecoder(out)
	for line := range strings.Lines(string(session)) {
		message, want, _ := strings.Cut(strings.TrimSpace(line), "\t") // a message, and what its answer contains
		if _, err := in.Write([]byte(message + "\n")); err != nil {
			t.Fatal(err)
		}
		if want == "" {
			continue
		}
		var answer json.RawMessage
		if err := answers.Decode(&answer); err != nil || !strings.Contains(string(answer), want) {
			t.Errorf("%s\nis answered with %s, %v\nwant %s", message, answer, err, want)
		}
	}
	if err := in.Close(); err != nil {
		t.Fatal(err)
	}
	var rest json.RawMessage
	if err := answers.Decode(&rest); err == nil {
		t.Errorf("standard output also has %s", rest)
	}
	if err := command.Wait(); err != nil {
		t.Errorf("the server ends with %v, want status 0", err)
	}
}

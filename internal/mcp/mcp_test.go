package mcp_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"meridian/internal/mcp"
	"meridian/pkg/protocol"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const runID = "01JDCX4T0000000000000000AA"

// A backend answers with its values, and counts its calls.
type backend struct {
	listing mcp.Listing
	run     func(ctx context.Context, r protocol.Request, event func(protocol.Event)) error // nil does nothing
	read    func(ctx context.Context) error                                                 // of Plan, Show, Result and Diff; nil does nothing
	result  protocol.Result

	mu       sync.Mutex
	calls    int
	requests []protocol.Request
}

func (b *backend) called() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.calls++
}

func (b *backend) Run(ctx context.Context, r protocol.Request, _ mcp.Selection, event func(protocol.Event)) (mcp.Listing, error) {
	b.called()
	b.mu.Lock()
	b.requests = append(b.requests, r)
	b.mu.Unlock()
	if b.run != nil {
		if err := b.run(ctx, r, event); err != nil {
			return mcp.Listing{}, err
		}
	}
	return b.listing, nil
}

func (b *backend) Plan(ctx context.Context, _ protocol.Request) (mcp.Plan, error) {
	err := b.reads(ctx)
	return mcp.Plan{Task: "resolve", Targets: 1, Invocations: 1, MaxConcurrency: 1, Summary: "1 target\n", Regions: rows(1)}, err
}

func (b *backend) Operations(service, _ string) ([]mcp.Operation, error) {
	b.called()
	return []mcp.Operation{{Operation: service + ":DescribeVpcs", Kind: "reads"}}, nil
}

func (b *backend) Operation(name string, depth int) (mcp.Outline, error) {
	b.called()
	return mcp.Outline{Operation: name, Kind: "reads", Members: []mcp.Member{{Of: "input", Name: fmt.Sprintf("Depth%d", depth), Type: "string"}}}, nil
}

func (b *backend) Regions(string, string) ([]mcp.Region, error) {
	b.called()
	return []mcp.Region{{Region: "eu-west-1", Partition: "aws"}}, nil
}

func (b *backend) Runs(_ context.Context, q mcp.RunsInput) (protocol.RunPage, error) {
	b.called()
	state := protocol.RunState{RunID: runID, Name: q.Name, Status: protocol.StatusSucceeded, StartedAt: time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)}
	return protocol.RunPage{Runs: []protocol.RunState{state}}, nil
}

func (b *backend) Show(ctx context.Context, _ string, f mcp.Filter, _ mcp.Selection) (mcp.Listing, error) {
	err := b.reads(ctx)
	l := b.listing
	l.Result = f.Apply(l.Result)
	return l, err
}

func (b *backend) Result(ctx context.Context, id string) (protocol.Result, bool, error) {
	err := b.reads(ctx)
	return b.result, id == runID, err
}

func (b *backend) Diff(ctx context.Context, q mcp.DiffQuery) (mcp.Difference, error) {
	err := b.reads(ctx)
	ref := mcp.RunRef{RunID: q.Before, Status: protocol.StatusSucceeded}
	return mcp.Difference{Before: ref, After: ref, Counts: map[string]int{"NEWLY_FAILING": 1}, Findings: rows(1)}, err
}

// reads is what Plan, Show, Result and Diff do.
func (b *backend) reads(ctx context.Context) error {
	b.called()
	if b.read == nil {
		return nil
	}
	return b.read(ctx)
}

// rows returns numbered rows.
func rows(n int) []json.RawMessage {
	all := make([]json.RawMessage, n)
	for i := range all {
		all[i] = fmt.Appendf(nil, `{"region":"eu-west-1","n":%d}`, i)
	}
	return all
}

// succeeded is the listing of a run with n rows.
func succeeded(n int) mcp.Listing {
	r := protocol.Result{RunID: runID, Status: protocol.StatusSucceeded, Regions: []protocol.RegionOutcome{}}
	r.Summary.Regions.Add(protocol.StatusSucceeded)
	return mcp.Listing{Result: r, Kept: true, Rows: rows(n), Summary: fmt.Sprintf("%d rows from 1 Region", n)}
}

// connect serves a backend to the SDK's own client until the test ends.
func connect(t *testing.T, b mcp.Backend, s mcp.Settings, o *sdk.ClientOptions) *sdk.ClientSession {
	t.Helper()
	client, server := sdk.NewInMemoryTransports()
	served := make(chan error, 1)
	go func() { served <- mcp.Serve(context.WithoutCancel(t.Context()), server, b, s) }() // until the client closes the session
	session, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, o).Connect(t.Context(), client, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = session.Close()
		// The answer of a cancelled call may be on its way when the session is closed.
		if err := <-served; err != nil && !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("Serve() = %v", err)
		}
	})
	return session
}

// call calls a tool, and returns the structured content and the texts.
func call(ctx context.Context, t *testing.T, c *sdk.ClientSession, name, arguments string) (*sdk.CallToolResult, string) {
	t.Helper()
	r, err := c.CallTool(ctx, &sdk.CallToolParams{Name: name, Arguments: json.RawMessage(arguments)})
	if err != nil {
		t.Fatalf("%s(%s): %v", name, arguments, err)
	}
	var texts []string
	for _, content := range r.Content {
		texts = append(texts, content.(*sdk.TextContent).Text)
	}
	return r, strings.Join(texts, "\n")
}

// decode reads the structured content of an answer.
func decode[T any](t *testing.T, r *sdk.CallToolResult) (v T) {
	t.Helper()
	data, err := json.Marshal(r.StructuredContent)
	if err == nil {
		err = json.Unmarshal(data, &v)
	}
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestToolsHaveTheseSchemasAndAnnotations(t *testing.T) {
	t.Parallel()
	tools, err := connect(t, &backend{}, mcp.Settings{Tasks: []string{"mine: does this", "yours: does that"}}, nil).ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	writing, err := connect(t, &backend{}, mcp.Settings{Writes: true}, nil).ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, tool := range writing.Tools {
		acts := tool.Name == "call" || tool.Name == "run"
		if a := tool.Annotations; a.ReadOnlyHint == acts || *a.DestructiveHint != acts || a.IdempotentHint == acts || !tools.Tools[i].Annotations.ReadOnlyHint {
			t.Errorf("%s of a server that may write: %+v; of one that may not: %+v", tool.Name, a, tools.Tools[i].Annotations)
		}
	}
	got, err := json.MarshalIndent(tools.Tools, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "tools.json")
	if *update {
		if err := os.WriteFile(golden, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
}

func TestAnAnswerFitsItsSchemaAndIsAlsoText(t *testing.T) {
	t.Parallel()
	failed := succeeded(3)
	failed.Result.Status, failed.Result.Error = protocol.StatusFailed, "States.ExceedToleratedFailureThreshold"
	failed.Result.Notices = []string{"a notice"}
	failed.Result.Regions = []protocol.RegionOutcome{{
		Region: "eu-west-1", Status: protocol.StatusFailed, Targets: []protocol.TargetOutcome{{Target: "a", Status: protocol.StatusFailed, Error: "E", Cause: "why"}},
	}}
	c := connect(t, &backend{listing: failed}, mcp.Settings{}, nil)
	tools, err := c.ListTools(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	arguments := map[string]string{
		"call": `{"operations":["ec2:DescribeVpcs"]}`, "run": `{}`, "plan": `{}`, "operations": `{"operation":"ec2:DescribeVpcs"}`,
		"regions": `{}`, "runs": `{}`, "show": `{"run":"last"}`, "diff": `{}`,
	}
	for _, tool := range tools.Tools {
		schema := compile(t, tool.OutputSchema)
		if err := compile(t, tool.InputSchema).Validate(anyOf(t, arguments[tool.Name])); err != nil {
			t.Errorf("%s: the arguments do not fit the input schema: %v", tool.Name, err)
		}
		r, text := call(t.Context(), t, c, tool.Name, arguments[tool.Name])
		data, err := json.Marshal(r.StructuredContent)
		if err != nil || r.IsError {
			t.Fatalf("%s: %v %s", tool.Name, err, text)
		}
		if err := schema.Validate(anyOf(t, string(data))); err != nil {
			t.Errorf("%s: %s does not fit the output schema: %v", tool.Name, data, err)
		}
		if diff := cmp.Diff(anyOf(t, string(data)), anyOf(t, r.Content[len(r.Content)-1].(*sdk.TextContent).Text)); diff != "" {
			t.Errorf("%s: the text is not the structured content (-structured +text):\n%s", tool.Name, diff)
		}
	}
	if len(tools.Tools) != len(arguments) {
		t.Errorf("%d tools, want %d", len(tools.Tools), len(arguments))
	}
}

// compile returns a schema that the client got.
func compile(t *testing.T, schema any) *jsonschema.Schema {
	t.Helper()
	data, err := json.Marshal(schema)
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", anyOf(t, string(data))); err != nil {
		t.Fatal(err)
	}
	compiled, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

func anyOf(t *testing.T, data string) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestArgumentsAreReadStrictlyBeforeTheBackendIsCalled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, tool, arguments, want string }{
		{"no operations", "call", `{}`, "operations: is missing; name the operations to call, such as ec2:DescribeVpcs"},
		{"unknown argument", "call", `{"operations":["ec2:DescribeVpcs"],"regoins":["eu-west-1"]}`, `regoins: ["eu-west-1"]: unknown field; did you mean "regions"?`},
		{"wrong type", "call", `{"operations":"ec2:DescribeVpcs"}`, `operations: "ec2:DescribeVpcs": want an array, got a string`},
		{"null", "call", `{"operations":["ec2:DescribeVpcs"],"query":null}`, "query: null: null is not allowed; leave the field out"},
		{"given twice", "run", `{"task":"sleep","task":"call"}`, `task: "call": given twice`},
		{"no object", "run", `{"parameters":[1]}`, "parameters: [1]: want an object, got an array"},
		{"a key", "run", `{"key":"k"}`, "key: \"k\": unknown field"},
		{"keep", "run", `{"keep":true}`, "keep: true: unknown field"},
		{"a role", "call", `{"operations":["ec2:DescribeVpcs"],"role":"Admin"}`, `role: "Admin": unknown field`},
		{"allow", "call", `{"operations":["ec2:StopInstances"],"allow":["ec2:*"]}`, `allow: ["ec2:*"]: unknown field`},
		{"function of a coordinator", "run", `{"function":"mine"}`, `function: "mine": unknown field`},
		{"an account with a role", "run", `{"accounts":[{"id":"111122223333","role":"Admin"}]}`, "accounts[0]: {\"id\":\"111122223333\",\"role\":\"Admin\"}: want a string, got an object"},
		{"a worker that says it is idempotent", "run", `{"worker":{"function":"f","idempotent":true}}`, "worker.idempotent: true: unknown field"},
		{"too long", "run", `{"timeoutSeconds":86400}`, "timeoutSeconds: 86400: is too long; this server was started with --timeout 1m0s"},
		{"too many rows", "show", `{"run":"last","maxRows":100000}`, "maxRows: 100000: out of range; want 1 to 500"},
		{"no rows", "call", `{"operations":["ec2:DescribeVpcs"],"maxRows":0}`, "maxRows: 0: out of range; leave it out for as many as fit"},
		{"no run", "show", `{}`, `run: "": is not a run; want its id, the first 6 characters of it or more, last, or last~1; runs lists them`},
		{"a path as a run", "show", `{"run":"../../etc/passwd"}`, `run: "../../etc/passwd": is not a run`},
		{"a file as a run", "diff", `{"before":"before.json","after":"-"}`, "before: \"before.json\": is not a run"},
		{"too many runs", "runs", `{"limit":101}`, "limit: 101: out of range; want 1 to 100"},
		{"too deep", "operations", `{"operation":"ec2:DescribeVpcs","depth":11}`, "depth: 11: out of range; want 1 to 10"},
		{"two questions", "operations", `{"operation":"ec2:DescribeVpcs","search":"vpc"}`, "describes one operation; leave out service and search"},
		{"too large", "run", `{"name":"` + strings.Repeat("a", protocol.MaxRequestBytes) + `"}`, "bytes are too many; at most 1048576"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := &backend{listing: succeeded(1)}
			r, text := call(t.Context(), t, connect(t, b, mcp.Settings{}, nil), test.tool, test.arguments)
			if !r.IsError || !strings.Contains(text, test.want) {
				t.Errorf("error %t: %s\nwant %s", r.IsError, text, test.want)
			}
			if b.calls != 0 {
				t.Errorf("the backend was called %d times", b.calls)
			}
		})
	}
}

func TestArgumentsBecomeARequest(t *testing.T) {
	t.Parallel()
	b := &backend{listing: succeeded(0)}
	c := connect(t, b, mcp.Settings{Timeout: 30 * time.Second}, nil)
	call(t.Context(), t, c, "call", `{"operations":["ec2:DescribeVpcs"],"input":{"MaxResults":5},"query":"Vpcs[]","regions":["eu-*"],"accounts":["111122223333"]}`)
	call(t.Context(), t, c, "run", `{"worker":{"function":"mine","payload":{"a":"{region}"}},"targets":["a",{"name":"b","input":1}],"toleratedFailureCount":2,"timeoutSeconds":5}`)
	want := []protocol.Request{
		{
			Task: "call", Targets: protocol.Targets("ec2:DescribeVpcs"), Parameters: json.RawMessage(`{"input":{"MaxResults":5},"query":"Vpcs[]"}`),
			Regions: []string{"eu-*"}, Accounts: []protocol.Account{{ID: "111122223333"}}, TimeoutSeconds: 30,
		},
		{
			Worker:  &protocol.Worker{Function: "mine", Payload: json.RawMessage(`{"a":"{region}"}`)},
			Targets: []protocol.Target{{Name: "a"}, {Name: "b", Input: json.RawMessage("1")}}, ToleratedFailureCount: new(2), TimeoutSeconds: 5,
		},
	}
	if diff := cmp.Diff(want, b.requests); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
}

func TestFaultsOfARequestNameTheArgumentsOfCall(t *testing.T) {
	t.Parallel()
	b := &backend{run: func(context.Context, protocol.Request, func(protocol.Event)) error {
		return protocol.Faults{{Path: "targets[0]", Detail: "is no operation"}, {Path: "parameters.input.A", Detail: "is unknown"}, {Path: "regions[1]", Detail: "is no Region"}}.Err()
	}}
	c := connect(t, b, mcp.Settings{}, nil)
	_, text := call(t.Context(), t, c, "call", `{"operations":["ec2:Nope"]}`)
	if want := "operations[0]: is no operation\ninput.A: is unknown\nregions[1]: is no Region"; text != want {
		t.Errorf("call: %s, want %s", text, want)
	}
	if _, text = call(t.Context(), t, c, "run", `{}`); !strings.HasPrefix(text, "targets[0]: is no operation\nparameters.input.A") {
		t.Errorf("run: %s", text)
	}
}

func TestAnAnswerThatIsCutSaysHowToGetTheRest(t *testing.T) {
	t.Parallel()
	long := succeeded(0)
	for i := range 3000 {
		long.Rows = append(long.Rows, fmt.Appendf(nil, `{"region":"eu-west-1","n":%d,"text":%q}`, i, strings.Repeat("x", i%300)))
	}
	c := connect(t, &backend{listing: long}, mcp.Settings{MaxRows: 400}, nil)
	r, text := call(t.Context(), t, c, "call", `{"operations":["ec2:DescribeVpcs"]}`)
	for all, answers := 0, 0; ; answers++ {
		a := decode[mcp.Answer](t, r)
		for _, row := range a.Rows {
			if diff := cmp.Diff(anyOf(t, string(long.Rows[all])), anyOf(t, string(row))); diff != "" {
				t.Fatalf("row %d (-want +got):\n%s", all, diff)
			}
			all++
		}
		if data, _ := json.Marshal(r.StructuredContent); len(data) > mcp.MaxAnswerBytes || len(a.Rows) == 0 || len(a.Rows) > 400 {
			t.Fatalf("answer %d has %d rows and %d bytes", answers, len(a.Rows), len(data))
		}
		if all == len(long.Rows) {
			if a.Cut != "" || answers < 7 {
				t.Errorf("the last of %d answers says %q", answers, a.Cut)
			}
			return
		}
		want := fmt.Sprintf(`%d rows of 3000 are left out: call show with run "%s" and offset %d, or with columns, countBy, regions, targets or failedOnly`, 3000-all, runID, all)
		if a.Cut != want || !strings.Contains(text, want) {
			t.Fatalf("cut: %s\nwant %s\nin %s", a.Cut, want, text)
		}
		r, text = call(t.Context(), t, c, "show", fmt.Sprintf(`{"run":%q,"offset":%d}`, runID, all))
	}
}

func TestHostileSizesDoNotExceedTheBound(t *testing.T) {
	t.Parallel()
	l := succeeded(0)
	huge := strings.Repeat("é\"\x01\xff", 1<<18)
	r := &l.Result
	r.Cause, r.Error, l.Summary = huge, huge, huge
	for i := range 500 {
		r.Notices = append(r.Notices, huge[:4000])
		r.Regions = append(r.Regions, protocol.RegionOutcome{
			Region: fmt.Sprint("eu-west-", i), Status: protocol.StatusFailed,
			Targets: []protocol.TargetOutcome{{Target: "t", Status: protocol.StatusFailed, Error: fmt.Sprint(i, huge[:4000]), Cause: huge[:4000]}},
		})
	}
	members := map[string]string{"region": "eu-west-1", "a": huge}
	for i := range 2000 {
		members[fmt.Sprint("m", i)] = "small"
	}
	encoded, _ := json.Marshal(huge)
	one, _ := json.Marshal(members)
	two, _ := json.Marshal(map[string]string{"region": "eu-west-1", "a": huge, "b": "b"})
	l.Rows = []json.RawMessage{two, one, one}
	for range 10 {
		l.Rows = append(l.Rows, json.RawMessage(`{"html":"`+strings.Repeat("<&>", 2700)+`"}`))
	}
	answer, text := call(t.Context(), t, connect(t, &backend{listing: l}, mcp.Settings{}, nil), "run", `{}`)
	content := answer.Content[1].(*sdk.TextContent).Text
	if len(content) > mcp.MaxAnswerBytes || len(text)-len(content) > 8<<10 {
		t.Errorf("%d bytes and %d more of text", len(content), len(text)-len(content))
	}
	a := decode[mcp.Answer](t, answer)
	first := fmt.Sprintf(`{"a":"(%d bytes left out)","b":"b","region":"eu-west-1"}`, len(encoded))
	if len(a.Rows) != 7 || string(a.Rows[0]) != first || string(a.Rows[1]) != `{"region":"eu-west-1"}` {
		t.Errorf("%d rows, the first of them %.200s", len(a.Rows), a.Rows)
	}
	if want := "; 3 rows of more than 8 KB lack their longest values: select columns, or ask for less"; !strings.HasPrefix(a.Cut, "6 rows of 13 are left out: ") || !strings.HasSuffix(a.Cut, want) {
		t.Errorf("cut: %s, want %s", a.Cut, want)
	}
}

func TestErrorsAreCountedByName(t *testing.T) {
	t.Parallel()
	l := succeeded(0)
	for i, target := range []protocol.TargetOutcome{
		{Status: protocol.StatusSucceeded},
		{Status: protocol.StatusFailed, Error: "AccessDenied", Cause: "no"},
		{Status: protocol.StatusSkipped},
		{Status: protocol.StatusFailed, Error: "AccessDenied", Cause: "never"},
		{Status: protocol.StatusNotStarted},
	} {
		l.Result.Regions = append(l.Result.Regions, protocol.RegionOutcome{Region: fmt.Sprint("r", i), Targets: []protocol.TargetOutcome{target}})
	}
	r, _ := call(t.Context(), t, connect(t, &backend{listing: l}, mcp.Settings{}, nil), "run", `{}`)
	want := []mcp.ErrorGroup{
		{Error: "AccessDenied", Targets: 2, Regions: []string{"r1", "r3"}, Cause: "no"},
		{Error: "NOT_STARTED", Targets: 1, Regions: []string{"r4"}},
	}
	if diff := cmp.Diff(want, decode[mcp.Answer](t, r).Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
}

func TestAFilterKeepsAPartOfTheRows(t *testing.T) {
	t.Parallel()
	var r protocol.Result
	for _, account := range []string{"1", "2"} {
		for _, region := range []string{"a", "b"} {
			r.Regions = append(r.Regions, protocol.RegionOutcome{Account: account, Region: region, Targets: []protocol.TargetOutcome{
				{Target: "fine", Status: protocol.StatusSucceeded}, {Target: "bad", Status: protocol.StatusFailed}, {Target: "none", Status: protocol.StatusSkipped},
			}})
		}
	}
	for _, test := range []struct {
		name   string
		filter mcp.Filter
		want   string
	}{
		{"all", mcp.Filter{}, "1a:fine,bad,none 1b:fine,bad,none 2a:fine,bad,none 2b:fine,bad,none"},
		{"Region and account", mcp.Filter{Regions: []string{"b"}, Accounts: []string{"2"}}, "2b:fine,bad,none"},
		{"target", mcp.Filter{Regions: []string{"a"}, Targets: []string{"fine", "none"}}, "1a:fine,none 2a:fine,none"},
		{"failures", mcp.Filter{Accounts: []string{"1"}, FailedOnly: true}, "1a:bad 1b:bad"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, region := range test.filter.Apply(r).Regions {
				var targets []string
				for _, target := range region.Targets {
					targets = append(targets, target.Target)
				}
				got = append(got, region.Account+region.Region+":"+strings.Join(targets, ","))
			}
			if strings.Join(got, " ") != test.want {
				t.Errorf("Apply(%+v) keeps %s, want %s", test.filter, got, test.want)
			}
		})
	}
}

func TestAPanicIsTheErrorOfItsCall(t *testing.T) {
	t.Parallel()
	b := &backend{listing: succeeded(1), run: func(_ context.Context, r protocol.Request, _ func(protocol.Event)) error {
		if r.Task == "sleep" {
			panic("broken")
		}
		return nil
	}}
	c := connect(t, b, mcp.Settings{}, nil)
	if r, text := call(t.Context(), t, c, "run", `{"task":"sleep"}`); !r.IsError || text != "run failed inside: broken; this is a bug of the server" {
		t.Errorf("error %t: %s", r.IsError, text)
	}
	if r, text := call(t.Context(), t, c, "run", `{}`); r.IsError {
		t.Errorf("the next call: %s", text)
	}
}

func TestProgressCountsSettledRegions(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var last sdk.ProgressNotificationParams
	got := make(chan struct{}, 10)
	o := &sdk.ClientOptions{ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
		mu.Lock()
		last = *r.Params
		mu.Unlock()
		got <- struct{}{}
	}}
	b := &backend{listing: succeeded(1), run: func(_ context.Context, _ protocol.Request, event func(protocol.Event)) error {
		event(protocol.Event{Type: protocol.EventRunStarted, Started: &protocol.RunStarted{Regions: 2}})
		event(protocol.Event{Type: protocol.EventRegionSettled, Outcome: &protocol.RegionOutcome{Status: protocol.StatusSucceeded}})
		<-got // it has arrived
		event(protocol.Event{Type: protocol.EventRegionSettled, Outcome: &protocol.RegionOutcome{Status: protocol.StatusFailed}})
		return nil
	}}
	p := &sdk.CallToolParams{Name: "run"}
	p.SetProgressToken("token")
	if _, err := connect(t, b, mcp.Settings{}, o).CallTool(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	<-got
	mu.Lock()
	defer mu.Unlock()
	if last.Message != "2 of 2 Regions done, 1 failed" || last.Progress != 2 || last.Total != 2 || last.ProgressToken != "token" {
		t.Errorf("progress %+v", last)
	}
}

func TestACancelledCallEndsItsRun(t *testing.T) {
	t.Parallel()
	started, ended := make(chan struct{}), make(chan error, 1)
	b := &backend{run: func(ctx context.Context, _ protocol.Request, _ func(protocol.Event)) error {
		close(started)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return context.Cause(ctx)
	}}
	c := connect(t, b, mcp.Settings{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-started
		cancel()
	}()
	if _, err := c.CallTool(ctx, &sdk.CallToolParams{Name: "run"}); err == nil {
		t.Error("the call has an answer")
	}
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the run ended with %v", err)
	}
}

// A discarded writer drops what the server answers.
type discarded struct{}

func (discarded) Write(p []byte) (int, error) { return len(p), nil }

func (discarded) Close() error { return nil }

func TestTheEndOfTheServerEndsItsRunsAndWaitsForThem(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(client io.Closer, signal func())
		want error
	}{
		{"the client goes", func(client io.Closer, _ func()) { _ = client.Close() }, nil},
		{"a signal", func(_ io.Closer, signal func()) { signal() }, context.Canceled},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			started, recorded := make(chan struct{}), false
			b := &backend{run: func(ctx context.Context, _ protocol.Request, _ func(protocol.Event)) error {
				close(started)
				<-ctx.Done()
				recorded = true
				return context.Cause(ctx)
			}}
			reader, writer := io.Pipe()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			served := make(chan error, 1)
			go func() {
				served <- mcp.Serve(ctx, &sdk.IOTransport{Reader: reader, Writer: discarded{}}, b, mcp.Settings{})
			}()
			for _, line := range []string{
				`{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"test","version":"1"}}}`,
				`{"jsonrpc":"2.0","method":"notifications/initialized"}`,
				`{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"run"}}`,
			} {
				if _, err := io.WriteString(writer, line+"\n"); err != nil {
					t.Fatal(err)
				}
			}
			<-started
			test.end(writer, cancel)
			if err := <-served; !errors.Is(err, test.want) {
				t.Errorf("Serve() = %v, want %v", err, test.want)
			}
			if !recorded {
				t.Error("Serve returned before the run had ended")
			}
		})
	}
}

func TestACallEndsWithinTheTimeoutAndAReserve(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backend{run: func(ctx context.Context, _ protocol.Request, _ func(protocol.Event)) error {
			if _, has := ctx.Deadline(); has {
				t.Error("the context has a deadline, which a run takes for that of a function")
			}
			<-ctx.Done()
			return context.Cause(ctx)
		}}
		c := connect(t, b, mcp.Settings{Timeout: 40 * time.Second}, nil)
		begin := time.Now()
		if r, text := call(t.Context(), t, c, "run", `{}`); !r.IsError || text != "the call did not end within 55s" {
			t.Errorf("error %t: %s", r.IsError, text)
		}
		if took := time.Since(begin); took != 55*time.Second {
			t.Errorf("it took %v, want 55s", took)
		}
	})
}

func TestAtMostFourRunsAreInProgress(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, peak := 0, 0
		b := &backend{listing: succeeded(1), run: func(context.Context, protocol.Request, func(protocol.Event)) error {
			mu.Lock()
			running++
			peak = max(peak, running)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			running--
			mu.Unlock()
			return nil
		}}
		c := connect(t, b, mcp.Settings{}, nil)
		var calls sync.WaitGroup
		for range 9 {
			calls.Go(func() { call(t.Context(), t, c, "run", `{}`) })
		}
		begin := time.Now()
		calls.Wait()
		if took := time.Since(begin); peak != 4 || took != 3*time.Second {
			t.Errorf("a peak of %d runs in %v, want 4 in 3s", peak, took)
		}
	})
}

// What lists or compares runs has all their outcomes in memory.
func TestOneCallAtATimeReadsRuns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		reading, peak := 0, 0
		count := func(by int) {
			mu.Lock()
			defer mu.Unlock()
			reading += by
			peak = max(peak, reading)
		}
		b := &backend{listing: succeeded(1), result: protocol.Result{RunID: runID, Status: protocol.StatusSucceeded}, read: func(context.Context) error {
			count(1)
			defer count(-1)
			time.Sleep(time.Second)
			return nil
		}}
		c := connect(t, b, mcp.Settings{}, nil)
		var calls sync.WaitGroup
		calls.Go(func() { call(t.Context(), t, c, "plan", `{}`) })
		calls.Go(func() { call(t.Context(), t, c, "show", `{"run":"last"}`) })
		calls.Go(func() { call(t.Context(), t, c, "diff", `{}`) })
		calls.Go(func() { _, _ = c.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: "meridian://runs/" + runID}) })
		begin := time.Now()
		calls.Wait()
		if took := time.Since(begin); peak != 1 || took != 4*time.Second {
			t.Errorf("a peak of %d calls in %v, want 1 in 4s", peak, took)
		}
	})
}

func TestACallThatReadsForTooLongSaysSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &backend{read: func(ctx context.Context) error {
			<-ctx.Done()
			return errors.New("read result.json: context canceled")
		}}
		c := connect(t, b, mcp.Settings{Timeout: 40 * time.Second}, nil)
		if r, text := call(t.Context(), t, c, "show", `{"run":"last"}`); !r.IsError || text != "the call did not end within 55s" {
			t.Errorf("error %t: %s", r.IsError, text)
		}
	})
}

func TestKeptRunsAreResources(t *testing.T) {
	t.Parallel()
	b := &backend{result: protocol.Result{RunID: runID, Status: protocol.StatusSucceeded, Regions: []protocol.RegionOutcome{{
		Region: "eu-west-1", Status: protocol.StatusSucceeded,
		Targets: []protocol.TargetOutcome{{Target: "a", Status: protocol.StatusSucceeded, Output: json.RawMessage(`"` + strings.Repeat("x", 100_000) + `"`)}},
	}}}}
	c := connect(t, b, mcp.Settings{}, nil)
	list, err := c.ListResources(t.Context(), nil)
	if err != nil || len(list.Resources) != 1 || list.Resources[0].URI != "meridian://runs/"+runID || list.Resources[0].MIMEType != "application/json" {
		t.Fatalf("ListResources() = %+v, %v", list, err)
	}
	templates, err := c.ListResourceTemplates(t.Context(), nil)
	if err != nil || len(templates.ResourceTemplates) != 1 || templates.ResourceTemplates[0].URITemplate != "meridian://runs/{id}" {
		t.Fatalf("ListResourceTemplates() = %+v, %v", templates, err)
	}
	read, err := c.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: list.Resources[0].URI})
	if err != nil {
		t.Fatal(err)
	}
	result, err := protocol.DecodeResult([]byte(read.Contents[0].Text))
	if err != nil || len(read.Contents[0].Text) > mcp.MaxAnswerBytes || result.Regions[0].Targets[0].DroppedOutputBytes != 100_002 {
		t.Errorf("a result of %d bytes: %+v, %v", len(read.Contents[0].Text), result, err)
	}
	before := b.calls
	for _, uri := range []string{"meridian://runs/01JDCX4T0000000000000000AB", "meridian://runs/last", "meridian://runs/..%2f..%2fetc%2fpasswd", "meridian://runs/", "file:///etc/passwd"} {
		if _, err := c.ReadResource(t.Context(), &sdk.ReadResourceParams{URI: uri}); err == nil || !strings.Contains(err.Error(), "Resource not found") {
			t.Errorf("ReadResource(%s) = %v, want that it is not found", uri, err)
		}
	}
	if b.calls != before+1 {
		t.Errorf("the backend was asked %d times, want once, for the id", b.calls-before)
	}
}

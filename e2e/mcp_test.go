//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// agentQuestions are asked over all Regions by the command line and by an agent.
var agentQuestions = []struct {
	operation, query string
	rows             int
}{
	{"sqs:ListQueues", "QueueUrls[]", 17},
	{"ec2:DescribeVpcs", "Vpcs[].{vpc: VpcId, cidr: CidrBlock}", 17},
	{"sts:GetCallerIdentity", "Account", 17},
}

// TestMCP asks an emulated AWS questions over 17 Regions with the tools for agents: with the SDK's
// own client, and with the reference inspector from npm. The rows are those of the command line.
func TestMCP(t *testing.T) {
	part(t, "mcp", "npm", "python3")
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{repo: repo, dir: t.TempDir()}
	tools := s.tools(t.Context(), t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	s.machine(ctx, t, "go", "build", "-o", s.path("meridian"), "./cmd/meridian")
	aws := startEmulator(ctx, t, tools)
	server := []string{
		"AWS_ENDPOINT_URL=" + aws.url(), "AWS_REGION=" + home, "AWS_ACCESS_KEY_ID=" + root.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + root.SecretAccessKey,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true", "MERIDIAN_STORE=" + s.path("runs"),
	}
	s.env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir}, server...)
	s.must(ctx, t, s.path("meridian"), "call", "sqs:CreateQueue", "--input", `{"QueueName": "of-{region}"}`, "--allow", "sqs:CreateQueue")

	want := map[string][]any{} // rows, by operation
	for _, q := range agentQuestions {
		out := s.must(ctx, t, s.path("meridian"), "call", q.operation, "--query", q.query, "-o", "jsonl").stdout
		for line := range strings.Lines(out) {
			want[q.operation] = append(want[q.operation], decode[any](t, line))
		}
		if n := len(want[q.operation]); n < q.rows {
			t.Fatalf("the command line has %d rows of %s, want %d or more:\n%s", n, q.operation, q.rows, out)
		}
	}
	t.Run("the SDK's client", func(t *testing.T) { s.askAsAgent(ctx, t, want) })
	t.Run("the inspector", func(t *testing.T) { s.inspect(ctx, t, server, want) })
}

// An agentAnswer is what is compared of an answer.
type agentAnswer struct {
	Status  string `json:"status"`
	Kept    bool   `json:"kept"`
	Regions struct {
		Total, Succeeded int
	} `json:"regions"`
	Rows []any  `json:"rows"`
	Cut  string `json:"cut"`
}

// check compares an answer with the rows of the command line.
func (a agentAnswer) check(t *testing.T, want []any) {
	t.Helper()
	if diff := cmp.Diff(want, a.Rows); diff != "" {
		t.Errorf("rows (-command line +agent):\n%s", diff)
	}
	if a.Status != "SUCCEEDED" || !a.Kept || a.Regions.Total != 17 || a.Regions.Succeeded != 17 || a.Cut != "" {
		t.Errorf("answer: %s, kept %t, Regions %+v, cut %q", a.Status, a.Kept, a.Regions, a.Cut)
	}
}

// askAsAgent asks with the SDK's client. Each question is one call.
func (s *site) askAsAgent(ctx context.Context, t *testing.T, want map[string][]any) {
	command := s.process(ctx, s.env, s.path("meridian"), "mcp")
	var stderr bytes.Buffer
	command.Stderr = &stderr
	c, err := sdk.NewClient(&sdk.Implementation{Name: "e2e", Version: "1"}, nil).Connect(ctx, &sdk.CommandTransport{Command: command}, nil)
	if err != nil {
		t.Fatal(err, stderr.String())
	}
	for _, q := range agentQuestions {
		r, err := c.CallTool(ctx, &sdk.CallToolParams{Name: "call", Arguments: map[string]any{"operations": []string{q.operation}, "query": q.query}})
		if err != nil || r.IsError {
			t.Fatalf("%s: %v %v", q.operation, err, r)
		}
		content, err := json.Marshal(r.StructuredContent)
		if err != nil {
			t.Fatal(err)
		}
		decode[agentAnswer](t, string(content)).check(t, want[q.operation])
	}
	r, err := c.CallTool(ctx, &sdk.CallToolParams{Name: "call", Arguments: map[string]any{"operations": []string{"sqs:DeleteQueue"}, "input": map[string]any{"QueueUrl": "q"}}})
	if err != nil || !r.IsError {
		t.Errorf("a write is answered with %+v, %v", r, err)
	}
	if err := c.Close(); err != nil {
		t.Errorf("the server ends with %v: %s", err, stderr.String())
	}
}

// inspect has the inspector list the tools, and ask the questions.
func (s *site) inspect(ctx context.Context, t *testing.T, server []string, want map[string][]any) {
	inspector := s.inspector(ctx, t)
	run := func(args ...string) printed {
		var all []string
		for _, variable := range server {
			all = append(all, "-e", variable)
		}
		all = append(append([]string{"--cli"}, all...), s.path("meridian"), "mcp")
		out := s.command(ctx, t, s.env, inspector, append(all, args...)...)
		if out.status != 0 {
			t.Fatalf("mcp-inspector %s: exit status %d\n%s%s", args, out.status, out.stdout, out.stderr)
		}
		return out
	}
	// --strict fails if a schema has what some clients cannot read.
	listed := decode[struct {
		Tools []struct {
			Name         string          `json:"name"`
			OutputSchema json.RawMessage `json:"outputSchema"`
		} `json:"tools"`
	}](t, run("--method", "tools/list", "--strict").stdout)
	var names []string
	for _, tool := range listed.Tools {
		names = append(names, tool.Name)
		if tool.OutputSchema == nil {
			t.Errorf("%s has no output schema", tool.Name)
		}
	}
	slices.Sort(names)
	if diff := cmp.Diff([]string{"call", "diff", "operations", "plan", "regions", "run", "runs", "show"}, names); diff != "" {
		t.Errorf("tools (-want +got):\n%s", diff)
	}
	for _, q := range agentQuestions {
		out := run("--method", "tools/call", "--tool-name", "call", "--tool-arg", fmt.Sprintf("operations=[%q]", q.operation), "query="+q.query)
		decode[struct {
			StructuredContent agentAnswer `json:"structuredContent"`
		}](t, out.stdout).StructuredContent.check(t, want[q.operation])
	}
	if list := run("--method", "resources/list").stdout; !strings.Contains(list, "meridian://runs/") {
		t.Errorf("no run is a resource: %s", list)
	}
}

// inspector returns the program of the reference inspector. It is installed in build/e2e, as its lock
// file says.
func (s *site) inspector(ctx context.Context, t *testing.T) string {
	t.Helper()
	at, files := filepath.Join(s.repo, "build", "e2e", "inspector"), filepath.Join("testdata", "inspector")
	lock, err := os.ReadFile(filepath.Join(files, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	// Written last: an incomplete installation has no such file.
	stamp := filepath.Join(at, "installed.json")
	if have, err := os.ReadFile(stamp); err != nil || !bytes.Equal(have, lock) {
		if err := os.RemoveAll(at); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(at, os.DirFS(files)); err != nil {
			t.Fatal(err)
		}
		// Not npm ci: it refuses a lock file without a package for Windows that registries lack.
		install := exec.CommandContext(ctx, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund")
		install.Dir = at
		if out, err := install.CombinedOutput(); err != nil {
			t.Fatalf("npm install: %v\n%s", err, out)
		}
		if err := os.WriteFile(stamp, lock, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return filepath.Join(at, "node_modules", ".bin", "mcp-inspector")
}

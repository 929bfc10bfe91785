//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	coordinating "meridian/internal/coordinator"
	"meridian/internal/invoke"
	working "meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
	"meridian/pkg/protocol/schema"
)

// A schemaCase is a message that Python's validator has to find valid, or not.
type schemaCase struct {
	Schema  string          `json:"schema"`
	Name    string          `json:"name"`
	Message json.RawMessage `json:"message"`
	Valid   bool            `json:"valid"`
}

// TestSchema validates the golden files, and every message of real runs, with Python's
// validator against the schemas that the command prints. It lints the OpenAPI document, and
// draws 10,000 requests that the Go validator has to accept.
func TestSchema(t *testing.T) {
	part(t, "schema", "npm", "python3")
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	s := newSite(t)
	s.machine(ctx, t, "go", "build", "-o", s.path("meridian"), "./cmd/meridian")
	for _, name := range schema.Names() {
		s.write(t, filepath.Join("schemas", name+".json"), []byte(s.must(ctx, t, s.path("meridian"), "schema", name).stdout))
	}

	cases := slices.Concat(goldenCases(t), invalidCases(), s.resultCases(ctx, t), messageCases(ctx, t))
	var input strings.Builder
	for _, c := range cases {
		if err := json.NewEncoder(&input).Encode(c); err != nil {
			t.Fatal(err)
		}
	}
	python, err := filepath.Abs(filepath.Join("testdata", "schemas.py"))
	if err != nil {
		t.Fatal(err)
	}
	last := ""
	s.each(ctx, t, input.String(), func(line []byte) {
		if last != "" {
			t.Error(last)
		}
		last = string(line)
	}, filepath.Join(s.tools(ctx, t), "python"), python, s.path("schemas"))
	if last != fmt.Sprint(len(cases)) {
		t.Errorf("%s of %d messages were validated", last, len(cases))
	}
	t.Logf("%s messages were validated", last)

	s.lint(ctx, t, s.path("schemas", "openapi.json"))
	s.machine(ctx, t, "go", "test", "-count=1", "-run", "^TestWhatDecodeRequestAcceptsTheSchemaAccepts$", "./pkg/protocol/schema", "-rapid.checks=2000")
}

// lint has no problem with the OpenAPI document, under the rules that Redocly recommends.
// Meridian has no license to name.
func (s *site) lint(ctx context.Context, t *testing.T, document string) {
	t.Helper()
	env := append(slices.Clone(s.env), "REDOCLY_TELEMETRY=off", "REDOCLY_SUPPRESS_UPDATE_NOTICE=true")
	out := s.command(ctx, t, env, s.path("node_modules", ".bin", "redocly"), "lint", "--format=json", "--skip-rule=info-license", document)
	report := decode[struct {
		Totals   map[string]int    `json:"totals"`
		Problems []json.RawMessage `json:"problems"`
	}](t, out.stdout)
	if out.status != 0 || len(report.Problems) > 0 || len(report.Totals) == 0 {
		t.Errorf("exit status %d, totals %v, problems %s", out.status, report.Totals, report.Problems)
	}
}

// goldenCases has all golden files with a schema. The name of each begins with that of its schema.
func goldenCases(t *testing.T) (cases []schemaCase) {
	t.Helper()
	files, err := filepath.Glob("../pkg/protocol/testdata/v1/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if name := schemaOf(file); name != "" {
			cases = append(cases, schemaCase{name, filepath.Base(file), text, true})
		} else if !strings.HasPrefix(filepath.Base(file), "record_") { // what only the store has
			t.Errorf("%s has no schema", file)
		}
	}
	return cases
}

// schemaOf returns the longest name of a schema with which that of a golden file begins, or "".
func schemaOf(file string) (longest string) {
	stem := strings.ReplaceAll(strings.TrimSuffix(filepath.Base(file), ".json"), "_", "-") + "-"
	for _, name := range schema.Names() {
		if strings.HasPrefix(stem, name+"-") && len(name) > len(longest) {
			longest = name
		}
	}
	return longest
}

// invalidCases would be valid for a validator that looks at nothing.
func invalidCases() (cases []schemaCase) {
	for _, c := range [][2]string{
		{"request", `{"regionz":["eu-west-1"]}`},
		{"request", `{"name":"a b"}`},
		{"request", `{"targets":["s3","s3"]}`},
		{"request", `{"accounts":["123"]}`},
		{"request", `{"organization":true}`},
		{"request", `{"hedge":{"afterSeconds":1,"afterPercentile":90}}`},
		{"request", `{"retry":[{"errorEquals":["States.Runtime"]}]}`},
		{"region-request", `{"version":1,"runId":"r","attempt":1,"task":"resolve","targets":["s3"]}`},
		{"region-result", `{"status":"DONE"}`},
		{"result", `{}`},
		{"event", `{"version":1,"runId":"r","sequence":1,"time":"yesterday","type":"NOTICE"}`},
	} {
		cases = append(cases, schemaCase{c[0], c[1], json.RawMessage(c[1]), false})
	}
	return cases
}

// resultCases has what the command prints of runs that end in different ways.
func (s *site) resultCases(ctx context.Context, t *testing.T) (cases []schemaCase) {
	t.Helper()
	for _, c := range []struct{ name, flags string }{
		{"succeeded", "--region us-east-1,eu-west-1 --target dynamodb,s3"},
		{"timed out", "--region us-east-1,eu-west-1 --task sleep --param seconds=5 --timeout 0.2s"},
		{"failed", "--region us-east-1 --task sleep --param seconds=5 --target-timeout 0.05s"},
		{"skipped", "--region ap-southeast-3 --target apprunner"},
	} {
		out := s.command(ctx, t, s.env, s.path("meridian"), append(strings.Fields("run -o json "+c.flags), "--name", strings.ReplaceAll(c.name, " ", "-"))...)
		if !json.Valid([]byte(out.stdout)) {
			t.Fatalf("%s: exit status %d\n%s%s", c.name, out.status, out.stdout, out.stderr)
		}
		cases = append(cases, schemaCase{"result", c.name, json.RawMessage(out.stdout), true})
	}
	return cases
}

// messageCases has every message of a run with workers in this process: one invocation fails
// at first, and one always.
func messageCases(ctx context.Context, t *testing.T) (cases []schemaCase) {
	t.Helper()
	var mu sync.Mutex
	keep := func(name string, message []byte) {
		mu.Lock()
		defer mu.Unlock()
		cases = append(cases, schemaCase{name, fmt.Sprintf("%s %d", name, len(cases)), bytes.Clone(message), true})
	}
	worker := &working.Worker{Tasks: task.Builtin()}
	handle := func(ctx context.Context, payload []byte) ([]byte, error) {
		keep("region-request", payload)
		r, err := protocol.DecodeRegionRequest(payload)
		if err != nil || r.Region == "eu-west-2" || r.Region == "eu-west-1" && r.Attempt == 1 {
			return nil, errors.Join(err, errors.New("broken"))
		}
		answer, err := worker.Handle(ctx, payload)
		keep("region-result", answer)
		return answer, err
	}
	c := &coordinating.Coordinator{
		Invoker: invoke.InProcess{Handle: handle}, Tasks: task.Builtin(),
		Events: func(e protocol.Event) {
			text, err := json.Marshal(e)
			if err != nil {
				t.Error(err)
			}
			keep("event", text)
		},
	}
	request := `{"name":"e2e","regions":["eu-*","ap-southeast-3"],"targets":["dynamodb","apprunner","s3"],"maxTargetsPerInvocation":2,
		"retry":[{"errorEquals":["States.ALL"],"intervalSeconds":0.001,"maxAttempts":2}]}`
	r, faults := protocol.DecodeRequest([]byte(request))
	answer, err := c.Answer(ctx, r, faults, 0)
	if err != nil {
		t.Fatal(err)
	}
	keep("request", []byte(request))
	keep("result", answer)
	return cases
}

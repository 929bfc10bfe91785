//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A resourceCase is what e2e/testdata/resources.js reads: parameters, and the files of
// deploy/schedules, or nil for those of the case before.
type resourceCase struct {
	Params map[string]string `json:"params"`
	Files  map[string]string `json:"files,omitzero"`
}

// A resourceResult is what it writes: the resources that the parameters and files make, or why
// they are refused.
type resourceResult struct {
	Resources map[string]resource `json:"resources"`
	Error     string              `json:"error"`
}

// resources returns what the files of deploy/ make of each case.
func (s *site) resources(ctx context.Context, t *testing.T, cases []resourceCase) []resourceResult {
	t.Helper()
	input, err := json.Marshal(cases)
	if err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	s.each(ctx, t, string(input), func(line []byte) { output.Write(line) }, "node", filepath.Join(s.repo, "e2e", "testdata", "resources.js"))
	results := decode[[]resourceResult](t, output.String())
	if len(results) != len(cases) {
		t.Fatalf("%d results of %d cases", len(results), len(cases))
	}
	return results
}

// trySchedules checks what becomes of the files of deploy/schedules.
func (s *site) trySchedules(ctx context.Context, t *testing.T) {
	const file = "deploy/schedules/reachable.json"
	committed := s.read(t, file)
	t.Cleanup(func() { s.write(t, file, []byte(committed)) })
	files := map[string]string{
		"daily-probe.json": `{"expression":"cron(0 8 * * ? *)","timezone":"Europe/Berlin","request":{"task":"probe","name":"daily-probe"}}`,
		"once.v2.json":     `{"expression":"at(2026-12-01T08:00:00)","request":{}}`,
		"reachable.json":   `{"expression":"rate(5 minutes)","request":{"task":"probe"}}`,
		"README.md":        "Not a schedule.",
	}
	const target = "${CoordinatorLambdaFunction.Arn} as ${ScheduleRole.Arn}, "
	for _, c := range []struct {
		name   string
		params map[string]string
		want   map[string]string
	}{
		{"as it comes", nil, map[string]string{
			"ScheduleOfDailyDashprobe": `meridian-dev-daily-probe DISABLED cron(0 8 * * ? *) Europe/Berlin, ` + target +
				`{"key":"meridian-dev-daily-probe-<aws.scheduler.scheduled-time>","task":"probe","name":"daily-probe"}, 2 in 900 s, given up to <nil>`,
			"ScheduleOfOnceDotv2": `meridian-dev-once.v2 DISABLED at(2026-12-01T08:00:00) <nil>, ` + target +
				`{"key":"meridian-dev-once.v2-<aws.scheduler.scheduled-time>","name":"once.v2"}, 2 in 900 s, given up to <nil>`,
			"ScheduleOfReachable": `meridian-dev-reachable DISABLED rate(5 minutes) <nil>, ` + target +
				`{"key":"meridian-dev-reachable-<aws.scheduler.scheduled-time>","task":"probe","name":"reachable"}, 2 in 900 s, given up to <nil>`,
		}},
		{"enabled, without a store, with dead letters", map[string]string{"schedule": "ENABLED", "store": "DISABLED", "scheduleDeadLetters": "ENABLED"}, map[string]string{
			"ScheduleOfDailyDashprobe": `meridian-dev-daily-probe ENABLED cron(0 8 * * ? *) Europe/Berlin, ` + target +
				`{"task":"probe","name":"daily-probe"}, 0 in 60 s, given up to ${DeadLetters.Arn}`,
			"ScheduleOfOnceDotv2": `meridian-dev-once.v2 ENABLED at(2026-12-01T08:00:00) <nil>, ` + target +
				`{"name":"once.v2"}, 0 in 60 s, given up to ${DeadLetters.Arn}`,
			"ScheduleOfReachable": `meridian-dev-reachable ENABLED rate(5 minutes) <nil>, ` + target +
				`{"task":"probe","name":"reachable"}, 0 in 60 s, given up to ${DeadLetters.Arn}`,
		}},
	} {
		got := map[string]string{}
		result := s.resources(ctx, t, []resourceCase{{c.params, files}})[0]
		for id, r := range result.Resources {
			if r.Type == "AWS::Scheduler::Schedule" {
				got[id] = schedule(r)
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: the schedules (-want +got): %s\n%s", c.name, result.Error, diff)
		}
	}
	s.refuseSchedules(ctx, t)

	// The committed file, by the framework, which merges resources with the same logical ID.
	s.must(ctx, t, "rm", "-r", s.path("deploy", "schedules"))
	s.write(t, file, []byte(committed))
	s.write(t, "deploy/schedules/role.json", []byte(`{"expression":"rate(1 hour)","request":{}}`))
	m := s.pack(ctx, t, "serverless.yml", "--param", "schedule=ENABLED")
	if got := m.Resources["ScheduleOfReachable"].Properties["State"]; got != "ENABLED" {
		t.Errorf("with schedule=ENABLED the schedule is %v", got)
	}
	if names := at(m.Resources["CoordinatorLambdaFunction"].Properties, "Environment", "Variables", "METRICS_NAMES"); names != "reachable,role" {
		t.Errorf("METRICS_NAMES is %v, want reachable,role", names)
	}
	if role := m.Resources["ScheduleRole"]; role.Type != "AWS::IAM::Role" || role.Properties["ScheduleExpression"] != nil {
		t.Errorf("with a schedule named role the role of the schedules is a %s: %v", role.Type, role.Properties)
	}
}

// schedule returns a schedule as a text.
func schedule(r resource) string {
	target := at(r.Properties, "Target")
	return strings.Join([]string{
		text(r.Properties["Name"]) + " " + text(r.Properties["State"]) + " " + text(r.Properties["ScheduleExpression"]) + " " +
			text(r.Properties["ScheduleExpressionTimezone"]),
		text(at(target, "Arn")) + " as " + text(at(target, "RoleArn")),
		text(at(target, "Input")),
		text(at(target, "RetryPolicy", "MaximumRetryAttempts")) + " in " + text(at(target, "RetryPolicy", "MaximumEventAgeInSeconds")) + " s",
		"given up to " + text(at(target, "DeadLetterConfig", "Arn")),
	}, ", ")
}

// refuseSchedules checks the refusals of files, and of a stage whose times were a parameter.
func (s *site) refuseSchedules(ctx context.Context, t *testing.T) {
	const every, long = `"expression":"rate(1 hour)","request":{}`, "a123456789b123456789c123456789d123456789e12345678912"
	cases := []struct{ file, content, want string }{
		{"x.json", `{` + every, "x.json: Expected"},
		{"x.json", `[]`, `x.json: want an object with "expression" and "request"`},
		{"x.json", `{` + every + `,"colour":"red"}`, `x.json: "colour": no such member; there are expression, timezone`},
		{"x.json", `{"request":{}}`, `x.json: "expression": want rate(5 minutes), cron`},
		{"x.json", `{"expression":"rate(0 minutes)","request":{}}`, `x.json: "expression": want`},
		{"x.json", `{"expression":"rate(5 weeks)","request":{}}`, `x.json: "expression": want`},
		{"x.json", `{"expression":"at(2026-02-30T08:00:00)","request":{}}`, `x.json: "expression": want`},
		{"x.json", `{"expression":"at(2026-12-01T24:30:00)","request":{}}`, `x.json: "expression": want`},
		{"x.json", `{"expression":"cron(0 8 * * *)","request":{}}`, `x.json: "expression": want`},
		{"x.json", `{"expression":["rate(1 hour)"],"request":{}}`, `x.json: "expression": want`},
		{"x.json", `{` + every + `,"timezone":"Mars/Olympus"}`, `x.json: "timezone": want a name such as Europe/Berlin`},
		{"x.json", `{` + every + `,"periodSeconds":3600}`, `x.json: "periodSeconds": only a cron has it`},
		{"x.json", `{"expression":"cron(0 8 * * ? *)","periodSeconds":90,"request":{}}`, `x.json: "periodSeconds": want a multiple of 60`},
		{"x.json", `{` + every + `,"missedAfterHours":169}`, `x.json: "missedAfterHours": want 1 to 168`},
		{"x.json", `{"expression":"at(2026-12-01T08:00:00)","missedAfterHours":3,"request":{}}`, `x.json: "missedAfterHours": a schedule that runs once has none`},
		{"x.json", `{"expression":"rate(1 hour)"}`, `x.json: "request": want an object`},
		{"x.json", `{"expression":"rate(1 hour)","request":{"key":"k"}}`, `x.json: "request.key": remove it`},
		{"x.json", `{"expression":"rate(1 hour)","request":{"keep":true}}`, `x.json: "request.keep": remove it`},
		{"x.json", `{"expression":"rate(1 hour)","request":{"name":"y"}}`, `x.json: "request.name": want x, as the file, or none`},
		{"x.json", `{"expression":"rate(1 hour)","request":{"inputs":{"a":{"ids":[1,9007199254740993]}}}}`, `x.json: "request": the number 9007199254740992 has too many digits`},
		{"a b.json", `{` + every + `}`, `a b.json: the name: want A-Z a-z 0-9 . _ -, and at most 64 characters`},
		{long + ".json", `{` + every + `}`, `at most 64 characters in meridian-dev-` + long},
		{"sweep.json", `{` + every + `}`, `sweep.json: the name is that of the schedule that carries on runs`},
	}
	var asked []resourceCase
	for _, c := range cases {
		asked = append(asked, resourceCase{Files: map[string]string{c.file: c.content, "fine.json": `{` + every + `}`}})
	}
	many := map[string]string{}
	for i := range 51 {
		many["many"+strings.Repeat("x", i)+".json"] = `{` + every + `}`
	}
	twins := map[string]string{"a-b.json": `{` + every + `}`, "aDashb.json": `{` + every + `}`}
	results := s.resources(ctx, t, append(asked, resourceCase{Files: many}, resourceCase{Files: twins}))
	for i, c := range cases {
		if got := results[i].Error; !strings.HasPrefix(got, "deploy/schedules/") || !strings.Contains(got, c.want) {
			t.Errorf("%s with %s: %q, want %s", c.file, c.content, got, c.want)
		}
	}
	if got := results[len(cases)].Error; got != "deploy/schedules has 51 files: want at most 50" {
		t.Errorf("51 files: %q", got)
	}
	if got := results[len(cases)+1].Error; got != "deploy/schedules/aDashb.json: the name is too similar to a-b.json: rename one of them" {
		t.Errorf("two files with one logical ID: %q", got)
	}

	for _, c := range []struct{ before, expression, params, want string }{
		{`{"schedule":"ENABLED","scheduleExpression":"rate(5 minutes)"}`, "rate(1 hour)", `{"schedule":"ENABLED"}`, `meridian-prod was deployed with scheduleExpression=rate(5 minutes): it has become "expression" in deploy/schedules/reachable.json`},
		{`{"schedule":"ENABLED","scheduleExpression":"rate(5 minutes)"}`, "rate(5 minutes)", `{"schedule":"ENABLED"}`, "fine"},
		{`{"schedule":"ENABLED","scheduleExpression":"rate(5 minutes)"}`, "rate(1 hour)", `{"schedule":"DISABLED"}`, "fine"},
		{`{"schedule":"ENABLED"}`, "rate(1 hour)", `{"schedule":"ENABLED"}`, "fine"},
	} {
		s.must(ctx, t, "rm", "-r", s.path("deploy", "schedules"))
		s.write(t, "deploy/schedules/reachable.json", []byte(`{"expression":"`+c.expression+`","request":{}}`))
		out := s.must(ctx, t, "node", filepath.Join(s.repo, "e2e", "testdata", "moved.js"), c.before, c.params)
		if !strings.HasPrefix(out.stdout, c.want) {
			t.Errorf("%s, then %s with %s: %q, want %s", c.before, c.expression, c.params, out.stdout, c.want)
		}
	}
}

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tryAlarms checks what the parameters of alarms, dashboard and dead letters add to the template.
func (s *site) tryAlarms(ctx context.Context, t *testing.T) {
	committed := s.read(t, "deploy", "schedules", "reachable.json")
	t.Cleanup(func() {
		s.must(ctx, t, "rm", "-r", s.path("deploy", "schedules"))
		s.write(t, "deploy/schedules/reachable.json", []byte(committed))
	})
	s.tryAlarmCases(ctx, t)
	s.refuseAlarms(ctx, t)

	s.must(ctx, t, "rm", "-r", s.path("deploy", "schedules"))
	s.write(t, "deploy/schedules/reachable.json", []byte(committed))
	s.write(t, "deploy/schedules/daily.json", []byte(`{"expression":"cron(0 8 * * ? *)","missedAfterHours":36,"request":{}}`))
	args := []string{"--param", "schedule=ENABLED"}
	for _, p := range []string{
		"alarms=ENABLED", "alarmEmail=on-call@example.com", "missedAfterHours=3", "alarmCostUsd=0.5", "scheduleDeadLetters=ENABLED",
		"failedRunIsError=ENABLED", "dashboard=ENABLED", "metrics=REGIONS",
	} {
		args = append(args, "--param", p)
	}
	m := s.pack(ctx, t, "serverless.yml", args...)
	s.check(t, m)
	environment := object(at(m.Resources["CoordinatorLambdaFunction"].Properties, "Environment", "Variables"))
	for name, want := range map[string]string{"METRICS": "REGIONS", "METRICS_NAMES": "daily,reachable", "FAILED_RUN_IS_ERROR": "ENABLED"} {
		if environment[name] != want {
			t.Errorf("%s = %v, want %s", name, environment[name], want)
		}
	}
	for _, role := range []string{"CoordinatorRole", "ScheduleRole"} {
		if !slices.Contains(m.allowed(role), "sqs:SendMessage on ${DeadLetters.Arn}") {
			t.Errorf("%s allows %q, want sqs:SendMessage to the queue too", role, m.allowed(role))
		}
	}
	if to := at(m.Resources["CoordinatorLambdaEvConf"].Properties, "DestinationConfig", "OnFailure", "Destination"); text(to) != "${DeadLetters.Arn}" {
		t.Errorf("failed calls of the coordinator go to %v, want the queue", to)
	}
	for output, want := range map[string]string{"AlarmTopic": "${AlarmTopic}", "DeadLettersUrl": "${DeadLetters}"} {
		if got := text(at(m.Outputs[output], "Value")); got != want {
			t.Errorf("the output %s is %s, want %s", output, got, want)
		}
	}
	checkDashboard(t, m)
}

// watching returns the resources that are for alarms, as texts.
func watching(resources map[string]resource) map[string]string {
	all := map[string]string{}
	for id, r := range resources {
		p := r.Properties
		switch r.Type {
		case "AWS::CloudWatch::Alarm":
			var dimensions []string
			metric := watchedMetric(r)
			for _, d := range list(metric["Dimensions"]) {
				dimensions = append(dimensions, text(at(d, "Name"))+"="+text(at(d, "Value")))
			}
			all[id] = fmt.Sprintf("%v %v %v/%v %v %v %v, %v of %v periods of %v s, %v",
				p["AlarmName"], metric["Statistic"], metric["Namespace"], metric["MetricName"], dimensions, p["ComparisonOperator"], p["Threshold"],
				p["DatapointsToAlarm"], p["EvaluationPeriods"], metric["Period"], p["TreatMissingData"])
			for _, m := range list(p["Metrics"]) {
				if at(m, "ReturnData") == true {
					all[id] += ", of " + text(at(m, "Expression"))
				}
			}
			if p["OKActions"] != nil {
				all[id] += ", tells OK"
			}
		case "AWS::SNS::Subscription":
			all[id] = fmt.Sprint(p["Protocol"], " ", p["Endpoint"], " ", text(p["TopicArn"]))
		case "AWS::SNS::Topic", "AWS::SNS::TopicPolicy", "AWS::SQS::Queue", "AWS::CloudWatch::Dashboard":
			all[id] = r.Type
		}
	}
	return all
}

// tryAlarmCases checks each alarm, and the arithmetic of its periods.
func (s *site) tryAlarmCases(ctx context.Context, t *testing.T) {
	const (
		function = "Function=meridian-dev-coordinator"
		run      = "meridian-dev-run Sum Meridian/RunsNotSucceeded [" + function + "] GreaterThanThreshold 0, <nil> of 1 periods of 300 s, notBreaching"
	)
	on := func(more ...string) map[string]string {
		params := map[string]string{"alarms": "ENABLED"}
		for i := 0; i < len(more); i += 2 {
			params[more[i]] = more[i+1]
		}
		return params
	}
	regions := func(name string, k, m, n, period int) string {
		return fmt.Sprintf("meridian-dev-%s-regions Maximum Meridian/RegionsNotSucceeded [%s Name=%s] GreaterThanThreshold %d, %d of %d periods of %d s, ignore, tells OK",
			name, function, name, k, m, n, period)
	}
	missed := func(name string, hours int) string {
		return fmt.Sprintf("meridian-dev-%s-missed Sum Meridian/Runs [%s Name=%s] LessThanThreshold 1, <nil> of %d periods of 3600 s, breaching, of FILL(runs, 0), tells OK",
			name, function, name, hours)
	}
	hourly := map[string]string{"a.json": `{"expression":"rate(1 hour)","request":{}}`}
	cases := []struct {
		name   string
		params map[string]string
		files  map[string]string
		want   map[string]string
	}{
		{"none", nil, hourly, map[string]string{}},
		{"schedules that are off", on("missedAfterHours", "3"), hourly, map[string]string{"RunAlarm": run}},
		{"a rate", on("schedule", "ENABLED"), hourly, map[string]string{"RunAlarm": run, "RegionsAlarmA": regions("a", 0, 2, 3, 3600)}},
		{"only the schedules' own", on("schedule", "ENABLED", "alarmFailedRun", "DISABLED"), hourly, map[string]string{"RegionsAlarmA": regions("a", 0, 2, 3, 3600)}},
		{
			"every five minutes for a day", on("schedule", "ENABLED", "alarmRuns", "1 of 288", "alarmRegions", "4"),
			map[string]string{"a.json": `{"expression":"rate(5 minutes)","request":{}}`},
			map[string]string{"RunAlarm": run, "RegionsAlarmA": regions("a", 4, 1, 288, 300)},
		},
		{
			"cron, once, and two numbers of hours", on("schedule", "ENABLED", "missedAfterHours", "168"),
			map[string]string{
				"a.json": `{"expression":"cron(0 8 * * ? *)","missedAfterHours":25,"request":{}}`,
				"b.json": `{"expression":"cron(0/15 * * * ? *)","periodSeconds":900,"request":{}}`,
				"c.json": `{"expression":"at(2026-12-01T08:00:00)","request":{}}`,
			},
			map[string]string{
				"RunAlarm": run, "RegionsAlarmA": regions("a", 0, 2, 3, 86400), "MissedAlarmA": missed("a", 25),
				"RegionsAlarmB": regions("b", 0, 2, 3, 900), "MissedAlarmB": missed("b", 168),
			},
		},
		{"no metrics, no alarms", map[string]string{"metrics": "NONE", "scheduleDeadLetters": "ENABLED"}, hourly, map[string]string{"DeadLetters": "AWS::SQS::Queue"}},
		{
			"all others", on("alarmEmail", "on-call@example.com", "alarmCostUsd", "0.5", "scheduleDeadLetters", "ENABLED", "failedRunIsError", "ENABLED", "dashboard", "ENABLED"),
			hourly,
			map[string]string{
				"RunAlarm": run, "Dashboard": "AWS::CloudWatch::Dashboard", "DeadLetters": "AWS::SQS::Queue",
				"AlarmEmail":       "email on-call@example.com ${AlarmTopic}",
				"CostAlarm":        "meridian-dev-cost Sum Meridian/CostUSD [" + function + "] GreaterThanThreshold 0.5, <nil> of 1 periods of 86400 s, notBreaching",
				"DeadLettersAlarm": "meridian-dev-dead-letters Maximum AWS/SQS/ApproximateNumberOfMessagesVisible [QueueName=${DeadLetters.QueueName}] GreaterThanThreshold 0, <nil> of 1 periods of 300 s, notBreaching, tells OK",
				"ErrorsAlarm":      "meridian-dev-errors Sum AWS/Lambda/Errors [FunctionName=meridian-dev-coordinator] GreaterThanThreshold 0, <nil> of 1 periods of 300 s, notBreaching",
			},
		},
	}
	var asked []resourceCase
	for _, c := range cases {
		asked = append(asked, resourceCase{c.params, c.files})
	}
	for i, result := range s.resources(ctx, t, asked) {
		want := maps.Clone(cases[i].want)
		if cases[i].params["alarms"] == "ENABLED" {
			want["AlarmTopic"], want["AlarmTopicPolicy"] = "AWS::SNS::Topic", "AWS::SNS::TopicPolicy"
		}
		if diff := cmp.Diff(want, watching(result.Resources)); diff != "" || result.Error != "" {
			t.Errorf("%s: %s (-want +got):\n%s", cases[i].name, result.Error, diff)
		}
		for _, fault := range (template{Resources: result.Resources}).faults() {
			t.Errorf("%s: %s", cases[i].name, fault)
		}
	}
}

// refuseAlarms checks that each parameter is refused by its name.
func (s *site) refuseAlarms(ctx context.Context, t *testing.T) {
	hourly := map[string]string{"a.json": `{"expression":"rate(1 hour)","request":{}}`}
	weekly := map[string]string{"a.json": `{"expression":"rate(7 days)","request":{}}`}
	often := map[string]string{"a.json": `{"expression":"rate(10 minutes)","request":{}}`}
	both := map[string]string{"alarms": "ENABLED", "schedule": "ENABLED"}
	with := func(name, value string) map[string]string {
		params := maps.Clone(both)
		params[name] = value
		return params
	}
	cases := []struct {
		params map[string]string
		files  map[string]string
		want   string
	}{
		{map[string]string{"schedule": "on"}, hourly, `param "schedule": want ENABLED or DISABLED, not "on"`},
		{map[string]string{"scheduleDeadLetters": "on"}, hourly, `param "scheduleDeadLetters": want ENABLED or DISABLED, not "on"`},
		{map[string]string{"dashboard": "on"}, hourly, `param "dashboard": want ENABLED or DISABLED, not "on"`},
		{map[string]string{"failedRunIsError": "on"}, hourly, `param "failedRunIsError": want ENABLED or DISABLED, not "on"`},
		{with("metrics", "ALL"), hourly, `param "metrics": want NONE, RUNS, REGIONS or TARGETS, not "ALL"`},
		{with("metrics", "NONE"), hourly, `param "alarms": want DISABLED with metrics=NONE: alarms need metrics`},
		{map[string]string{"metrics": "NONE", "dashboard": "ENABLED"}, hourly, `param "dashboard": want DISABLED with metrics=NONE: it shows metrics`},
		{with("alarmFailedRun", "no"), hourly, `param "alarmFailedRun": want ENABLED or DISABLED, not "no"`},
		{with("alarmRegions", "-1"), hourly, `param "alarmRegions": want a whole number, not "-1"`},
		{with("alarmRegions", "1.5"), hourly, `param "alarmRegions": want a whole number, not "1.5"`},
		{with("alarmRegions", "none"), hourly, `param "alarmRegions": want a whole number, not "none"`},
		{with("alarmRuns", "3 of 2"), hourly, `param "alarmRuns": want "m of n", such as 2 of 3, with m at most n, not "3 of 2"`},
		{with("alarmRuns", "0 of 2"), hourly, `param "alarmRuns": want "m of n"`},
		{with("alarmRuns", "2"), hourly, `param "alarmRuns": want "m of n"`},
		{with("alarmRuns", "2 of 169"), hourly, `deploy/schedules/a.json: 169 runs take 608400 s, and an alarm looks back at most 604800 s: set alarmRuns to "m of n" with n up to 168`},
		{with("alarmRuns", "2 of 145"), often, `deploy/schedules/a.json: 145 runs take 87000 s, and an alarm looks back at most 86400 s: set alarmRuns to "m of n" with n up to 144`},
		{both, weekly, `deploy/schedules/a.json: 3 runs take 1814400 s, and an alarm looks back at most 604800 s: set alarmRuns to "m of n" with n up to 1`},
		{both, map[string]string{"a.json": `{"expression":"rate(8 days)","request":{}}`}, `an alarm looks back at most 604800 s: use a cron with "periodSeconds"`},
		{with("missedAfterHours", "0"), hourly, `param "missedAfterHours": want 1 to 168, or "none", not "0"`},
		{with("missedAfterHours", "169"), hourly, `param "missedAfterHours": want 1 to 168, or "none", not "169"`},
		{with("missedAfterHours", "24"), map[string]string{"a.json": `{"expression":"rate(1 day)","request":{}}`}, `deploy/schedules/a.json: "missedAfterHours": 24 hours are not more than the 86400 s between two runs`},
		{with("alarmCostUsd", "much"), hourly, `param "alarmCostUsd": want dollars, such as 0.5, or "none", not "much"`},
		{with("alarmEmail", "nobody"), hourly, `param "alarmEmail": want an address of email, such as on-call@example.com`},
		{with("alarmEmail", "a@example.com,b@example.com"), hourly, `param "alarmEmail": want an address of email`},
		{map[string]string{"alarmEmail": "a@example.com"}, hourly, `param "alarmEmail": want "none" without alarms: set alarms=ENABLED`},
		{map[string]string{"missedAfterHours": "3"}, hourly, `param "missedAfterHours": want "none" without alarms: set alarms=ENABLED`},
		{map[string]string{"alarmCostUsd": "3"}, hourly, `param "alarmCostUsd": want "none" without alarms: set alarms=ENABLED`},
		{map[string]string{"alarmRuns": "x"}, hourly, `param "alarmRuns": want "m of n"`},
	}
	var asked []resourceCase
	for _, c := range cases {
		asked = append(asked, resourceCase{c.params, c.files})
	}
	for i, result := range s.resources(ctx, t, asked) {
		if !strings.Contains(result.Error, cases[i].want) {
			t.Errorf("%v: %q, want %s", cases[i].params, result.Error, cases[i].want)
		}
	}
}

// checkDashboard checks the body of the dashboard: that it is what CloudWatch reads, and what it
// shows.
func checkDashboard(t *testing.T, m template) {
	t.Helper()
	body := decode[struct {
		Widgets []struct {
			Type       string `json:"type"`
			Properties struct {
				Title, Region, Query string
				Metrics              []json.RawMessage
			} `json:"properties"`
		} `json:"widgets"`
	}](t, text(m.Resources["Dashboard"].Properties["DashboardBody"]))
	documented, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	metrics := 0
	var titles []string
	shown := map[string]bool{}
	for _, w := range body.Widgets {
		titles = append(titles, w.Properties.Title)
		metrics += len(w.Properties.Metrics)
		if w.Type == "log" && !strings.Contains(w.Properties.Query, "filter message = '"+failedMessage+"'") {
			t.Errorf("the table of the dashboard shows %s, want the lines %q", w.Properties.Query, failedMessage)
		}
		if w.Properties.Region != "${AWS::Region}" || (w.Type == "log") != (w.Properties.Query != "") || (w.Type == "metric") != (len(w.Properties.Metrics) > 0) {
			t.Errorf("%s is a %s in %s with %d metrics and query %q", w.Properties.Title, w.Type, w.Properties.Region, len(w.Properties.Metrics), w.Properties.Query)
		}
		for _, metric := range w.Properties.Metrics {
			var parts []any
			if err := json.Unmarshal(metric, &parts); err != nil {
				t.Errorf("%s: %v: %s", w.Properties.Title, err, metric)
			}
			if name := fmt.Sprint(parts[min(1, len(parts)-1)]); parts[0] == "Meridian" && !strings.Contains(string(documented), "`"+name+"`") {
				t.Errorf("docs/metrics.md has no metric %s", name)
			}
			if len(parts) > 2 {
				shown[fmt.Sprint(parts[:len(parts)-1]...)] = true
			}
		}
	}
	want := []string{
		"Runs by status", "Duration of runs", "Regions that did not succeed", "Retries and throttles", "Cost in dollars",
		"Targets that began to fail, and that recovered", "Errors and throttles of the functions", "Duration of the functions",
		"Concurrent executions", "Regions that did not succeed, the last first",
	}
	if diff := cmp.Diff(want, titles); diff != "" || metrics > 500 {
		t.Errorf("%d metrics; widgets (-want +got):\n%s", metrics, diff)
	}
	for _, metric := range [][]any{
		{"Meridian", "NewlyFailing", "Function", coordinator, "Name", "daily"},
		{"Meridian", "Recovered", "Function", coordinator, "Name", "reachable"},
		{"Meridian", "RunsFailed", "Function", coordinator},
		{"AWS/Lambda", "ConcurrentExecutions", "FunctionName", regionworker},
	} {
		if !shown[fmt.Sprint(metric...)] {
			t.Errorf("the dashboard does not show %v", metric)
		}
	}
}

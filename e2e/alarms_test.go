//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"meridian/pkg/protocol"
)

// The alarm of the schedule, and the Region in which its page fails.
const (
	regionsAlarm = "meridian-dev-reachable-regions"
	brokenRegion = "eu-west-1"
)

// failedMessage is the message of the lines of the coordinator's log that the dashboard shows.
const failedMessage = "region did not succeed"

// emulatedPeriod is what the alarm looks back over: the period of its schedule.
const emulatedPeriod = time.Minute

// An alarmed has a deployment with alarms, and a page that its schedule probes.
type alarmed struct {
	*deployment
	broken  atomic.Bool // whether the page of brokenRegion fails
	page    *httptest.Server
	outputs map[string]string
	input   string    // what the schedule sends, without the time
	minute  time.Time // the last time that was filled in
	queue   string    // gets what the topic publishes
	last    string    // the id of the last run
}

// TestAlarms deploys a scheduled probe with a dashboard, alarms and a topic. What it probes begins to
// fail, and recovers: the difference of the runs says so, the metrics do, and the alarm tells the topic.
func TestAlarms(t *testing.T) {
	part(t, "alarms", "npm", "python3")
	a := &alarmed{deployment: &deployment{site: newSite(t)}}
	tools := a.site.tools(t.Context(), t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	a.build(ctx, t)
	a.minute = time.Now().UTC()
	begin := time.Now()
	a.page = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if a.broken.Load() && r.URL.Path == "/"+brokenRegion {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	t.Cleanup(a.page.Close)
	a.aws = startEmulator(ctx, t, tools)
	a.env = append(a.env, "AWS_ENDPOINT_URL="+a.aws.url(),
		"AWS_ACCESS_KEY_ID="+root.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+root.SecretAccessKey)
	for _, step := range []struct {
		name string
		do   func(context.Context, *testing.T)
	}{
		{"deploy", a.deployAlarms},
		{"dashboard, alarms, topic and queue", a.checkDeployed},
		{"a run that succeeds", a.succeed},
		{"a scheduled run that fails", a.fail},
		{"a run that recovers", a.recover},
		{"a dead letter", a.checkDeadLetter},
	} {
		if !t.Run(step.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeoutCause(ctx, 2*time.Minute, errors.New("the step's two minutes are up"))
			defer cancel()
			step.do(ctx, t)
		}) {
			return
		}
	}
	t.Logf("without the build: %v", time.Since(begin).Round(time.Second))
}

// deployAlarms deploys a schedule that probes the page in three Regions. It leaves out the alarm of
// missed runs, which has an expression: the emulator has none.
func (a *alarmed) deployAlarms(ctx context.Context, t *testing.T) {
	a.write(t, "deploy/schedules/reachable.json", []byte(encoded(t, map[string]any{
		"expression": "rate(1 minute)",
		"request": map[string]any{
			"task": "probe", "regions": asked, "targets": []string{"page"},
			"parameters": map[string]any{"url": a.page.URL + "/{region}", "expectStatus": 200},
		},
	})))
	_, port, _ := strings.Cut(strings.TrimPrefix(a.page.URL, "http://"), ":")
	a.deploy(ctx, t, "alarms=ENABLED", "alarmRuns=1 of 1", "alarmEmail=on-call@example.com",
		"dashboard=ENABLED", "scheduleDeadLetters=ENABLED",
		`workerEnvironment={"MERIDIAN_PROBE_ALLOW_CIDRS":"127.0.0.0/8","MERIDIAN_PROBE_ALLOW_PORTS":"`+port+`"}`,
		"schedule=ENABLED")
	schedule := a.schedules(ctx, t, http.MethodGet, "meridian-dev-reachable", nil)
	if schedule["State"] != "ENABLED" || schedule["ScheduleExpression"] != "rate(1 minute)" {
		t.Errorf("the schedule is %v at %v, want it enabled every minute", schedule["State"], schedule["ScheduleExpression"])
	}
	a.input = text(at(schedule, "Target", "Input"))
	schedule["State"] = "DISABLED" // see sendOnce
	a.schedules(ctx, t, http.MethodPut, "meridian-dev-reachable", schedule)
	a.outputs = a.deployment.outputs(ctx, t)
	a.bucket = a.outputs["RunsBucket"]
}

// schedules makes a request to EventBridge Scheduler about a schedule, and returns the answer.
func (a *alarmed) schedules(ctx context.Context, t *testing.T, method, name string, body any) map[string]any {
	t.Helper()
	c := call{service: "scheduler", region: home, method: method, path: "/schedules/" + name}
	if body != nil {
		c.body, c.header = encoded(t, body), map[string]string{"Content-Type": "application/json"}
	}
	answer, _ := a.aws.do(ctx, t, c)
	return decode[map[string]any](t, answer)
}

// filled returns what the schedule sends for its next minute. Each one is another run.
func (a *alarmed) filled() string {
	a.minute = a.minute.Add(time.Minute)
	return strings.Replace(a.input, "<aws.scheduler.scheduled-time>", a.minute.Format(time.RFC3339), 1)
}

// sendOnce creates a copy of the schedule that sends its request once, at once. The emulator's
// scheduler does not fill in the time, and the schedule itself waits for its minute.
func (a *alarmed) sendOnce(ctx context.Context, t *testing.T) {
	t.Helper()
	schedule := a.schedules(ctx, t, http.MethodGet, "meridian-dev-reachable", nil)
	schedule["State"], schedule["ScheduleExpression"] = "ENABLED", "at("+time.Now().UTC().Format("2006-01-02T15:04:05")+")"
	object(schedule["Target"])["Input"] = a.filled()
	a.schedules(ctx, t, http.MethodPost, "meridian-dev-reachable-once", schedule)
}

// checkDeployed checks what the stack has, and subscribes a queue to the topic.
func (a *alarmed) checkDeployed(ctx context.Context, t *testing.T) {
	alarms := a.aws.query(ctx, t, "monitoring", "2010-08-01", "DescribeAlarms")
	for _, name := range []string{"meridian-dev-run", "meridian-dev-dead-letters", regionsAlarm} {
		if !strings.Contains(alarms, "<AlarmName>"+name+"</AlarmName>") {
			t.Errorf("there is no alarm %s", name)
		}
	}
	dashboard := a.aws.query(ctx, t, "monitoring", "2010-08-01", "GetDashboard", "DashboardName", "meridian-dev")
	body := decode[map[string]any](t, html.UnescapeString(element(dashboard, "DashboardBody")))
	if widgets := list(body["widgets"]); len(widgets) != 10 || at(widgets[0], "properties", "region") != home {
		t.Errorf("the dashboard has %d widgets, the first is %v; want 10, in %s", len(widgets), widgets[0], home)
	}
	topic := a.outputs["AlarmTopic"]
	subscriptions := a.aws.query(ctx, t, "sns", "2010-03-31", "ListSubscriptionsByTopic", "TopicArn", topic)
	if !strings.Contains(subscriptions, "<Endpoint>on-call@example.com</Endpoint>") {
		t.Errorf("the topic has not the address: %s", subscriptions)
	}

	a.queue = element(a.aws.query(ctx, t, "sqs", "2012-11-05", "CreateQueue", "QueueName", "on-call"), "QueueUrl")
	_, arn, _ := strings.Cut(a.aws.query(ctx, t, "sqs", "2012-11-05", "GetQueueAttributes", "QueueUrl", a.queue, "AttributeName.1", "QueueArn"), "QueueArn</Name>")
	arn = element(arn, "Value")
	a.aws.query(ctx, t, "sqs", "2012-11-05", "SetQueueAttributes", "QueueUrl", a.queue, "Attribute.1.Name", "Policy", "Attribute.1.Value", policy(
		statement{"Effect": "Allow", "Principal": map[string]any{"Service": "sns.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": arn}))
	a.aws.query(ctx, t, "sns", "2010-03-31", "Subscribe", "TopicArn", topic, "Protocol", "sqs", "Endpoint", arn)

	// It fails, and so do its two retries. The last step looks for it.
	a.aws.do(ctx, t, call{
		service: "lambda", region: home, method: http.MethodPost, path: "/2015-03-31/functions/" + coordinator + "/invocations",
		body: `{"task":"sleep","colour":"red"}`, header: map[string]string{"X-Amz-Invocation-Type": "Event"},
	})
}

// succeed runs what the schedule sends, for the first time.
func (a *alarmed) succeed(ctx context.Context, t *testing.T) {
	a.direct(ctx, t, protocol.StatusSucceeded)
	line := a.metrics(ctx, t)
	if line["Runs"] != 1.0 || line["RegionsNotSucceeded"] != 0.0 {
		t.Errorf("the metrics of a run that succeeded are %v", line)
	}
	a.put(ctx, t, line, time.Now())
	a.published(ctx, t, "OK")
}

// fail has a schedule start a run while the page fails in one Region.
func (a *alarmed) fail(ctx context.Context, t *testing.T) {
	a.broken.Store(true)
	before := a.last
	a.sendOnce(ctx, t)
	a.until(ctx, t, "the schedule has made a run", func() bool {
		page := decode[protocol.RunPage](t, a.meridian(ctx, t, "runs", "--name", "reachable", "--store", "s3://"+a.bucket, "-o", "json").stdout)
		if len(page.Runs) == 0 || page.Runs[0].RunID == before || page.Runs[0].Status == protocol.StatusRunning {
			return false
		}
		a.last = page.Runs[0].RunID
		return true
	})
	a.changed(ctx, t, 1, "newly failing")
	if log := a.aws.logged(ctx, t, home, coordinator, `"`+failedMessage+`"`); !strings.Contains(log, failedMessage) || !strings.Contains(log, a.last) {
		t.Errorf("the log has no line %q, which the dashboard shows", failedMessage)
	}
	line := a.metrics(ctx, t)
	for metric, want := range map[string]float64{"NewlyFailing": 1, "Recovered": 0, "RunsNotSucceeded": 1, "RegionsNotSucceeded": 1, "RegionsSucceeded": 2} {
		if line[metric] != want {
			t.Errorf("%s = %v, want %v", metric, line[metric], want)
		}
	}
	// Dated back by most of a period, so that the recovery does not have to wait for its end: the
	// emulator takes the maximum of the period before now.
	a.put(ctx, t, line, time.Now().Add(10*time.Second-emulatedPeriod))
	a.published(ctx, t, "ALARM")
}

// recover runs what the schedule sends when the page has recovered.
func (a *alarmed) recover(ctx context.Context, t *testing.T) {
	a.broken.Store(false)
	a.direct(ctx, t, protocol.StatusSucceeded)
	a.changed(ctx, t, 0, "recovered")
	line := a.metrics(ctx, t)
	for metric, want := range map[string]float64{"NewlyFailing": 0, "Recovered": 1, "RegionsNotSucceeded": 0} {
		if line[metric] != want {
			t.Errorf("%s = %v, want %v", metric, line[metric], want)
		}
	}
	a.until(ctx, t, "the period of the failure is over", func() bool {
		a.put(ctx, t, line, time.Now())
		return strings.Contains(a.aws.query(ctx, t, "monitoring", "2010-08-01", "DescribeAlarms", "AlarmNames.member.1", regionsAlarm), "<StateValue>OK</StateValue>")
	})
	a.published(ctx, t, "OK")
}

// direct invokes the coordinator with what the schedule sends.
func (a *alarmed) direct(ctx context.Context, t *testing.T, want protocol.Status) {
	t.Helper()
	answer, functionError := a.aws.invoke(ctx, t, coordinator, a.filled())
	result, err := protocol.DecodeResult([]byte(answer))
	if err != nil || functionError != "" || result.Status != want || result.Name != "reachable" {
		t.Fatalf("the run is answered %s, %v %s; want it %s", answer, err, functionError, want)
	}
	a.last = result.RunID
}

// changed compares the last two runs. They differ only in the broken Region.
func (a *alarmed) changed(ctx context.Context, t *testing.T, status int, what string) {
	t.Helper()
	out := a.meridian(ctx, t, "diff", "--name", "reachable", "--slower", "1h", "--store", "s3://"+a.bucket) // a probe may take longer
	if out.status != status || !strings.Contains(out.stdout, what) || !strings.Contains(out.stdout, brokenRegion) || strings.Contains(out.stdout, home) {
		t.Errorf("diff = %d, want %d and that only %s is %s: %s%s", out.status, status, brokenRegion, what, out.stdout, out.stderr)
	}
}

// metrics returns the line of metrics of the last run, from the coordinator's log.
func (a *alarmed) metrics(ctx context.Context, t *testing.T) (line map[string]any) {
	t.Helper()
	a.until(ctx, t, "the log has the metrics of the run", func() bool {
		events := decode[struct {
			Events []struct{ Message string }
		}](t, a.aws.logged(ctx, t, home, coordinator, `"_aws"`))
		for _, e := range events.Events {
			if strings.Contains(e.Message, `"_aws"`) && json.Unmarshal([]byte(e.Message), &line) == nil && line["runId"] == a.last {
				return true
			}
		}
		return false
	})
	return line
}

// put does what CloudWatch does with a line of metrics, which the emulator does not read.
func (a *alarmed) put(ctx context.Context, t *testing.T, line map[string]any, when time.Time) {
	t.Helper()
	for _, directive := range list(at(line, "_aws", "CloudWatchMetrics")) {
		fields := []string{"Namespace", text(at(directive, "Namespace"))}
		n := 0
		for _, set := range list(at(directive, "Dimensions")) {
			for _, metric := range list(at(directive, "Metrics")) {
				n++
				member := "MetricData.member." + strconv.Itoa(n) + "."
				name := text(at(metric, "Name"))
				fields = append(fields, member+"MetricName", name, member+"Unit", text(at(metric, "Unit")),
					member+"Value", fmt.Sprint(line[name]), member+"Timestamp", when.UTC().Format(time.RFC3339))
				for i, dimension := range list(set) {
					key := member + "Dimensions.member." + strconv.Itoa(i+1) + "."
					fields = append(fields, key+"Name", text(dimension), key+"Value", text(line[text(dimension)]))
				}
			}
		}
		a.aws.query(ctx, t, "monitoring", "2010-08-01", "PutMetricData", fields...)
	}
}

// published waits until the topic has published that the alarm of the schedule is in a state.
func (a *alarmed) published(ctx context.Context, t *testing.T, state string) {
	t.Helper()
	var seen []string
	a.until(ctx, t, regionsAlarm+" is "+state, func() bool {
		for _, body := range a.receive(ctx, t, a.queue) {
			alarm := decode[struct{ AlarmName, NewStateValue string }](t, decode[struct{ Message string }](t, body).Message)
			seen = append(seen, alarm.AlarmName+" "+alarm.NewStateValue)
		}
		return slices.Contains(seen, regionsAlarm+" "+state)
	})
	t.Logf("the topic published %v", seen)
}

// receive takes messages from a queue, and returns their bodies.
func (a *alarmed) receive(ctx context.Context, t *testing.T, queue string) (bodies []string) {
	t.Helper()
	answer := a.aws.query(ctx, t, "sqs", "2012-11-05", "ReceiveMessage", "QueueUrl", queue, "MaxNumberOfMessages", "10")
	for _, message := range strings.Split(answer, "<Message>")[1:] {
		bodies = append(bodies, html.UnescapeString(element(message, "Body")))
		a.aws.query(ctx, t, "sqs", "2012-11-05", "DeleteMessage", "QueueUrl", queue, "ReceiptHandle", html.UnescapeString(element(message, "ReceiptHandle")))
	}
	return bodies
}

// checkDeadLetter waits for the call that was given up after three invocations.
func (a *alarmed) checkDeadLetter(ctx context.Context, t *testing.T) {
	a.until(ctx, t, "the queue of dead letters has the call", func() bool {
		return slices.ContainsFunc(a.receive(ctx, t, a.outputs["DeadLettersUrl"]), func(body string) bool {
			letter := decode[map[string]any](t, body)
			return at(letter, "requestPayload", "colour") == "red" && at(letter, "requestContext", "approximateInvokeCount") == 3.0
		})
	})
}

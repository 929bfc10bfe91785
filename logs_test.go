package meridian_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambdacontext"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/metrics"
	"meridian/internal/regionworker"
	"meridian/internal/runs"
	"meridian/internal/task"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// A logGroup has the lines of a function, with their times.
type logGroup struct {
	name  string
	mu    sync.Mutex
	lines []string
	times []time.Time
}

// Write implements io.Writer. It gets one line.
func (g *logGroup) Write(line []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lines, g.times = append(g.lines, strings.TrimSuffix(string(line), "\n")), append(g.times, time.Now())
	return len(line), nil
}

// A lambdaHandler adds the request id, as the handler of aws-lambda-go does, which writes to standard output only.
type lambdaHandler struct{ slog.Handler }

func (h lambdaHandler) Handle(ctx context.Context, r slog.Record) error {
	if invocation, ok := lambdacontext.FromContext(ctx); ok {
		r.AddAttrs(slog.String("requestId", invocation.AwsRequestID))
	}
	return h.Handler.Handle(ctx, r)
}

func (h lambdaHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return lambdaHandler{h.Handler.WithAttrs(attrs)}
}

// logger returns a log that writes to the group as a function with the log format JSON does.
func (g *logGroup) logger(level slog.Level) *slog.Logger {
	return slog.New(lambdaHandler{slog.NewJSONHandler(g, &slog.HandlerOptions{Level: level, ReplaceAttr: lambdacontext.ReplaceAttr})})
}

// report writes what Lambda writes about an invocation.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
func (g *logGroup) report(event, requestID, rest string) {
	_, _ = fmt.Fprintf(g, `{"time":%q,"type":"platform.%s","record":{"requestId":"%s",%s}}`, // a logGroup has no errors
		time.Now().UTC().Format(time.RFC3339), event, requestID, rest)
}

// A deployment is a coordinator and its worker in this process, with their logs.
type deployment struct {
	coordinates, works *logGroup
	worker             *regionworker.Worker
	coordinator        *coordinator.Coordinator

	// act is what becomes of a target: how long it takes, and its error.
	act func(region, target string) (time.Duration, error)

	// panics is a Region in which the call of a worker panics, in the coordinator.
	panics string

	mu        sync.Mutex
	requests  int
	warm      map[string]bool // by Region
	throttles map[string]int  // the attempts that are throttled yet, by Region
}

// newDeployment returns a deployment whose workers log from a level on.
func newDeployment(level slog.Level) *deployment {
	d := &deployment{
		coordinates: &logGroup{name: "123456789012:/aws/lambda/meridian-dev-coordinator"},
		works:       &logGroup{name: "123456789012:/aws/lambda/meridian-dev-regionworker"},
		warm:        map[string]bool{}, throttles: map[string]int{},
	}
	act := func(ctx context.Context, in task.Input[struct{}]) (string, error) {
		took, err := d.act(in.Region, in.Target.Name)
		select {
		case <-time.After(took):
			return "done", err
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
	}
	tasks := task.NewRegistry(task.New("act", "do what the test says", act, task.Idempotent), task.New("once", "do it once", act))
	d.worker = &regionworker.Worker{Tasks: tasks, Region: "us-east-1", MemoryMB: 256, Log: d.works.logger(level)}
	d.coordinator = &coordinator.Coordinator{
		Invoker: d, Tasks: tasks, MemoryMB: 256, Log: d.coordinates.logger(slog.LevelInfo), Bundle: true,
		Billing: coordinator.Billing{Region: "us-east-1", Architecture: "arm64"},
	}
	return d
}

// requestID returns the id of the next invocation.
func (d *deployment) requestID() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.requests++
	return fmt.Sprintf("00000000-0000-4000-8000-%012d", d.requests)
}

// Invoke implements coordinator.Invoker: it is Lambda before the worker.
func (d *deployment) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	d.mu.Lock()
	throttled, cold := d.throttles[region] > 0, !d.warm[region]
	d.throttles[region]--
	d.warm[region] = d.warm[region] || !throttled
	d.mu.Unlock()
	if d.panics != "" && bytes.Contains(payload, []byte(d.panics)) {
		panic("the invoker has a bug")
	}
	if throttled {
		return nil, protocol.Attempt{}, &invoke.Error{Name: protocol.ErrorLambdaThrottled, Message: "Rate Exceeded."}
	}
	id, begin := d.requestID(), time.Now()
	d.works.report("start", id, `"version":"$LATEST","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-6352a70e-0;Parent=0;Sampled=1"}`)
	answer, err := d.worker.Handle(lambdacontext.NewContext(ctx, &lambdacontext.LambdaContext{AwsRequestID: id}), payload)
	metrics := &protocol.Metrics{BilledDurationMs: float64(time.Since(begin).Milliseconds()), MemorySizeMB: 256, MaxMemoryUsedMB: 41}
	started := ""
	if cold {
		metrics.InitDurationMs, started = 80, `,"initDurationMs":80`
		metrics.BilledDurationMs += 80
	}
	d.works.report("report", id, fmt.Sprintf(`"metrics":{"durationMs":%.2f,"billedDurationMs":%.0f,"memorySizeMB":256,"maxMemoryUsedMB":41%s},"status":"success"`,
		protocol.Milliseconds(time.Since(begin)), metrics.BilledDurationMs, started))
	return answer, protocol.Attempt{RequestID: id, Metrics: metrics}, err
}

// handle has the coordinator's function handle a request, and returns the result.
func (d *deployment) handle(t *testing.T, runner *runs.Keeper, request any) (result protocol.Result, err error) {
	t.Helper()
	payload, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: d.requestID()})
	ctx, cancel := context.WithTimeout(ctx, 29*time.Second)
	defer cancel()
	h := &trigger.Handler{Runner: runner, Log: d.coordinator.Log}
	if runner.Store != nil {
		h.Keeper = runner
	}
	answer, err := h.Handle(ctx, payload)
	if err == nil {
		result, err = protocol.DecodeResult(answer)
	}
	return result, err
}

// events returns the lines of both functions.
func (d *deployment) events(t *testing.T) (events []event) {
	t.Helper()
	for _, group := range []*logGroup{d.coordinates, d.works} {
		for i, line := range group.lines {
			e, err := newEvent(group.name, line, group.times[i])
			if err != nil {
				t.Fatalf("%s has the line %s: %v", group.name, line, err)
			}
			events = append(events, e)
		}
	}
	return events
}

// A denied is an error with a name, as an AWS API has it.
type denied struct{}

func (denied) Error() string     { return "not authorized to perform: ec2:DescribeVpcs" }
func (denied) ErrorName() string { return "AccessDenied" }

// runner returns a keeper that keeps nothing and writes metrics, as the coordinator's function without a store has it.
func (d *deployment) runner(level metrics.Level) *runs.Keeper {
	w := &metrics.Writer{Out: d.coordinates, Function: "meridian-dev-coordinator", Level: level, Names: []string{"reachable"}, Log: d.coordinator.Log}
	return &runs.Keeper{Coordinator: d.coordinator, Log: d.coordinator.Log, Ended: w.RunEnded}
}

// hourly runs a request in three Regions three times, an hour apart: the second time one Region fails, the third time
// one fails and one times out. Lambda throttles twice in the first run. It returns the results.
func (d *deployment) hourly(t *testing.T) (results []protocol.Result) {
	t.Helper()
	d.throttles["eu-west-1"] = 2
	for n := range 3 {
		d.act = func(region, target string) (time.Duration, error) {
			switch {
			case region == "eu-west-1" && target == "ec2" && n > 0:
				return 200 * time.Millisecond, denied{}
			case region == "ap-east-1" && n > 1:
				return time.Hour, nil
			case region == "ap-east-1":
				return 700 * time.Millisecond, nil
			case region == "eu-west-1":
				return 200 * time.Millisecond, nil
			}
			return 100 * time.Millisecond, nil
		}
		result, err := d.handle(t, d.runner(metrics.LevelRuns), map[string]any{
			"task": "act", "name": "reachable", "regions": []string{"us-east-1", "eu-west-1", "ap-east-1"}, "targets": []string{"ec2", "s3"},
			"regionTimeoutSeconds": 10, "toleratedFailureCount": n % 2, "targetRetry": []any{},
			"retry": []any{map[string]any{"errorEquals": []string{protocol.ErrorLambdaThrottled}, "maxAttempts": 2, "jitterStrategy": "NONE"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, result)
		time.Sleep(time.Hour - time.Since(result.StartedAt))
	}
	return results
}

// answers returns what each query of docs/logs.md finds after hourly runs: the cells of its rows, by the heading
// above it.
func answers(results []protocol.Result) map[string][]string {
	const (
		cause = "1 of 2 targets failed; ec2: AccessDenied: not authorized to perform: ec2:DescribeVpcs"
		late  = "invocation timed out after 9s; 2 of 2 targets not finished"
	)
	sum, dearest := 0.0, 0.0
	for _, r := range results {
		sum, dearest = sum+r.Summary.Cost.USD, max(dearest, r.Summary.Cost.USD)
	}
	return map[string][]string{
		"Logs and traces": {
			"02:00:00.000; INFO; run started; -; -; -; -",
			"02:00:00.100; INFO; 2 of 2 targets succeeded; us-east-1; SUCCEEDED; ; ",
			"02:00:00.200; WARN; region did not succeed; eu-west-1; FAILED; States.ExceedToleratedFailureThreshold; " + cause,
			"02:00:00.200; WARN; 1 of 2 targets succeeded; eu-west-1; FAILED; States.ExceedToleratedFailureThreshold; " + cause,
			"02:00:09.000; WARN; region did not succeed; ap-east-1; TIMED_OUT; States.Timeout; " + late,
			"02:00:09.000; WARN; That took 9.000 seconds; -; FAILED; States.ExceedToleratedFailureThreshold; ",
			"02:00:09.000; INFO; metrics; -; FAILED; States.ExceedToleratedFailureThreshold; -",
			"02:00:09.000; WARN; 0 of 2 targets succeeded; ap-east-1; TIMED_OUT; States.Timeout; " + late,
		},
		"Runs that did not succeed, and why": {
			"02:00:09.000; reachable; RUN; FAILED; States.ExceedToleratedFailureThreshold; ; 1; 1",
		},
		"Regions that failed most": {
			"eu-west-1; States.ExceedToleratedFailureThreshold; 2; " + cause,
			"ap-east-1; States.Timeout; 1; " + late,
		},
		"Slowest Regions":                 {"ap-east-1; 3; 700; 9000; 9000", "eu-west-1; 3; 200; 200; 200", "us-east-1; 3; 100; 100; 100"},
		"Throttles and retries over time": {"00:00:00.000; 2; 2; 1", "01:00:00.000; 0; 0; 1", "02:00:00.000; 0; 0; 1"},
		"What runs cost":                  {cellsOf([]any{"reachable", 3.0, sum, dearest}, "none")},
		"Cold starts and billed time":     {"123456789012:/aws/lambda/meridian-dev-regionworker; 9; 3; 11.54; 41"},
		"Traces":                          {"Root=1-6352a70e-0;Parent=0;Sampled=1"},
	}
}

// cellsOf returns the cells of a row as text.
func cellsOf(row []any, runID string) string {
	var cells []string
	for _, value := range row {
		cell := "-"
		if number, ok := value.(float64); ok && number > 1e11 {
			cell = time.UnixMilli(int64(number)).UTC().Format("15:04:05.000")
		} else if ok {
			cell = strconv.FormatFloat(number, 'f', -1, 64)
		} else if value != nil {
			cell = strings.ReplaceAll(fmt.Sprint(value), runID, "RUN")
		}
		cells = append(cells, cell)
	}
	return strings.Join(cells, "; ")
}

// The queries of docs/logs.md find what they say in the lines that both functions write.
func TestTheDocumentationsQueriesFindWhatTheySay(t *testing.T) {
	t.Parallel()
	blocks := regexp.MustCompile(`(?m)^##? (.+)\n(?:[^#\n].*\n|\n)*?((?:    .+\n)+)`).FindAllStringSubmatch(read(t, "docs/logs.md"), -1)
	want, found := map[string][]string{}, map[string][]string{}
	synctest.Test(t, func(t *testing.T) {
		d := newDeployment(slog.LevelInfo)
		results := d.hourly(t)
		runID := results[2].RunID
		want = answers(results)
		for _, block := range blocks {
			text := regexp.MustCompile(`01[0-9A-Z]{24}`).ReplaceAllString(block[2], runID)
			text = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f-]{27}`).ReplaceAllString(text, "00000000-0000-4000-8000-000000000002")
			rows, err := insights(text, d.events(t))
			if err != nil {
				t.Errorf("%s: %v", block[1], err)
			}
			for _, row := range rows {
				found[block[1]] = append(found[block[1]], cellsOf(row, runID))
			}
		}
	})
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("the queries find something else (-want +got):\n%s", diff)
	}
}

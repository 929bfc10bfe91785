package invoke_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// The request of the logs below, and another one.
const (
	thisID  = "459921b5-681c-4a96-beb0-81e0aa586026"
	otherID = "8c360c87-d4b7-4423-b5f3-af02be3c1763"
)

// The lines that Lambda writes at the end of a log. The fields are in the orders
// that were seen.
const (
	textCold = "REPORT RequestId: " + thisID + "\tDuration: 1233.96 ms\tBilled Duration: 1698 ms\tMemory Size: 256 MB\t" +
		"Max Memory Used: 123 MB\tInit Duration: 463.51 ms\t\n"
	textTraced    = "XRAY TraceId: 1-6ac7d63f-0104e99861c65c8039f183da\tSegmentId: 7c4eb6a6d56f2a27\tSampled: true\t\n"
	textSnapStart = "REPORT RequestId: " + thisID + "\tDuration: 2338.66 ms\tBilled Duration: 2521 ms\tMemory Size: 3009 MB\t" +
		"Max Memory Used: 173 MB\tRestore Duration: 398.97 ms\tBilled Restore Duration: 182 ms\t\n"
	textTimeout = "REPORT RequestId: " + thisID + "\tDuration: 3000.00 ms\tBilled Duration: 3000 ms\tMemory Size: 1024 MB\t" +
		"Max Memory Used: 64 MB\tStatus: timeout\n"
	textOld = "REPORT RequestId: " + thisID + "\tDuration: 469.40 ms\tBilled Duration: 500 ms \tMemory Size: 1024 MB\tMax Memory Used: 21 MB\t"

	jsonCold = `{"time":"2026-10-08T07:30:29.470Z","type":"platform.report","record":{"requestId":"` + thisID + `","metrics":` +
		`{"durationMs":1233.96,"billedDurationMs":1698,"memorySizeMB":256,"maxMemoryUsedMB":123,"initDurationMs":463.512},` +
		`"tracing":{"spanId":"24cd7d670fa455f0","type":"X-Amzn-Trace-Id",` +
		`"value":"Root=1-6352a70e-1e2c502e358361800241fd45;Parent=35465b3a9e2f7c6a;Sampled=1"},"status":"success"}}` + "\n"
	jsonWarm = `{"time":"2024-02-09T08:42:44.080Z","type":"platform.report","record":{"requestId":"` + thisID + `","status":"success",` +
		`"metrics":{"durationMs":1.317,"billedDurationMs":2,"memorySizeMB":1024,"maxMemoryUsedMB":68}}}`
	jsonSnapStart = `{"time":"2024-02-09T08:42:44.080Z","type":"platform.report","record":{"requestId":"` + thisID + `","status":"success",` +
		`"spans":[{"name":"restoreDuration","start":"2024-02-09T08:42:44.078Z","durationMs":0.677}],` +
		`"metrics":{"durationMs": 147.156,"billedDurationMs": 201, "memorySizeMB": 512,"maxMemoryUsedMB": 91,` +
		`"restoreDurationMs": 500.795,"billedRestoreDurationMs": 53 }}}` + "\n"
	jsonFailed = `{"time":"2026-03-19T00:00:00.000Z","type":"platform.report","record":{"requestId":"` + thisID + `","status":"error",` +
		`"errorType":"Runtime.ExitError","metrics":{"durationMs":12.34,"billedDurationMs":13,"memorySizeMB":128,"maxMemoryUsedMB":128}}}` + "\n"
	jsonStart = `{"time":"2026-10-08T07:30:28.230Z","type":"platform.start","record":{"requestId":"` + thisID + `","version":"$LATEST"}}` + "\n"
)

// What Lambda's report says is found in both log formats, and nothing else is
// taken for one.
func TestMetricsIn(t *testing.T) {
	t.Parallel()
	cold := &protocol.Metrics{BilledDurationMs: 1698, MemorySizeMB: 256, MaxMemoryUsedMB: 123, InitDurationMs: 463.51}
	coldJSON := &protocol.Metrics{BilledDurationMs: 1698, MemorySizeMB: 256, MaxMemoryUsedMB: 123, InitDurationMs: 463.512}
	const said = "an extension has much to say\n"
	much, most, tooMuch := strings.Repeat(said, 60), strings.Repeat(said, 130), strings.Repeat(said, 150)
	for _, test := range []struct {
		name string
		log  string
		want *protocol.Metrics
	}{
		{"text", "START RequestId: " + thisID + " Version: $LATEST\nEND RequestId: " + thisID + "\n" + textCold, cold},
		{"text, traced", textCold + textTraced, cold},
		{
			"text, SnapStart", textSnapStart,
			&protocol.Metrics{BilledDurationMs: 2521, MemorySizeMB: 3009, MaxMemoryUsedMB: 173, RestoreDurationMs: 398.97},
		},
		{"text, timed out", textTimeout, &protocol.Metrics{BilledDurationMs: 3000, MemorySizeMB: 1024, MaxMemoryUsedMB: 64}},
		{
			"text, as of old, without a line's end", textOld,
			&protocol.Metrics{BilledDurationMs: 500, MemorySizeMB: 1024, MaxMemoryUsedMB: 21},
		},
		{"JSON", jsonStart + jsonCold, coldJSON},
		{
			"JSON without a line's end", jsonStart + jsonWarm,
			&protocol.Metrics{BilledDurationMs: 2, MemorySizeMB: 1024, MaxMemoryUsedMB: 68},
		},
		{
			"JSON, SnapStart", jsonSnapStart,
			&protocol.Metrics{BilledDurationMs: 201, MemorySizeMB: 512, MaxMemoryUsedMB: 91, RestoreDurationMs: 500.795},
		},
		{
			"JSON in another order", `{"record":{"metrics":{"maxMemoryUsedMB":84,"billedDurationMs":694,"memorySizeMB":128,` +
				`"initDurationMs":397.68,"durationMs":693.92},"requestId":"` + thisID + `"},"type":"platform.report"}` + "\n",
			&protocol.Metrics{BilledDurationMs: 694, MemorySizeMB: 128, MaxMemoryUsedMB: 84, InitDurationMs: 397.68},
		},
		{
			"text in another order", "REPORT RequestId: " + thisID + "\tInit Duration: 397.68 ms\tMax Memory Used: 84 MB\t" +
				"Memory Size: 128 MB\tBilled Duration: 694 ms\tDuration: 693.92 ms\n",
			&protocol.Metrics{BilledDurationMs: 694, MemorySizeMB: 128, MaxMemoryUsedMB: 84, InitDurationMs: 397.68},
		},
		{
			"text, failed in its initialization", "INIT_REPORT Init Duration: 83.58 ms\tPhase: invoke\tStatus: error\tError Type: Runtime.ExitError\n" +
				"START RequestId: " + thisID + " Version: $LATEST\nREPORT RequestId: " + thisID + "\tDuration: 95.78 ms\t" +
				"Billed Duration: 96 ms\tMemory Size: 512 MB\tMax Memory Used: 39 MB\tStatus: error\tError Type: Runtime.ExitError\n",
			&protocol.Metrics{BilledDurationMs: 96, MemorySizeMB: 512, MaxMemoryUsedMB: 39},
		},
		{"JSON, failed", jsonFailed, &protocol.Metrics{BilledDurationMs: 13, MemorySizeMB: 128, MaxMemoryUsedMB: 128}},
		{"text in JSON", jsonStart + textCold, cold},
		{"an extension after it", textCold + "EXTENSION Name: x State: Ready\n{\"level\":\"info\"}\n", cold},
		{"an extension that says much after it", much + textCold + much, cold},
		{"an extension that leaves just room for it", much + textCold + most, cold},
		{"an extension that says too much after it", textCold + tooMuch, nil},
		{"cut in the middle of a line", strings.Repeat("x", 5000) + "\n" + textCold, cold},
		{"cut in the middle of the report", textCold[10:], nil},
		{"of another request", strings.ReplaceAll(textCold+jsonCold, thisID, otherID), nil},
		{"of another request after it", textCold + strings.ReplaceAll(jsonCold, thisID, otherID), cold},
		{"of a request whose id begins with this one", strings.ReplaceAll(textCold+jsonCold, thisID, thisID+"0"), nil},
		{"forged before it", strings.Replace(textCold, "1698", "1", 1) + strings.Replace(jsonCold, "1698", "1", 1) + jsonWarm, &protocol.Metrics{
			BilledDurationMs: 2, MemorySizeMB: 1024, MaxMemoryUsedMB: 68,
		}},
		{"in a line of the function's", "hello REPORT RequestId: " + thisID + "\tBilled Duration: 1 ms\tMemory Size: 1 MB\n", nil},
		{"in a line of the function's, between tabs", "hello\tREPORT RequestId: " + thisID + "\tBilled Duration: 1 ms\tMemory Size: 1 MB\n", nil},
		{"in JSON in a line of the function's", "hello " + jsonWarm + "\n", nil},
		{
			"half of one after it", textOld + "\nREPORT RequestId: " + thisID + "\tMax Memory Used: 1 MB\tInit Duration: 1 ms\n",
			&protocol.Metrics{BilledDurationMs: 500, MemorySizeMB: 1024, MaxMemoryUsedMB: 21},
		},
		{"told by the function", `{"level":"INFO","message":` + quoted(jsonWarm) + `}` + "\n", nil},
		{"the system's log level is WARN", `{"level":"WARN","msg":"target did not succeed","requestId":"` + thisID + `"}` + "\n", nil},
		{"another event", strings.Replace(jsonWarm, "platform.report", "platform.runtimeDone", 1), nil},
		{"without what is billed", strings.Replace(jsonWarm, `"billedDurationMs":2,`, "", 1), nil},
		{"without the memory", strings.Replace(textOld, "Memory Size: 1024 MB\t", "", 1), nil},
		{"less than nothing", strings.Replace(jsonWarm, `"billedDurationMs":2,`, `"billedDurationMs":-2,`, 1), nil},
		{"with exponents", strings.Replace(jsonWarm, `"billedDurationMs":2,"memorySizeMB":1024`, `"billedDurationMs":9.0E+5,"memorySizeMB":1.024e3`, 1), &protocol.Metrics{
			BilledDurationMs: 900_000, MemorySizeMB: 1024, MaxMemoryUsedMB: 68,
		}},
		{"less than nothing of what may be nothing", strings.Replace(jsonWarm, `"maxMemoryUsedMB":68`, `"maxMemoryUsedMB":-6.8e1`, 1), &protocol.Metrics{
			BilledDurationMs: 2, MemorySizeMB: 1024,
		}},
		{"no number", strings.Replace(textOld, "500 ms", "some ms", 1), nil},
		{"too much", strings.Replace(textOld, "500 ms", strings.Repeat("9", 400)+" ms", 1), nil},
		{"more than any is billed", strings.Replace(textOld, "500 ms", "1000000000001 ms", 1), nil},
		{"nothing", "", nil},
		{"lines of nothing", "\n\n\n", nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			log := test.log[max(0, len(test.log)-4<<10):]
			got := invoke.MetricsIn(base64.StdEncoding.EncodeToString([]byte(log)), thisID)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("metricsIn(%q) (-want +got):\n%s", log, diff)
			}
		})
	}
	for name, tail := range map[string]string{
		"not base64": "a report? no!", "not its end": base64.StdEncoding.EncodeToString([]byte(much+textCold)) + "=",
	} {
		if got := invoke.MetricsIn(tail, thisID); got != nil {
			t.Errorf("metricsIn(%s) = %+v, want none", name, got)
		}
	}
	if got := invoke.MetricsIn(base64.StdEncoding.EncodeToString([]byte(textCold)), ""); got != nil {
		t.Errorf("metricsIn(a report) = %+v without an id, want none", got)
	}
}

// quoted returns text as a string of JSON.
func quoted(text string) string {
	data, err := json.Marshal(text)
	if err != nil {
		panic(err)
	}
	return string(data)
}

// A report is found whatever the function writes before it and extensions after
// it, as long as those do not make up another one.
func FuzzMetricsIn(f *testing.F) {
	for _, log := range []string{textCold + textTraced, textSnapStart, jsonStart + jsonCold, jsonFailed} {
		f.Add(log, "", uint32(1698), uint16(256), uint16(463), true)
		f.Add("", strings.ReplaceAll(log, thisID, otherID), uint32(2), uint16(128), uint16(0), false)
		f.Add(log[10:], strings.Repeat("x\n", 400), uint32(900_000), uint16(10_240), uint16(1), true)
	}
	f.Fuzz(func(t *testing.T, before, after string, billed uint32, memory, init uint16, text bool) {
		want := &protocol.Metrics{
			BilledDurationMs: float64(billed) + 1, MemorySizeMB: int(memory) + 1, MaxMemoryUsedMB: int(memory), InitDurationMs: float64(init) / 4,
		}
		report := fmt.Sprintf(`{"time":"2026-10-08T07:30:29.470Z","type":"platform.report","record":{"requestId":%q,"metrics":`+
			`{"durationMs":1,"billedDurationMs":%v,"memorySizeMB":%d,"maxMemoryUsedMB":%d,"initDurationMs":%v},"status":"success"}}`,
			thisID, int(want.BilledDurationMs), want.MemorySizeMB, want.MaxMemoryUsedMB, want.InitDurationMs)
		if text {
			report = fmt.Sprintf("REPORT RequestId: %s\tDuration: 1.00 ms\tBilled Duration: %v ms\tMemory Size: %d MB\t"+
				"Max Memory Used: %d MB\tInit Duration: %v ms\t",
				thisID, int(want.BilledDurationMs), want.MemorySizeMB, want.MaxMemoryUsedMB, want.InitDurationMs)
		}
		log := before + "\n" + report + "\n" + after
		log = log[max(0, len(log)-4<<10):]
		got := invoke.MetricsIn(base64.StdEncoding.EncodeToString([]byte(log)), thisID)
		if strings.Contains(after, thisID) || !strings.Contains(log, "\n"+report) {
			if got != nil && (got.BilledDurationMs <= 0 || got.MemorySizeMB <= 0) {
				t.Errorf("metricsIn(%q) = %+v, want a report or none", log, got)
			}
			return
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("metricsIn(%q) (-want +got):\n%s", log, diff)
		}
	})
}

// What reading a report takes: in the log that a regionworker leaves, and in one in
// which it is not at the end.
func BenchmarkMetricsIn(b *testing.B) {
	const said = `{"time":"2026-10-08T07:30:28.231Z","level":"INFO","msg":"endpoint for eu-west-1 is dynamodb.eu-west-1.amazonaws.com",` +
		`"requestId":"` + thisID + `","runId":"01JDCX4T9Q8Z6W3M5K7N2P0RSV","region":"eu-west-1","batch":0,"attempt":1,"task":"resolve"}` + "\n"
	for name, log := range map[string]string{
		"JSON":       jsonStart + said + said + jsonCold,
		"text":       said + said + textCold + textTraced,
		"further up": said + jsonCold + said + said + said,
		"no report":  strings.Repeat(said, 16)[:4<<10],
		"no log":     "",
	} {
		tail := base64.StdEncoding.EncodeToString([]byte(log))
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_ = invoke.MetricsIn(tail, thisID)
			}
		})
	}
}

// Each invocation has the report of its own log, in either format, and the
// first of each environment has its cold start in it.
func TestEveryInvocationBringsItsReport(t *testing.T) {
	t.Parallel()
	for _, format := range []invoketest.LogFormat{invoketest.JSONLog, invoketest.TextLog} {
		t.Run(string(format), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, invoker := inMemory(t)
				server.Log(format, 512)
				server.ColdStart(85 * time.Millisecond)
				late := invoketest.After(invoketest.Fixed(100*time.Millisecond+time.Microsecond), nil)
				server.Decide(func(invoketest.Call) invoketest.Fault { return late })
				for _, want := range []protocol.Metrics{
					{BilledDurationMs: 186, MemorySizeMB: 512, MaxMemoryUsedMB: invoketest.MaxMemoryUsedMB, InitDurationMs: 85},
					{BilledDurationMs: 101, MemorySizeMB: 512, MaxMemoryUsedMB: invoketest.MaxMemoryUsedMB},
				} {
					_, report, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`))
					if err != nil || report.RequestID == "" {
						t.Errorf("Invoke = request id %q, %v, want one and success", report.RequestID, err)
					}
					if diff := cmp.Diff(&want, report.Metrics); diff != "" {
						t.Errorf("Invoke's report (-want +got):\n%s", diff)
					}
				}
				if got := server.Counts(); got.Reports != 2 || got.Billed != 287*time.Millisecond {
					t.Errorf("the server gave %d reports of %v, want 2 of 287ms", got.Reports, got.Billed)
				}
			})
		})
	}
}

// Function errors and answers that are cut off have reports too. What Lambda refuses
// and what was never sent costs nothing. An invocation that may have run without a
// report is estimated by its duration.
func TestWhatIsBilledAndWhatIsNot(t *testing.T) {
	t.Parallel()
	const after = 300*time.Millisecond + time.Nanosecond
	reported := &protocol.Metrics{BilledDurationMs: 301, MemorySizeMB: 512, MaxMemoryUsedMB: invoketest.MaxMemoryUsedMB}
	estimated := &protocol.Metrics{BilledDurationMs: 301, Estimated: true}
	for _, test := range []struct {
		name  string
		log   invoketest.LogFormat
		fault invoketest.Fault
		want  *protocol.Metrics
	}{
		{"answered", invoketest.JSONLog, invoketest.Work, reported},
		{"answered without a log", "", invoketest.Work, estimated},
		{"failed", invoketest.TextLog, invoketest.FunctionError("Unhandled", `{"errorType":"x"}`), reported},
		{"failed without a log", "", invoketest.FunctionError("Unhandled", `{"errorType":"x"}`), estimated},
		{"timed out", invoketest.JSONLog, invoketest.TimedOut(time.Second), reported},
		{"an answer that is cut off", invoketest.JSONLog, invoketest.CutInAnswer(100, 10), reported},
		{"lost after it was sent", invoketest.JSONLog, invoketest.CutAfterRequest, estimated},
		{"throttled", invoketest.JSONLog, invoketest.Throttle(invoketest.ConcurrentInvocations, 0), nil},
		{"not allowed", invoketest.JSONLog, invoketest.Refuse(http.StatusForbidden, "AccessDeniedException", "no"), nil},
		{"out of order", invoketest.JSONLog, invoketest.Refuse(http.StatusInternalServerError, "ServiceException", "no"), estimated},
		{"not set up", invoketest.JSONLog, invoketest.Refuse(http.StatusBadGateway, "EC2UnexpectedException", "no"), nil},
		{"lost behind a gateway", invoketest.JSONLog, invoketest.Answer(http.StatusBadGateway, "<html>502 Bad Gateway</html>"), estimated},
		{"late behind a gateway", invoketest.JSONLog, invoketest.Answer(http.StatusGatewayTimeout, "upstream request timeout"), estimated},
		{"turned away by a gateway", invoketest.JSONLog, invoketest.Answer(http.StatusServiceUnavailable, "no healthy upstream"), estimated},
		{"given up", invoketest.JSONLog, invoketest.Hang, &protocol.Metrics{BilledDurationMs: 2000, Estimated: true}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server, invoker := inMemory(t)
				server.Log(test.log, 512)
				server.Script(invoketest.After(invoketest.Fixed(after), test.fault))
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
				defer cancel()
				_, report, _ := invoker.Invoke(ctx, "eu-west-1", []byte(`{}`))
				if diff := cmp.Diff(test.want, report.Metrics); diff != "" {
					t.Errorf("Invoke's metrics (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// What was never sent costs nothing.
func TestWhatIsNotSentIsNotBilled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused := invoke.Settings{Function: "worker", Dial: func(context.Context, string, string) (net.Conn, error) {
			return nil, errors.New("refused")
		}}
		silent := invoke.Settings{Function: "worker", Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}}
		for _, test := range []struct {
			name     string
			settings invoke.Settings
			payload  []byte
			wait     time.Duration
		}{
			{"refused", refused, []byte(`{}`), time.Minute},
			{"unanswered", silent, []byte(`{}`), time.Minute},
			{"given up while it connects", silent, []byte(`{}`), time.Second},
			{"given up before", silent, []byte(`{}`), 0},
			{"too large", silent, make([]byte, 7<<20), time.Minute},
		} {
			invoker := newLambda(t, invoketest.NewMemoryServer(t, echo).Config(), test.settings)
			ctx, cancel := context.WithTimeout(t.Context(), test.wait)
			_, report, err := invoker.Invoke(ctx, "eu-west-1", test.payload)
			cancel()
			if err == nil || report != (protocol.Attempt{}) {
				t.Errorf("%s: Invoke = %+v, %v, want no report and an error", test.name, report, err)
			}
		}
		time.Sleep(time.Minute) // until the last dial has ended
	})
}

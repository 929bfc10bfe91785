package trigger_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// A runner records requests and returns a fixed answer. Like a coordinator it refuses
// a request with faults.
type runner struct {
	asked    []protocol.Request
	deadline time.Duration
	limit    int
	answer   []byte
	err      error
}

func (r *runner) Answer(ctx context.Context, request protocol.Request, faults protocol.Faults, limit int) ([]byte, error) {
	if err := faults.Err(); err != nil {
		return nil, err
	}
	r.asked, r.limit = append(r.asked, request), limit
	if deadline, ok := ctx.Deadline(); ok {
		r.deadline = time.Until(deadline)
	}
	return r.answer, r.err
}

// post returns an HTTP API event for POST /runs.
func post(body string) events.APIGatewayV2HTTPRequest {
	return events.APIGatewayV2HTTPRequest{
		Version: "2.0", RouteKey: "POST /runs", RawPath: "/runs", Body: body,
		Headers: map[string]string{"content-type": "application/json"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RequestID: "id", Stage: "$default",
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{Method: "POST", Path: "/runs", SourceIP: "192.0.2.1"},
		},
	}
}

func marshal(t *testing.T, v any) []byte {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestEachTriggerIsRecognisedByItsDocumentedShape(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		payload string
		want    protocol.Request
	}{
		{"a direct invoke", `{"name":"direct"}`, protocol.Request{Name: "direct"}},
		{"a direct invoke of nothing", `{}`, protocol.Request{}},
		{
			"an EventBridge event",
			`{"version":"0","id":"1","detail-type":"Scheduled run","source":"ops","account":"123456789012",
			  "time":"2026-11-23T00:00:00Z","region":"eu-west-1","resources":[],"detail":{"name":"detail"}}`,
			protocol.Request{Name: "detail"},
		},
		{
			"an event of EventBridge Scheduler for a schedule without input",
			`{"version":"0","id":"1","detail-type":"Scheduled Event","source":"aws.scheduler","account":"123456789012",
			  "time":"2026-11-23T00:00:00Z","region":"eu-west-1","resources":[],"detail":"{}"}`,
			protocol.Request{},
		},
		{"an HTTP API event", string(marshal(t, post(`{"name":"http"}`))), protocol.Request{Name: "http"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &runner{answer: []byte(`{"runId":"1"}`)}
			answer, err := (&trigger.Handler{Runner: r}).Handle(t.Context(), []byte(tt.payload))
			if diff := cmp.Diff([]protocol.Request{tt.want}, r.asked); err != nil || diff != "" {
				t.Errorf("Handle(%s) = %s, %v; asked (-want +got):\n%s", tt.payload, answer, err, diff)
			}
		})
	}
}

func TestOtherEventsAreRefusedAndTheErrorNamesTheirKind(t *testing.T) {
	t.Parallel()
	const takes = "; the coordinator takes a Request, an HTTP API event of payload format 2.0 " +
		"with a Request for its body, or an EventBridge event with a Request for its detail"
	tests := []struct {
		name, payload, want string // want "" for any text
	}{
		{"SQS", `{"Records":[{"messageId":"1","body":"{}","eventSource":"aws:sqs"}]}`, `this is an event with records of "aws:sqs"` + takes},
		{"SNS", `{"Records":[{"EventVersion":"1.0","EventSource":"aws:sns","Sns":{}}]}`, `this is an event with records of "aws:sns"` + takes},
		{"S3", `{"Records":[{"eventSource":"aws:s3","s3":{}}]}`, `this is an event with records of "aws:s3"` + takes},
		{"REST API", `{"resource":"/runs","path":"/runs","httpMethod":"POST","requestContext":{"stage":"dev"}}`, "this is an API Gateway event of payload format 1.0" + takes},
		{"load balancer", `{"requestContext":{"elb":{"targetGroupArn":"arn"}},"httpMethod":"GET","path":"/"}`, "this is an event of an Application Load Balancer" + takes},
		{"WebSocket API", `{"requestContext":{"routeKey":"$connect","eventType":"CONNECT"}}`, "this is an API Gateway event other than an HTTP request of payload format 2.0" + takes},
		{"CloudWatch Logs", `{"awslogs":{"data":"H4s"}}`, "this is an event of CloudWatch Logs" + takes},
		{"an array", `[{}]`, "[{}]: want an object, got an array"},
		{"garbage", `hello`, ""},
		{"nothing", ``, ""},
		{"a request with a mistake", `{"task":1}`, "task: 1: want a string, got a number"},
		{
			"an EventBridge event with a mistake", `{"detail-type":"Run","source":"ops","detail":{"task":1}}`,
			"detail.task: 1: want a string, got a number",
		},
		{
			"an EventBridge event with text for its detail", `{"detail-type":"Run","source":"ops","detail":"{}"}`,
			`detail: "{}": want an object, got a string`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var log bytes.Buffer
			r := &runner{}
			h := &trigger.Handler{Runner: r, Log: slog.New(slog.NewJSONHandler(&log, nil))}
			answer, err := h.Handle(t.Context(), []byte(tt.payload))
			var named interface{ ErrorName() string }
			if !errors.As(err, &named) || named.ErrorName() != protocol.ErrorInvalidRequest || len(r.asked) > 0 {
				t.Fatalf("Handle(%s) = %s, %v, asked %v; want %s and nothing asked", tt.payload, answer, err, r.asked, protocol.ErrorInvalidRequest)
			}
			if tt.want != "" && err.Error() != tt.want {
				t.Errorf("Handle(%s) = %v, want %s", tt.payload, err, tt.want)
			}
			if !strings.Contains(log.String(), "request refused") {
				t.Errorf("log: %s; want that the request was refused", &log)
			}
		})
	}
}

// The paths of the coordinator's faults start at the root of the payload too.
func TestFaultsOfAnEventBridgeEventAreBelowItsDetail(t *testing.T) {
	t.Parallel()
	r := &runner{err: protocol.Faults{{Path: "regions[0]", Value: `"mars"`, Detail: "is not a Region"}}.Err()}
	_, err := (&trigger.Handler{Runner: r}).Handle(t.Context(), []byte(`{"detail-type":"Run","source":"ops","detail":{"regions":["mars"]}}`))
	if want := `detail.regions[0]: "mars": is not a Region`; err == nil || err.Error() != want {
		t.Errorf("Handle = %v, want %s", err, want)
	}
}

// A request whose answer is lost was run: it was not refused.
func TestTheLogDistinguishesALostAnswerFromARefusedRequest(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{"direct": `{}`, "HTTP": string(marshal(t, post(`{}`)))} {
		for _, tt := range []struct {
			err  error
			want string
		}{
			{&protocol.TooLargeError{Bytes: 2, Limit: 1}, `"level":"ERROR","msg":"answer lost"`},
			{protocol.Faults{{Detail: "wrong"}}.Err(), `"level":"WARN","msg":"request refused"`},
		} {
			var log bytes.Buffer
			h := &trigger.Handler{Runner: &runner{err: tt.err}, Log: slog.New(slog.NewJSONHandler(&log, nil))}
			_, _ = h.Handle(t.Context(), []byte(payload))
			if got := log.String(); !strings.Contains(got, tt.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("%s, %v: log %s; want one line with %s", name, tt.err, got, tt.want)
			}
		}
	}
}

// do handles an HTTP API event.
func do(t *testing.T, r *runner, request events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	data, err := (&trigger.Handler{Runner: r}).Handle(t.Context(), marshal(t, request))
	if err != nil {
		t.Fatalf("Handle = %v", err)
	}
	var response events.APIGatewayV2HTTPResponse
	if err := json.Unmarshal(data, &response); err != nil {
		t.Fatal(err)
	}
	return response
}

func TestHTTPAnswers200ForARequestThatWasRun(t *testing.T) {
	t.Parallel()
	want := `{"runId":"1","status":"FAILED"}`
	got := do(t, &runner{answer: []byte(want)}, post(`{}`))
	if got.StatusCode != 200 || got.Body != want || got.Headers["content-type"] != "application/json" || got.IsBase64Encoded {
		t.Errorf("answer %+v, want 200 with %s", got, want)
	}
}

func TestHTTPAcceptsABody(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		edit func(*events.APIGatewayV2HTTPRequest)
	}{
		{"in base64", func(r *events.APIGatewayV2HTTPRequest) {
			r.Body, r.IsBase64Encoded = base64.StdEncoding.EncodeToString([]byte(r.Body)), true
		}},
		{"in UTF-8", func(r *events.APIGatewayV2HTTPRequest) {
			r.Headers = map[string]string{"Content-Type": `application/json; charset="UTF-8"`}
		}},
		{"in ASCII", func(r *events.APIGatewayV2HTTPRequest) {
			r.Headers = map[string]string{"content-type": "application/json;charset=us-ascii"}
		}},
		{"of a type of JSON", func(r *events.APIGatewayV2HTTPRequest) {
			r.Headers = map[string]string{"content-type": "application/vnd.meridian+json"}
		}},
		{"without a type", func(r *events.APIGatewayV2HTTPRequest) { r.Headers = nil }},
		{"behind a stage", func(r *events.APIGatewayV2HTTPRequest) {
			r.RawPath, r.RequestContext.Stage = "/prod/runs", "prod"
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			request := post(`{"name":"x"}`)
			tt.edit(&request)
			r := &runner{answer: []byte(`{}`)}
			if got := do(t, r, request); got.StatusCode != 200 || len(r.asked) != 1 || r.asked[0].Name != "x" {
				t.Errorf("answer %+v, asked %+v", got, r.asked)
			}
		})
	}
}

func TestHTTPAnswersAProblemForEverythingElse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		edit   func(*events.APIGatewayV2HTTPRequest)
		status int
		want   string // the detail
		faults string
	}{
		{
			"two faults", func(r *events.APIGatewayV2HTTPRequest) { r.Body = `{"task":1,"minSuccessful":-1}` }, 400,
			"nothing has been invoked; faults lists every fault",
			`[{"path":"task","value":"1","detail":"want a string, got a number"},` +
				`{"path":"minSuccessful","value":"-1","detail":"out of range; want 0 to 200 (0 means all)"}]`,
		},
		{
			"more time than the API has", func(r *events.APIGatewayV2HTTPRequest) { r.Body = `{"timeoutSeconds":60}` }, 400,
			"nothing has been invoked; faults lists every fault",
			`[{"path":"timeoutSeconds","value":"60","detail":"want at most 28 seconds over the HTTP API, which stops waiting ` +
				`after 30s; for longer runs invoke the function directly or by a schedule"}]`,
		},
		{
			"bad base64", func(r *events.APIGatewayV2HTTPRequest) { r.Body, r.IsBase64Encoded = "{}", true }, 400,
			"the event says that the body is base64, but it is not", "",
		},
		{"another path", func(r *events.APIGatewayV2HTTPRequest) { r.RawPath = "/run" }, 404, "/run is unknown; start a run with POST /runs", ""},
		{"another method", func(r *events.APIGatewayV2HTTPRequest) { r.RequestContext.HTTP.Method = "PUT" }, 405, "PUT is not allowed; start a run with POST /runs", ""},
		{
			"too large", func(r *events.APIGatewayV2HTTPRequest) { r.Body = strings.Repeat(" ", 1<<20+1) }, 413,
			"1048577 bytes are too many; at most 1048576 (1 MiB)", "",
		},
		{
			"a form", func(r *events.APIGatewayV2HTTPRequest) {
				r.Headers["content-type"] = "application/x-www-form-urlencoded"
			}, 415, "content-type application/x-www-form-urlencoded is not supported; want application/json", "",
		},
		{
			"another charset", func(r *events.APIGatewayV2HTTPRequest) {
				r.Headers["content-type"] = "application/json; charset=ISO-8859-1"
			}, 415, "charset iso-8859-1 is not supported; want utf-8", "",
		},
		{
			"compressed", func(r *events.APIGatewayV2HTTPRequest) { r.Headers["content-encoding"] = "gzip" }, 415,
			"content-encoding gzip is not supported; send the body without one", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			request := post(`{}`)
			tt.edit(&request)
			r := &runner{answer: []byte(`{}`)}
			got := do(t, r, request)
			var body struct {
				Title    string          `json:"title"`
				Status   int             `json:"status"`
				Detail   string          `json:"detail"`
				Instance string          `json:"instance"`
				Faults   json.RawMessage `json:"faults"`
			}
			if err := json.Unmarshal([]byte(got.Body), &body); err != nil {
				t.Fatal(err)
			}
			if got.StatusCode != tt.status || body.Status != tt.status || body.Detail != tt.want || string(body.Faults) != tt.faults ||
				body.Title == "" || body.Instance != "id" || got.Headers["content-type"] != "application/problem+json" {
				t.Errorf("answer %d %v %s\nwant %d, %s, %s", got.StatusCode, got.Headers, got.Body, tt.status, tt.want, tt.faults)
			}
			if allow := got.Headers["allow"]; (allow == "POST") != (tt.status == 405) {
				t.Errorf("answer %d allows %q", got.StatusCode, allow)
			}
			if len(r.asked) > 0 {
				t.Errorf("asked %+v, want nothing", r.asked)
			}
		})
	}
}

func TestHTTPAnswers500WhenTheAnswerIsLost(t *testing.T) {
	t.Parallel()
	got := do(t, &runner{err: errors.New("encode: no")}, post(`{}`))
	if got.StatusCode != 500 || !strings.Contains(got.Body, `"detail":"encode: no"`) {
		t.Errorf("answer %+v, want 500", got)
	}
}

func TestAnHTTPRunEndsBeforeTheAPIsTimeout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 900*time.Second)
		defer cancel()
		r := &runner{answer: []byte(`{}`)}
		h := &trigger.Handler{Runner: r}
		if _, err := h.Handle(ctx, marshal(t, post(`{"timeoutSeconds":28}`))); err != nil || r.deadline != 29*time.Second {
			t.Errorf("Handle has %v, %v; want 29s", r.deadline, err)
		}
		if _, err := h.Handle(ctx, []byte(`{"timeoutSeconds":800}`)); err != nil || r.deadline != 900*time.Second {
			t.Errorf("Handle of a direct invoke has %v, %v; want 900s", r.deadline, err)
		}
	})
}

// A direct invoke's result can be as long as Lambda's response, and is not changed.
func TestADirectInvokesResultCanFillLambdasResponse(t *testing.T) {
	t.Parallel()
	for name, payload := range map[string]string{
		"a direct invoke":      `{}`,
		"an EventBridge event": `{"detail-type":"Run","source":"ops","detail":{}}`,
	} {
		want := []byte(strings.Repeat(`"`, protocol.MaxPayloadBytes))
		r := &runner{answer: want}
		got, err := (&trigger.Handler{Runner: r}).Handle(t.Context(), []byte(payload))
		if err != nil || r.limit != protocol.MaxPayloadBytes || !bytes.Equal(got, want) {
			t.Errorf("%s: limit %d, %d bytes, %v; want %d of both", name, r.limit, len(got), err, protocol.MaxPayloadBytes)
		}
	}
}

// A body is text up to the last byte that fits: it is a string in the JSON of Lambda's
// response.
func TestAnHTTPBodyIsTextUntilItDoesNotFit(t *testing.T) {
	t.Parallel()
	handle := func(body string) []byte {
		data, err := (&trigger.Handler{Runner: &runner{answer: []byte(body)}}).Handle(t.Context(), marshal(t, post(`{}`)))
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	// Each < takes six bytes in JSON, each x one.
	escaped := strings.Repeat("<", protocol.MaxPayloadBytes/6-100)
	most := protocol.MaxPayloadBytes - len(handle(escaped))
	for more, base64 := range map[int]bool{-1: false, 0: false, 1: true} {
		data := handle(escaped + strings.Repeat("x", most+more))
		var response events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(data, &response); err != nil {
			t.Fatal(err)
		}
		if response.IsBase64Encoded != base64 || len(data) > protocol.MaxPayloadBytes || !base64 && len(data) != protocol.MaxPayloadBytes+more {
			t.Errorf("a body of limit%+d bytes: %d bytes, base64 %v; want %v", more, len(data), response.IsBase64Encoded, base64)
		}
	}
}

// The largest result fits into an HTTP answer, escaped or as base64.
func TestTheLargestResultFitsIntoAnHTTPAnswer(t *testing.T) {
	t.Parallel()
	for _, fill := range []string{`"`, "é", "<", "\u2028", "x"} {
		r := &runner{answer: []byte(`{}`)}
		do(t, r, post(`{}`)) // to learn the limit
		body := strings.Repeat(fill, r.limit/len(fill))
		r.answer = []byte(body)
		data, err := (&trigger.Handler{Runner: r}).Handle(t.Context(), marshal(t, post(`{}`)))
		if err != nil || len(data) > protocol.MaxPayloadBytes {
			t.Errorf("Handle = %d bytes, %v; want at most %d", len(data), err, protocol.MaxPayloadBytes)
		}
		var response events.APIGatewayV2HTTPResponse
		if err := json.Unmarshal(data, &response); err != nil {
			t.Fatal(err)
		}
		got := response.Body
		if response.IsBase64Encoded {
			decoded, err := base64.StdEncoding.DecodeString(got)
			if err != nil {
				t.Fatal(err)
			}
			got = string(decoded)
		}
		if got != body {
			t.Errorf("a body of %q does not come through (base64 %v)", fill, response.IsBase64Encoded)
		}
	}
}

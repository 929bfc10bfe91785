package trigger_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/race"
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

// The events are shortened from AWS's documentation and aws-lambda-go.
func TestEachKindOfEventIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]string{
		`{"awslogs":{"data":"H4s"}}`: "an event of CloudWatch Logs",
		`{"invocationId":"i","deliveryStreamArn":"arn","region":"eu-west-1","records":[{"recordId":"1","data":"e30="}]}`: "an event of Amazon Data Firehose",
		`{"invocationId":"i","applicationArn":"arn","records":[{"recordId":"1","data":"e30="}]}`:                         "an event of Kinesis Data Analytics",
		`{"eventSource":"aws:kafka","eventSourceArn":"arn","bootstrapServers":"b:9092","records":{"topic-0":[]}}`:        "an event of Apache Kafka",
		`{"eventSource":"SelfManagedKafka","bootstrapServers":"b:9092","records":{"topic-0":[]}}`:                        "an event of Apache Kafka",
		`{"eventSource":"aws:mq","eventSourceArn":"arn","messages":[]}`:                                                  "an event of Amazon MQ",
		`{"eventSource":"aws:rmq","eventSourceArn":"arn","rmqMessagesByQueue":{}}`:                                       "an event of Amazon MQ",
		`{"eventSource":"aws:docdb","eventSourceArn":"arn","events":[{"event":{}}]}`:                                     "an event of Amazon DocumentDB",
		`{"Records":[{"cf":{"config":{"eventType":"viewer-request"},"request":{}}}]}`:                                    "an event with records of CloudFront",
		`{"Records":[{"eventSource":"aws:dynamodb","dynamodb":{}}]}`:                                                     `an event with records of "aws:dynamodb"`,
		`{"Records":[{"eventSource":"hunter2"}]}`:                                                                        "an event with records",
		`{"Records":[]}`: "an event with records",
		`{"arguments":{},"identity":null,"source":null,"request":{"headers":{}},"prev":null,"info":{"fieldName":"run","parentTypeName":"Query"},"stash":{}}`:                                         "a request of an AppSync resolver",
		`{"identity":null,"info":{"channel":{"path":"/default/a"},"operation":"PUBLISH"},"events":[]}`:                                                                                               "a request of AppSync Events",
		`{"authorizationToken":"t","requestContext":{"apiId":"a","queryString":"query"}}`:                                                                                                            "a request of AppSync to an authorizer",
		`{"type":"REQUEST","methodArn":"arn","httpMethod":"GET","requestContext":{"stage":"dev"}}`:                                                                                                   "a request of API Gateway to an authorizer",
		`{"version":"2.0","type":"REQUEST","routeArn":"arn","rawPath":"/runs","requestContext":{"http":{"method":"POST"}}}`:                                                                          "a request of API Gateway to an authorizer",
		`{"version":"2.0","path":"/","method":"GET","headers":{},"requestContext":{"serviceNetworkArn":"arn","serviceArn":"arn","targetGroupArn":"arn"}}`:                                            "an event of VPC Lattice",
		`{"raw_path":"/","method":"POST","headers":{},"query_string_parameters":{},"body":"{}","is_base64_encoded":false}`:                                                                           "an event of VPC Lattice",
		`{"version":"1.0","timestamp":"t","requestContext":{"requestId":"r","functionArn":"arn","condition":"RetriesExhausted"},"requestPayload":{},"responsePayload":{}}`:                           "the record of an asynchronous invocation for a destination",
		`{"version":"1","triggerSource":"PreSignUp_SignUp","region":"eu-west-1","userPoolId":"p","userName":"u","callerContext":{},"request":{},"response":{}}`:                                      "an event of a Cognito user pool",
		`{"version":2,"eventType":"SyncTrigger","region":"eu-west-1","identityPoolId":"p","identityId":"i","datasetName":"d","datasetRecords":{}}`:                                                   "an event of Cognito Sync",
		`{"version":"1.0","invokingEvent":"{}","ruleParameters":"{}","resultToken":"t","eventLeftScope":false,"configRuleName":"r"}`:                                                                 "an event of AWS Config",
		`{"RequestType":"Create","ResponseURL":"https://example.com/?Signature=hunter2","StackId":"s","RequestId":"r","ResourceType":"Custom::Run","LogicalResourceId":"l","ResourceProperties":{}}`: "a request of a CloudFormation custom resource",
		`{"region":"eu-west-1","accountId":"1","fragment":{},"transformId":"t","params":{},"requestId":"r","templateParameterValues":{}}`:                                                            "a request of a CloudFormation macro",
		`{"source":"aws.cloudwatch","alarmArn":"arn","accountId":"1","time":"t","region":"eu-west-1","alarmData":{}}`:                                                                                "an event of a CloudWatch alarm",
		`{"CodePipeline.job":{"id":"1","data":{}}}`:                                                                                                                    "a job of CodePipeline",
		`{"DeploymentId":"d","LifecycleEventHookExecutionId":"e"}`:                                                                                                     "an event of CodeDeploy",
		`{"Step":"createSecret","SecretId":"arn","ClientRequestToken":"hunter2"}`:                                                                                      "a rotation of Secrets Manager",
		`{"invocationSchemaVersion":"1.0","invocationId":"i","job":{"id":"j"},"tasks":[]}`:                                                                             "a request of S3 Batch Operations",
		`{"xAmzRequestId":"r","getObjectContext":{},"configuration":{},"userRequest":{},"userIdentity":{},"protocolVersion":"1.00"}`:                                   "a request of S3 Object Lambda",
		`{"Name":"ContactFlowEvent","Details":{"ContactData":{},"Parameters":{}}}`:                                                                                     "an event of Amazon Connect",
		`{"messageVersion":"1.0","invocationSource":"DialogCodeHook","bot":{"name":"b"},"sessionState":{}}`:                                                            "a request of Amazon Lex",
		`{"messageVersion":"1.0","agent":{"name":"a"},"sessionId":"s","actionGroup":"g","function":"f","parameters":[{"name":"p","type":"string","value":"hunter2"}]}`: "a request of an Amazon Bedrock agent",
		`{"version":"1.0","session":{"new":true},"context":{},"request":{"type":"LaunchRequest"}}`:                                                                     "a request of an Alexa skill",
		`{"directive":{"header":{},"endpoint":{}}}`:                                                                                                                    "a directive of an Alexa smart home skill",
		`{"username":"u","password":"hunter2","protocol":"SFTP","serverId":"s","sourceIp":"192.0.2.1"}`:                                                                "a sign-in to AWS Transfer Family",
		`[{"info":{"fieldName":"run"},"arguments":{},"source":{}}]`:                                                                                                    "a batch, and its first entry is a request of an AppSync resolver",
		`[{"messageId":"1","body":"{}","eventSource":"aws:sqs"}]`:                                                                                                      "a batch of EventBridge Pipes",
		`{"requestContext":{"connectionId":"c","eventType":"CONNECT"},"httpMethod":"GET"}`:                                                                             "an event of an API Gateway WebSocket API",
		`{"connection-id":"c","endpoint-id":"e","username":"u"}`:                                                                                                       "a connection of AWS Client VPN",
		`{"token":"hunter2","signatureVerified":true,"protocols":["mqtt"],"protocolData":{}}`:                                                                          "a request of AWS IoT to an authorizer",
		`{"claimCertificateId":"c","certificateId":"c","certificatePem":"p","parameters":{}}`:                                                                          "a request of AWS IoT to provision a device",
		`{"deviceEvent":{"buttonClicked":{}},"deviceInfo":{},"placementInfo":{}}`:                                                                                      "an event of AWS IoT 1-Click",
		`{"DurableExecutionArn":"arn","CheckpointToken":"hunter2","InitialExecutionState":{}}`:                                                                         "an execution of a durable function",
		`{"serialNumber":"G03","batteryVoltage":"1500mV","clickType":"SINGLE"}`:                                                                                        "an event of an AWS IoT button",
	} {
		var log bytes.Buffer
		r := &runner{}
		h := &trigger.Handler{Runner: r, Log: slog.New(slog.NewJSONHandler(&log, nil))}
		_, err := h.Handle(t.Context(), []byte(payload))
		if err == nil || !strings.HasPrefix(err.Error(), "this is "+want+"; ") || len(r.asked) > 0 {
			t.Errorf("Handle(%s) = %v, asked %v; want that it is %s", payload, err, r.asked, want)
		}
		if strings.Contains(log.String(), "hunter2") {
			t.Errorf("Handle(%s) logs a value: %s", payload, &log)
		}
	}
}

// A Request is never taken for an event, whichever of its fields it has.
func TestARequestIsNoEvent(t *testing.T) {
	t.Parallel()
	all := map[string]any{}
	for _, field := range protocol.RequestFields() {
		all[field] = map[string]any{}
	}
	_, err := (&trigger.Handler{Runner: &runner{}}).Handle(t.Context(), marshal(t, all))
	if err == nil || strings.Contains(err.Error(), "this is") {
		t.Errorf("Handle = %v, want faults of a Request", err)
	}
}

// What is refused is logged by its place and the reason. Only the caller sees the value.
func TestTheLogHasNoValueOfARefusedRequest(t *testing.T) {
	t.Parallel()
	edited := func(edit func(*events.APIGatewayV2HTTPRequest)) string {
		request := post(`{"parameters":{},"token":"hunter2"}`)
		edit(&request)
		return string(marshal(t, request))
	}
	for name, payload := range map[string]string{
		"a direct invoke":       `{"token":"hunter2","name":"hunter2 ","targets":["hunter2","hunter2"]}`,
		"text that is no JSON":  `password=hunter2`,
		"an EventBridge event":  `{"detail-type":"Run","source":"ops","detail":{"task":"hunter2\u0000","targets":["hunter2\u0000"]}}`,
		"a detail that is text": `{"detail-type":"Run","source":"ops","detail":"hunter2"}`,
		"a body":                edited(func(*events.APIGatewayV2HTTPRequest) {}),
		"a path":                edited(func(r *events.APIGatewayV2HTTPRequest) { r.RawPath = "/hunter2" }),
		"a content-type":        edited(func(r *events.APIGatewayV2HTTPRequest) { r.Headers["content-type"] = "text/hunter2" }),
	} {
		var log bytes.Buffer
		h := &trigger.Handler{Runner: &runner{}, Log: slog.New(slog.NewJSONHandler(&log, nil))}
		answer, err := h.Handle(t.Context(), []byte(payload))
		if told := string(answer) + fmt.Sprint(err); !strings.Contains(told, "hunter2") {
			t.Errorf("%s: the caller is told %s, want the value", name, told)
		}
		if got := log.String(); !strings.Contains(got, "request refused") || strings.Contains(got, "hunter2") {
			t.Errorf("%s: log %s; want that the request was refused, without its value", name, got)
		}
	}
}

func TestOtherEventsAreRefusedAndTheErrorNamesTheirKind(t *testing.T) {
	t.Parallel()
	const takes = "; the coordinator takes a Request or a Command, an HTTP API event of payload format 2.0, " +
		"or an EventBridge event with a Request for its detail"
	tests := []struct {
		name, payload, want string // want "" for any text
	}{
		{"SQS", `{"Records":[{"messageId":"1","body":"{}","eventSource":"aws:sqs"}]}`, `this is an event with records of "aws:sqs"` + takes},
		{"SNS", `{"Records":[{"EventVersion":"1.0","EventSource":"aws:sns","Sns":{}}]}`, `this is an event with records of "aws:sns"` + takes},
		{"S3", `{"Records":[{"eventSource":"aws:s3","s3":{}}]}`, `this is an event with records of "aws:s3"` + takes},
		{"REST API", `{"resource":"/runs","path":"/runs","httpMethod":"POST","requestContext":{"stage":"dev"}}`, "this is an API Gateway event of payload format 1.0" + takes},
		{"load balancer", `{"requestContext":{"elb":{"targetGroupArn":"arn"}},"httpMethod":"GET","path":"/"}`, "this is an event of an Application Load Balancer" + takes},
		{"WebSocket API", `{"requestContext":{"routeKey":"$connect","eventType":"CONNECT"}}`, "this is an API Gateway event other than an HTTP request of payload format 2.0" + takes},
		{
			"an EventBridge event with fields of a request", `{"detail-type":"Run","source":"ops","detail":{},"task":"sleep","name":"n"}`,
			`this is an EventBridge event with "name" beside its own fields` + takes,
		},
		{
			"an HTTP API event with fields of a request", `{"version":"2.0","requestContext":{"http":{"method":"POST"}},"regions":["eu-west-1"]}`,
			`this is an HTTP API event with "regions" beside its own fields` + takes,
		},
		{
			"an HTTP API event with a command", `{"version":"2.0","requestContext":{"http":{"method":"POST"}},"command":"list"}`,
			`this is an HTTP API event with "command" beside its own fields` + takes,
		},
		{
			"a request with some fields of an EventBridge event", `{"task":"sleep","source":"ops","detail":{"task":"resolve"}}`,
			"source: \"ops\": unknown field; known are " + strings.Join(protocol.RequestFields(), ", ") +
				"\ndetail: {\"task\":\"resolve\"}: unknown field; known are " + strings.Join(protocol.RequestFields(), ", "),
		},
		{"an EventBridge event in another spelling", `{"Detail-Type":"Run","Source":"ops","Detail":{"task":"sleep"}}`, ""},
		{"an EventBridge event whose source is no string", `{"detail-type":"Run","source":1,"detail":{"task":"sleep"}}`, ""},
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

// do handles an HTTP API event without a store.
func do(t *testing.T, r *runner, request events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	return handle(t, &trigger.Handler{Runner: r}, request)
}

// handle handles an HTTP API event, and checks that the answer is described.
func handle(t *testing.T, h *trigger.Handler, request events.APIGatewayV2HTTPRequest) events.APIGatewayV2HTTPResponse {
	t.Helper()
	data, err := h.Handle(t.Context(), marshal(t, request))
	if err != nil {
		t.Fatalf("Handle = %v", err)
	}
	answer := response(t, data)
	if !answer.IsBase64Encoded {
		checkDescribed(t, request, answer)
	}
	return answer
}

// response decodes an answer to an HTTP API event.
func response(t *testing.T, data []byte) events.APIGatewayV2HTTPResponse {
	t.Helper()
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
		{"in UTF-8, spelt utf8", func(r *events.APIGatewayV2HTTPRequest) {
			r.Headers = map[string]string{"content-type": "application/json; charset=utf8"}
		}},
		{"in ASCII, declared as another charset", func(r *events.APIGatewayV2HTTPRequest) {
			r.Headers = map[string]string{"content-type": "application/json; charset=iso-8859-1"}
		}},
		{"whose type is declared twice", func(r *events.APIGatewayV2HTTPRequest) {
			r.Headers = map[string]string{"content-type": "application/json, application/json; charset=UTF-8", "content-encoding": "identity,identity"}
		}},
		{"of a type with a comma in quotes", func(r *events.APIGatewayV2HTTPRequest) {
			r.Headers = map[string]string{"content-type": `application/ld+json; profile="a,b"`}
		}},
		{"of the older type", func(r *events.APIGatewayV2HTTPRequest) {
			r.Headers = map[string]string{"content-type": "text/json"}
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
				`after 30s; for longer runs set keep, or invoke the function directly or by a schedule"}]`,
		},
		{
			"bad base64", func(r *events.APIGatewayV2HTTPRequest) { r.Body, r.IsBase64Encoded = "{}", true }, 400,
			"the event says that the body is base64, but it is not", "",
		},
		{"another path", func(r *events.APIGatewayV2HTTPRequest) { r.RawPath = "/run" }, 404, "/run is unknown; start a run with POST /runs", ""},
		{"another method", func(r *events.APIGatewayV2HTTPRequest) { r.RequestContext.HTTP.Method = "PUT" }, 405, "PUT is not allowed; use GET, POST", ""},
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
			"another charset and a body that is not ASCII", func(r *events.APIGatewayV2HTTPRequest) {
				r.Headers["content-type"], r.Body = "application/json; charset=ISO-8859-1", `{"targets":["é"]}`
			}, 415, "charset iso-8859-1 is not supported; want utf-8", "",
		},
		{
			"a charset that does not extend ASCII", func(r *events.APIGatewayV2HTTPRequest) {
				r.Headers["content-type"] = "application/json; charset=utf-16"
			}, 415, "charset utf-16 is not supported; want utf-8", "",
		},
		{
			"JSON and something else", func(r *events.APIGatewayV2HTTPRequest) {
				r.Headers["content-type"] = "application/json, text/plain"
			}, 415, "content-type application/json, text/plain is not supported; want application/json", "",
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
			if allow := got.Headers["allow"]; (allow == "GET, POST") != (tt.status == 405) {
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
	race.Skip(t, "takes long, on one goroutine")
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
	race.Skip(t, "takes long, on one goroutine")
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

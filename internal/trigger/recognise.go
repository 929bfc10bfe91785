package trigger

import (
	"bytes"
	"encoding/json"
	"fmt"

	"meridian/pkg/protocol"
)

// A kind is what called the function.
type kind int

const (
	kindDirect      kind = iota // a Request
	kindHTTP                    // an HTTP API event, payload format 2.0
	kindEventBridge             // an EventBridge event
	kindOther                   // something that is none of ours
)

// An event is what an invocation's payload was recognised as.
type event struct {
	kind    kind
	payload []byte // the Request, or the whole HTTP event
	what    string // of kindOther: what it is
}

// marks are the fields by which the events of AWS are told apart. A Request has
// none of them.
//
// Sources:
// https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
// https://docs.aws.amazon.com/eventbridge/latest/ref/overiew-event-structure.html
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html
type marks struct {
	Version        json.RawMessage `json:"version"`
	RequestContext *struct {
		HTTP *struct {
			Method string `json:"method"`
		} `json:"http"`
		ELB json.RawMessage `json:"elb"`
	} `json:"requestContext"`
	HTTPMethod json.RawMessage `json:"httpMethod"`
	DetailType json.RawMessage `json:"detail-type"` //nolint:tagliatelle // EventBridge's spelling
	Source     json.RawMessage `json:"source"`
	Detail     json.RawMessage `json:"detail"`
	Records    []struct {
		EventSource    string `json:"eventSource"`
		EventSourceSNS string `json:"EventSource"` //nolint:tagliatelle // SNS spells it so
	} `json:"Records"` //nolint:tagliatelle // the spelling of every service that sends records
	AWSLogs json.RawMessage `json:"awslogs"`
}

// request returns the Request in an EventBridge event: its detail. EventBridge
// Scheduler, which sends what a schedule has for its input without an event around
// it, makes up an event where a schedule has none, and its detail is no object but
// the text of one.
//
// Source: https://github.com/aws/aws-lambda-dotnet/issues/1864
func (m marks) request() []byte {
	var text string
	if string(m.Source) == `"aws.scheduler"` && json.Unmarshal(m.Detail, &text) == nil {
		return []byte(text)
	}
	return bytes.TrimSpace(m.Detail)
}

// recognise tells what a payload is. One that is not a JSON object is left to
// the decoder of requests, which says what is wrong with it.
func recognise(payload []byte) event {
	var m marks
	if json.Unmarshal(payload, &m) != nil {
		return event{kind: kindDirect, payload: payload}
	}
	switch {
	case m.RequestContext != nil && m.RequestContext.HTTP != nil && string(m.Version) == `"2.0"`:
		return event{kind: kindHTTP, payload: payload}
	case m.DetailType != nil && m.Source != nil && m.Detail != nil:
		return event{kind: kindEventBridge, payload: m.request()}
	case m.RequestContext != nil && m.RequestContext.ELB != nil:
		return event{kind: kindOther, what: "an event of an Application Load Balancer"}
	case m.HTTPMethod != nil:
		return event{kind: kindOther, what: "an API Gateway event of payload format 1.0"}
	case m.RequestContext != nil:
		return event{kind: kindOther, what: "an API Gateway event that is no HTTP request of payload format 2.0"}
	case len(m.Records) > 0:
		source := m.Records[0].EventSource + m.Records[0].EventSourceSNS
		return event{kind: kindOther, what: fmt.Sprintf("an event with records of %q", source)}
	case m.AWSLogs != nil:
		return event{kind: kindOther, what: "an event of CloudWatch Logs"}
	}
	return event{kind: kindDirect, payload: payload}
}

// An unrecognisedError refuses an event of another kind.
type unrecognisedError struct{ what string }

// Error says what was recognised and what would be.
func (e *unrecognisedError) Error() string {
	return fmt.Sprintf("this is %s; the coordinator takes a Request, an HTTP API event of payload format 2.0 "+
		"with a Request for its body, or an EventBridge event with a Request for its detail", e.what)
}

// ErrorName returns protocol.ErrorInvalidRequest.
func (*unrecognisedError) ErrorName() string { return protocol.ErrorInvalidRequest }

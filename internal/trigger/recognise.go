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
	kindOther                   // an event that is refused
)

// An event is a recognised payload of an invocation.
type event struct {
	kind    kind
	payload []byte // the Request, or the whole HTTP event
	what    string // the name of its kind, for kindOther
}

// marks are the fields that distinguish the events of AWS. A Request has none of them.
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

// request returns the Request in an EventBridge event: its detail. For a schedule
// without an input, EventBridge Scheduler sends an event whose detail is not an object
// but a string with the text of one. It sends an input without an event around it.
//
// Source: https://github.com/aws/aws-lambda-dotnet/issues/1864
func (m marks) request() []byte {
	var text string
	if string(m.Source) == `"aws.scheduler"` && json.Unmarshal(m.Detail, &text) == nil {
		return []byte(text)
	}
	return bytes.TrimSpace(m.Detail)
}

// recognise returns the event of a payload. A payload that is not a JSON object is taken
// for a direct invoke: the decoder of requests refuses it.
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
		return event{kind: kindOther, what: "an API Gateway event other than an HTTP request of payload format 2.0"}
	case len(m.Records) > 0:
		source := m.Records[0].EventSource + m.Records[0].EventSourceSNS
		return event{kind: kindOther, what: fmt.Sprintf("an event with records of %q", source)}
	case m.AWSLogs != nil:
		return event{kind: kindOther, what: "an event of CloudWatch Logs"}
	}
	return event{kind: kindDirect, payload: payload}
}

// An unrecognisedError is the error of an event of another kind.
type unrecognisedError struct{ what string }

// Error names the kind of the event, and the kinds that are supported.
func (e *unrecognisedError) Error() string {
	return fmt.Sprintf("this is %s; the coordinator takes a Request, an HTTP API event of payload format 2.0 "+
		"with a Request for its body, or an EventBridge event with a Request for its detail", e.what)
}

// ErrorName returns protocol.ErrorInvalidRequest.
func (*unrecognisedError) ErrorName() string { return protocol.ErrorInvalidRequest }

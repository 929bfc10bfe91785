package trigger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"meridian/pkg/protocol"
)

// A kind is what called the function.
type kind int

const (
	kindDirect      kind = iota // a Request
	kindCommand                 // a Command
	kindHTTP                    // an HTTP API event, payload format 2.0
	kindEventBridge             // an EventBridge event
	kindOther                   // an event that is refused
)

// An event is a recognised payload of an invocation.
type event struct {
	kind    kind
	payload []byte // the Request or the Command, or the whole HTTP event
	key     string // the key of an EventBridge event, or ""
	what    string // the name of its kind, for kindOther
}

// An object is a JSON object. Its names are compared exactly, as AWS writes them:
// encoding/json would take "Detail" for a field tagged "detail".
type object map[string]json.RawMessage

// at returns the value at a path of names with slashes between them, or nil.
func (o object) at(path string) json.RawMessage {
	name, rest, below := strings.Cut(path, "/")
	value := o[name]
	if !below || value == nil {
		return value
	}
	var inner object
	if json.Unmarshal(value, &inner) != nil {
		return nil
	}
	return inner.at(rest)
}

// text returns the string at a path, or "".
func (o object) text(path string) string {
	var s string
	if json.Unmarshal(o.at(path), &s) != nil {
		return ""
	}
	return s
}

// commandField is the field that tells a Command from a Request.
const commandField = "command"

// recognise returns the event of a payload. A payload without the shape of any event is
// taken for a direct invoke: the decoder of requests refuses it if it is not a Request, and
// the decoder of commands if it is a Command with other fields of a Request.
func recognise(payload []byte) event {
	var o object
	if json.Unmarshal(payload, &o) != nil {
		if what := batch(payload); what != "" {
			return event{kind: kindOther, what: what}
		}
		return event{kind: kindDirect, payload: payload}
	}
	for _, s := range shapes() {
		if !s.fits(o) {
			continue
		}
		if s.kind == kindOther {
			return event{kind: kindOther, what: s.what + recordsOf(o)}
		}
		direct := append(protocol.RequestFields(), commandField)
		if i := slices.IndexFunc(direct, func(name string) bool { return o[name] != nil }); i >= 0 {
			return event{kind: kindOther, what: fmt.Sprintf("%s with %q beside its own fields", s.what, direct[i])}
		}
		if s.kind == kindEventBridge {
			return event{kind: s.kind, payload: detail(o), key: eventKey(o)}
		}
		return event{kind: s.kind, payload: payload}
	}
	if o[commandField] != nil {
		return event{kind: kindCommand, payload: payload}
	}
	return event{kind: kindDirect, payload: payload}
}

// batch returns the kind of a JSON array of events, or "".
func batch(payload []byte) (what string) {
	var all []object
	if json.Unmarshal(payload, &all) != nil || len(all) == 0 {
		return ""
	}
	if i := slices.IndexFunc(shapes(), func(s shape) bool { return s.kind == kindOther && s.fits(all[0]) }); i >= 0 {
		return "a batch, and its first entry is " + shapes()[i].what
	}
	if all[0].text("eventSource") != "" {
		return "a batch of EventBridge Pipes"
	}
	return ""
}

// detail returns the Request in an EventBridge event. For a schedule without an input,
// EventBridge Scheduler sends an event whose detail is not an object but a string with the
// text of one. It sends an input without an event around it.
//
// Source: https://github.com/aws/aws-lambda-dotnet/issues/1864
func detail(o object) []byte {
	var text string
	if o.text("source") == "aws.scheduler" && json.Unmarshal(o["detail"], &text) == nil {
		return []byte(text)
	}
	return o["detail"]
}

// An unrecognisedError is the error of an event of another kind.
type unrecognisedError struct{ what string }

// Error names the kind of the event, and the kinds that are supported.
func (e *unrecognisedError) Error() string {
	return fmt.Sprintf("this is %s; the coordinator takes a Request or a Command, an HTTP API event of payload format 2.0, "+
		"or an EventBridge event with a Request for its detail", e.what)
}

// ErrorName returns protocol.ErrorInvalidRequest.
func (*unrecognisedError) ErrorName() string { return protocol.ErrorInvalidRequest }

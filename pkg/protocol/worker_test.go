package protocol_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

func TestEveryBadFormOfAWorkerIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	const (
		name = `want the name of a Lambda function, NAME:QUALIFIER, or its ARN; a name is 1 to 64 of A-Z a-z 0-9 - _`
		arn  = `is not the ARN of a Lambda function; want arn:aws:lambda:REGION:ACCOUNT:function:NAME`
		null = `null is not allowed; leave the field out`
		both = `"worker":{"function":"f"},`
	)
	for _, tt := range []struct {
		name, in string
		want     protocol.Faults
	}{
		{"null", `{"worker":null}`, faults("worker", "null", null)},
		{"only its name", `{"worker":"f"}`, faults("worker", `"f"`, "want an object, got a string")},
		{"no function", `{"worker":{}}`, faults("worker.function", `""`, name)},
		{"an unknown field", `{"worker":{"function":"f","playload":{}}}`, faults("worker.playload", "{}", `unknown field; did you mean "payload"?`)},
		{"a payload of null", `{"worker":{"function":"f","payload":null}}`, faults("worker.payload", "null", null)},
		{"idempotent in words", `{"worker":{"function":"f","idempotent":"yes"}}`, faults("worker.idempotent", `"yes"`, "want true or false, got a string")},

		{"a function that is a number", worker(`7`), faults("worker.function", "7", "want a string, got a number")},
		{"a name with a space", worker(`"a b"`), faults("worker.function", `"a b"`, name)},
		{"a name with a dot", worker(`"a.b"`), faults("worker.function", `"a.b"`, name)},
		{"a name with a letter that is not ASCII", worker(`"é"`), faults("worker.function", `"é"`, name)},
		{"a name too long", worker(`"` + strings.Repeat("f", 65) + `"`), faults("worker.function", `"`+strings.Repeat("f", 65)+`"`, name)},
		{"a qualifier without a name", worker(`":live"`), faults("worker.function", `":live"`, name)},
		{"an empty qualifier", worker(`"f:"`), faults("worker.function", `"f:"`, name)},
		{"two qualifiers", worker(`"f:live:1"`), faults("worker.function", `"f:live:1"`, name)},
		{"a qualifier with a dollar", worker(`"f:$latest"`), faults("worker.function", `"f:$latest"`, name)},
		{"a qualifier too long", worker(`"f:` + strings.Repeat("1", 129) + `"`), faults("worker.function", `"f:`+strings.Repeat("1", 77)+"…", name)},
		{"an ARN without arn", worker(`"111122223333:function:f"`), faults("worker.function", `"111122223333:function:f"`, name)},
		{"an ARN that ends early", worker(`"arn:aws:lambda:eu-west-1:111122223333:function"`), faults("worker.function", `"arn:aws:lambda:eu-west-1:111122223333:function"`, arn)},
		{"an ARN without a partition", worker(`"arn::lambda:eu-west-1:111122223333:function:f"`), faults("worker.function", `"arn::lambda:eu-west-1:111122223333:function:f"`, arn)},
		{"an ARN of another service", worker(`"arn:aws:sqs:eu-west-1:111122223333:function:f"`), faults("worker.function", `"arn:aws:sqs:eu-west-1:111122223333:function:f"`, arn)},
		{"an ARN without a Region", worker(`"arn:aws:lambda::111122223333:function:f"`), faults("worker.function", `"arn:aws:lambda::111122223333:function:f"`, arn)},
		{"an ARN with a host for a Region", worker(`"arn:aws:lambda:example.com/x:111122223333:function:f"`), faults("worker.function", `"arn:aws:lambda:example.com/x:111122223333:function:f"`, arn)},
		{"an ARN without an account", worker(`"arn:aws:lambda:eu-west-1::function:f"`), faults("worker.function", `"arn:aws:lambda:eu-west-1::function:f"`, arn)},
		{"an ARN of a layer", worker(`"arn:aws:lambda:eu-west-1:111122223333:layer:f"`), faults("worker.function", `"arn:aws:lambda:eu-west-1:111122223333:layer:f"`, arn)},
		{"an ARN with a bad name", worker(`"arn:aws:lambda:eu-west-1:111122223333:function:"`), faults("worker.function", `"arn:aws:lambda:eu-west-1:111122223333:function:"`, name)},
		{"an ARN with two qualifiers", worker(`"arn:aws:lambda:eu-west-1:111122223333:function:f:1:2"`), faults("worker.function", `"arn:aws:lambda:eu-west-1:111122223333:function:f:1:2"`, name)},

		{"an unknown placement", worker(`"f","placement":"Home"`), faults("worker.placement", `"Home"`, `want "home" or "regional"`)},
		{"an ARN in every Region", worker(`"arn:aws:lambda:eu-west-1:111122223333:function:f","placement":"regional"`), faults(
			"worker.placement", `"regional"`, "needs a function's name, which every Region has; worker.function is an ARN, which is in one")},

		{"an ARN for several accounts", `{"accounts":["111122223333"],"role":"r","worker":{"function":"arn:aws:lambda:eu-west-1:111122223333:function:f"}}`, faults(
			"worker.function", `"arn:aws:lambda:eu-west-1:111122223333:function:f"`, "is an ARN, which is of one account; want a name, which each account has")},

		{"a payload beside protocol", worker(`"f","protocol":true,"payload":{}`), faults("worker.payload", "", "cannot be combined with worker.protocol; use parameters")},
		{"a task", `{` + both + `"task":"sleep"}`, faults("task", "", "cannot be combined with worker; the function is the task")},
		{"parameters", `{` + both + `"parameters":{}}`, faults("parameters", "", "cannot be combined with worker; use worker.payload")},
		{"retry", `{` + both + `"retry":[]}`, faults("retry", "", "cannot be combined with worker; use targetRetry, since a target is an invocation")},
		{"regionTimeoutSeconds", `{` + both + `"regionTimeoutSeconds":1}`, faults(
			"regionTimeoutSeconds", "", "cannot be combined with worker; use targetTimeoutSeconds, since a target is an invocation")},
		{"parameters of an account", `{` + both + `"role":"r","accounts":["444455556666",{"id":"111122223333","parameters":{}}]}`, faults(
			"accounts[1].parameters", "", "cannot be combined with worker; use worker.payload")},
		{"several", `{"worker":{"placement":"x"},"task":"sleep","retry":[]}`, faults(
			"worker.function", `""`, name, "worker.placement", `"x"`, `want "home" or "regional"`,
			"task", "", "cannot be combined with worker; the function is the task",
			"retry", "", "cannot be combined with worker; use targetRetry, since a target is an invocation")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, got := protocol.DecodeRequest([]byte(tt.in))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("DecodeRequest(%s) faults (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

// worker returns a request whose worker has a function, and what follows it.
func worker(function string) string { return `{"worker":{"function":` + function + `}}` }

func TestAWorkerIsAFunctionsNameOrItsARN(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("f", 64)
	for function, want := range map[string]string{
		"f":                             "f",
		"My-function_2":                 "My-function_2",
		long:                            long,
		"f:$LATEST":                     "f",
		"f:7":                           "f",
		"f:" + strings.Repeat("q", 128): "f",
		"arn:aws:lambda:eu-west-1:111122223333:function:f":                     "f",
		"arn:aws-cn:lambda:cn-north-1:111122223333:function:" + long + ":live": long,
	} {
		got, faults := protocol.DecodeRequest([]byte(worker(`"` + function + `"`)))
		if faults != nil || got.Function() != function || got.Worker.FunctionName() != want {
			t.Errorf("DecodeRequest(worker %s) = %s of name %s, %v; want the name %s", function, got.Function(), got.Worker.FunctionName(), faults, want)
		}
	}
	if got := (protocol.Request{}).Function(); got != "" {
		t.Errorf("Function() without a worker = %q, want none", got)
	}
}

// A payload keeps its bytes, whatever JSON it is.
func TestThePayloadOfAWorkerIsAnyJSON(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{`{ "a" : null }`, `[]`, `"{target}"`, `""`, `1.0`, `false`} {
		got, faults := protocol.DecodeRequest([]byte(worker(`"f","payload":` + payload)))
		if faults != nil || string(got.Worker.Payload) != payload {
			t.Errorf("DecodeRequest(payload %s) = %s, %v", payload, got.Worker.Payload, faults)
		}
	}
}

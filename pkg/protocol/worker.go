package protocol

import (
	"encoding/json"
	"fmt"
	"strings"
)

// A Worker is a Lambda function of the caller's own that does the work of a run. It is
// invoked for each target, or for a batch of targets when MaxTargetsPerInvocation is more
// than 1. Its answer, any JSON, is the target's output. The answer to a batch is a list of
// outputs in the order of the targets, or a [Failures]. With Protocol, the function is
// invoked as a regionworker is.
type Worker struct {
	// Function is its name, NAME:QUALIFIER, or, without accounts, its ARN. A deployed
	// coordinator invokes only the functions that its deployment names. Required.
	Function string `json:"function"`

	// Placement says where the function is: PlacementHome is one function for every Region,
	// in the Region of its ARN or else in the coordinator's Region; PlacementRegional is one of
	// the same name in each Region. With accounts, each account has its own. Empty means
	// PlacementHome.
	Placement Placement `json:"placement,omitzero"`

	// Payload is what the function is invoked with, any JSON. In its strings {region},
	// {account}, {target}, {target.input}, {run} and {attempt} stand for values, as
	// {target.input.a.b} does for a member of the input, and {{ for a brace. A string that is
	// only a placeholder becomes the value itself, of whatever type; in other strings the value
	// is put in as text. In a batch {targets} stands for the list of targets, objects with
	// target and input. An object without {targets} gets the list as its member "targets". Nil
	// means an object with region, target, input, runId and attempt, or, in a batch, with
	// region, targets, runId and attempt.
	Payload json.RawMessage `json:"payload,omitzero" any:"JSON"`

	// Protocol says that the function speaks Meridian's protocol, see docs/worker.md: it gets
	// a [RegionRequest], with Task and Parameters, and answers with a [RegionResult]. Then it
	// has no Payload, and the retriers, timeouts and batches are those of a regionworker.
	// False means that it is any function.
	Protocol bool `json:"protocol,omitzero"`

	// Idempotent says that doing the work twice does no more than doing it once. Otherwise
	// an invocation that may have run is never repeated, whatever TargetRetry says, and not
	// hedged.
	Idempotent bool `json:"idempotent,omitzero"`
}

// A Placement says where the functions are that do the work.
type Placement string

// The placements.
const (
	// PlacementHome is one function, which serves every Region. The empty Placement means
	// the same.
	PlacementHome Placement = "home"

	// PlacementRegional is a function of the same name in every Region.
	PlacementRegional Placement = "regional"
)

// A Failures is an answer of a [Worker] to a batch that lists only what failed. The other
// targets have succeeded, without an output.
type Failures struct {
	// Failures has each target that failed, once.
	Failures []Failure `json:"failures"`
}

// A Failure is a target of a batch that failed.
type Failure struct {
	// Target is its name.
	Target string `json:"target"`

	// Error is the error's name, for retriers. Empty means ErrorTaskFailed.
	Error string `json:"error,omitzero"`

	// Cause says what happened.
	Cause string `json:"cause,omitzero"`
}

// FunctionName returns the name of the function, without its qualifier.
func (w Worker) FunctionName() string {
	name := w.Function
	if strings.HasPrefix(name, "arn:") {
		parts := strings.SplitN(name, ":", 7) // arn:partition:lambda:region:account:function:name
		name = parts[len(parts)-1]
	}
	name, _, _ = strings.Cut(name, ":")
	return name
}

// Function returns the function that does the work, or "" when a task does.
func (r Request) Function() string {
	if r.Worker == nil {
		return ""
	}
	return r.Worker.Function
}

// Direct reports whether the request has a worker that does not speak Meridian's protocol: a
// target, or a batch of targets, is an invocation of the function.
func (r Request) Direct() bool { return r.Worker != nil && !r.Worker.Protocol }

// worker checks the worker of a request, and what cannot be combined with it.
func (f *Faults) worker(r *Request) {
	w := r.Worker
	if w == nil {
		return
	}
	if problem := functionProblem(w.Function); problem != "" {
		f.add("worker.function", w.Function, "%s", problem)
	}
	if strings.HasPrefix(w.Function, "arn:") && (r.Accounts != nil || r.Organization != nil) {
		f.add("worker.function", w.Function, "is an ARN, which is of one account; want a name, which each account has")
	}
	switch w.Placement {
	case "", PlacementHome:
	case PlacementRegional:
		if strings.HasPrefix(w.Function, "arn:") {
			f.add("worker.placement", w.Placement, "needs a function's name, which every Region has; worker.function is an ARN, which is in one")
		}
	default:
		f.add("worker.placement", w.Placement, "want %q or %q", PlacementHome, PlacementRegional)
	}
	if w.Protocol {
		if w.Payload != nil {
			f.add("worker.payload", nil, "cannot be combined with worker.protocol; use parameters")
		}
		return
	}
	for _, field := range []struct {
		path  string
		given bool
		hint  string
	}{
		{"task", r.Task != "", "the function is the task"},
		{"parameters", r.Parameters != nil, "use worker.payload"},
		{"retry", r.Retry != nil, "use targetRetry, since a target is an invocation"},
		{"regionTimeoutSeconds", r.RegionTimeoutSeconds != 0, "use targetTimeoutSeconds, since a target is an invocation"},
	} {
		if field.given {
			f.add(field.path, nil, "cannot be combined with worker; %s", field.hint)
		}
	}
	for i, a := range r.Accounts {
		if a.Parameters != nil {
			f.add(fmt.Sprintf("accounts[%d].parameters", i), nil, "cannot be combined with worker; use worker.payload")
		}
	}
}

// isWord reports whether text, a part of an ARN, may be a part of a host's name.
func isWord(text string) bool { return text != "" && of(text, alphanumeric+"-") }

// functionProblem returns what is wrong with the name or the ARN of a function, or "". The
// name has at most 64 characters, and the qualifier at most 128.
//
// Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func functionProblem(function string) string {
	rest := function
	if strings.HasPrefix(function, "arn:") {
		parts := strings.SplitN(function, ":", 7)
		if len(parts) < 7 || !isWord(parts[1]) || parts[2] != "lambda" || !isWord(parts[3]) || !ValidAccount(parts[4]) || parts[5] != "function" {
			return "is not the ARN of a Lambda function; want arn:aws:lambda:REGION:ACCOUNT:function:NAME"
		}
		rest = parts[6]
	}
	name, qualifier, qualified := strings.Cut(rest, ":")
	if len(name) < 1 || len(name) > 64 || !of(name, alphanumeric+"-_") ||
		qualified && (len(qualifier) < 1 || len(qualifier) > 128 || qualifier != "$LATEST" && !of(qualifier, alphanumeric+"-_")) {
		return "want the name of a Lambda function, NAME:QUALIFIER, or its ARN; a name is 1 to 64 of A-Z a-z 0-9 - _"
	}
	return ""
}

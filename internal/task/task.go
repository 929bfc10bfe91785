// Package task has the tasks that a regionworker can run: the contract of a task, the
// registry of all tasks, and one file per task.
//
// # Writing a task
//
// A task is a typed function over one target in one Region, and one line that registers
// it, in its own file in this package; nothing else changes. Its parameters are a
// struct that [protocol.DecodeStrict] decodes before anything is invoked. To check
// them, the struct implements [Checker]. A field's tag "help" describes it for
// `meridian tasks`. To check the targets, the struct implements [TargetChecker]; a
// struct that embeds services accepts AWS services only. The
// function's result, as JSON, is the target's output. By convention its string field
// "message" is a line for a person, "summary" a short form for a table, and "cut" what was
// left out of it. A result that implements [Lister] says how it is listed as rows. A task
// that depends on its worker's settings is made with [NewConfigured]. A task calls AWS with
// the AWS of its input, and has the trait [CallsAWS].
//
// # Errors
//
// An error's name, for retriers, is the result of its ErrorName method, or else
// "States.TaskFailed". [Skip] returns the error of a target without work. When a request
// has no targetRetry, an error with a method Transient that returns true is retried.
package task

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"time"
	"unicode/utf8"

	"meridian/pkg/protocol"
)

// An Input is the input of a task's function.
type Input[P any] struct {
	// Region is the AWS Region to work in.
	Region string

	// Target is what to work on in the Region. It has no input unless the task has the trait
	// [TakesInput].
	Target protocol.Target

	// RunID names the run. It is the same in every attempt at a target.
	RunID string

	// AWS calls AWS with the credentials of the account that the invocation is for.
	AWS *AWS

	// Parameters are the parameters of the request, decoded and checked.
	Parameters P
}

// A Func does the work for one target. It must return soon after ctx has ended. Many
// goroutines call it at once.
type Func[P, R any] func(ctx context.Context, in Input[P]) (R, error)

// A Checker checks its own values. A struct of parameters can implement it. The paths of
// the faults are relative to the struct.
type Checker interface {
	Check() protocol.Faults
}

// A TargetChecker checks each target of a request. A struct of parameters can implement
// it. CheckTarget returns what is wrong with a target, or "". It is also called when
// Check has returned faults, so that all faults are reported at once.
type TargetChecker interface {
	CheckTarget(target string) (problem string)
}

// A RequestChecker checks the parameters and the targets of a request together. A struct
// of parameters can implement it. The paths of the faults are those of the request, such
// as "targets[0]" and "parameters.input". It is also called when Check has returned
// faults.
type RequestChecker interface {
	CheckRequest(targets []string) protocol.Faults
}

// A Repeater decides for each request whether its work can be done twice with the same
// effect as once, see [Idempotent]. A struct of parameters can implement it. Repeatable
// is called for a request without faults.
type Repeater interface {
	Repeatable(targets []string) bool
}

// An Omitter leaves targets out of a plan: no worker is asked for them, and they are
// SKIPPED. A struct of parameters can implement it. Named says that the request names the
// Region itself, not by a pattern, and earlier has the Regions before this one in which
// the target is not omitted. OmitTarget returns the reason, or "". It is called for a
// request without faults.
type Omitter interface {
	OmitTarget(region string, named bool, target string, earlier []string) (reason string)
}

// A Secretive knows the targets whose outputs can have secrets: they are in the result, but are not
// kept in a store. A struct of parameters can implement it. It is called for a request without
// faults.
type Secretive interface {
	SecretTarget(target string) bool
}

// A Targeter knows the target of a request without targets. A struct of parameters can
// implement it. DefaultTarget returns "" for [protocol.DefaultTarget]. It is also called
// when Check has returned faults.
type Targeter interface {
	DefaultTarget() string
}

// A Timer knows how long the work for a target takes at least, because the parameters say
// so. A struct of parameters can implement it.
type Timer interface {
	LeastTime() time.Duration
}

// A Skipper tells a plan which targets the task will skip in a Region. A struct of
// parameters can implement it. SkipTarget returns the reason that the task will give to
// [Skip], or "". It makes no calls, and the task still decides by itself.
type Skipper interface {
	SkipTarget(region, target string) (reason string)
}

// A Lister lists itself as rows. The result of a task's function can implement it.
type Lister interface {
	Rows() (columns []string, rows []map[string]json.RawMessage)
}

// A Work does the work for one target and returns its output, JSON in UTF-8.
type Work func(ctx context.Context, region string, target protocol.Target) (json.RawMessage, error)

// A Task is one kind of work, see [New] and [NewConfigured].
type Task struct {
	// Name is the task's name in a request.
	Name string

	// Summary is one line for a person.
	Summary string

	// Parameters are the task's parameters, in the order of its struct.
	Parameters []Parameter

	// Idempotent says that doing the work twice does no more than doing it once.
	Idempotent bool

	// CallsAWS says that the task calls AWS, and so needs credentials.
	CallsAWS bool

	// TakesInput says that the task reads the inputs of its targets.
	TakesInput bool

	// PerRequest says that Idempotent depends on the request, see [Repeater].
	PerRequest bool

	// Rows lists an output as rows, each a JSON value by the name of its column. Columns
	// has the names in order; nil means that the rows say which there are. Rows is nil for
	// a task whose result is no [Lister].
	Rows func(output json.RawMessage) (columns []string, rows []map[string]json.RawMessage)

	prepare   func(a *AWS, parameters json.RawMessage) (prepared, protocol.Faults)
	configure func(Settings) (Task, error) // nil when it has no settings
	aws       *AWS                         // nil when the process does not call AWS
}

// Settings returns the value of a setting of the worker's process, or "". The process's
// main passes a look-up in its environment: the worker's operator decides the settings,
// and no request can change them. Nil means that nothing is set.
type Settings func(name string) string

// Lookup returns the value of a setting, or "".
func (s Settings) Lookup(name string) string {
	if s == nil {
		return ""
	}
	return s(name)
}

// A prepared task has decoded parameters.
type prepared struct {
	parameters any  // a pointer to their struct; nil when they could not be decoded
	work       Work // nil when the parameters have faults
}

// A Trait is a property of a task.
type Trait string

// Idempotent is the trait of a task whose work for a target can be done twice with the
// same effect as once. Without it, an invocation that may have run is retried only by
// retriers in the request, and never hedged.
const Idempotent Trait = "idempotent"

// TakesInput is the trait of a task that reads the inputs of its targets. For any other task a
// request with inputs is refused.
const TakesInput Trait = "takes input"

// CallsAWS is the trait of a task that calls AWS. Before a run at the command line, it is
// checked that there are credentials.
const CallsAWS Trait = "calls AWS"

// New returns the task of a typed function. It panics if P has a field that
// [protocol.DecodeStrict] cannot decode. For example, a duration in parameters must be a
// number of seconds, not a time.Duration.
func New[P, R any](name, summary string, f Func[P, R], traits ...Trait) Task {
	if err := protocol.CheckStrict(reflect.TypeFor[P]()); err != nil {
		panic(fmt.Sprintf("task: parameters of %s: %v", name, err))
	}
	t := Task{
		Name: name, Summary: summary, Parameters: parametersOf(reflect.TypeFor[P]()), Rows: rowsOf[R](),
		Idempotent: slices.Contains(traits, Idempotent), CallsAWS: slices.Contains(traits, CallsAWS),
		TakesInput: slices.Contains(traits, TakesInput),
	}
	_, t.PerRequest = any(new(P)).(Repeater)
	t.prepare = func(a *AWS, parameters json.RawMessage) (prepared, protocol.Faults) {
		p := new(P)
		if parameters != nil {
			if faults := protocol.DecodeStrict(parameters, p); faults != nil {
				return prepared{}, faults
			}
		}
		if c, ok := any(p).(Checker); ok {
			if faults := c.Check(); faults != nil {
				return prepared{parameters: p}, faults
			}
		}
		return prepared{p, func(ctx context.Context, region string, target protocol.Target) (json.RawMessage, error) {
			of, began := a.as(ctx, region), time.Now()
			output, err := f(ctx, Input[P]{Region: region, Target: target, RunID: runID(ctx), AWS: of, Parameters: *p})
			if err != nil {
				return nil, of.failure(err, began)
			}
			data, err := json.Marshal(output)
			if err != nil {
				return nil, fmt.Errorf("encode output of task %s: %w", name, err)
			}
			if !utf8.Valid(data) { // json.Marshal copies a json.RawMessage unchecked
				data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
			}
			return data, nil
		}}, nil
	}
	return t
}

// NewConfigured returns a task whose function depends on settings. It calls build
// without settings, and panics if that returns an error. [Registry.Configure] calls
// build with the settings of the worker.
func NewConfigured[P, R any](
	name, summary string, build func(Settings) (Func[P, R], error), traits ...Trait,
) Task {
	configure := func(s Settings) (Task, error) {
		f, err := build(s)
		if err != nil {
			return Task{}, err
		}
		return New(name, summary, f, traits...), nil
	}
	t, err := configure(nil)
	if err != nil {
		panic(fmt.Sprintf("task: %s without settings: %v", name, err))
	}
	t.configure = configure
	return t
}

// WithRunID returns a context for a [Work] of the run with an id.
func WithRunID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, runIDKey{}, id)
}

// runIDKey is the key of the run's id in a context.
type runIDKey struct{}

// runID returns the run's id, or "".
func runID(ctx context.Context) string {
	id, _ := ctx.Value(runIDKey{}).(string)
	return id
}

// Skip returns the error of a target without work. The target's status is SKIPPED, and
// its cause is reason, formatted as by fmt.Sprintf.
func Skip(reason string, args ...any) error { return &SkipError{fmt.Sprintf(reason, args...)} }

// A SkipError means that there is nothing to do for a target.
type SkipError struct {
	// Reason is why there is nothing to do.
	Reason string
}

// Error returns the reason.
func (e *SkipError) Error() string { return e.Reason }

// Skip returns true: the engine does not count the target as failed.
func (*SkipError) Skip() bool { return true }

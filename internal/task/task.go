// Package task has the work that a regionworker can do: the contract of a task, the
// registry of all tasks, and one file per task.
//
// # Writing a task
//
// A task is a typed function over one target in one Region and one line that
// registers it, in a file of its own in this package; nothing else changes. Its
// parameters are a struct that [protocol.DecodeStrict] reads, before anything is
// invoked. A struct with rules of its own implements [Checker]; it implements
// [TargetChecker] when not every target will do, which embedding services does for
// AWS services. What the function returns is the target's output, as JSON; by
// convention its string field "message" is the line that a person is shown, and
// "summary" what a table has room for. A task that depends on how its worker is set up is registered by
// a function that makes its function, see [NewConfigured].
//
// # Errors
//
// An error's name, for retriers, is what its ErrorName method says, else
// "States.TaskFailed". [Skip] says that there is nothing to do.
package task

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"unicode/utf8"

	"meridian/pkg/protocol"
)

// An Input is what a task's function works on.
type Input[P any] struct {
	// Region is the AWS Region to ask or to do something in.
	Region string

	// Target is what to work on there.
	Target string

	// Parameters are the request's, decoded and checked.
	Parameters P
}

// A Func does the work for one target. It returns soon after ctx has ended, and
// is called by many goroutines at once.
type Func[P, R any] func(ctx context.Context, in Input[P]) (R, error)

// A Checker is what a parameters struct may implement to check its values. The
// faults' paths are relative to the struct.
type Checker interface {
	Check() protocol.Faults
}

// A TargetChecker is what a parameters struct may implement to check each target
// of a request. It returns what is wrong with it, or "". It is asked even when Check
// has found faults in the parameters, so that all faults are told at once.
type TargetChecker interface {
	CheckTarget(target string) (problem string)
}

// A Skipper is what a parameters struct may implement to say beforehand for which
// targets there is nothing to do in a Region, for a plan. It returns the reason
// that [Skip] would be given, or "". It asks nobody, and the task still decides
// for itself.
type Skipper interface {
	SkipTarget(region, target string) (reason string)
}

// A Work does the work for one target and returns its output as JSON in UTF-8.
type Work func(ctx context.Context, region, target string) (json.RawMessage, error)

// A Task is one kind of work, as the registry keeps it.
type Task struct {
	// Name is what a request calls it.
	Name string

	// Summary says in one line what it does, for a person.
	Summary string

	// Idempotent says that doing the work twice does no more than doing it once.
	Idempotent bool

	prepare   func(parameters json.RawMessage) (prepared, protocol.Faults)
	configure func(Settings) (Task, error) // nil when it has no settings
}

// Settings returns the value of a setting of the process that does the work, or "".
// It is a look-up in the environment of the process, handed down by its main: what
// the worker's operator decides, and no request can change. Nil means that nothing is
// set.
type Settings func(name string) string

// Lookup returns the value of a setting, or "".
func (s Settings) Lookup(name string) string {
	if s == nil {
		return ""
	}
	return s(name)
}

// A prepared task has its parameters.
type prepared struct {
	work        Work                                        // nil when the parameters have faults
	checkTarget func(target string) (problem string)        // nil when any target will do
	skipTarget  func(region, target string) (reason string) // nil when nobody knows
}

// A Trait is something that a task says of itself.
type Trait string

// Idempotent says that doing the work for a target twice does no more than doing
// it once. Without it, an invocation that may have run is not made again unless
// the request insists by retriers of its own, and never hedged.
const Idempotent Trait = "idempotent"

// New makes a task of a typed function. It panics when P has a field that
// [protocol.DecodeStrict] cannot read: a time, say, is a number of seconds in
// parameters, and no time.Duration.
func New[P, R any](name, summary string, f Func[P, R], traits ...Trait) Task {
	if err := protocol.CheckStrict(reflect.TypeFor[P]()); err != nil {
		panic(fmt.Sprintf("task: parameters of %s: %v", name, err))
	}
	return Task{Name: name, Summary: summary, Idempotent: slices.Contains(traits, Idempotent), prepare: func(parameters json.RawMessage) (prepared, protocol.Faults) {
		var p P
		if parameters != nil {
			if faults := protocol.DecodeStrict(parameters, &p); faults != nil {
				return prepared{}, faults
			}
		}
		var ready prepared
		if c, ok := any(&p).(TargetChecker); ok {
			ready.checkTarget = c.CheckTarget
		}
		if c, ok := any(&p).(Checker); ok {
			if faults := c.Check(); faults != nil {
				return ready, faults
			}
		}
		ready.work = func(ctx context.Context, region, target string) (json.RawMessage, error) {
			output, err := f(ctx, Input[P]{region, target, p})
			if err != nil {
				return nil, err
			}
			data, err := json.Marshal(output)
			if err != nil {
				return nil, fmt.Errorf("encode output of task %s: %w", name, err)
			}
			if !utf8.Valid(data) { // what was JSON before is taken over as it stands
				data = bytes.ToValidUTF8(data, []byte("\uFFFD"))
			}
			return data, nil
		}
		if s, ok := any(&p).(Skipper); ok {
			ready.skipTarget = s.SkipTarget
		}
		return ready, nil
	}}
}

// NewConfigured makes a task of a function that depends on settings. It calls build
// with none, and panics when that is an error; [Registry.Configure] calls it again.
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

// Skip returns the error of a target for which there is nothing to do; its
// status is SKIPPED and reason, formatted as by fmt.Sprintf, is its cause.
func Skip(reason string, args ...any) error { return &SkipError{fmt.Sprintf(reason, args...)} }

// A SkipError says that there is nothing to do for a target.
type SkipError struct {
	// Reason says why.
	Reason string
}

// Error returns the reason.
func (e *SkipError) Error() string { return e.Reason }

// Skip returns true: it tells the engine that this is no failure.
func (*SkipError) Skip() bool { return true }

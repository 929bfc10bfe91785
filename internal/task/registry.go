package task

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// A Registry has tasks by name. It must not be changed while it is in use.
type Registry struct{ tasks []Task }

// NewRegistry returns a registry of tasks. It panics if a task has no name or two have
// the same.
func NewRegistry(tasks ...Task) *Registry {
	r := &Registry{}
	for _, t := range tasks {
		r.add(t)
	}
	return r
}

// builtin holds the tasks of this package's files.
var builtin = NewRegistry() //nolint:gochecknoglobals // filled by register before main starts, read-only from then on

// Builtin returns the tasks of this package. They have no settings: a worker configures
// them with [Registry.Configure].
func Builtin() *Registry { return builtin }

// Configure returns the registry's tasks with the settings of the process that runs
// them, and with its AWS; nil means that the process does not call AWS. The error is that
// of the first task with wrong settings.
func (r *Registry) Configure(s Settings, a *AWS) (*Registry, error) {
	configured := &Registry{tasks: slices.Clone(r.tasks)}
	for i, t := range r.tasks {
		if t.configure != nil {
			var err error
			if configured.tasks[i], err = t.configure(s); err != nil {
				return nil, fmt.Errorf("settings of task %s: %w", t.Name, err)
			}
		}
		configured.tasks[i].aws = a
	}
	return configured, nil
}

// register adds a task of this package to Builtin. A task's file calls it as
//
//	var _ = register("name", "what it does", function, Idempotent)
func register[P, R any](name, summary string, f Func[P, R], traits ...Trait) Task {
	t := New(name, summary, f, traits...)
	builtin.add(t)
	return t
}

// registerConfigured adds a task that has settings, see [NewConfigured].
func registerConfigured[P, R any](
	name, summary string, build func(Settings) (Func[P, R], error), traits ...Trait,
) Task {
	t := NewConfigured(name, summary, build, traits...)
	builtin.add(t)
	return t
}

func (r *Registry) add(t Task) {
	if t.Name == "" {
		panic("task: a task has no name")
	}
	i, found := r.search(t.Name)
	if found {
		panic("task: two tasks are called " + t.Name)
	}
	r.tasks = slices.Insert(r.tasks, i, t)
}

// search returns the index of the task called name, or where it belongs.
func (r *Registry) search(name string) (index int, found bool) {
	return slices.BinarySearchFunc(r.tasks, name, func(t Task, name string) int { return strings.Compare(t.Name, name) })
}

// Task returns the task called name, and whether there is one.
func (r *Registry) Task(name string) (Task, bool) {
	i, found := r.search(name)
	if !found {
		return Task{}, false
	}
	return r.tasks[i], true
}

// All returns every task, in the order of their names.
func (r *Registry) All() []Task { return slices.Clone(r.tasks) }

// Names returns every task's name, in order.
func (r *Registry) Names() []string {
	names := make([]string, len(r.tasks))
	for i, t := range r.tasks {
		names[i] = t.Name
	}
	return names
}

// Prepare returns the work of the task called name for its targets, or a nil Work and
// faults. An unknown name is a fault at "task" that names the nearest known one. Faults
// in the parameters (nil means {}) have paths below "parameters".
func (r *Registry) Prepare(name string, parameters json.RawMessage) (Work, protocol.Faults) {
	ready, faults := r.prepare(name, parameters)
	return ready.work, faults
}

// DefaultTarget returns the only target of a request for the task called name that has
// none. It depends on the parameters; see [Targeter].
func (r *Registry) DefaultTarget(name string, parameters json.RawMessage) string {
	ready, _ := r.prepare(name, parameters)
	if t, ok := ready.parameters.(Targeter); ok {
		return cmp.Or(t.DefaultTarget(), protocol.DefaultTarget)
	}
	return protocol.DefaultTarget
}

// LeastTime returns how long the work for a target takes at least, or 0 if the parameters
// do not say that; see [Timer].
func (r *Registry) LeastTime(name string, parameters json.RawMessage) time.Duration {
	ready, faults := r.prepare(name, parameters)
	if t, ok := ready.parameters.(Timer); ok && faults == nil {
		return t.LeastTime()
	}
	return 0
}

// maxFaults limits the reported faults: finding the nearest of some 400 services for
// each of 10,000 targets is slow, and a person reads the first few.
const maxFaults = 100

// Check returns the faults of a request for the task called name, with JSON paths from
// the request's root.
func (r *Registry) Check(name string, parameters json.RawMessage, targets []string) protocol.Faults {
	ready, faults := r.prepare(name, parameters)
	if c, ok := ready.parameters.(RequestChecker); ok {
		faults = append(faults, c.CheckRequest(targets)...)
	}
	checker, ok := ready.parameters.(TargetChecker)
	if !ok {
		return faults
	}
	for i, target := range targets {
		if len(faults) > maxFaults {
			break
		}
		if target == protocol.EveryService {
			continue
		}
		if problem := checker.CheckTarget(target); problem != "" {
			faults = append(faults, protocol.NewFault(fmt.Sprintf("targets[%d]", i), target, problem))
		}
	}
	return faults
}

// Skips returns a function that returns why the task called name will skip a target, or
// "" if it will not or that is unknown before the run.
func (r *Registry) Skips(name string, parameters json.RawMessage) func(region, target string) (cause string) {
	ready, faults := r.prepare(name, parameters)
	if s, ok := ready.parameters.(Skipper); ok && faults == nil {
		return s.SkipTarget
	}
	return func(string, string) string { return "" }
}

func (r *Registry) prepare(name string, parameters json.RawMessage) (prepared, protocol.Faults) {
	t, found := r.Task(name)
	if !found {
		return prepared{}, protocol.Faults{protocol.UnknownFault("task", name, "a task", r.Names())}
	}
	ready, faults := t.prepare(t.aws, parameters)
	return ready, faults.Within("parameters")
}

// Idempotent reports whether the work of a request can be done twice with the same effect
// as once: the task called name is known and has the trait [Idempotent], or its
// [Repeater] says so. Check has found nothing wrong with the request.
func (r *Registry) Idempotent(name string, parameters json.RawMessage, targets []string) bool {
	ready, faults := r.prepare(name, parameters)
	if repeater, ok := ready.parameters.(Repeater); ok && faults == nil {
		return repeater.Repeatable(targets)
	}
	t, _ := r.Task(name)
	return t.Idempotent
}

// TakesInput reports whether the task called name has the trait [TakesInput], or is unknown.
func (r *Registry) TakesInput(name string) bool {
	t, found := r.Task(name)
	return !found || t.TakesInput
}

// Secret returns a function that reports whether the output of a target can have a secret, see
// [Secretive]. Nil means that none can. Check has found nothing wrong with the request.
func (r *Registry) Secret(name string, parameters json.RawMessage) func(target string) bool {
	ready, _ := r.prepare(name, parameters)
	if s, ok := ready.parameters.(Secretive); ok {
		return s.SecretTarget
	}
	return nil
}

// Omits returns a function that returns why a target is left out of a plan in a Region,
// or "", see [Omitter]. Nil means that none is. Check has found nothing wrong with the
// request.
func (r *Registry) Omits(name string, parameters json.RawMessage) func(region string, named bool, target string, earlier []string) (cause string) {
	ready, _ := r.prepare(name, parameters)
	if o, ok := ready.parameters.(Omitter); ok {
		return o.OmitTarget
	}
	return nil
}

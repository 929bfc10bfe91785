package coordinator

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// workerTasks implements Tasks for a request with a worker: the function is the only task.
type workerTasks struct{ worker *protocol.Worker }

// Idempotent implements Tasks.
func (w workerTasks) Idempotent(string, json.RawMessage, []string) bool { return w.worker.Idempotent }

// Omits implements Tasks.
func (workerTasks) Omits(string, json.RawMessage) func(string, bool, string, []string) string {
	return nil
}

// Check implements Tasks.
func (workerTasks) Check(string, json.RawMessage, []string) protocol.Faults { return nil }

// TakesInput implements Tasks.
func (workerTasks) TakesInput(string) bool { return true }

// Secret implements Tasks: what a function returns is not known.
func (workerTasks) Secret(string, json.RawMessage) func(string) bool { return nil }

// DefaultTarget implements Tasks.
func (w workerTasks) DefaultTarget(string, json.RawMessage) string { return w.worker.FunctionName() }

// LeastTime implements Tasks.
func (workerTasks) LeastTime(string, json.RawMessage) time.Duration { return 0 }

// Skips implements Tasks.
func (workerTasks) Skips(string, json.RawMessage) func(string, string) string {
	return func(string, string) string { return "" }
}

// tasks returns what knows the work of a request.
func (c *Coordinator) tasks(r protocol.Request) Tasks {
	if r.Worker != nil {
		return workerTasks{r.Worker}
	}
	return c.Tasks
}

// planWorker plans the worker of the request, if there is one, and returns what is wrong with it.
// known are the faults that were found before.
func (c *Coordinator) planWorker(p *Plan, known protocol.Faults) (faults protocol.Faults) {
	w := p.Request.Worker
	if w == nil {
		return nil
	}
	p.Regional, p.Bundled = w.Placement == protocol.PlacementRegional, false
	unusable := func(f protocol.Fault) bool { return f.Path == "worker.function" || f.Path == "worker.placement" }
	if !slices.ContainsFunc(known, unusable) {
		function, err := c.function(*w)
		if err != nil {
			faults = append(faults, protocol.NewFault("worker.function", w.Function, err.Error()))
		}
		p.Home = function.Home
	}
	field, retriers := "retry", p.Request.Retry
	if p.Request.Direct() {
		field, retriers = "targetRetry", p.Request.TargetRetry
		t, more := newTemplate(w.Payload, p.batchSize() > 1)
		faults = append(faults, more...)
		if more == nil {
			faults = append(faults, p.missingValues(t)...)
		}
	}
	if !w.Idempotent {
		faults = append(faults, neverRetried(field, retriers)...)
	}
	return faults
}

// missingValues returns faults for values that the template of a payload needs and the request
// does not have. A text without them is more likely a mistake than meant.
func (p *Plan) missingValues(t template) (faults protocol.Faults) {
	if t.uses(theAccount) && p.Request.Accounts == nil && p.Request.Organization == nil {
		faults = append(faults, protocol.Fault{Path: "worker.payload", Detail: "has {account}, and the request has no accounts"})
	}
	for i, a := range p.Request.Accounts {
		if t.uses(theAccount) && a.ID == "" {
			faults = append(faults, protocol.Fault{
				Path: fmt.Sprintf("accounts[%d].id", i), Detail: "missing; worker.payload has {account}",
			})
		}
	}
	needed := t.members()
	if slices.ContainsFunc(t.parts, func(part part) bool { return part.use == use{theInput, true} }) {
		needed = slices.Insert(needed, 0, theInput)
	}
	for _, value := range needed {
		faults = append(faults, p.missingInput(value)...)
	}
	return faults
}

// missingInput returns a fault for the first target that has no input, or not the member of it that
// value stands for.
func (p *Plan) missingInput(value placeholder) protocol.Faults {
	if p.Request.Targets == nil {
		return protocol.Faults{{Path: "targets", Detail: fmt.Sprintf("missing; worker.payload has {%s}", value)}}
	}
	i := slices.IndexFunc(p.Request.Targets, func(t protocol.Target) bool {
		if value == theInput || t.Input == nil {
			return t.Input == nil
		}
		_, has := memberOf(t.Input, value)
		return !has
	})
	if i < 0 {
		return nil
	}
	return protocol.Faults{protocol.NewFault(fmt.Sprintf("targets[%d]", i), p.Request.Targets[i].Name,
		fmt.Sprintf("has no %s; worker.payload has {%s}", strings.TrimPrefix(string(value), "target."), value))}
}

// neverRetried returns faults for error names that retriers cannot retry, when the work may not be
// done twice: after such an error the function may have run.
func neverRetried(field string, retriers []protocol.Retrier) (faults protocol.Faults) {
	for i, r := range retriers {
		for k, name := range r.ErrorEquals {
			if len(faults) <= maxFaults && !invoke.MayNotHaveRun(name) {
				faults = append(faults, protocol.NewFault(fmt.Sprintf("%s[%d].errorEquals[%d]", field, i, k), name,
					"may have run, and is not retried: set worker.idempotent if the work may be done twice"))
			}
		}
	}
	return faults
}

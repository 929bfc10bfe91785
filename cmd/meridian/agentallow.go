package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// settings returns the settings of the workers in this process. The environment's settings are for other
// commands: they do not allow an agent more operations than --allow does.
func (a *agent) settings() map[string]string {
	return map[string]string{task.SettingCallAllow: agentReads}
}

// agentReads is the value of MERIDIAN_CALL_ALLOW without --allow: operations that only read and hand
// out no secrets.
const agentReads = "reads"

// maxAgentTargets bounds the targets of a run, over all Regions and accounts. An agent cannot read more
// rows than that, and the outcomes take 400 MB.
const maxAgentTargets = 100_000

// planner plans requests without knowing which functions there are.
func planner() *coordinator.Coordinator {
	return &coordinator.Coordinator{Tasks: task.Builtin(), Functions: anyFunction}
}

// admit returns the request as it is run, or the error of one that is invalid or does more than the
// flags of the server allow. Nothing has been invoked by then, and no argument of a tool takes part
// in the decision.
func (a *agent) admit(r protocol.Request) (protocol.Request, error) {
	if err := a.admitAccounts(&r); err != nil {
		return r, err
	}
	if r.Regions == nil {
		r.Regions = a.regions
	}
	r.Keep = a.flags.keep
	plan, err := planner().Plan(r, 0)
	if err != nil {
		return r, err
	}
	targets := 0
	for _, region := range plan.Regions {
		if a.allowed != nil && !a.allowed[region.Region] {
			return r, usage("regions: %q is not allowed: this server was started with --region %s", region.Region, strings.Join(a.regions, ",")).
				hint("leave regions out for all that are allowed")
		}
		targets += len(region.Targets)
	}
	if targets > maxAgentTargets {
		return r, usage("targets: %d in all Regions are too many; at most %d", targets, maxAgentTargets).
			hint("name fewer targets, Regions or accounts")
	}
	if r.Worker != nil {
		return r, a.admitFunction(*r.Worker)
	}
	return r, a.admitTask(plan.Request)
}

// admitAccounts refuses accounts without --role, and sets the role.
func (a *agent) admitAccounts(r *protocol.Request) error {
	if r.Accounts == nil && r.Organization == nil {
		return nil
	}
	if role := a.flags.accounts; role.role != "" {
		r.Role, r.ExternalID = role.role, role.externalID
		return nil
	}
	argument := "accounts"
	if r.Organization != nil {
		argument = "organization"
	}
	return usage("%s: is not allowed: this server has no role to assume in accounts", argument).
		hint("leave it out for the account of the server's credentials; " + theStarter + "set --role")
}

// admitFunction refuses a function that --allow-function does not name.
func (a *agent) admitFunction(w protocol.Worker) error {
	if slices.Contains(a.flags.allowFunctions, w.Function) {
		return nil
	}
	return usage("worker.function: %q is not allowed", w.Function).
		hint(theStarter+"allow it with --allow-function %s", w.Function)
}

// admitTask refuses operations that --allow does not allow, other work that may not be done twice,
// and probes of URLs without --allow-url.
func (a *agent) admitTask(r protocol.Request) error {
	if r.Task == callTask {
		err := task.CheckCallAllowed(strings.Join(append([]string{agentReads}, a.flags.call.allow...), ","), protocol.TargetNames(r.Targets))
		if refused, ok := errors.AsType[*task.NotAllowedError](err); ok {
			return usage("%s is not allowed: %s", refused.Operation, refused.Why).
				hint(theStarter+"allow it with --allow %s", refused.Operation)
		}
		return err //nolint:wrapcheck // --allow has been checked
	}
	if !task.Builtin().Idempotent(r.Task, r.Parameters, protocol.TargetNames(r.Targets)) {
		return usage("task %s: work that may not be done twice is not allowed with these parameters", r.Task)
	}
	if r.Task == "probe" && r.Parameters != nil {
		return a.admitProbe(r.Parameters)
	}
	return nil
}

// admitProbe refuses methods that may change something. Without --allow-url it refuses URLs, and what
// carries data or leads elsewhere: some of AWS's own endpoints write with GET, such as SQS with
// ?Action=SendMessage, and redirect to any host.
func (a *agent) admitProbe(parameters json.RawMessage) error {
	var p task.ProbeParameters
	if err := protocol.DecodeStrict(parameters, &p).Within("parameters").Err(); err != nil {
		return err //nolint:wrapcheck // the plan has returned it before
	}
	if !slices.Contains([]string{"", http.MethodGet, http.MethodHead, http.MethodOptions}, p.Method) {
		return usage("parameters.method: %q is not allowed: it may change something", p.Method).hint("want GET, HEAD or OPTIONS")
	}
	if a.flags.allowURL {
		return nil
	}
	if p.URL != "" {
		return usage("parameters.url: %q is not allowed: this server probes only AWS's own endpoints", p.URL).
			hint("name services as targets; " + theStarter + "allow URLs with --allow-url")
	}
	for _, refused := range []struct {
		parameter string
		set       bool
	}{
		{"followRedirects", p.FollowRedirects}, {"headers", p.Headers != nil}, {"body", p.Body != ""}, {"path", strings.Contains(p.Path, "?")},
	} {
		if refused.set {
			return usage("parameters.%s: is not allowed: this server sends AWS's own endpoints nothing but a path without a query", refused.parameter).
				hint("leave it out; " + theStarter + "allow it with --allow-url")
		}
	}
	return nil
}

// theStarter begins a hint about a flag of the server: it is for the person.
const theStarter = "the person who starts the server can "

// sharedNames are the names that both a flag and an argument of a tool have.
//
//nolint:gochecknoglobals // a constant
var sharedNames = []string{"status", "since", "key", "slower", "service", "partition"}

// agentError returns an error with its hints as an agent reads it. It leaves out the hints that name
// commands and flags: an agent that has a shell would run them, with no bounds.
func agentError(err error) error {
	complaint, ok := errors.AsType[*complaintError](err)
	if !ok {
		return err
	}
	text := complaint.text
	for _, name := range sharedNames {
		if strings.HasPrefix(text, "--"+name+": ") {
			text = strings.TrimPrefix(text, "--")
		}
	}
	for _, hint := range complaint.hints {
		if strings.Contains(hint, "`meridian ") || strings.Contains(hint, "--") && !strings.Contains(hint, theStarter) {
			continue
		}
		text += "\nhint: " + hint
	}
	return fmt.Errorf("%s", text) //nolint:err113 // it is read, not matched
}

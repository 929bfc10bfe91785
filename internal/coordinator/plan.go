package coordinator

import (
	"cmp"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/oklog/ulid/v2"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// A Plan is a request made ready: what to invoke, and within which limits. It is a
// value: stored in a [Ready], and read back, it runs in the same way.
type Plan struct {
	// RunID names the run.
	RunID string `json:"runId"`

	// Request is what was asked for, with the name of its task filled in. The run
	// takes its timeouts, retriers, hedge and tolerances from it.
	Request protocol.Request `json:"request"`

	// Accounts lists the accounts in the order asked for. Nil means that the request has
	// none, or that AskOrganization is set.
	Accounts []PlannedAccount `json:"accounts,omitzero"`

	// Regions lists the Regions in the order asked for; with accounts, the Regions of each
	// account in turn.
	Regions []PlannedRegion `json:"regions"`

	// MaxConcurrency is how many invocations may be in flight at once, hedges
	// included: as many as there are, as the request allows, and as the
	// coordinator's memory holds.
	MaxConcurrency int `json:"maxConcurrency"`

	// Regional says that each Region has a worker, and so a limit, of its own.
	Regional bool `json:"regional,omitzero"`

	// Home is the Region of the request's own function, if one serves every Region.
	Home string `json:"home,omitzero"`

	// Bundled says that one invocation takes several Regions of an account.
	Bundled bool `json:"bundled,omitzero"`

	// AskOrganization says that a worker has to list the accounts of the organization
	// first. The plan has every Region once, without an account.
	AskOrganization bool `json:"askOrganization,omitzero"`

	// AskEnabled says that workers have to list the Regions that are enabled in each
	// account first. The plan has every Region that may be among them.
	AskEnabled bool `json:"askEnabled,omitzero"`

	// AtMostOnce says that an invocation that may have run is not made again.
	AtMostOnce bool `json:"atMostOnce,omitzero"`

	// MaxAnswerBytes is how long the answer may be, which limits the outputs that
	// are kept. Zero means no limit.
	MaxAnswerBytes int `json:"maxAnswerBytes,omitzero"`

	// Notices says which limits change how the run is done, a sentence each.
	Notices []string `json:"notices,omitzero"`
}

// A PlannedRegion is what a run does in one Region, or for one account in it.
type PlannedRegion struct {
	// Account is the number of its account in Plan.Accounts, from 1. Zero means the account
	// of the workers' credentials.
	Account int `json:"account,omitzero"`

	Region string `json:"region"`

	// Wave is the number of its wave, from 0.
	Wave int `json:"wave,omitzero"`

	// Joined says that it shares the invocation of the Region before it.
	Joined bool `json:"joined,omitzero"`

	// Refused says why no worker is asked for it, and that it has failed. Nil means that
	// one is.
	Refused *RefusedError `json:"refused,omitzero"`

	// Targets lists the Region's targets, in the order asked for.
	Targets []string `json:"targets"`

	// Batches counts the targets of each invocation: the first one takes the
	// first targets, and so on.
	Batches []int `json:"batches"`

	// Omitted lists the targets that no worker is asked for.
	Omitted []OmittedTarget `json:"omitted,omitzero"`
}

// An OmittedTarget is a target that no worker is asked for. It is SKIPPED.
type OmittedTarget struct {
	// At is its index among all targets of the Region.
	At int `json:"at"`

	Target string `json:"target"`

	// Cause says why.
	Cause string `json:"cause"`
}

// validate returns what is wrong with a plan that was read.
func (p *Plan) validate() error {
	if p.RunID == "" {
		return errors.New("decode plan: it has no runId")
	}
	if err := p.Request.Validate().Err(); err != nil {
		return fmt.Errorf("decode plan: %w", err)
	}
	if len(p.Regions) == 0 || p.MaxConcurrency < min(1, p.invocations()) {
		return fmt.Errorf("decode plan: %d Regions, maxConcurrency %d; want at least 1", len(p.Regions), p.MaxConcurrency)
	}
	for i := range p.Regions {
		if err := p.check(i); err != nil {
			return fmt.Errorf("decode plan: %w", err)
		}
	}
	return nil
}

// check returns what is wrong with the Region at index i of a plan that was read.
func (p *Plan) check(i int) error {
	r := &p.Regions[i]
	if r.Region == "" {
		return errors.New("a Region has no name")
	}
	if r.Account < 0 || r.Account > len(p.Accounts) {
		return fmt.Errorf("%s has account %d of %d", r.Region, r.Account, len(p.Accounts))
	}
	if r.Joined && (i == 0 || len(r.Batches) != 1 || len(p.Regions[i-1].Batches) != 1 ||
		p.Regions[i-1].Account != r.Account || p.Regions[i-1].Wave != r.Wave) {
		return fmt.Errorf("%s cannot share the invocation of the Region before it", r.Region)
	}
	left := len(r.Targets)
	for _, n := range r.Batches {
		if n < 1 || n > left {
			return fmt.Errorf("%s has a batch of %d targets, %d are left", r.Region, n, left)
		}
		if n > p.batchSize() && r.Refused == nil {
			return fmt.Errorf("%s has a batch of %d targets, more than maxTargetsPerInvocation", r.Region, n)
		}
		left -= n
	}
	if left > 0 {
		return fmt.Errorf("%d targets of %s are in no batch", left, r.Region)
	}
	return nil
}

// plan makes a request ready, or returns what is wrong with it: the faults found
// already, Regions and tasks that do not exist, and sizes that do not fit.
func (c *Coordinator) plan(r protocol.Request, faults protocol.Faults, maxAnswerBytes int) (Plan, protocol.Faults) {
	switch {
	case r.Worker == nil:
		r.Task = cmp.Or(r.Task, protocol.DefaultTask)
	case r.Worker.Protocol:
		r.Task = cmp.Or(r.Task, r.Worker.FunctionName())
	}
	tasks, targets := c.tasks(r), protocol.TargetNames(r.Targets)
	if targets == nil {
		targets = []string{tasks.DefaultTarget(r.Task, r.Parameters)}
	}
	ofTask := tasks.Check(r.Task, r.Parameters, targets).And(noInput(tasks, r))
	p := Plan{
		RunID: newRunID(), Request: r, Regional: c.Regional,
		Bundled: c.Bundle && !c.Regional, AskOrganization: r.Organization != nil, MaxAnswerBytes: maxAnswerBytes,
	}
	ofWorker := c.planWorker(&p, faults)
	places, more := c.place(&p)
	faults = faults.And(more).And(ofTask).And(ofWorker)
	idempotent := len(ofTask) == 0 && tasks.Idempotent(r.Task, r.Parameters, targets)
	if len(ofTask) == 0 {
		faults = faults.And(c.checkAccounts(&p, targets, &idempotent))
	}
	if r.Hedge != nil && !idempotent && len(ofTask) == 0 {
		faults = faults.And(protocol.Faults{protocol.NewFault("hedge", r.Hedge, whyOnce(r))})
	}
	p.AtMostOnce = !idempotent && (r.Retry == nil || r.Worker != nil)
	if len(faults) == 0 {
		p.Regions = places
		faults = c.settle(&p, targets)
	}
	if len(faults) > 0 {
		return Plan{}, faults
	}
	p.limit(c.inFlight(), c.memoryMB()<<20/requestsShare)
	return p, nil
}

// noInput returns a fault if a target has an input that the task does not take.
func noInput(tasks Tasks, r protocol.Request) protocol.Faults {
	i := slices.IndexFunc(r.Targets, func(t protocol.Target) bool { return t.Input != nil })
	if i < 0 || tasks.TakesInput(r.Task) {
		return nil
	}
	return protocol.Faults{protocol.NewFault(fmt.Sprintf("targets[%d].input", i), r.Targets[i].Input,
		fmt.Sprintf("is not taken by the task %s; leave it out, use a worker, or give a task of your own the trait TakesInput", r.Task))}
}

// whyOnce says why the work of a request may not be done twice.
func whyOnce(r protocol.Request) string {
	if r.Worker != nil {
		return "needs worker.idempotent: the work is done twice"
	}
	return fmt.Sprintf("task %s does not say of itself that it may be done twice with this request", r.Task)
}

// settle gives the plan's Regions their targets, waves and batches. It returns what one run
// cannot do.
func (c *Coordinator) settle(p *Plan, targets []string) protocol.Faults {
	for i := range p.Regions {
		r := &p.Regions[i]
		r.Targets, r.Batches = targetsIn(r.Region, targets), []int{}
	}
	if faults := p.formWaves(); faults != nil {
		return faults
	}
	if !p.AskEnabled && !p.AskOrganization { // else see narrow
		p.omit(c.tasks(p.Request))
	}
	faults := p.divide()
	if faults != nil && p.AskEnabled { // not all of its Regions will be enabled
		least := *p
		least.Regions = c.left(p, nil, nil)
		return least.divide()
	}
	if faults == nil && !p.AskEnabled && !p.AskOrganization {
		faults = p.idleWaves()
	}
	return faults
}

// newRunID returns an id that sorts by time: a ULID, 48 bits of milliseconds and
// 80 random ones.
func newRunID() string {
	return ulid.MustNew(ulid.Now(), rand.Reader).String()
}

// hedge returns the engine's hedge; the zero Hedge when the request has none.
func (p *Plan) hedge() fanout.Hedge {
	h := p.Request.Hedge
	if h == nil {
		return fanout.Hedge{}
	}
	return fanout.Hedge{
		After: seconds(h.AfterSeconds), AfterPercentile: h.AfterPercentile, MaxExtraPercentage: h.MaxExtraPercentage,
	}
}

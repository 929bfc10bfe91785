package coordinator

import (
	"bytes"
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/oklog/ulid/v2"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// maxInFlight is the most invocations in flight at once, whatever the request
// says, and inFlightPerMB how many of them each MB of the coordinator's memory
// allows. The benchmarks of 5,000 invocations with answers of some hundred bytes took 136 MiB
// of 256 MB, garbage included, so the default holds them.
// Connections are no limit: 5,000 invocations fit into 50 of HTTP/2.
//
// requestsShare is the part of the memory that the requests in flight may take: one in
// requestsShare. A request that waits for a connection has a copy with less budget, so they
// may take twice as much for a while; answers and outputs take the rest.
const (
	maxInFlight     = 5000
	inFlightPerMB   = 20
	requestsShare   = 8
	defaultMemoryMB = 256 // of a coordinator that does not know
)

// maxInvocations bounds the invocations of one run. At 2 KiB each the records of
// 10,000 alone would fill the answer.
const maxInvocations = 10_000

// planVersion is the version of a stored [Plan].
const planVersion = 1

// A Plan is a request made ready: what to invoke, and within which limits. It is a
// value: encoded, stored, and read back with [DecodePlan] it runs in the same way.
type Plan struct {
	// Version is the version of this form, 1.
	Version int `json:"version"`

	// RunID names the run.
	RunID string `json:"runId"`

	// Request is what was asked for, with the name of its task filled in. The run
	// takes its timeouts, retriers, hedge and tolerances from it.
	Request protocol.Request `json:"request"`

	// Regions lists the Regions in the order asked for.
	Regions []PlannedRegion `json:"regions"`

	// MaxConcurrency is how many invocations may be in flight at once, hedges
	// included: as many as there are, as the request allows, and as the
	// coordinator's memory holds.
	MaxConcurrency int `json:"maxConcurrency"`

	// Regional says that each Region has a worker, and so a limit, of its own.
	Regional bool `json:"regional,omitzero"`

	// AskEnabled says that a worker has to list the Regions that are enabled in the
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

// A PlannedRegion is what a run does in one Region.
type PlannedRegion struct {
	Region string `json:"region"`

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

// Encode returns p as JSON, to be read by [DecodePlan].
func (p *Plan) Encode() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false) // the request's parameters are sent byte by byte, and were measured
	if err := encoder.Encode(p); err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return b.Bytes(), nil
}

// DecodePlan reads a plan as Encode wrote it. The error says why it cannot be run.
func DecodePlan(data []byte) (Plan, error) {
	var p Plan
	if err := json.Unmarshal(data, &p); err != nil {
		return Plan{}, fmt.Errorf("decode plan: %w", err)
	}
	if p.Version != planVersion {
		return Plan{}, fmt.Errorf("decode plan: version is %d, want %d", p.Version, planVersion)
	}
	if p.RunID == "" {
		return Plan{}, errors.New("decode plan: it has no runId")
	}
	if err := p.Request.Validate().Err(); err != nil {
		return Plan{}, fmt.Errorf("decode plan: %w", err)
	}
	if len(p.Regions) == 0 || p.MaxConcurrency < min(1, p.invocations()) {
		return Plan{}, fmt.Errorf("decode plan: %d Regions, maxConcurrency %d; want at least 1", len(p.Regions), p.MaxConcurrency)
	}
	for _, r := range p.Regions {
		if r.Region == "" {
			return Plan{}, errors.New("decode plan: a Region has no name")
		}
		left := len(r.Targets)
		for _, n := range r.Batches {
			if n < 1 || n > left {
				return Plan{}, fmt.Errorf("decode plan: %s has a batch of %d targets, %d are left", r.Region, n, left)
			}
			left -= n
		}
		if left > 0 {
			return Plan{}, fmt.Errorf("decode plan: %d targets of %s are in no batch", left, r.Region)
		}
	}
	return p, nil
}

// plan makes a request ready, or returns what is wrong with it: the faults found
// already, Regions and tasks that do not exist, and sizes that do not fit.
func (c *Coordinator) plan(r protocol.Request, faults protocol.Faults, maxAnswerBytes int) (Plan, protocol.Faults) {
	r.Task = cmp.Or(r.Task, protocol.DefaultTask)
	targets := r.Targets
	if targets == nil {
		targets = []string{c.Tasks.DefaultTarget(r.Task, r.Parameters)}
	}
	regions, more := expand(r, c.Regions)
	ofTask := c.Tasks.Check(r.Task, r.Parameters, targets)
	faults = faults.And(more).And(ofTask)
	idempotent := len(ofTask) == 0 && c.Tasks.Idempotent(r.Task, r.Parameters, targets)
	if r.Hedge != nil && !idempotent && len(ofTask) == 0 {
		faults = faults.And(protocol.Faults{protocol.NewFault("hedge", r.Hedge, fmt.Sprintf(
			"task %s does not say of itself that it may be done twice with this request", r.Task))})
	}
	p := Plan{
		Version: planVersion, RunID: newRunID(), Request: r, Regional: c.Regional,
		AtMostOnce: !idempotent && r.Retry == nil, MaxAnswerBytes: maxAnswerBytes,
	}
	if len(faults) == 0 {
		for _, region := range regions {
			p.Regions = append(p.Regions, PlannedRegion{Region: region, Targets: targetsIn(region, targets), Batches: []int{}})
		}
		if p.AskEnabled = slices.Contains(r.Regions, protocol.EnabledRegions); !p.AskEnabled { // else see narrow
			p.omit(c.Tasks.Omits(r.Task, r.Parameters))
		}
		faults = p.divide()
	}
	if len(faults) > 0 {
		return Plan{}, faults
	}
	p.limit(c.inFlight(), c.memoryMB()<<20/requestsShare)
	return p, nil
}

// newRunID returns an id that sorts by time: a ULID, 48 bits of milliseconds and
// 80 random ones.
func newRunID() string {
	return ulid.MustNew(ulid.Now(), rand.Reader).String()
}

// inFlight is how many invocations may be in flight at once here.
func (c *Coordinator) inFlight() int { return min(maxInFlight, c.memoryMB()*inFlightPerMB) }

// memoryMB returns the coordinator's memory, or what is assumed of it.
func (c *Coordinator) memoryMB() int { return cmp.Or(c.MemoryMB, defaultMemoryMB) }

// limit sets MaxConcurrency: at most inFlight, and as many as have requests of that many
// bytes together, but at least one.
func (p *Plan) limit(inFlight, requestBytes int) {
	invocations := p.invocations()
	concurrency := cmp.Or(p.Request.MaxConcurrency, invocations)
	of := ""
	if longest := p.longest(); longest > 0 && requestBytes/longest < inFlight {
		inFlight, of = max(requestBytes/longest, 1), fmt.Sprintf(" of up to %d bytes", longest)
	}
	if min(concurrency, invocations) > inFlight {
		p.Notices = append(p.Notices, fmt.Sprintf(
			"maxConcurrency is %d here: more invocations%s in flight may not fit into the coordinator's memory",
			inFlight, of))
	}
	if p.Request.Hedge != nil {
		most := p.hedge().Most(invocations)
		if p.Request.MaxConcurrency == 0 { // a hedge does not wait for another invocation to end
			concurrency = invocations + most
		}
		if most == 0 {
			p.Notices = append(p.Notices, fmt.Sprintf(
				"nothing is hedged: of %d in all, maxExtraPercentage allows less than one extra invocation", invocations))
		}
	}
	p.MaxConcurrency = min(concurrency, inFlight)
}

// invocations returns how many invocations there are, without retries and hedges.
func (p *Plan) invocations() (n int) {
	for _, r := range p.Regions {
		n += len(r.Batches)
	}
	return n
}

// targetCount returns how many targets there are, counted once for each Region.
func (p *Plan) targetCount() (n int) {
	for _, r := range p.Regions {
		n += len(r.Targets) + len(r.Omitted)
	}
	return n
}

// targetLists returns the targets of each Region, those that are omitted too, and that of
// the look-up of the enabled Regions.
func (p *Plan) targetLists() [][]string {
	lists := make([][]string, len(p.Regions))
	for i, r := range p.Regions {
		lists[i] = spread(r.Targets, r.Omitted, func(o OmittedTarget) string { return o.Target })
	}
	if p.AskEnabled {
		lists = append(lists, []string{protocol.EnabledRegions})
	}
	return lists
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

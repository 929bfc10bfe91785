package coordinator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// A Log is where the events of a kept run go. A record.Holder is one. Work that may not be done
// twice is invoked only after a Sync has its start in the log.
type Log interface {
	// Append adds an event. It does not block.
	Append(e protocol.Event)

	// Sync returns when all events appended before the call are in the log.
	Sync(ctx context.Context) error

	// Room waits while too many bytes are not in the log yet.
	Room(ctx context.Context) error

	// PutTargets stores the targets of an answer beside the log, and returns their key.
	PutTargets(ctx context.Context, name string, targets []byte) (key string, err error)
}

// A Generation is one part of a kept run, from one coordinator invocation to the next.
type Generation struct {
	// Log gets the events. Required.
	Log Log

	// History is what the log has, with the start of this generation. Required.
	History *History

	// Begin is when the run started.
	Begin time.Time

	// Longest bounds the run over all its generations, and each redrive. Zero means no bound.
	Longest time.Duration

	// Last says that no other generation follows: the run ends with this one's time.
	Last bool
}

// readyVersion is the version of a stored [Ready].
const readyVersion = 1

// A Ready is a plan whose look-ups are done: a value that can be stored.
type Ready struct {
	// Version is the version of this form, 1.
	Version int `json:"version"`

	// Plan is the plan.
	Plan Plan `json:"plan"`

	// Lookups has the outcomes of the look-ups, as in the result. The zero Result means that
	// there were none.
	Lookups protocol.Result `json:"lookups,omitzero"`
}

// Complete does the look-ups of a plan: the accounts of the organization, and the Regions that are
// enabled. begin is when the run started.
func (c *Coordinator) Complete(ctx context.Context, p Plan, begin time.Time) Ready {
	ready := Ready{Version: readyVersion, Plan: p}
	if p.AskOrganization || p.AskEnabled {
		ready.Plan, ready.Lookups = c.complete(ctx, p, begin)
	}
	return ready
}

// Encode returns r as JSON, to be read by [DecodeReady].
func (r *Ready) Encode() ([]byte, error) {
	data, err := protocol.Marshal(r) // a request's parameters are sent byte by byte, and were measured
	if err != nil {
		return nil, fmt.Errorf("encode plan: %w", err)
	}
	return data, nil
}

// DecodeReady reads a Ready as Encode wrote it. The error says why its plan cannot be run.
func DecodeReady(data []byte) (Ready, error) {
	var r Ready
	if err := json.Unmarshal(data, &r); err != nil {
		return Ready{}, fmt.Errorf("decode plan: %w", err)
	}
	if r.Version != readyVersion {
		return Ready{}, fmt.Errorf("decode plan: version is %d, want %d", r.Version, readyVersion)
	}
	return r, r.Plan.validate()
}

// Carry carries a kept run on. It returns false with the result of a run that another generation
// has to carry on: its status is RUNNING. The end of ctx other than by its deadline ends the run.
func (c *Coordinator) Carry(ctx context.Context, ready Ready, g Generation) (result protocol.Result, ended bool) {
	if g.History.ended != nil { // it died before the result was kept
		return c.Rebuild(ready, g.Begin, g.History), true
	}
	c.redo(&ready.Plan, g.History.redrive)
	r, ctx, cancel := c.newRun(ctx, &ready, g.Begin, &g)
	defer cancel()
	result = r.execute(ctx)
	return result, len(r.open) == 0
}

// redo turns a plan into the plan of a redrive; nil means that there was no redrive.
func (c *Coordinator) redo(p *Plan, d *protocol.Redrive) {
	if d != nil {
		p.Request = d.Apply(p.Request)
		p.MaxConcurrency = min(cmp.Or(p.Request.MaxConcurrency, p.invocations()), c.inFlight())
	}
}

const (
	// longestDrain is how long before its end a generation starts nothing any more, at most.
	// Invocations take less, as a rule.
	longestDrain = time.Minute

	// longestHandover is what a generation keeps of its time, besides its reserve, to write its
	// last events and to invoke the next generation, at most.
	longestHandover = 2 * time.Second
)

// keep makes the run one that is kept.
func (r *run) keep(g *Generation) {
	r.generation, r.log, r.sequence = g, g.Log, g.History.sequence
	r.secret = r.secretTargets()
	r.restore(g.History)
	past := slices.Clone(g.History.past) // the history gets what this generation does from the log only
	r.lost = r.lose(g.History, past)
	for i := range past {
		r.restoreUnit(i, &past[i])
	}
}

// timeLeft returns how much of the run's time is left now, and how much it is as a whole, from the
// start of the run or of its redrive. limit is the time that the request gives the run; 0 means no
// limit, also in both results. If the time is over, left is negative.
func (r *run) timeLeft(limit time.Duration, now time.Time) (left, whole time.Duration) {
	begin := r.begin
	if r.history.redrive != nil {
		begin = r.history.redriveAt
	}
	if longest := r.generation.Longest; limit == 0 || longest > 0 && longest < limit {
		limit = longest
	}
	if limit == 0 {
		return 0, 0
	}
	return cmp.Or(begin.Add(limit).Sub(now), -1), limit
}

// withinGeneration returns the context of a generation that another one follows, or false if the
// run ends first. left is the time until the function's deadline, less its reserve. limit is
// the time that the run has; 0 means no limit.
func (r *run) withinGeneration(ctx context.Context, left, limit time.Duration, now time.Time) (context.Context, context.CancelFunc, bool) {
	if r.generation == nil {
		return nil, nil, false
	}
	if r.generation.Last {
		r.notices = append(r.notices, fmt.Sprintf("the run ends with this generation, number %d: no other one follows", len(r.history.spans)))
		return nil, nil, false
	}
	left -= min(left/20, longestHandover)
	if limit > 0 && limit <= left {
		return nil, nil, false
	}
	r.endBy, r.handsOver = now.Add(left), true
	r.policy.Continues, r.policy.UsefulTime = true, r.drain(left)
	ctx, cancel := context.WithDeadlineCause(ctx, r.endBy, &fanout.TimeoutError{What: "generation", After: left})
	return ctx, cancel, true
}

// drain returns how long before its end a generation starts nothing any more: as long as an
// invocation may take, if the request or the task says so, but at most half of its time. Work
// that may not be done twice must not be cut, so it has that half. When nothing runs any more,
// the generation ends, so a long drain costs little.
func (r *run) drain(left time.Duration) time.Duration {
	request := &r.plan.Request
	least := r.coordinator.tasks(*request).LeastTime(request.Task, request.Parameters)
	if r.policy.Timeout > 0 {
		return min(max(r.policy.Timeout, least), left/2)
	}
	if r.plan.AtMostOnce {
		return left / 2
	}
	return min(max(min(longestDrain, left/4), least), left/2)
}

// continues reports whether another generation carries on what has ended in this way.
func (r *run) continues(outOfTime bool) bool { return r.handsOver && outOfTime }

// leaveOpen sets the outcome that a unit has in this generation's result when another generation
// carries the unit on. running says that an attempt is in flight.
func (r *run) leaveOpen(u unit, o fanout.Outcome[*reply], running bool) {
	r.open = append(r.open, u)
	for k := range u.regions {
		r.regions[u.region+k].open = true
	}
	o.Status, o.Err = fanout.NotStarted, nil
	if running || len(o.Attempts) > 0 {
		o.Status = fanout.Status(protocol.StatusRunning)
	}
	r.add(u, o)
}

// logged waits until the start of an attempt at work that may not be done twice is in the log.
func (r *run) logged(ctx context.Context) error {
	if r.log == nil || !r.plan.AtMostOnce {
		return nil
	}
	if err := r.log.Sync(ctx); err != nil {
		return &unloggedError{err}
	}
	return nil
}

// An unloggedError is why an attempt was not made: its start is not in the log.
type unloggedError struct{ err error }

// Error says so.
func (e *unloggedError) Error() string {
	return "not invoked, because its start is not in the log: " + e.err.Error()
}

// Unwrap returns the log's error.
func (e *unloggedError) Unwrap() error { return e.err }

// NotStarted implements [fanout.NotStartedError].
func (*unloggedError) NotStarted() bool { return true }

// secretTargets returns a function that reports whether the output of a target is not kept, for
// many goroutines at once, or nil if all are.
func (r *run) secretTargets() func(target string) bool {
	secret := r.coordinator.tasks(r.plan.Request).Secret(r.plan.Request.Task, r.plan.Request.Parameters)
	if secret == nil {
		return nil
	}
	known := map[string]bool{}
	for i := range r.plan.Regions {
		for _, target := range r.plan.Regions[i].Targets {
			if _, asked := known[target]; !asked {
				known[target] = secret(target)
			}
		}
	}
	return func(target string) bool { return known[target] }
}

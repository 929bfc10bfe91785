package coordinator

import (
	"context"
	"fmt"
	"slices"
	"time"

	"meridian/pkg/protocol"
)

// largestInLog is how long the targets of an answer may be in the log. Longer ones are stored
// beside it, so that the log can be read without them.
const largestInLog = 64 << 10

// putTime is how long an answer that comes at the end of the time may take to be stored.
const putTime = time.Second

// keepAnswer returns what the log has of an answer to a request: the targets, or where they are
// stored. It is called before their outputs are taken out.
func (r *run) keepAnswer(ctx context.Context, u unit, at []int, targets []protocol.TargetOutcome) *protocol.Answer {
	if r.log == nil {
		return nil
	}
	kept := &protocol.Answer{At: at}
	if r.secret != nil {
		targets = withoutOutputs(targets, r.secret)
	}
	data, err := protocol.Marshal(targets)
	if err == nil && len(data) > largestInLog {
		name := fmt.Sprintf("%d-%d-%d-%d", len(r.history.spans), u.region, u.batch, r.stored.Add(1)) // a hedge has the number of its attempt, too
		putting, cancel := context.WithTimeout(context.WithoutCancel(ctx), putTime)
		if ctx.Err() == nil {
			cancel()
			putting, cancel = ctx, func() {}
		}
		kept.StoredAs, err = r.log.PutTargets(putting, name, data)
		cancel()
		data = nil
	}
	if err != nil { // then the log has the outcomes without the outputs
		data, _ = protocol.Marshal(withoutOutputs(targets, func(string) bool { return true })) // strings and numbers have no errors
	}
	kept.Targets = data
	_ = r.log.Room(ctx) // an error comes from the next Sync, too
	return kept
}

// withoutOutputs returns targets in which the outputs of some are dropped.
func withoutOutputs(targets []protocol.TargetOutcome, drop func(target string) bool) []protocol.TargetOutcome {
	without := slices.Clone(targets)
	for i := range without {
		if t := &without[i]; drop(t.Target) {
			t.DroppedOutputBytes += len(t.Output)
			t.Output = nil
		}
	}
	return without
}

// WithoutSecrets returns the result of a run without the outputs that can have secrets, for a
// store.
func (c *Coordinator) WithoutSecrets(p *Plan, result protocol.Result) protocol.Result {
	secret := c.tasks(p.Request).Secret(p.Request.Task, p.Request.Parameters)
	if secret == nil || !slices.ContainsFunc(protocol.TargetNames(p.Request.Targets), secret) {
		return result
	}
	result.Notices = append(slices.Clip(result.Notices), "outputs that can have secrets are not kept")
	result.Regions = slices.Clone(result.Regions)
	for i := range result.Regions {
		o := &result.Regions[i]
		o.Targets = withoutOutputs(o.Targets, secret)
	}
	return result
}

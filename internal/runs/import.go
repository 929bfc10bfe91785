package runs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"meridian/internal/coordinator"
	"meridian/internal/record"
	"meridian/pkg/protocol"
)

// A MismatchError means that a result is not the one of a request.
type MismatchError struct{ Cause string }

// Error says where they differ.
func (e *MismatchError) Error() string { return "the result is not that of the request: " + e.Cause }

// Import keeps a run that has ended elsewhere, so that it can be redriven here. r is its request,
// which is planned as by Run. A run that is kept already stays as it is. The error is a
// [protocol.InvalidRequestError], a [MismatchError], or that of the store. Nothing is invoked but
// the look-ups of the request.
func (k *Keeper) Import(ctx context.Context, r protocol.Request, result protocol.Result) error {
	if _, err := k.records().Request(ctx, result.RunID); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err //nolint:wrapcheck // it names the key
	}
	plan, err := k.Coordinator.Plan(r, 0)
	if err != nil {
		return err //nolint:wrapcheck // it lists the faults
	}
	plan.RunID, r.Key = result.RunID, ""
	ready := k.Coordinator.Complete(ctx, plan, result.StartedAt)
	result = k.Coordinator.WithoutSecrets(&ready.Plan, result)
	events, err := eventsOf(&ready.Plan, result)
	if err != nil {
		return err
	}
	data, err := ready.Encode()
	if err != nil {
		return err //nolint:wrapcheck // it says what it is about
	}
	return k.write(ctx, protocol.RunRecord{
		Version: protocol.RecordVersion, RunID: result.RunID, StartedAt: result.StartedAt, Request: r,
	}, data, events, result)
}

// write keeps a run that has ended. It first removes what an earlier write has left. The record by
// which the run is found comes last.
func (k *Keeper) write(ctx context.Context, run protocol.RunRecord, plan []byte, events []protocol.Event, result protocol.Result) error {
	records := k.records()
	if err := records.Delete(ctx, run.RunID); err != nil {
		return err //nolint:wrapcheck // it names the key
	}
	holder, err := records.Hold(ctx, run.RunID, record.Position{}, protocol.Generation{Number: 1})
	if err != nil {
		return err //nolint:wrapcheck // it names the run
	}
	first := holder.Position().Sequence + 1
	for i, e := range events {
		e.Version, e.RunID, e.Sequence = protocol.EventVersion, run.RunID, first+i
		if e.Answer != nil && len(e.Answer.Targets) > largestImported {
			if e.Answer.StoredAs, err = records.PutTargets(ctx, run.RunID, fmt.Sprint("imported-", i), e.Answer.Targets); err != nil {
				break
			}
			e.Answer.Targets = nil
		}
		holder.Append(e)
	}
	if err = errors.Join(err, holder.Close(ctx)); err != nil {
		return err
	}
	if _, err := records.CreatePlan(ctx, run.RunID, plan); err != nil {
		return err //nolint:wrapcheck // it names the key
	}
	if err := records.Create(ctx, run); err != nil {
		return err //nolint:wrapcheck // it names the key
	}
	_, err = records.CreateResult(ctx, run.RunID, 0, result)
	return err //nolint:wrapcheck // it names the key
}

// largestImported is how long the targets of an imported answer may be in the log.
const largestImported = 64 << 10

// eventsOf returns the events of a run as its result has them.
func eventsOf(p *coordinator.Plan, result protocol.Result) ([]protocol.Event, error) {
	if len(p.Regions) != len(result.Regions) {
		return nil, &MismatchError{fmt.Sprintf("it has %d outcomes, and the request %d", len(result.Regions), len(p.Regions))}
	}
	started := protocol.RunStarted{Name: result.Name, Task: p.Request.Task, Accounts: len(p.Accounts), Regions: len(p.Regions)}
	events := []protocol.Event{{Type: protocol.EventRunStarted, Started: &started}}
	for i := range p.Regions {
		of, o := &p.Regions[i], result.Regions[i]
		account := ""
		if of.Account > 0 {
			account = p.Accounts[of.Account-1].Given.ID
		}
		if of.Region != o.Region || account != o.Account {
			return nil, &MismatchError{fmt.Sprintf("outcome %d is that of %s %s, and the request has %s %s", i, o.Account, o.Region, account, of.Region)}
		}
		started.Targets += len(o.Targets)
		started.Invocations += len(of.Batches)
		more, err := eventsIn(of, o)
		if err != nil {
			return nil, err
		}
		events = append(events, more...)
	}
	events = append(events, protocol.Event{Type: protocol.EventRunEnded, Ended: &protocol.RunEnded{
		Status: result.Status, Error: result.Error, Cause: result.Cause, ElapsedMs: result.ElapsedMs, Message: result.Message,
		Summary: result.Summary,
	}})
	for i := range events {
		events[i].Time = result.StartedAt.UTC()
	}
	events[len(events)-1].Time = result.StartedAt.UTC().Add(protocol.Duration(result.ElapsedMs))
	return events, nil
}

// eventsIn returns the events of a Region: the ends of its attempts, and its outcome.
func eventsIn(of *coordinator.PlannedRegion, o protocol.RegionOutcome) (events []protocol.Event, err error) {
	targets := slices.Clone(o.Targets)
	for _, omitted := range slices.Backward(of.Omitted) {
		if omitted.At < len(targets) {
			targets = slices.Delete(targets, omitted.At, omitted.At+1)
		}
	}
	if !slices.EqualFunc(targets, of.Targets, func(t protocol.TargetOutcome, name string) bool { return t.Target == name }) {
		return nil, &MismatchError{fmt.Sprintf("the targets of %s differ", o.Region)}
	}
	for batch, n := range of.Batches {
		attempts := slices.DeleteFunc(slices.Clone(o.Attempts), func(a protocol.Attempt) bool { return a.Batch != batch })
		answer, err := answerOf(o.Status, targets[:n])
		if err != nil {
			return nil, err
		}
		targets = targets[n:]
		settles := settling(attempts, answer.Settled)
		for k := range attempts {
			e := protocol.Event{Type: protocol.EventAttemptEnded, Account: o.Account, Region: o.Region, Number: k + 1, Attempt: &attempts[k]}
			if k == settles {
				e.Answer = answer
			}
			events = append(events, e)
		}
	}
	o.Targets = slices.Clone(o.Targets)
	for i := range o.Targets {
		o.Targets[i].Output = nil
	}
	return append(events, protocol.Event{Type: protocol.EventRegionSettled, Account: o.Account, Region: o.Region, Outcome: &o}), nil
}

// settling returns the index of the attempt that settled an invocation with a status: the last
// one, or for a success the last one without an error.
func settling(attempts []protocol.Attempt, status protocol.Status) int {
	last := len(attempts) - 1
	if last < 0 || status != protocol.StatusSucceeded && status != protocol.StatusSkipped {
		return last
	}
	for k := last; k >= 0; k-- {
		if attempts[k].Error == "" && attempts[k].Cause == "" {
			return k
		}
	}
	attempts[last].Error, attempts[last].Cause = "", "" // several attempts together have done the work
	return last
}

// answerOf returns the answer that settled an invocation: with its targets, of a Region with this
// status.
func answerOf(region protocol.Status, targets []protocol.TargetOutcome) (*protocol.Answer, error) {
	answer := &protocol.Answer{Settled: protocol.StatusSkipped}
	for _, t := range targets {
		switch {
		case t.Status == protocol.StatusSucceeded && answer.Settled == protocol.StatusSkipped:
			answer.Settled = protocol.StatusSucceeded
		case t.Status != protocol.StatusSucceeded && t.Status != protocol.StatusSkipped:
			answer.Settled = region
		}
	}
	var err error
	if answer.Targets, err = json.Marshal(targets); err != nil {
		return nil, fmt.Errorf("encode targets: %w", err)
	}
	return answer, nil
}

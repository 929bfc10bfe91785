package coordinator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// read implements dialect. The answer to an invocation of one target is its output. The
// answer to a batch is a list of outputs, or [protocol.Failures].
func (f *functions) read(request *protocol.RegionRequest, answer []byte) (protocol.RegionResult, error) {
	result := protocol.RegionResult{
		Status: protocol.StatusSucceeded, WorkerRegion: cmp.Or(f.home, request.Region),
		Targets: make([]protocol.TargetOutcome, len(request.Targets)),
	}
	for i, target := range request.Targets {
		result.Targets[i] = protocol.TargetOutcome{Target: target, Status: protocol.StatusSucceeded}
	}
	answer = bytes.TrimSpace(answer)
	switch {
	case len(answer) == 0:
		return result, errors.New("the function's answer is empty; want JSON")
	case !utf8.Valid(answer):
		return result, errors.New("the function's answer is not UTF-8; want JSON")
	case !json.Valid(answer):
		return result, fmt.Errorf("the function's answer is not JSON: %s", protocol.CutErrorName(string(answer)))
	}
	if err := protocol.CheckOutput(answer); err != nil {
		return result, fmt.Errorf("the function's answer: %w", err)
	}
	switch {
	case !f.batch:
		result.Targets[0].Output = answer
		return result, nil
	case answer[0] == '[':
		return result, readOutputs(&result, answer)
	}
	return result, readFailures(&result, answer)
}

// readOutputs reads a list of outputs.
func readOutputs(result *protocol.RegionResult, answer []byte) error {
	var outputs []json.RawMessage
	if err := json.Unmarshal(answer, &outputs); err != nil {
		return fmt.Errorf("the function's answer: %w", err)
	}
	if len(outputs) != len(result.Targets) {
		return fmt.Errorf("the function's answer has %d outputs for %d targets", len(outputs), len(result.Targets))
	}
	for i, output := range outputs {
		result.Targets[i].Output = output
	}
	return nil
}

// readFailures reads what failed.
func readFailures(result *protocol.RegionResult, answer []byte) error {
	var told struct {
		Failures *[]protocol.Failure `json:"failures"`
	}
	if err := json.Unmarshal(answer, &told); err != nil || told.Failures == nil {
		return fmt.Errorf(`the function's answer to a batch is neither a list of %d outputs nor an object with "failures"`, len(result.Targets))
	}
	at := make(map[string]int, len(result.Targets))
	for i, t := range result.Targets {
		at[t.Target] = i
	}
	for _, failure := range *told.Failures {
		i, known := at[failure.Target]
		if !known {
			return fmt.Errorf("the function's answer has a failure of %q, which is not in the batch, or has it twice", protocol.CutErrorName(failure.Target))
		}
		delete(at, failure.Target)
		t := &result.Targets[i]
		t.Status = protocol.StatusFailed
		t.Error, t.Cause = cmp.Or(failure.Error, protocol.ErrorTaskFailed), failure.Cause
	}
	conclude(result)
	return nil
}

// conclude says in a result that targets have failed, if any has: the first one is its error.
func conclude(result *protocol.RegionResult) {
	if first, cause := failed(result.Targets); first != nil {
		result.Status, result.Error, result.Cause = protocol.StatusFailed, first.Error, cause
	}
}

// countFailed says in the outcome of a Region with several invocations how many targets failed,
// as a regionworker does.
func countFailed(o *protocol.RegionOutcome) {
	if _, cause := failed(o.Targets); o.Status == protocol.StatusFailed {
		o.Error, o.Cause = protocol.ErrorExceedToleratedFailureThreshold, protocol.CutCause(cause)
	}
}

// failed returns the first target that failed, or nil, and says how many did.
func failed(targets []protocol.TargetOutcome) (first *protocol.TargetOutcome, cause string) {
	n := 0
	for i := range targets {
		if s := targets[i].Status; s == protocol.StatusFailed || s == protocol.StatusTimedOut {
			n++
			first = cmp.Or(first, &targets[i])
		}
	}
	if first == nil {
		return nil, ""
	}
	return first, fmt.Sprintf("%d of %d targets failed; %s: %s: %s", n, len(targets), first.Target, first.Error, first.Cause)
}

// tries gives the targets of a unit of a function their attempts: each invocation that they
// were in.
func (r *run) tries(b *protocol.RegionOutcome, o fanout.Outcome[*reply]) {
	retries := make([]int, len(b.Targets))
	for i, a := range b.Attempts {
		answer, _ := replyOf(o.Attempts[i], o.Value)
		asked := len(answer.at)
		if answer.at == nil {
			asked = len(b.Targets)
		}
		for k := range asked {
			at := index(answer.at, k)
			t := &b.Targets[at]
			name := a.Error
			if k < len(answer.targets) {
				name = answer.targets[k].Error
			}
			t.Attempts = append(t.Attempts, protocol.Attempt{
				StartMs: a.StartMs - b.StartMs, ElapsedMs: a.ElapsedMs, Error: name, WaitMs: a.WaitMs, Abandoned: a.Abandoned, Hedge: a.Hedge,
			})
			t.ElapsedMs = max(t.ElapsedMs, a.StartMs-b.StartMs+a.ElapsedMs)
			if !a.Hedge {
				retries[at]++
			}
		}
	}
	for _, n := range retries {
		r.summary.TargetRetries += max(0, n-1)
	}
}

// unfinished returns the failure of an invocation of a function after which targets of its unit
// have failed. Those whose errors no retrier names are not tried again; the error is the first
// that one does name.
func (r *run) unfinished(u unit, got *reply, result *protocol.RegionResult) error {
	again := -1
	for i, t := range got.targets {
		if t.Status != protocol.StatusFailed {
			continue
		}
		if r.plan.AtMostOnce || !r.policy.Retries(t.Error) {
			u.progress.giveUp(index(got.at, i), t)
		} else if again < 0 {
			again = i
		}
	}
	told := *result
	t, given := u.progress.givenUp()
	if again >= 0 {
		t = got.targets[again]
	}
	if again >= 0 || result.Status == protocol.StatusSucceeded && given {
		told.Status, told.Error = protocol.StatusFailed, t.Error
		told.Cause = fmt.Sprintf("%s: %s: %s", t.Target, t.Error, t.Cause)
	}
	return &invocationError{reply: got, err: &regionError{result: told}, final: again < 0}
}

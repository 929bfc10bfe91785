package coordinator

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"meridian/pkg/protocol"
)

// direct is the dialect of a caller's function, see [protocol.Request.Direct]: a payload of the
// caller's is answered by an output.
type direct struct {
	template template
	batch    bool // whether an invocation has a list of targets
	home     string
	runID    string
	accounts []PlannedAccount
	unlisted bool // whether the accounts are not known yet
	inputs   protocol.Inputs
	uses     map[use]int    // of the template
	fixed    int            // bytes of the template without its values
	sizes    map[string]int // bytes of the values of each target
}

// newDirect returns the dialect of the plan's worker.
func (p *Plan) newDirect() *direct {
	f := &direct{
		batch: p.batchSize() > 1, home: p.Home, runID: p.RunID, accounts: p.Accounts,
		unlisted: p.AskOrganization && p.Accounts == nil, inputs: protocol.InputsOf(p.Request.Targets), sizes: map[string]int{},
	}
	f.template, _ = newTemplate(p.Request.Worker.Payload, f.batch) // planWorker has returned its faults
	f.uses, f.fixed = f.template.count()
	return f
}

// divide implements dialect.
func (f *direct) divide(r *PlannedRegion, size int) (batches [][]string, over int) {
	base := f.baseBytes(r.Account, r.Region)
	for targets := r.Targets; len(targets) > 0; {
		n, total := 1, base+f.targetBytes(targets[0])
		if total > protocol.MaxInvocationBytes {
			over = max(over, total)
		}
		for n < min(size, len(targets)) && total+f.targetBytes(targets[n]) <= protocol.MaxInvocationBytes {
			total += f.targetBytes(targets[n])
			n++
		}
		batches, targets = append(batches, targets[:n:n]), targets[n:]
	}
	return batches, over
}

// bytes implements dialect. An invocation is for one Region.
func (f *direct) bytes(account, _ int, regions []protocol.RegionTargets) int {
	total := f.baseBytes(account, regions[0].Region)
	for _, target := range regions[0].Targets {
		total += f.targetBytes(target)
	}
	return total
}

// baseBytes returns the bytes of an invocation without its targets. It assumes the longest
// attempt, and the id of an account that is not known yet.
func (f *direct) baseBytes(account int, region string) int {
	v := f.values(account, region, math.MaxInt32)
	if f.unlisted {
		v.account = "000000000000"
	}
	total := f.fixed
	for use, n := range f.uses {
		if !use.value.ofTarget() {
			total += n * len(v.of(use))
		}
	}
	return total
}

// targetBytes returns the bytes of a target in an invocation.
func (f *direct) targetBytes(target string) (bytes int) {
	if known, ok := f.sizes[target]; ok {
		return known
	}
	v := values{targets: []string{target}, inputs: f.inputs}
	for use, n := range f.uses {
		switch {
		case use.value == theTargets:
			bytes += n * (len(v.of(use)) - len("[]") + len(","))
		case use.value.ofTarget():
			bytes += n * len(v.of(use))
		}
	}
	f.sizes[target] = bytes
	return bytes
}

// values returns the values of an invocation, without its targets.
func (f *direct) values(account int, region string, attempt int) values {
	v := values{region: region, run: f.runID, attempt: attempt, inputs: f.inputs}
	if account > 0 {
		v.account = f.accounts[account-1].Given.ID
	}
	return v
}

// encode implements dialect.
func (f *direct) encode(account int, request *protocol.RegionRequest) []byte {
	v := f.values(account, request.Region, request.Attempt)
	v.targets = request.Targets
	return f.template.fill(v)
}

// read implements dialect. The answer to an invocation of one target is its output. The
// answer to a batch is a list of outputs, or [protocol.Failures].
func (f *direct) read(request *protocol.RegionRequest, answer []byte) (*protocol.RegionResult, error) {
	result := &protocol.RegionResult{
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
		return result, readOutputs(result, answer)
	}
	return result, readFailures(result, answer)
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

// readFailures reads [protocol.Failures].
func readFailures(result *protocol.RegionResult, answer []byte) error {
	var read protocol.Failures
	if err := json.Unmarshal(answer, &read); err != nil || read.Failures == nil {
		return fmt.Errorf(`the function's answer to a batch is neither a list of %d outputs nor an object with "failures"`, len(result.Targets))
	}
	at := make(map[string]int, len(result.Targets))
	for i, t := range result.Targets {
		at[t.Target] = i
	}
	for _, failure := range read.Failures {
		i, known := at[failure.Target]
		if !known {
			return fmt.Errorf("the function's answer has a failure of %q, which is not in the batch, or has it twice", protocol.CutErrorName(failure.Target))
		}
		delete(at, failure.Target)
		t := &result.Targets[i]
		t.Status = protocol.StatusFailed
		t.Error, t.Cause = cmp.Or(strings.TrimSpace(failure.Error), protocol.ErrorTaskFailed), failure.Cause
	}
	if first, cause := failed(result.Targets); first != nil {
		result.Status, result.Error, result.Cause = protocol.StatusFailed, first.Error, cause
	}
	return nil
}

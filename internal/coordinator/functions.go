package coordinator

import (
	"context"
	"math"
	"slices"

	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// Functions returns what invokes a caller's function, see [protocol.Worker]. The error says why
// it cannot be invoked here, and what to do.
type Functions func(protocol.Worker) (Function, error)

// A Function invokes a caller's function.
type Function struct {
	// Home is the Region of a function that serves every Region. Empty means that each has its
	// own.
	Home string

	// As returns an Invoker with the credentials of an access, in Regions of the partition
	// of region; nil means the coordinator's own. It makes no call. Required.
	As func(access *protocol.Access, region, runID string) Invoker
}

// LambdaFunctions returns Functions on Lambda.
func LambdaFunctions(f *invoke.Functions) Functions {
	return func(w protocol.Worker) (Function, error) {
		found, err := f.Function(w)
		if err != nil {
			return Function{}, err //nolint:wrapcheck // it says what to do
		}
		return Function{Home: found.Home(), As: func(access *protocol.Access, region, runID string) Invoker {
			return found.As(access, region, runID)
		}}, nil
	}
}

// invokers returns the invokers of a plan, by the number of the account.
func (c *Coordinator) invokers(p *Plan) []Invoker {
	if p.Request.Worker == nil {
		return slices.Repeat([]Invoker{c.Invoker}, 1+len(p.Accounts))
	}
	invokers := make([]Invoker, 1+len(p.Accounts))
	function, err := c.function(*p.Request.Worker)
	if err != nil { // the plan was made elsewhere
		return slices.Repeat([]Invoker{refuser{err}}, len(invokers))
	}
	invokers[0] = function.As(nil, "", p.RunID)
	for i := range p.Regions {
		if r := &p.Regions[i]; invokers[r.Account] == nil {
			invokers[r.Account] = function.As(p.access(r), r.Region, p.RunID)
		}
	}
	return invokers
}

// A refuser is the Invoker of a function that cannot be invoked here.
type refuser struct{ err error }

// Invoke implements Invoker.
func (r refuser) Invoke(context.Context, string, []byte) ([]byte, protocol.Attempt, error) {
	return nil, protocol.Attempt{}, &invoke.Error{Name: protocol.ErrorInvalidRequest, Message: r.err.Error()}
}

// functions is the dialect of a caller's function: a payload of the caller's is answered by
// an output.
type functions struct {
	template template
	batch    bool // whether an invocation has a list of targets
	home     string
	runID    string
	accounts []PlannedAccount
	inputs   protocol.Inputs
	uses     map[use]int    // of the template
	fixed    int            // bytes of the template without its values
	sizes    map[string]int // bytes of what it has of each target
}

// functionDialect returns the dialect of the plan's worker.
func (p *Plan) functionDialect() *functions {
	f := &functions{
		batch: p.batchSize() > 1, home: p.Home, runID: p.RunID, accounts: p.Accounts,
		inputs: protocol.InputsOf(p.Request.Targets), sizes: map[string]int{},
	}
	f.template, _ = newTemplate(p.Request.Worker.Payload, f.batch) // checkWorker has returned its faults
	f.uses, f.fixed = f.template.count()
	return f
}

// divide implements dialect.
func (f *functions) divide(r *PlannedRegion, size int) (batches [][]string, over int) {
	base := f.base(r.Account, r.Region)
	for targets := r.Targets; len(targets) > 0; {
		n, total := 1, base+f.target(targets[0])
		if total > protocol.MaxInvocationBytes {
			over = max(over, total)
		}
		for n < min(size, len(targets)) {
			if total += f.target(targets[n]); total > protocol.MaxInvocationBytes {
				break
			}
			n++
		}
		batches, targets = append(batches, targets[:n:n]), targets[n:]
	}
	return batches, over
}

// bytes implements dialect. An invocation is for one Region.
func (f *functions) bytes(account, _ int, regions []protocol.RegionTargets) int {
	total := f.base(account, regions[0].Region)
	for _, target := range regions[0].Targets {
		total += f.target(target)
	}
	return total
}

// base returns the bytes of an invocation without its targets. It assumes the longest
// attempt.
func (f *functions) base(account int, region string) int {
	v := f.values(account, region, math.MaxInt32)
	total := f.fixed
	for use, n := range f.uses {
		if use.value != theTarget && use.value != theInput {
			total += n * len(v.of(use))
		}
	}
	return total
}

// target returns the bytes that an invocation has of a target.
func (f *functions) target(target string) (bytes int) {
	if known, ok := f.sizes[target]; ok {
		return known
	}
	v := values{targets: []string{target}, inputs: f.inputs}
	for use, n := range f.uses {
		switch use.value {
		case theTargets:
			bytes += n * (len(v.of(use)) - len("[]") + len(","))
		case theTarget, theInput:
			bytes += n * len(v.of(use))
		case theRegion, theAccount, theRun, theAttempt:
		}
	}
	f.sizes[target] = bytes
	return bytes
}

// values returns the values of an invocation, without its targets.
func (f *functions) values(account int, region string, attempt int) values {
	v := values{region: region, run: f.runID, attempt: attempt, inputs: f.inputs}
	if account > 0 {
		v.account = f.accounts[account-1].Given.ID
	}
	return v
}

// encode implements dialect.
func (f *functions) encode(account int, request *protocol.RegionRequest) []byte {
	v := f.values(account, request.Region, request.Attempt)
	v.targets = request.Targets
	return f.template.fill(v)
}

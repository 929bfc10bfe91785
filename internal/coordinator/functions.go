package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// Functions returns what invokes a caller's function, see [protocol.Worker]. The error says why
// the function cannot be invoked here, and what to do.
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

// function returns what invokes a worker. The error says why it cannot be invoked here.
func (c *Coordinator) function(w protocol.Worker) (Function, error) {
	if c.Functions == nil {
		return Function{}, errors.New("cannot be invoked here: there is nothing that invokes functions of callers")
	}
	return c.Functions(w)
}

// invokers returns the invokers of a plan, by the number of the account.
func (c *Coordinator) invokers(p *Plan) []Invoker {
	if p.Request.Worker == nil {
		return slices.Repeat([]Invoker{c.Invoker}, 1+len(p.Accounts))
	}
	invokers := make([]Invoker, 1+len(p.Accounts))
	function, err := c.function(*p.Request.Worker)
	if err == nil && function.Home != p.Home {
		err = fmt.Errorf("is in %s by the plan, and in %s here; run the plan where it was made, or name the function by its ARN", p.Home, function.Home)
	}
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

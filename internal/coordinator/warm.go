package coordinator

import "meridian/pkg/protocol"

// Warm does what the first run would otherwise have to do: it has the catalogue of
// Regions read and the encoder of results made. A function calls it while it starts,
// when Lambda gives it more of a CPU than it has later. It makes no call.
func (c *Coordinator) Warm() {
	_, _ = c.plan(protocol.Request{}, nil, 0) // whether it is any good does not matter
	_, _ = protocol.Fit(new(protocol.Result), 0)
}

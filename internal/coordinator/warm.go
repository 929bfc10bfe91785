package coordinator

import "meridian/pkg/protocol"

// Warm does work that the first run would otherwise do: it reads the catalogue of
// Regions and makes the encoder of results. A function calls it while it starts, when
// Lambda gives it more of a CPU than later. It makes no call.
func (c *Coordinator) Warm() {
	_, _ = c.plan(protocol.Request{}, nil, 0) // only to have done it
	_, _ = protocol.Fit(new(protocol.Result), 0)
}

package coordinator

import "meridian/pkg/protocol"

// Warm does what the first run would otherwise have to do: it reads the catalogue of
// Regions, and encodes and decodes a message of each kind, which prepares encoding/json.
// A function calls it while it starts, when Lambda gives it more CPU than later. It
// invokes nothing.
func (c *Coordinator) Warm() {
	_, _ = c.plan(protocol.Request{}, nil, 0) // neither the plans nor the errors matter
	_, _ = protocol.DecodeRegionResult([]byte(`{"targets":[{"attempts":[{}]}]}`))
	_, _ = protocol.Fit(new(protocol.Result), 0)
}

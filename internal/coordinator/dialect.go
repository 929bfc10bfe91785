package coordinator

import "meridian/pkg/protocol"

// A dialect encodes the requests to the workers of a run and reads their answers. The workers are
// the deployment's regionworkers, or a function of the caller's own.
type dialect interface {
	// divide cuts the targets of a Region into batches, in order, of up to size targets each.
	// over is the length of the longest invocation of one target that cannot be sent, or 0.
	divide(r *PlannedRegion, size int) (batches [][]string, over int)

	// bytes returns the most bytes that an invocation can have for these targets, in the
	// account with a number.
	bytes(account, batch int, regions []protocol.RegionTargets) int

	// encode returns the payload of a request for the account with a number.
	encode(account int, request *protocol.RegionRequest) []byte

	// read reads the answer to a request. The error says why it is not one. The result is
	// a pointer, because decoding takes 4 KB of stack: with copies of the result beside
	// that, the stack of each attempt grows beyond 8 KB, which takes 5 % more CPU time.
	read(request *protocol.RegionRequest, answer []byte) (*protocol.RegionResult, error)
}

// dialect returns the dialect of the plan's workers. The error says why their requests
// cannot be encoded.
func (p *Plan) dialect() (dialect, error) {
	if p.Request.Direct() {
		return p.newDirect(), nil
	}
	envelopes, err := p.envelopes()
	return regionworkers{envelopes}, err
}

// regionworkers is the dialect of regionworkers: a [protocol.RegionRequest] is answered by a
// [protocol.RegionResult].
type regionworkers struct {
	envelopes []protocol.Envelope // of the requests, by the number of the account
}

// divide implements dialect.
func (w regionworkers) divide(r *PlannedRegion, size int) (batches [][]string, over int) {
	return w.envelopes[r.Account].Divide(r.Region, r.Targets, size, protocol.MaxInvocationBytes)
}

// bytes implements dialect.
func (w regionworkers) bytes(account, batch int, regions []protocol.RegionTargets) int {
	if len(regions) > 1 {
		return w.envelopes[account].BytesOfAll(regions)
	}
	return w.envelopes[account].Bytes(regions[0].Region, batch, regions[0].Targets)
}

// encode implements dialect.
func (w regionworkers) encode(account int, request *protocol.RegionRequest) []byte {
	data, _ := w.envelopes[account].Encode(request) // divide has encoded all that can be wrong
	return data
}

// read implements dialect.
func (w regionworkers) read(request *protocol.RegionRequest, answer []byte) (*protocol.RegionResult, error) {
	result, err := protocol.DecodeRegionResult(answer)
	if err == nil {
		err = protocol.CheckAnswer(request, &result)
	}
	return &result, err //nolint:wrapcheck // it says what it is about
}

package coordinator

import (
	"slices"

	"meridian/pkg/protocol"
)

// answersKept limits the outputs that a run keeps, in answers: 12 MB for Lambda's
// answers, where each worker may return 6. One is what the answer has room for, the
// other is for outputs that it will not have: those of a hedge that was slower, and
// white space.
const answersKept = 2

// newOutputs returns where a run keeps its outputs when an answer holds maxAnswerBytes;
// 0 means no limit.
func newOutputs(maxAnswerBytes int) *protocol.Outputs {
	return protocol.NewOutputs(answersKept * maxAnswerBytes)
}

// keep takes the outputs out of the targets of a reply, and returns them in the targets'
// order. It cuts the targets' error names and causes to the length that a result has.
func keep(outputs *protocol.Outputs, targets []protocol.TargetOutcome) []*protocol.Output {
	kept := make([]*protocol.Output, len(targets))
	for i := range targets {
		t := &targets[i]
		kept[i], t.Output = outputs.Keep(t.Output), nil
		t.Error, t.Cause = protocol.CutErrorName(t.Error), protocol.CutCause(t.Cause)
	}
	return kept
}

// give puts the outputs that were kept into a Region's outcome. outputs has those of the
// targets of each batch, nil for a target without one.
func give(r *protocol.RegionOutcome, outputs [][]*protocol.Output) {
	for i, output := range slices.Concat(outputs...) {
		output.PutInto(&r.Targets[i])
		r.Truncated = r.Truncated || r.Targets[i].DroppedOutputBytes > 0
	}
}

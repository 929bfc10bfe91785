package protocol_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// A batch of the default size.
const benchTargets = protocol.DefaultMaxTargetsPerInvocation

// BenchmarkDecodeRegionRequest is a worker's first work: 500 targets, ARNs.
func BenchmarkDecodeRegionRequest(b *testing.B) {
	request := regionRequestFull()
	request.Targets = nil
	for i := range benchTargets {
		request.Targets = append(request.Targets, fmt.Sprintf("arn:aws:dynamodb:ap-southeast-2:123456789012:table/t%d", i))
	}
	data := encode(b, request)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.DecodeRegionRequest(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecodeRegionResult is what a coordinator does for each batch: 500
// outcomes.
func BenchmarkDecodeRegionResult(b *testing.B) {
	answer := regionResultMinimal()
	answer.Targets = benchResult(1).Regions[0].Targets
	data := encode(b, answer)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.DecodeRegionResult(data); err != nil {
			b.Fatal(err)
		}
	}
}

// largeAnswer returns a worker's answer with an output of 64 KiB.
func largeAnswer() protocol.RegionResult {
	answer := regionResultMinimal()
	table := `{"name":"orders-2026","arn":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders-2026","items":1048576,"on":true},`
	answer.Targets[0].Output = json.RawMessage("[" + strings.Repeat(table, 64<<10/len(table)) + "null]")
	return answer
}

// BenchmarkDecodeLargeOutput is what a coordinator does for a large answer.
func BenchmarkDecodeLargeOutput(b *testing.B) {
	data := encode(b, largeAnswer())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.DecodeRegionResult(data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFitLargeOutput is what a worker does for it.
func BenchmarkFitLargeOutput(b *testing.B) {
	answer := largeAnswer()
	b.SetBytes(int64(len(encode(b, answer))))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := protocol.Fit(&answer, protocol.MaxPayloadBytes); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkFit encodes the result of 20 Regions with 500 targets each, as it is
// and into half the bytes.
func BenchmarkFit(b *testing.B) {
	whole := benchResult(20)
	full := encode(b, whole)
	for name, limit := range map[string]int{"whole": 0, "half": len(full) / 2} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(full)))
			b.ReportAllocs()
			for b.Loop() {
				r := *whole // Fit changes it, down to its targets
				r.Regions = slices.Clone(r.Regions)
				for i := range r.Regions {
					r.Regions[i].Targets = slices.Clone(r.Regions[i].Targets)
				}
				if _, err := protocol.Fit(&r, limit); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// benchResult returns a result with a number of Regions of 500 targets.
func benchResult(regions int) *protocol.Result {
	r := &protocol.Result{RunID: runID, Status: protocol.StatusSucceeded, StartedAt: started()}
	for range regions {
		region := resultMinimal().Regions[0]
		region.Targets = make([]protocol.TargetOutcome, benchTargets)
		for i := range region.Targets {
			region.Targets[i] = protocol.TargetOutcome{
				Target: fmt.Sprintf("arn:aws:dynamodb:ap-southeast-2:123456789012:table/t%d", i), Status: protocol.StatusSucceeded,
				Output:    json.RawMessage(`{"message":"endpoint for ap-southeast-2 is dynamodb.ap-southeast-2.amazonaws.com"}`),
				ElapsedMs: 1000.125, Attempts: []protocol.Attempt{{StartMs: 0.5, ElapsedMs: 1000.125}},
			}
		}
		r.Regions = append(r.Regions, region)
	}
	return r
}

// BenchmarkFitOfTenTimesTheLimit is a result of which nine outputs of ten have to
// go.
func BenchmarkFitOfTenTimesTheLimit(b *testing.B) {
	whole := &protocol.Result{Regions: make([]protocol.RegionOutcome, 20)}
	output := json.RawMessage(text(protocol.MaxPayloadBytes / 500))
	b.SetBytes(20 * 250 * int64(len(output)))
	b.ReportAllocs()
	for b.Loop() {
		for i := range whole.Regions {
			whole.Regions[i] = protocol.RegionOutcome{Targets: make([]protocol.TargetOutcome, 250)}
			for j := range whole.Regions[i].Targets {
				whole.Regions[i].Targets[j].Output = output
			}
		}
		if _, err := protocol.Fit(whole, protocol.MaxPayloadBytes); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkInvocation is what a coordinator does to the messages of one
// invocation of one target: it writes the request and reads the answer.
func BenchmarkInvocation(b *testing.B) {
	request, answer := regionRequestFull(), encode(b, regionResultMinimal())
	request.Targets, request.Policy = request.Targets[:1], protocol.TargetPolicy{}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := request.Encode(); err != nil {
			b.Fatal(err)
		}
		if _, err := protocol.DecodeRegionResult(answer); err != nil {
			b.Fatal(err)
		}
	}
}

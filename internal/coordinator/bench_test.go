package coordinator_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"meridian/internal/coordinator"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// BenchmarkFiveThousandInvocations is what a run of 5,000 invocations of no work
// costs the coordinator: the plan, the fan-out, messages both ways with a worker
// in the process, the gathering and the answer.
func BenchmarkFiveThousandInvocations(b *testing.B) {
	const invocations = 5000
	r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, MaxTargetsPerInvocation: 1}
	for i := range invocations / 2 {
		r.Targets = append(r.Targets, protocol.Target{Name: fmt.Sprintf("target-%d", i)})
	}
	tasks := task.NewRegistry(task.New("act", "nothing",
		func(_ context.Context, in task.Input[struct{}]) (map[string]string, error) {
			return map[string]string{"message": in.Target.Name + " is fine in " + in.Region}, nil
		}))
	c := inProcess(tasks)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Answer(b.Context(), r, nil, protocol.MaxPayloadBytes); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/invocations, "µs/invocation")
}

// BenchmarkPlanOfTenThousand is the plan of 10,000 invocations, and a result in
// which none was started.
func BenchmarkPlanOfTenThousand(b *testing.B) {
	r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, MaxTargetsPerInvocation: 1}
	for i := range 10_000 / len(r.Regions) {
		r.Targets = append(r.Targets, protocol.Target{Name: fmt.Sprintf("target-%d", i)})
	}
	c := &coordinator.Coordinator{Tasks: world{}.tasks(), Invoker: invokerFunc(nil)}
	ctx, cancel := context.WithCancel(b.Context())
	cancel()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Run(ctx, r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGatherOfFiveThousand is what the answers of 5,000 invocations take,
// which are there at once: to read, to check, to gather and to encode.
func BenchmarkGatherOfFiveThousand(b *testing.B) {
	const invocations = 5000
	r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, MaxTargetsPerInvocation: 1}
	for i := range invocations / len(r.Regions) {
		r.Targets = append(r.Targets, protocol.Target{Name: fmt.Sprintf("target-%d", i)})
	}
	c := &coordinator.Coordinator{Tasks: world{}.tasks(), Invoker: invokerFunc(answerAtOnce)}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Answer(b.Context(), r, nil, protocol.MaxPayloadBytes); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/invocations, "µs/invocation")
}

// answerAtOnce answers as a worker would, with little effort.
func answerAtOnce(_ context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	field := func(name string, end byte) []byte {
		_, value, _ := bytes.Cut(payload, []byte(`"`+name+`":`))
		value, _, _ = bytes.Cut(value, []byte{end})
		return value
	}
	answer := fmt.Appendf(nil, `{"version":1,"runId":%s,"region":%q,"batch":%s,"status":"SUCCEEDED","elapsedMs":100,`+
		`"targets":[{"target":%s,"status":"SUCCEEDED","output":{"message":"it is fine"},"elapsedMs":99.5}]}`,
		field("runId", ','), region, field("batch", ','), bytes.TrimPrefix(field("targets", ']'), []byte("[")))
	return answer, protocol.Attempt{RequestID: "00000000-0000-4000-8000-000000000000"}, nil
}

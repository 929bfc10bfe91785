package invoke_test

import (
	"bytes"
	"context"
	"testing"
	"time"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
)

// What a call costs beside the work: in the same process, and over the loopback
// interface.
func BenchmarkInvoke(b *testing.B) {
	ctx, cancel := context.WithTimeout(b.Context(), time.Hour) // as every call of a run has
	defer cancel()
	payload := bytes.Repeat([]byte{'1'}, 2048) // a Region's request and result
	for _, bench := range []struct {
		name    string
		invoker invoketest.Invoker
	}{
		{"InProcess", invoke.InProcess{Handle: echo}},
		{"Lambda", newLambda(b, invoketest.NewServer(b, echo).Config(), invoke.Settings{})},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, _, err := bench.invoker.Invoke(ctx, "eu-west-1", payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

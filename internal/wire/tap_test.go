package wire_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/wire"
)

// Frames are found however the bytes are cut, and where they end.
func TestFramesAreFoundInAnyPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want []wire.Frame
		for range rapid.IntRange(0, 20).Draw(t, "frames") {
			kind := rapid.ByteRange(0, 10).Draw(t, "kind")
			id := rapid.Uint32Range(0, 1<<31-1).Draw(t, "stream")
			payload := make([]byte, rapid.SampledFrom([]int{0, 1, 8, 200, 256, 257, 70_000}).Draw(t, "length"))
			stream = append(stream, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), kind, 1)
			stream = append(binary.BigEndian.AppendUint32(stream, id), payload...)
			f := wire.Frame{Kind: kind, Flags: 1, Stream: id}
			if kind == 4 || kind == 6 || kind == 7 {
				f.Payload = payload[:min(len(payload), 256)]
			}
			want = append(want, f)
		}
		var got []wire.Frame
		scan, between := wire.Scan(func(f wire.Frame) {
			f.Payload = bytes.Clone(f.Payload)
			got = append(got, f)
		})
		for len(stream) > 0 {
			n := rapid.IntRange(1, min(len(stream), 5000)).Draw(t, "piece")
			scan(stream[:n])
			stream = stream[n:]
		}
		if !between() {
			t.Error("between() = false at the end of the last frame, want true")
		}
		if diff := cmp.Diff(want, got, cmp.Transformer("text", func(p []byte) string { return string(p) })); diff != "" {
			t.Errorf("frames differ (-want +got):\n%s", diff)
		}
	})
}

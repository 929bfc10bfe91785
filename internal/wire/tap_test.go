package wire_test

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/wire"
)

// A seen is what a scanner says of a frame.
type seen struct {
	Kind   byte
	Stream uint32
}

// Frames are found however the bytes are cut.
func TestFramesAreFoundInAnyPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want, got []seen
		for range rapid.IntRange(0, 20).Draw(t, "frames") {
			f := seen{rapid.ByteRange(0, 10).Draw(t, "kind"), rapid.Uint32Range(0, 1<<31-1).Draw(t, "stream")}
			payload := make([]byte, rapid.SampledFrom([]int{0, 1, 8, 256, 70_000}).Draw(t, "length"))
			id := f.Stream
			if f.Kind == 7 { // GOAWAY: the last stream comes first, whatever follows
				id, payload = 0, append(binary.BigEndian.AppendUint32(nil, f.Stream|1<<31), payload...)
			}
			stream = append(stream, byte(len(payload)>>16), byte(len(payload)>>8), byte(len(payload)), f.Kind, 1)
			stream = append(binary.BigEndian.AppendUint32(stream, id), payload...)
			want = append(want, f)
		}
		scan := wire.Scan(func(kind byte, stream uint32) { got = append(got, seen{kind, stream}) })
		for len(stream) > 0 {
			n := rapid.IntRange(1, min(len(stream), 5000)).Draw(t, "piece")
			scan(stream[:n])
			stream = stream[n:]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("frames differ (-want +got):\n%s", diff)
		}
	})
}

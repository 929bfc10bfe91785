package wire_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"slices"
	"testing"
	"testing/synctest"

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
			if slices.Contains([]byte{3, 4, 6, 7}, kind) {
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

// A record is a connection that keeps what is written.
type record struct {
	net.Conn
	bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) { return r.Buffer.Write(p) }

func (r *record) Read(p []byte) (int, error) { return r.Buffer.Read(p) }

// The question is asked between two frames, and not within a header that takes
// several, where RFC 9113 6.10 allows no other.
func TestTheQuestionIsAskedBetweenFrames(t *testing.T) {
	t.Parallel()
	frame := func(kind, flags byte, text string) string {
		return string([]byte{0, 0, byte(len(text)), kind, flags, 0, 0, 0, 1}) + text
	}
	const question = "\x00\x00\x08\x06\x00\x00\x00\x00\x00meridian"
	data, header := frame(0, 0, "data"), frame(1, 4, "header")
	begun, more, over := frame(1, 0, "begun"), frame(9, 0, "more"), frame(9, 4, "over")
	for _, test := range []struct{ name, first, second, want string }{
		{"between frames", data, data, data + question + data},
		{"after a header", header, data, header + question + data},
		{"in a frame", data[:11], data[11:], data + question},
		{"in the head of a frame", data[:3], data[3:], data + question},
		{"in a header of two frames", begun, over, begun + over + question},
		{"in a header of three frames", begun + more, over, begun + more + over + question},
		{"in a header that goes on", begun, more, begun + more},
	} {
		synctest.Test(t, func(t *testing.T) {
			var got record
			wire.Ask(&got, []byte(test.first), []byte(test.second))
			synctest.Wait()
			if got.String() != test.want {
				t.Errorf("%s: written %q, want %q", test.name, got.String(), test.want)
			}
		})
	}
}

// An ending is a connection whose last bytes and end come at once, as from TLS.
type ending struct {
	record
	reads int
}

func (e *ending) Read(p []byte) (int, error) {
	e.reads++
	return copy(p, "\x00\x00\x00\x04\x01\x00\x00\x00\x00"), io.EOF
}

// What comes with the end of a connection is read before it has ended: until then
// it may be written to, else net/http would break off the calls that are answered.
func TestTheLastBytesComeBeforeTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var below ending
		c := wire.Listen(&below)
		b := make([]byte, 100)
		if n, err := c.Read(b); n != 9 || err != nil {
			t.Errorf("Read = %d, %v, want 9 bytes and no error", n, err)
		}
		if _, err := c.Write(make([]byte, 9)); err != nil {
			t.Errorf("Write before the end was read = %v, want no error", err)
		}
		if n, err := c.Read(b); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("Read = %d, %v, want 0, EOF", n, err)
		}
		if _, err := c.Write(make([]byte, 9)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("Write after the end was read = %v, want %v", err, net.ErrClosed)
		}
		if below.reads != 1 {
			t.Errorf("%d reads, want 1", below.reads)
		}
	})
}

package wire

import "encoding/binary"

// What a pool needs of HTTP/2's frames.
//
// Source: https://www.rfc-editor.org/rfc/rfc9113#section-6
const (
	headersFrame, resetFrame, settingsFrame, pingFrame, goAwayFrame, continuationFrame = 0x1, 0x3, 0x4, 0x6, 0x7, 0x9

	ack, endHeaders              = 0x1, 0x4
	maxConcurrentStreams         = 0x3
	protocolError, refusedStream = 1, 7
)

// A frame is one frame of HTTP/2. Only frames about the connection, or that end a
// stream, have their payload, and of a long one only the beginning.
type frame struct {
	kind, flags byte
	stream      uint32
	payload     []byte
}

// A scanner finds the frames in a stream of bytes that comes in any pieces. Its
// zero value is at the beginning of one.
type scanner struct {
	skip    int // bytes to pass over
	head    []byte
	payload []byte
	want    int // of the payload, to be kept
	rest    int // of the payload, to be passed over
}

// frameHead is the length of a frame's header; longest is how much of a payload
// is kept.
const frameHead, longest = 9, 256

// between reports whether the bytes so far end where a frame does.
func (s *scanner) between() bool { return s.skip == 0 && len(s.head) == 0 }

// scan reads on, and calls see with each frame, at the end of its payload if
// that is kept, else of its header. What see gets is good until it returns.
func (s *scanner) scan(p []byte, see func(frame)) {
	for len(p) > 0 {
		switch {
		case s.skip > 0:
			n := min(s.skip, len(p))
			s.skip, p = s.skip-n, p[n:]
			continue
		case len(s.head) < frameHead:
			n := min(frameHead-len(s.head), len(p))
			s.head, p = append(s.head, p[:n]...), p[n:]
			if len(s.head) < frameHead {
				return
			}
			length := int(s.head[0])<<16 | int(s.head[1])<<8 | int(s.head[2])
			switch s.head[3] {
			case resetFrame, settingsFrame, pingFrame, goAwayFrame:
				s.want = min(length, longest)
			}
			s.rest = length - s.want
		}
		if n := min(s.want-len(s.payload), len(p)); n > 0 {
			s.payload, p = append(s.payload, p[:n]...), p[n:]
		}
		if len(s.payload) == s.want {
			see(frame{
				kind: s.head[3], flags: s.head[4],
				stream:  binary.BigEndian.Uint32(s.head[5:]) & (1<<31 - 1),
				payload: s.payload,
			})
			s.head, s.payload, s.want, s.skip = s.head[:0], s.payload[:0], 0, s.rest
		}
	}
}

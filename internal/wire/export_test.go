package wire

// A Frame is a frame.
type Frame struct {
	Kind, Flags byte
	Stream      uint32
	Payload     []byte
}

// Scan returns the methods of a scanner that calls see.
func Scan(see func(Frame)) (scan func([]byte), between func() bool) {
	var s scanner
	return func(p []byte) {
		s.scan(p, func(f frame) { see(Frame{f.kind, f.flags, f.stream, f.payload}) })
	}, s.between
}

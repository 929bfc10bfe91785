package probe

import (
	"net/netip"
	"time"
)

// A Sample is what one probe found.
type Sample struct {
	// Waited is how long it waited until fewer than MaxOpen others were under
	// way. It is no part of the phases.
	Waited time.Duration

	// Phases says how long each part of the way took; with redirects, all of
	// them together.
	Phases Phases

	// Redirects is how many were followed. What follows is of the last answer.
	Redirects int

	// Host is the name or address that was asked for.
	Host string

	// Address is the one that answered.
	Address netip.Addr

	// Status is the HTTP status code.
	Status int

	// Protocol is as in "HTTP/1.1" and "HTTP/2.0".
	Protocol string

	// TLS says how the connection was secured. Nil means plain HTTP.
	TLS *TLS
}

// Phases are the parts of the way, each from the end of the one before.
type Phases struct {
	// Resolve is the time until the name's addresses were known; next to nothing
	// for a host that is an address.
	Resolve time.Duration

	// Connect is the time until one of them had accepted a connection, with that
	// of addresses tried in vain.
	Connect time.Duration

	// TLS is the time of the handshake, with the verification of the
	// certificate. Zero for plain HTTP.
	TLS time.Duration

	// FirstByte is the time until the first byte of the answer was there.
	FirstByte time.Duration

	// Total is the time of all phases and of reading the answer, of its body at
	// most 64 KiB.
	Total time.Duration
}

// A TLS says how a connection was secured, and by which certificate.
type TLS struct {
	// Version is as in "TLS 1.3".
	Version string

	// Cipher is the cipher suite's name.
	Cipher string

	// Expires is when the server's certificate does.
	Expires time.Time

	// Issuer is the common name of the authority that issued it, or all of its
	// name when it has none.
	Issuer string
}

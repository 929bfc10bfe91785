package probe

import (
	"net/netip"
	"time"
)

// A Sample is the result of one probe.
type Sample struct {
	// Waited is how long the sample waited while MaxOpen others were running. It is
	// not part of the phases.
	Waited time.Duration

	// Phases has the time of each phase. With redirects, or a server that required
	// HTTP/1.1, it is the sum over all connections.
	Phases Phases

	// Redirects is the number of redirects that were followed. The fields below are of
	// the last answer.
	Redirects int

	// Host is the requested name or address.
	Host string

	// Address is the address that answered.
	Address netip.Addr

	// Status is the HTTP status code.
	Status int

	// Protocol is "HTTP/1.1" or "HTTP/2.0".
	Protocol string

	// TLS describes the TLS connection. Nil means plain HTTP.
	TLS *TLS
}

// Phases has the times of the phases, each from the end of the one before.
type Phases struct {
	// Resolve is the time of the name's look-up; close to zero for a host that is an
	// address.
	Resolve time.Duration

	// Connect is the time until an address accepted a connection, including failed
	// attempts with other addresses.
	Connect time.Duration

	// TLS is the time of the handshake, including the verification of the certificate.
	// Zero for plain HTTP.
	TLS time.Duration

	// FirstByte is the time from sending the request to the first byte of the answer.
	FirstByte time.Duration

	// Total is the time of all phases, and of reading the body if it is matched.
	Total time.Duration
}

// A TLS describes a TLS connection and its certificate.
type TLS struct {
	// Version is the TLS version, as in "TLS 1.3".
	Version string

	// Cipher is the cipher suite's name.
	Cipher string

	// Expires is when the verified chain ends: when the first of its certificates
	// expires, from the server's to the root. With several chains, it is the end of the
	// one that lasts longest.
	Expires time.Time

	// Issuer is the common name of the certificate's issuer, or its whole name when it
	// has no common name.
	Issuer string
}

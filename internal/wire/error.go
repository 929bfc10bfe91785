package wire

import (
	"errors"
	"fmt"
)

// A ConnectError says that no connection could be opened, so nothing was sent.
type ConnectError struct {
	// Address is what was dialled, with the port.
	Address string

	// Err is why it failed.
	Err error
}

// Error returns the address and the reason.
func (e *ConnectError) Error() string { return fmt.Sprintf("connect to %s: %v", e.Address, e.Err) }

// Timeout reports whether connecting took longer than [ConnectTimeout].
func (e *ConnectError) Timeout() bool { return errors.Is(e.Err, errTimeout) }

// Unwrap returns Err.
func (e *ConnectError) Unwrap() error { return e.Err }

// A LostError is a call that ended before its answer came, with its connection or
// with its context.
type LostError struct {
	// Sent says that the server may have had the request.
	Sent bool

	// Err is the connection's error, or the context's.
	Err error
}

// Error returns Err's text.
func (e *LostError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *LostError) Unwrap() error { return e.Err }

package wire

import "fmt"

// A ConnectError is a connection that did not come about, so nothing was sent.
type ConnectError struct {
	// Address is where to, with the port.
	Address string

	// Err is why not.
	Err error
}

// Error says where to and why not.
func (e *ConnectError) Error() string { return fmt.Sprintf("connect to %s: %v", e.Address, e.Err) }

// Unwrap returns Err.
func (e *ConnectError) Unwrap() error { return e.Err }

// A LostError is a call that ended before its answer came, with its connection or
// with its context.
type LostError struct {
	// Sent says that the server may have had the request.
	Sent bool

	// Err is what the connection met, or the context's error.
	Err error
}

// Error returns Err's text.
func (e *LostError) Error() string { return e.Err.Error() }

// Unwrap returns Err.
func (e *LostError) Unwrap() error { return e.Err }

package invoke

import (
	"context"
	"net"
)

// ConnectTimeout is connectTimeout.
const ConnectTimeout = connectTimeout

// FunctionError is functionError.
func FunctionError(kind string, payload []byte) error { return functionError(kind, payload) }

// WithDial returns s with a way of its own to open connections.
func (s Settings) WithDial(dial func(ctx context.Context, network, address string) (net.Conn, error)) Settings {
	s.dial = dial
	return s
}

// Clients returns how many clients l has made.
func (l *Lambda) Clients() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.clients)
}

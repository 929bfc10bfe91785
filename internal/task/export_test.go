package task

import (
	"context"
	"net"
)

// Dial makes an AWS that has made no call open its connections with dial.
func (a *AWS) Dial(dial func(ctx context.Context, network, address string) (net.Conn, error)) {
	a.dial = dial
}

// Close ends the connections of an AWS that has made a call.
func (a *AWS) Close() { a.sender.pool.Close() }

// ErrorOfCall returns the error of a call that failed with err.
func ErrorOfCall(ctx context.Context, err error) error { return callError(ctx, err, false) }

// DeadHosts returns how many hosts an AWS that has made a call remembers as dead.
func (a *AWS) DeadHosts() (n int) {
	a.sender.dead.Range(func(any, any) bool { n++; return true })
	return n
}

// Accounts returns how many accesses an AWS keeps something of.
func (a *AWS) Accounts() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.accounts)
}

// Package invoketest has the tests that every Invoker must pass, and a server to run
// them against: it speaks as much of Lambda's API as Invoke needs, and fails on
// demand.
//
// # The suite
//
// [Suite] checks every promise of package invoke that holds for all invokers. What
// holds for one invoker only is tested beside it.
//
// # The server
//
// [NewServer] runs a worker behind the API. It answers in Lambda's words. It records
// every request, the attempts at each unit of a coordinator, and the calls and
// connections in flight, so that a test can compare what both sides saw.
// [Server.Script] and [Server.Decide] make a call meet a [Fault], and
// [Server.DecideConnections] makes a dial fail. [Server.Limit], [Server.ColdStart] and
// [Server.Log] set the account's concurrency, its cold starts and its logs.
//
// [NewMemoryServer] is the same on a network in memory, which works in virtual time.
// Only [After], [Server.ColdStart] and [Twice] wait for a clock; what hangs waits for
// the client.
package invoketest

import (
	"context"

	"meridian/pkg/protocol"
)

// A Worker returns the answer to a payload.
type Worker = func(ctx context.Context, payload []byte) ([]byte, error)

// An Invoker is what the suite tests: the interface that internal/coordinator declares.
type Invoker interface {
	// Invoke calls the worker that serves region with payload. It returns the answer
	// and a report of the attempt.
	Invoke(ctx context.Context, region string, payload []byte) (answer []byte, attempt protocol.Attempt, err error)
}

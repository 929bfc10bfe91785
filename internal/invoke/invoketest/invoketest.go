// Package invoketest says what an invoker of workers has to do, as a test that
// every one of them runs, and has a Lambda to run it against: a server on the
// loopback interface that speaks as much of the Lambda API as Invoke needs, and
// goes wrong on demand.
//
// # The suite
//
// [Suite] is given a way to start an invoker for a worker, and checks every
// promise of package invoke that holds for all invokers. What holds only for one
// is tested beside it.
//
// # The server
//
// [NewServer] runs a worker behind the API. It answers in Lambda's words, keeps
// a record of every request, of the attempts at each unit of a coordinator, of
// calls and connections at once, so that a test can compare what both sides saw.
// [Server.Script] and [Server.Decide] put a [Fault] in the way of a call, and
// [Server.DecideConnections] one in the way of connecting; [Server.Limit] and
// [Server.ColdStart] make it an account with few or no environments, and [Server.Log]
// one whose functions write logs.
//
// [NewMemoryServer] is the same on a network of its own, which works in virtual
// time. Only [After], [Server.ColdStart] and [Twice] wait for a clock; what hangs
// waits for the client.
package invoketest

import (
	"context"

	"meridian/pkg/protocol"
)

// A Worker does the worker's part: it gets a payload and gives an answer.
type Worker = func(ctx context.Context, payload []byte) ([]byte, error)

// An Invoker is what is tested. It is the interface that internal/coordinator
// declares.
type Invoker interface {
	// Invoke calls the worker that serves region with payload, and returns what
	// it answered and what is known of the invocation.
	Invoke(ctx context.Context, region string, payload []byte) (answer []byte, attempt protocol.Attempt, err error)
}

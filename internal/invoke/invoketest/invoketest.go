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
// a record of every request, and counts connections, so that a test can see a
// request that was sent twice. A [Fault] takes the place of the next answer.
// Nothing in it waits for a clock.
package invoketest

import "context"

// A Worker does the worker's part: it gets a payload and gives an answer.
type Worker = func(ctx context.Context, payload []byte) ([]byte, error)

// An Invoker is what is tested. It is the interface that internal/coordinator
// declares.
type Invoker interface {
	// Invoke calls the worker that serves region with payload, and returns what
	// it answered and the id of the invocation.
	Invoke(ctx context.Context, region string, payload []byte) (answer []byte, requestID string, err error)
}

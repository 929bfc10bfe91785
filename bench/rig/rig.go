// Package rig is the world of a measured process on the loopback interface: the
// Runtime API that a function asks for invocations, the Lambda API that it calls, and
// a limit on its share of a core, as Lambda sets one.
//
// The packages server, client, cold and reserve use it. Each of them has its own
// ServeHTTP, which decides what a worker answers and when. The package call starts its
// server and builds the command line with it.
//
// # Its parts
//
// [Start] serves HTTP, over TLS with the result of [NewCertificate]; [NewLambda] does
// both. [Work] returns the answer of a regionworker that succeeded, and [Respond]
// sends it as Lambda does. [Function] starts a process that [Build] has built,
// [Instance.Limit] limits it to its share, and [Runtime] hands it invocations.
//
// # What it promises
//
// It takes little CPU, because it shares the processors with what is measured: Work
// copies parts of the request as they are. All servers listen on the loopback
// interface only, and the credentials are the example of AWS's documentation.
package rig

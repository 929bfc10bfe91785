// Package rig is what the benchmarks put around what they measure: Lambda as a
// function sees it from inside, and as its caller sees it from outside, on the
// loopback interface, and a share of a core as Lambda gives it.
//
// Bench/server, bench/client, bench/cold and bench/reserve use it. What its parts answer and
// when is theirs: each has a lambda whose ServeHTTP reads from top to bottom.
//
// # Its parts
//
// [Start] serves HTTP, over TLS with what [NewCertificate] makes. [Work] is what
// a regionworker answers that succeeds, and [Respond] sends that as Lambda does. A
// [Runtime] hands invocations to the process of a function, which [Build] makes,
// [Function] has the environment of, and a [Group] holds to its share.
//
// # What it promises
//
// It is cheap, because it shares the processors with what is measured: Work takes
// what it needs out of a request as it stands. Nothing listens on anything but the
// loopback interface, and credentials are AWS's own example.
package rig

package main

import (
	"slices"
	"time"
)

// The ways to call, in the order in which they are shown. Floor is what the
// others are compared with.
const (
	floor       = "floor"
	coordinator = "coordinator"
	path        = "path"
	sdk         = "sdk"
	node        = "node"
	python      = "python"
)

// A scenario is a number of calls to a server, made in several ways in turn.
type scenario struct {
	name   string
	server server
	calls  int
	warm   bool // the second run is measured
	retry  bool // throttled calls are retried
	files  int  // the limit on open files; 0 means the machine's
	ways   []string
	rounds int
}

// A server is what a server is like.
type server struct {
	tls      bool
	setUp    time.Duration // of a connection, before the handshake
	throttle int           // of a hundred calls
	answer   int           // bytes
}

// work is how long the server works on a call.
const work = 100 * time.Millisecond

// far is how long it takes to set up a connection to another Region: two round
// trips, for TCP and for TLS. From us-east-1 half of 20 Regions are nearer than
// 114 ms.
//
// Source: the medians of a year before 2022-04-08 of https://www.cloudping.co, as
// https://github.com/bc-computing/gus-automation has kept them
const far = 2 * 100 * time.Millisecond

// ideal is what the calls take where nothing but the work and the network costs any
// time.
func (s scenario) ideal() time.Duration {
	if s.warm {
		return work
	}
	return s.server.setUp + work
}

// The scenarios in which Meridian is compared with the SDK, by the server's place.
const (
	cold    = "TLS, cold"
	coldFar = "TLS, cold, far"
)

// The sizes of an answer.
const small, large = 256, 64 << 10

// scenarios returns what is measured.
func scenarios(quick bool) []scenario {
	ours := []string{floor, coordinator, path, sdk}
	all := slices.Concat(ours, []string{node, python})
	plain, secure := server{answer: small}, server{tls: true, answer: small}
	remote := server{tls: true, answer: small, setUp: far}
	throttling, generous := server{tls: true, answer: small, throttle: 10}, server{tls: true, answer: large}
	table := []scenario{
		{name: cold, server: secure, calls: 3, ways: ours},
		{name: cold, server: secure, calls: 35, ways: all},
		{name: cold, server: secure, calls: 1000, ways: all},
		{name: cold, server: secure, calls: 5000, ways: ours},
		{name: coldFar, server: remote, calls: 35, ways: all},
		{name: coldFar, server: remote, calls: 1000, ways: all},
		{name: coldFar, server: remote, calls: 5000, ways: ours},
		{name: "TLS, cold, 1,024 files", server: secure, calls: 5000, files: 1024, ways: ours},
		{name: "TLS, warm", server: secure, calls: 3, warm: true, ways: ours},
		{name: "TLS, warm", server: secure, calls: 35, warm: true, ways: ours},
		{name: "TLS, warm", server: secure, calls: 1000, warm: true, ways: ours},
		{name: "TLS, warm", server: secure, calls: 5000, warm: true, ways: ours},
		{name: "TLS, 10 % throttled", server: throttling, calls: 3, retry: true, ways: ours},
		{name: "TLS, 10 % throttled", server: throttling, calls: 35, retry: true, ways: ours},
		{name: "TLS, 10 % throttled", server: throttling, calls: 1000, retry: true, ways: ours},
		{name: "TLS, 10 % throttled", server: throttling, calls: 5000, retry: true, ways: ours},
		{name: "TLS, answers of 64 KiB", server: generous, calls: 3, ways: ours},
		{name: "TLS, answers of 64 KiB", server: generous, calls: 35, ways: ours},
		{name: "TLS, answers of 64 KiB", server: generous, calls: 1000, ways: ours},
		{name: "TLS, answers of 64 KiB", server: generous, calls: 5000, ways: ours},
		{name: "plain, cold", server: plain, calls: 3, ways: ours},
		{name: "plain, cold", server: plain, calls: 35, ways: ours},
		{name: "plain, cold", server: plain, calls: 1000, ways: ours},
		{name: "plain, cold", server: plain, calls: 5000, ways: ours},
		{name: "plain, warm", server: plain, calls: 3, warm: true, ways: ours},
		{name: "plain, warm", server: plain, calls: 35, warm: true, ways: ours},
		{name: "plain, warm", server: plain, calls: 1000, warm: true, ways: ours},
		{name: "plain, warm", server: plain, calls: 5000, warm: true, ways: ours},
	}
	if quick {
		table = slices.DeleteFunc(table, func(s scenario) bool { return !judged(s) })
	}
	for i := range table {
		s := &table[i]
		switch {
		case quick:
			s.rounds, s.ways = 1, ours
			if s.calls < 100 {
				s.rounds = 5
			}
			if s.calls == 5000 && s.name != cold && s.name != coldFar {
				s.ways = ours[:2] // the SDK takes seconds for them
			}
		case s.calls < 100:
			s.rounds = 15 // they are short, and their few milliseconds noisy
		default:
			s.rounds = 5
		}
	}
	return table
}

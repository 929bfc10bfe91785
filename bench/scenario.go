package main

import "slices"

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
	throttle int // of a hundred calls
	answer   int // bytes
}

// The sizes of an answer.
const small, large = 256, 64 << 10

// scenarios returns what is measured.
func scenarios(quick bool) []scenario {
	ours := []string{floor, coordinator, path, sdk}
	all := slices.Concat(ours, []string{node, python})
	plain, secure := server{answer: small}, server{tls: true, answer: small}
	throttling, generous := server{tls: true, answer: small, throttle: 10}, server{tls: true, answer: large}
	table := []scenario{
		{name: "TLS, cold", server: secure, calls: 3, ways: ours},
		{name: "TLS, cold", server: secure, calls: 35, ways: all},
		{name: "TLS, cold", server: secure, calls: 1000, ways: all},
		{name: "TLS, cold", server: secure, calls: 5000, ways: ours},
		{name: "TLS, cold, 1,024 files", server: secure, calls: 5000, files: 1024, ways: ours},
		{name: "TLS, warm", server: secure, calls: 3, warm: true, ways: ours},
		{name: "TLS, warm", server: secure, calls: 35, warm: true, ways: ours},
		{name: "TLS, warm", server: secure, calls: 1000, warm: true, ways: ours},
		{name: "TLS, warm", server: secure, calls: 5000, warm: true, ways: ours},
		{name: "TLS, 10 % throttled", server: throttling, calls: 35, retry: true, ways: ours},
		{name: "TLS, 10 % throttled", server: throttling, calls: 1000, retry: true, ways: ours},
		{name: "TLS, 10 % throttled", server: throttling, calls: 5000, retry: true, ways: ours},
		{name: "TLS, answers of 64 KiB", server: generous, calls: 35, ways: ours},
		{name: "TLS, answers of 64 KiB", server: generous, calls: 1000, ways: ours},
		{name: "plain, cold", server: plain, calls: 3, ways: ours},
		{name: "plain, cold", server: plain, calls: 35, ways: ours},
		{name: "plain, cold", server: plain, calls: 1000, ways: ours},
		{name: "plain, cold", server: plain, calls: 5000, ways: ours},
		{name: "plain, warm", server: plain, calls: 35, warm: true, ways: ours},
		{name: "plain, warm", server: plain, calls: 1000, warm: true, ways: ours},
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
			if s.calls == 5000 && s.name != "TLS, cold" {
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

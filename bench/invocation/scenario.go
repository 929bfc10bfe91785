package invocation

import (
	"slices"
	"time"

	"meridian/bench/client"
)

// The ways of calling in other languages, beside those of client.
const (
	node   = "node"
	python = "python"
)

// titles returns the names of the ways in the tables.
func titles() map[string]string {
	return map[string]string{
		client.Floor: "floor", client.Meridian: "Meridian", client.Prepared: "SDK client, prepared",
		client.SDK: "SDK + errgroup", node: "Node.js", python: "Python",
	}
}

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

// A server is the settings of one.
type server struct {
	tls       bool
	distance  time.Duration // a round trip; setting up a connection takes two
	roundTrip time.Duration // the same for each call
	regions   int           // how many have an endpoint each; 0 means one endpoint for all
	throttle  int           // the percentage of the calls that are throttled
	answer    int           // bytes
}

// setUp is how long the network takes to set up a connection: a round trip for TCP
// and one for TLS.
func (s server) setUp() time.Duration { return 2 * s.distance }

// work is how long the server takes for a call.
const work = 100 * time.Millisecond

// far is the round trip to a far Region. From us-east-1 half of 20 Regions are nearer
// than 114 ms.
//
// Source: the medians of a year before 2022-04-08 of https://www.cloudping.co, as
// https://github.com/bc-computing/gus-automation has kept them
const far = 100 * time.Millisecond

// farthest is the round trip to each Region in the scenario regional.
const farthest = 200 * time.Millisecond

// ideal is how long the calls take if only the work and the network take time.
func (s scenario) ideal() time.Duration {
	if s.warm {
		return work + s.server.roundTrip
	}
	return s.server.setUp() + work + s.server.roundTrip
}

// The scenarios with targets.
const (
	cold      = "TLS, cold"
	coldFar   = "TLS, cold, far"
	coldFew   = "TLS, cold, 1,024 files"
	warm      = "TLS, warm"
	throttled = "TLS, 10 % throttled"
	regional  = "TLS, cold, regional"
)

// The sizes of an answer.
const small, large = 256, 64 << 10

// scenarios returns what is measured.
func scenarios(quick bool) []scenario {
	judgedWays := []string{client.Floor, client.Meridian, client.SDK}
	ours := []string{client.Floor, client.Meridian, client.Prepared, client.SDK}
	all := slices.Concat(ours, []string{node, python})
	secure := server{tls: true, answer: small}
	remote, plain, throttling, generous := secure, secure, secure, secure
	remote.distance, plain.tls, throttling.throttle, generous.answer = far, false, 10, large
	table := []scenario{
		{name: cold, server: secure, calls: 3, ways: ours},
		{name: cold, server: secure, calls: 35, ways: all},
		{name: cold, server: secure, calls: 1000, ways: all},
		{name: cold, server: secure, calls: 5000, ways: ours},
		{name: coldFar, server: remote, calls: 35, ways: all},
		{name: coldFar, server: remote, calls: 1000, ways: all},
		{name: coldFar, server: remote, calls: 5000, ways: ours},
		{
			name: regional, calls: 34, ways: ours,
			server: server{tls: true, answer: small, regions: 34, distance: farthest, roundTrip: farthest},
		},
		{name: coldFew, server: secure, calls: 5000, files: 1024, ways: ours},
	}
	for _, s := range []scenario{
		{name: warm, server: secure, warm: true},
		{name: throttled, server: throttling, retry: true},
		{name: "TLS, answers of 64 KiB", server: generous},
		{name: "plain, cold", server: plain},
		{name: "plain, warm", server: plain, warm: true},
	} {
		for _, s.calls = range []int{3, 35, 1000, 5000} {
			s.ways = ours
			table = append(table, s)
		}
	}
	if quick {
		table = slices.DeleteFunc(table, func(s scenario) bool { return !judged(s) && s.name != regional })
	}
	for i := range table {
		s := &table[i]
		s.rounds = 5
		switch {
		case quick && s.calls > 100:
			s.rounds, s.ways = 1, judgedWays
			if s.calls == 5000 && s.name != cold && s.name != coldFar {
				s.ways = judgedWays[:2] // 5,000 calls take the SDK seconds
			}
		case quick:
			s.ways = judgedWays
		case s.calls < 100:
			s.rounds = 15 // such a run takes a few milliseconds, with much noise
		}
	}
	return table
}

package invocation

import (
	"time"

	"meridian/bench/client"
	"meridian/bench/meridian"
	"meridian/bench/server"
)

// A scenario is a number of calls to a server, made in several ways in turn.
type scenario struct {
	name string
	client.Settings
	server server.Settings
	ways   []string
	rounds int
}

// work is how long the server takes for a call.
const work = 100 * time.Millisecond

// far is the round trip to a far Region. From us-east-1 half of 20 Regions are nearer
// than 114 ms. Setting up a connection takes two of them: one for TCP, one for TLS.
//
// Source: the medians of a year before 2022-04-08 of https://www.cloudping.co, as
// https://github.com/bc-computing/gus-automation has kept them
const far = 100 * time.Millisecond

// farthest is the round trip to each Region in the scenario regional.
const farthest = 200 * time.Millisecond

// ideal is how long the calls take if only the work and the network take time.
func (s scenario) ideal() time.Duration {
	if s.Warm {
		return s.server.Delay
	}
	return s.server.SetUp + s.server.Delay
}

// The names of the scenarios.
const (
	cold        = "TLS, cold"
	coldFar     = "TLS, cold, far"
	coldFew     = "TLS, cold, 1,024 files"
	warm        = "TLS, warm"
	throttled   = "TLS, 10 % throttled"
	regional    = "TLS, cold, regional"
	large       = "TLS, answers of 64 KiB"
	callersCold = "TLS, cold, a function of the caller's"
	callersWarm = "TLS, warm, a function of the caller's"
)

// scenarios returns what is measured.
func scenarios(quick bool) []scenario {
	var regions []string
	for _, region := range meridian.Regions(34) {
		regions = append(regions, "lambda."+region+".amazonaws.com")
	}
	var all []scenario
	for _, s := range []struct {
		scenario
		calls []int
	}{
		{scenario{name: cold}, []int{35, 1000, 5000}},
		{scenario{name: coldFar, server: server.Settings{SetUp: 2 * far}}, []int{35, 1000, 5000}},
		{scenario{name: regional, server: server.Settings{Names: regions, SetUp: 2 * farthest, Delay: work + farthest}}, []int{34}},
		{scenario{name: coldFew, Settings: client.Settings{Files: 1024}}, []int{5000}},
		{scenario{name: warm, Settings: client.Settings{Warm: true}}, []int{35, 1000, 5000}},
		{scenario{name: callersCold, Settings: client.Settings{Function: true}}, []int{5000}},
		{scenario{name: callersWarm, Settings: client.Settings{Function: true, Warm: true}}, []int{5000}},
		{scenario{name: throttled, Settings: client.Settings{Retry: true}, server: server.Settings{Throttle: 10}}, []int{1000, 5000}},
		{scenario{name: large, server: server.Settings{Answer: 64 << 10}}, []int{1000}},
	} {
		if s.server.Names == nil {
			s.server.Names, s.server.Delay = []string{"localhost"}, work
		}
		s.server.Answer, s.ways = max(s.server.Answer, 256), []string{client.Floor, client.Meridian, client.SDK}
		for _, s.Calls = range s.calls {
			// The fewer calls a run has, the shorter it is, and the more noise it has.
			s.rounds = 7
			switch {
			case quick && (s.name == large || s.Calls == 5000 && len(s.calls) > 1):
				continue
			case quick && s.Calls == 5000:
				s.rounds, s.ways = 1, s.ways[:2] // the SDK takes seconds
			case quick && s.Calls > 100:
				s.rounds = 1
			case quick:
				s.rounds = 3
			case s.Calls <= 100:
				s.rounds = 41
			case s.Calls <= 1000:
				s.rounds = 15
			}
			all = append(all, s.scenario)
		}
	}
	return all
}

package invoketest

import "time"

// An account counts what Lambda limits and keeps warm: calls by Region, environments
// by function and Region.
type account struct {
	limit     int
	coldStart time.Duration

	inFlight     map[string]int
	all, peak    int
	throttled    int
	idle         map[string]int // environments
	environments int

	log      LogFormat
	memoryMB int
	reports  int
	billed   time.Duration
}

// Counts are what a Server saw.
type Counts struct {
	// Calls is how many requests there were, throttled ones included.
	Calls int

	// Peak is the most calls in flight at once, in all Regions.
	Peak int

	// Throttled is how many calls exceeded the limit, see [Server.Limit].
	Throttled int

	// Environments is how many environments were started.
	Environments int

	// Refused and Unanswered are how many dials failed in that way, see
	// [Server.DecideConnections].
	Refused, Unanswered int

	// Reports is how many answers had a log, and Billed the sum of the billed
	// durations in their reports, see [Server.Log].
	Reports int
	Billed  time.Duration
}

// Counts returns what the server saw so far.
func (s *Server) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Counts{
		Calls: len(s.requests), Peak: s.account.peak, Throttled: s.account.throttled,
		Environments: s.account.environments, Refused: s.conns.refused, Unanswered: s.conns.unanswered,
		Reports: s.account.reports, Billed: s.account.billed,
	}
}

// enter counts a call in a Region, and reports whether it is within the limit.
func (s *Server) enter(region string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.account
	if a.limit > 0 && a.inFlight[region] >= a.limit {
		a.throttled++
		return false
	}
	if a.inFlight == nil {
		a.inFlight = map[string]int{}
	}
	a.inFlight[region]++
	a.all++
	a.peak = max(a.peak, a.all)
	return true
}

func (s *Server) leave(region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account.inFlight[region]--
	s.account.all--
}

// occupy takes an idle environment of a name or makes a new one, and returns how
// long that takes to start.
func (s *Server) occupy(environment string) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := &s.account
	if a.idle[environment] > 0 {
		a.idle[environment]--
		return 0
	}
	a.environments++
	return a.coldStart
}

func (s *Server) release(environment string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.account.idle == nil {
		s.account.idle = map[string]int{}
	}
	s.account.idle[environment]++
}

package faults_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// A hazard is one way in which calls go wrong. Its times are in beats, which are
// seconds in virtual time and shorter against the clock.
type hazard struct {
	name string

	// fault returns what a call meets, made anew for each run. Nil means none.
	fault func(beat time.Duration) invoketest.Fault

	// connection is what connecting meets.
	connection invoketest.ConnectionFault

	// swallows says that the server may not see a call that was made.
	swallows bool

	// heavy says that its calls take more bytes than others.
	heavy bool

	// server makes the whole server another one, for all calls. Nil means no.
	server func(s *invoketest.Server, beat time.Duration)

	// limit is how many calls the server's account bears at once. The run then has
	// twice as many invocations, which take a beat each, and has to succeed under
	// the retriers of a request without any of its own. Zero means no limit.
	limit int
}

// hazards returns all of them.
func hazards() []hazard {
	return slices.Concat(latencies(), accounts(), refusals(), cuts(), functionErrors(), garbage(), lies())
}

// met is a hazard of one fault without a time.
func met(name string, f invoketest.Fault) hazard {
	return hazard{name: name, fault: func(time.Duration) invoketest.Fault { return f }}
}

func latencies() []hazard {
	slow := func(name string, latency func(beat time.Duration) invoketest.Latency) hazard {
		return hazard{name: name, fault: func(beat time.Duration) invoketest.Fault {
			return invoketest.After(latency(beat), nil)
		}}
	}
	const seed = 5
	return []hazard{
		slow("slow", func(beat time.Duration) invoketest.Latency { return invoketest.Fixed(2 * beat) }),
		slow("slow, log-normal", func(beat time.Duration) invoketest.Latency {
			return invoketest.LogNormal(seed, beat/2, 6*beat)
		}),
		slow("slow, 1 of 100 20 times", func(beat time.Duration) invoketest.Latency {
			return invoketest.Stragglers(seed, beat/2, 0.01, 20)
		}),
		met("never answers", invoketest.Hang),
		{name: "cold starts", server: func(s *invoketest.Server, beat time.Duration) { s.ColdStart(2 * beat) }},
	}
}

func accounts() (all []hazard) {
	for _, limit := range []int{10, 50, 1000} {
		all = append(all, hazard{
			name: fmt.Sprintf("an account with %d", limit), limit: limit, heavy: limit >= 1000,
			server: func(s *invoketest.Server, beat time.Duration) {
				s.Limit(limit)
				s.ColdStart(beat)
			},
		})
	}
	return all
}

func refusals() (all []hazard) {
	for _, reason := range invoketest.ThrottleReasons() {
		all = append(all, met("429 "+reason, invoketest.Throttle(reason, 0)))
	}
	return append(all,
		met("429, Retry-After 1 s", invoketest.Throttle(invoketest.ConcurrentInvocations, time.Second)),
		met("429, Retry-After 1 h", invoketest.Throttle(invoketest.ConcurrentInvocations, time.Hour)),
		met("500 ServiceException", invoketest.Refuse(http.StatusInternalServerError, "ServiceException", "try later")),
		met("502 of a gateway", invoketest.Answer(http.StatusBadGateway, "<html>502 Bad Gateway</html>", "Content-Type", "text/html")),
		met("503 without a body", invoketest.Answer(http.StatusServiceUnavailable, "")),
		met("504 of a gateway", invoketest.Answer(http.StatusGatewayTimeout, "upstream request timeout")),
		met("403 AccessDeniedException", invoketest.Refuse(http.StatusForbidden, "AccessDeniedException", "not authorized")),
		met("404 ResourceNotFound", invoketest.Refuse(http.StatusNotFound, "ResourceNotFoundException", "Function not found")),
		met("307", invoketest.Answer(http.StatusTemporaryRedirect, "", "Location", "/elsewhere")),
	)
}

func cuts() []hazard {
	return []hazard{
		{name: "connection refused", connection: invoketest.Refused, swallows: true},
		{name: "no answer to connecting", connection: invoketest.Unanswered, swallows: true},
		met("reset before the body", invoketest.CutInRequest(0)),
		met("reset in the body", invoketest.CutInRequest(20)),
		met("reset after the body", invoketest.CutAfterRequest),
		met("closed after the body", invoketest.CloseAfterRequest),
		met("reset after the work", invoketest.CutAfterWork),
		met("reset in the answer", invoketest.CutInAnswer(1000, 10)),
		met("half an answer", invoketest.Truncated()),
	}
}

func functionErrors() []hazard {
	const payload = `{"errorType":"Task.Broken","errorMessage":"as the test wants it"}`
	return []hazard{
		met("FunctionError Handled", invoketest.FunctionError("Handled", payload)),
		met("FunctionError Unhandled", invoketest.FunctionError("Unhandled", payload)),
		met("FunctionError, empty", invoketest.FunctionError("Unhandled", "")),
		met("task timed out", invoketest.TimedOut(3*time.Second)),
		met("task timed out, untyped", invoketest.TimedOutUntyped(3*time.Second)),
		met("exit status 2", invoketest.Crashed("exit status 2")),
		met("signal: killed", invoketest.Crashed("signal: killed")),
		met("6 MB + 1 of the function", invoketest.TooLarge),
		met("States.Runtime, terminal", invoketest.FunctionError("Unhandled", `{"errorType":"States.Runtime"}`)),
	}
}

func garbage() []hazard {
	heavy := func(name string, f invoketest.Fault) hazard {
		h := met(name, f)
		h.heavy = true
		return h
	}
	return []hazard{
		met("no bytes", invoketest.Answer(http.StatusOK, "")),
		met("HTML", invoketest.Answer(http.StatusOK, "<html>hello</html>", "Content-Type", "text/html")),
		met("null", invoketest.Answer(http.StatusOK, "null")),
		met("{}", invoketest.Answer(http.StatusOK, "{}")),
		met("10,000 brackets", invoketest.Answer(http.StatusOK, strings.Repeat("[", 10_000))),
		heavy("6 MB + 1 on the wire", invoketest.Answer(http.StatusOK, strings.Repeat(" ", protocol.MaxPayloadBytes+1))),
		heavy("no end of bytes", invoketest.Endless),
	}
}

func lies() []hazard {
	lie := func(name string, edit func(*protocol.RegionResult)) hazard { return met(name, invoketest.Lie(edit)) }
	fresh := func(name string, f func() invoketest.Fault) hazard {
		return hazard{name: name, fault: func(time.Duration) invoketest.Fault { return f() }}
	}
	return []hazard{
		lie("of another run", func(r *protocol.RegionResult) { r.RunID = "01JB3V7M5Q0000000000000000" }),
		lie("of another Region", func(r *protocol.RegionResult) { r.Region = "us-gov-west-1" }),
		lie("of another batch", func(r *protocol.RegionResult) { r.Batch++ }),
		lie("of another version", func(r *protocol.RegionResult) { r.Version++ }),
		lie("a target twice", func(r *protocol.RegionResult) { r.Targets[1] = r.Targets[0] }),
		lie("a target more", func(r *protocol.RegionResult) { r.Targets = append(r.Targets, r.Targets[0]) }),
		lie("a target less", func(r *protocol.RegionResult) { r.Targets = r.Targets[1:] }),
		lie("another target", func(r *protocol.RegionResult) { r.Targets[0].Target = "moon" }),
		lie("another order", func(r *protocol.RegionResult) { slices.Reverse(r.Targets) }),
		lie("an unknown status", func(r *protocol.RegionResult) { r.Targets[0].Status = "FINE" }),
		lie("a success that is none", func(r *protocol.RegionResult) { r.Targets[0].Status = protocol.StatusFailed }),
		fresh("the answer before", invoketest.Previous),
		fresh("each other's answers", invoketest.Exchange),
		// Twice keeps the connection, and what else comes over it is not answered.
		{name: "every answer twice", fault: func(time.Duration) invoketest.Fault { return invoketest.Twice }, swallows: true},
	}
}

package faults_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// A hazard is one way in which calls fail. Its times are in beats. A beat is a second
// in virtual time, and shorter in real time.
type hazard struct {
	name string

	// fault returns a new fault for the calls of a run. Nil means none.
	fault func(beat time.Duration) invoketest.Fault

	// connection is the fault of connections.
	connection invoketest.ConnectionFault

	// hidesCalls means that the server may not see every call.
	hidesCalls bool

	// large means that its calls take more memory or time than others.
	large bool

	// server changes the server for all calls. Nil means no change.
	server func(s *invoketest.Server, beat time.Duration)

	// once means that the task may not be done twice, and the retriers are the default
	// ones. ran means that each call with the fault may have run, so that it must not be
	// made again.
	once, ran bool

	// limit is the concurrency limit of the server's account. The run then has twice
	// as many invocations, which take a beat each, and must succeed with the default
	// retriers. Zero means no limit.
	limit int

	// crowd is how many invocations may be in flight at once. Each Region then has
	// twice as many, which take a beat each without the fault. Zero means no bound.
	crowd int

	// home means that one function serves all Regions.
	home bool
}

// hazards returns all of them.
func hazards() []hazard {
	return slices.Concat(latencies(), crowds(), accounts(), refusals(), errorsAfterWork(), cuts(), functionErrors(), garbage(), lies())
}

// simple returns a hazard with a fault that has no duration.
func simple(name string, f invoketest.Fault) hazard {
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
		simple("never answers", invoketest.Hang),
		{name: "cold starts", server: func(s *invoketest.Server, beat time.Duration) { s.ColdStart(2 * beat) }},
	}
}

// crowds are runs in which a Region that never answers could hold all that is in flight.
func crowds() (all []hazard) {
	for _, home := range []bool{false, true} {
		h := simple(fmt.Sprintf("never answers, 20 at once, one function %t", home), invoketest.Hang)
		h.crowd, h.home = 20, home
		all = append(all, h)
	}
	return all
}

func accounts() (all []hazard) {
	for _, limit := range []int{10, 50, 1000} {
		all = append(all, hazard{
			name: fmt.Sprintf("an account with %d", limit), limit: limit, large: limit >= 1000,
			server: func(s *invoketest.Server, beat time.Duration) {
				s.Limit(limit)
				s.ColdStart(beat)
			},
		})
	}
	return all
}

func refusals() (all []hazard) {
	for _, reason := range types.ThrottleReason("").Values() {
		all = append(all, simple("429 "+string(reason), invoketest.Throttle(string(reason), 0)))
	}
	return append(all,
		simple("429, Retry-After 1 s", invoketest.Throttle(invoketest.ConcurrentInvocations, time.Second)),
		simple("429, Retry-After 1 h", invoketest.Throttle(invoketest.ConcurrentInvocations, time.Hour)),
		simple("500 ServiceException", invoketest.Refuse(http.StatusInternalServerError, "ServiceException", "try later")),
		simple("502 of a gateway", invoketest.Answer(http.StatusBadGateway, "<html>502 Bad Gateway</html>", "Content-Type", "text/html")),
		simple("503 without a body", invoketest.Answer(http.StatusServiceUnavailable, "")),
		simple("504 of a gateway", invoketest.Answer(http.StatusGatewayTimeout, "upstream request timeout")),
		simple("403 AccessDeniedException", invoketest.Refuse(http.StatusForbidden, "AccessDeniedException", "not authorized")),
		simple("404 ResourceNotFound", invoketest.Refuse(http.StatusNotFound, "ResourceNotFoundException", "Function not found")),
		simple("307", invoketest.Answer(http.StatusTemporaryRedirect, "", "Location", "/elsewhere")),
	)
}

func cuts() []hazard {
	return []hazard{
		{name: "connection refused", connection: invoketest.Refused, hidesCalls: true},
		{name: "no answer to connecting", connection: invoketest.Unanswered, hidesCalls: true},
		simple("reset before the body", invoketest.CutInRequest(0)),
		simple("reset in the body", invoketest.CutInRequest(20)),
		simple("reset after the body", invoketest.CutAfterRequest),
		simple("closed after the body", invoketest.CloseAfterRequest),
		simple("reset after the work", invoketest.CutAfterWork),
		simple("reset in the answer", invoketest.CutInAnswer(1000, 10)),
		simple("half an answer", invoketest.Truncated()),
	}
}

func functionErrors() []hazard {
	const payload = `{"errorType":"Task.Broken","errorMessage":"as the test asked for"}`
	return []hazard{
		simple("FunctionError Handled", invoketest.FunctionError("Handled", payload)),
		simple("FunctionError Unhandled", invoketest.FunctionError("Unhandled", payload)),
		simple("FunctionError, empty", invoketest.FunctionError("Unhandled", "")),
		simple("task timed out", invoketest.TimedOut(3*time.Second)),
		simple("task timed out, untyped", invoketest.TimedOutUntyped(3*time.Second)),
		simple("exit status 2", invoketest.Crashed("exit status 2")),
		simple("signal: killed", invoketest.Crashed("signal: killed")),
		simple("6 MB + 1 of the function", invoketest.TooLarge),
		simple("States.Runtime, terminal", invoketest.FunctionError("Unhandled", `{"errorType":"States.Runtime"}`)),
	}
}

func garbage() []hazard {
	large := func(name string, f invoketest.Fault) hazard {
		h := simple(name, f)
		h.large = true
		return h
	}
	return []hazard{
		simple("no bytes", invoketest.Answer(http.StatusOK, "")),
		simple("HTML", invoketest.Answer(http.StatusOK, "<html>hello</html>", "Content-Type", "text/html")),
		simple("null", invoketest.Answer(http.StatusOK, "null")),
		simple("{}", invoketest.Answer(http.StatusOK, "{}")),
		simple("10,000 brackets", invoketest.Answer(http.StatusOK, strings.Repeat("[", 10_000))),
		large("6 MB + 1 on the wire", invoketest.Answer(http.StatusOK, strings.Repeat(" ", protocol.MaxPayloadBytes+1))),
		large("no end of bytes", invoketest.Endless),
	}
}

func lies() []hazard {
	lie := func(name string, edit func(*protocol.RegionResult)) hazard { return simple(name, invoketest.Lie(edit)) }
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
		// After Twice the connection stays open, but later calls on it get no answer.
		{name: "every answer twice", fault: func(time.Duration) invoketest.Fault { return invoketest.Twice }, hidesCalls: true},
	}
}

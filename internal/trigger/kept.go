package trigger

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"meridian/pkg/protocol"
)

// show answers with the state of a run. If the caller has this version of it already, the
// answer is 304. It waits for the run's end as long as the caller prefers.
func (h *Handler) show(ctx context.Context, c *call) (reply, *Problem) {
	if _, faults := c.parameters(); faults != nil {
		return reply{}, invalidProblem(faults)
	}
	wait := c.wait()
	state, err := h.Keeper.Show(ctx, c.runID, shortened(ctx, wait), maxAPIAnswerBytes-stateBytes)
	if err != nil {
		return reply{}, problemOf(err)
	}
	tag := tagOf(&state)
	answer, p := reply{status: http.StatusNotModified}, (*Problem)(nil)
	if !c.unchanged(tag) {
		answer, p = jsonReply(http.StatusOK, state)
	}
	if wait > 0 {
		answer = answer.with("preference-applied", fmt.Sprintf("%s=%v", waitPreference, wait.Seconds()))
	}
	return answer.with("etag", tag), p
}

// tagOf returns the entity tag of a state. The tag changes with each event, and when the run is
// interrupted or is being stopped, which are no events. It is weak while the run goes on,
// because the elapsed time changes and the tag does not.
// Source: https://www.rfc-editor.org/rfc/rfc9110#name-weak-versus-strong
func tagOf(s *protocol.RunState) string {
	tag := fmt.Sprintf("%s-%d-%d", s.Status, s.Events, s.Redrives)
	if s.Interrupted {
		tag += "-interrupted"
	}
	if s.Stopping {
		tag += "-stopping"
	}
	if s.Status == protocol.StatusRunning {
		return `W/"` + tag + `"`
	}
	return `"` + tag + `"`
}

// events answers with events of a run, a line each. As long as there can be more, the
// answer has a link to them.
func (h *Handler) events(ctx context.Context, c *call) (reply, *Problem) {
	given, faults := c.parameters("after")
	after, wrong := whole("after", given)
	if wrong == nil && after < 0 {
		wrong = protocol.Faults{protocol.NewFault("after", after, "want 0 or more (0 means all events)")}
	}
	if faults = faults.And(wrong); faults != nil {
		return reply{}, invalidProblem(faults)
	}
	page, err := h.Keeper.Events(ctx, c.runID, after, maxAPIAnswerBytes)
	if err != nil {
		return reply{}, problemOf(err)
	}
	var lines bytes.Buffer
	for _, event := range page.Events {
		lines.Write(event)
		lines.WriteByte('\n')
	}
	if err := within(lines.Bytes(), maxAPIAnswerBytes); err != nil {
		return reply{}, problemOf(err) // of one event alone
	}
	answer := reply{status: http.StatusOK, body: lines.Bytes()}.with("content-type", "application/jsonl")
	if !page.Ended {
		next := fmt.Sprintf(`<%s/events?after=%d>; rel="next"`, c.location(c.runID), max(after, page.After))
		answer = answer.with("link", next)
	}
	return answer, nil
}

// list answers with one page of runs.
func (h *Handler) list(ctx context.Context, c *call) (reply, *Problem) {
	given, faults := c.parameters("name", "status", "since", "limit", "next")
	q := protocol.RunQuery{Name: given["name"], Status: protocol.Status(given["status"]), Next: given["next"]}
	limit, wrong := whole("limit", given)
	q.Limit, faults = limit, faults.And(wrong)
	if since := given["since"]; since != "" {
		var err error
		if q.Since, err = time.Parse(time.RFC3339, since); err != nil {
			faults = faults.And(protocol.Faults{protocol.NewFault("since", since, "want a time such as 2026-11-30T09:00:00Z")})
		}
	}
	if faults = faults.And(q.Validate()); faults != nil {
		return reply{}, invalidProblem(faults)
	}
	page, err := h.Keeper.List(ctx, q)
	if err != nil {
		return reply{}, problemOf(err)
	}
	return jsonReply(http.StatusOK, page)
}

// whole returns a parameter that is a whole number, 0 without it, or the fault of it.
func whole(name string, given map[string]string) (int, protocol.Faults) {
	if given[name] == "" {
		return 0, nil
	}
	n, err := strconv.Atoi(given[name])
	if err != nil {
		return 0, protocol.Faults{protocol.NewFault(name, given[name], "want a whole number")}
	}
	return n, nil
}

// stop stops a run: 202 while it goes on, 200 if it has ended.
func (h *Handler) stop(ctx context.Context, c *call) (reply, *Problem) {
	if p := c.bare(); p != nil {
		return reply{}, p
	}
	state, err := h.Keeper.Stop(ctx, c.runID)
	if err == nil && state.Status != protocol.StatusRunning {
		return jsonReply(http.StatusOK, state)
	}
	return c.accepted(state, err)
}

// resume has a run carried on that nothing carries on.
func (h *Handler) resume(ctx context.Context, c *call) (reply, *Problem) {
	if p := c.bare(); p != nil {
		return reply{}, p
	}
	return c.accepted(h.Keeper.Resume(ctx, c.runID))
}

// redrive does again what the body says, or everything that did not succeed.
func (h *Handler) redrive(ctx context.Context, c *call) (reply, *Problem) {
	var d protocol.Redrive
	_, faults := c.parameters()
	p := c.object(&d)
	if p != nil {
		return reply{}, p
	}
	if faults = faults.And(d.Validate()); faults != nil {
		return reply{}, invalidProblem(faults)
	}
	return c.accepted(h.Keeper.Redrive(ctx, c.runID, d))
}

// bare returns the problem of a request that has parameters, or a body other than {}.
func (c *call) bare() *Problem {
	if _, faults := c.parameters(); faults != nil {
		return invalidProblem(faults)
	}
	return c.object(&struct{}{})
}

// accepted answers 202 with the state of a run that goes on, and where to look it up.
func (c *call) accepted(state protocol.RunState, err error) (reply, *Problem) {
	if err != nil {
		return reply{}, problemOf(err)
	}
	answer, p := jsonReply(http.StatusAccepted, state)
	return answer.with("location", c.location(state.RunID)), p
}

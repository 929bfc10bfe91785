package coordinator

import (
	"time"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// Rebuild returns the result of a kept run as its log has it. That of a run that has not ended is
// RUNNING, with the outcomes so far. Nothing is invoked.
func (c *Coordinator) Rebuild(ready Ready, begin time.Time, h *History) protocol.Result {
	c.redo(&ready.Plan, h.redrive)
	r := c.runOf(&ready, begin)
	r.restore(h)
	r.gather()
	for i, u := range r.units {
		p := h.past[i]
		if h.ended != nil {
			p.status, p.why = h.ends(i)
		}
		r.restoreUnit(i, &p)
		o := r.before(i)
		if o.Status == "" {
			r.leaveOpen(u, o, len(p.running) > 0)
			continue
		}
		r.add(u, o)
	}
	r.notices = union(h.notices, r.notices)
	result := r.result(fanout.Verdict{Status: fanout.Succeeded})
	if result.Status = protocol.StatusRunning; h.ended != nil {
		e := h.ended
		result.Status, result.Error, result.Cause = e.Status, e.Error, e.Cause
		result.ElapsedMs, result.Message, result.Summary = e.ElapsedMs, e.Message, e.Summary
	}
	return result
}

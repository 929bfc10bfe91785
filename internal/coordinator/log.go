package coordinator

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"strings"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// logger returns the log of one run.
func (c *Coordinator) logger(p *Plan) *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log.With("runId", p.RunID, "task", p.Request.Task)
}

// logEvent writes the run's start, its notices, its end, and each Region that did
// not succeed. A line's requestId is the coordinator's own, which Lambda's logger
// adds.
func (r *run) logEvent(ctx context.Context, e protocol.Event) {
	switch e.Type {
	case protocol.EventRunStarted:
		r.logger.InfoContext(ctx, "run started", "name", e.Started.Name,
			"regions", e.Started.Regions, "invocations", e.Started.Invocations)
	case protocol.EventNotice:
		r.logger.WarnContext(ctx, e.Notice)
	case protocol.EventRegionSettled:
		o := e.Outcome
		if o.Status == protocol.StatusSucceeded || o.Status == protocol.StatusSkipped {
			return
		}
		r.accountLogger(o.Account).WarnContext(ctx, "region did not succeed", "region", o.Region, "status", o.Status, "error", o.Error,
			"cause", loggedCause(o.Error, o.Cause), "workerRequestId", o.RequestID, "attempts", len(o.Attempts), "elapsedMs", o.ElapsedMs)
	case protocol.EventRunEnded:
		level, s, cause := slog.LevelInfo, e.Ended.Summary, e.Ended.Cause
		if e.Ended.Status != protocol.StatusSucceeded {
			level = slog.LevelWarn
		}
		if e.Ended.Error == protocol.ErrorExceedToleratedFailureThreshold {
			cause = "" // it is a Region's, which has a line of its own
		}
		log := r.logger
		if s.Cost != nil && s.Cost.USD > 0 {
			log = log.With("costUsd", s.Cost.USD)
		}
		log.Log(ctx, level, e.Ended.Message, "name", r.plan.Request.Name, "status", e.Ended.Status, "error", e.Ended.Error, "cause", cause,
			"succeeded", s.Regions.Succeeded, "failed", s.Regions.Failed, "timedOut", s.Regions.TimedOut,
			"aborted", s.Regions.Aborted, "notStarted", s.Regions.NotStarted, "skipped", s.Regions.Skipped,
			"elapsedMs", e.Ended.ElapsedMs, "retries", s.Retries, "throttled", s.Throttled)
	case protocol.EventAttemptStarted, protocol.EventAttemptEnded, protocol.EventGenerationStarted, protocol.EventGenerationEnded:
	}
}

// accountLogger returns the log for lines about an account; empty means that the run has none.
func (r *run) accountLogger(account string) *slog.Logger {
	if account == "" {
		return r.logger
	}
	return r.logger.With("account", account)
}

// loggedCause returns a cause as it is logged: what a worker says of a request that it
// refuses can repeat the values that it refused.
func loggedCause(name, cause string) string {
	if name == protocol.ErrorInvalidRequest {
		return ""
	}
	return cause
}

// logPanic writes the stack of an invocation that panicked in this process: here
// and nowhere else.
func (r *run) logPanic(ctx context.Context, u unit, o fanout.Outcome[*reply]) {
	p, ok := errors.AsType[*fanout.PanicError](o.Err)
	if !ok {
		return
	}
	at := r.plan.outcome(&r.plan.Regions[u.region])
	r.accountLogger(at.Account).ErrorContext(ctx, p.Error(), "region", cmp.Or(strings.Join(r.plan.regionsOf(u), ","), at.Region),
		"batch", u.batch, "stack", string(p.Stack))
}

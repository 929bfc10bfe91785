package coordinator

import (
	"context"
	"errors"
	"log/slog"

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
		log := r.logger
		if o.Account != "" {
			log = log.With("account", o.Account)
		}
		log.WarnContext(ctx, "region did not succeed", "region", o.Region, "status", o.Status, "error", o.Error,
			"cause", loggedCause(o.Error, o.Cause), "workerRequestId", o.RequestID, "attempts", len(o.Attempts), "elapsedMs", o.ElapsedMs)
	case protocol.EventRunEnded:
		level, s, cause := slog.LevelInfo, e.Ended.Summary, e.Ended.Cause
		if e.Ended.Status != protocol.StatusSucceeded {
			level = slog.LevelWarn
		}
		if e.Ended.Error == protocol.ErrorExceedToleratedFailureThreshold {
			cause = "" // it is a Region's, which has a line of its own
		}
		r.logger.Log(ctx, level, e.Ended.Message, "status", e.Ended.Status, "error", e.Ended.Error, "cause", cause,
			"succeeded", s.Regions.Succeeded, "failed", s.Regions.Failed, "timedOut", s.Regions.TimedOut,
			"aborted", s.Regions.Aborted, "notStarted", s.Regions.NotStarted, "skipped", s.Regions.Skipped,
			"elapsedMs", e.Ended.ElapsedMs, "retries", s.Retries)
	case protocol.EventAttemptStarted, protocol.EventAttemptEnded, protocol.EventGenerationStarted, protocol.EventGenerationEnded:
	}
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
	if p, ok := errors.AsType[*fanout.PanicError](o.Err); ok {
		r.logger.ErrorContext(ctx, p.Error(), "region", r.region(u), "batch", u.batch, "stack", string(p.Stack))
	}
}

package coordinator

import (
	"context"
	"errors"
	"log/slog"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// logger returns the log of one run.
func (c *Coordinator) logger(p *plan) *slog.Logger {
	if c.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return c.Log.With("runId", p.runID, "task", p.request.Task)
}

func logStart(ctx context.Context, log *slog.Logger, p *plan) {
	log.InfoContext(ctx, "run started", "name", p.request.Name,
		"regions", len(p.regions), "invocations", len(p.units))
	for _, notice := range p.notices {
		log.WarnContext(ctx, notice)
	}
}

// logRegion writes a line for a Region that did not succeed. The line's requestId
// is the coordinator's own, which Lambda's logger adds.
func logRegion(ctx context.Context, log *slog.Logger, r *protocol.RegionOutcome) {
	if r.Status == protocol.StatusSucceeded || r.Status == protocol.StatusSkipped {
		return
	}
	log.WarnContext(ctx, "region did not succeed", "region", r.Region, "status", r.Status, "error", r.Error,
		"cause", r.Cause, "workerRequestId", r.RequestID, "attempts", len(r.Attempts), "elapsedMs", r.ElapsedMs)
}

// logPanic writes the stack of an invocation that panicked on this side: here
// and nowhere else.
func logPanic(ctx context.Context, log *slog.Logger, u unit, o fanout.Outcome[reply]) {
	if p, ok := errors.AsType[*fanout.PanicError](o.Err); ok {
		log.ErrorContext(ctx, p.Error(), "region", u.plan.regions[u.region], "batch", u.batch, "stack", string(p.Stack))
	}
}

func logEnd(ctx context.Context, log *slog.Logger, r protocol.Result) {
	level := slog.LevelInfo
	if r.Status != protocol.StatusSucceeded {
		level = slog.LevelWarn
	}
	c := r.Summary.Regions
	log.Log(ctx, level, r.Message, "status", r.Status, "error", r.Error, "cause", r.Cause,
		"succeeded", c.Succeeded, "failed", c.Failed, "timedOut", c.TimedOut, "aborted", c.Aborted,
		"notStarted", c.NotStarted, "skipped", c.Skipped,
		"elapsedMs", r.ElapsedMs, "speedup", r.Summary.Speedup, "retries", r.Summary.Retries)
}

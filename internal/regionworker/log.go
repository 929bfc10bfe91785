package regionworker

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// logger returns the log of one invocation.
func (w *Worker) logger(r protocol.RegionRequest) *slog.Logger {
	if w.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return w.Log.With("runId", r.RunID, "region", r.Region, "batch", r.Batch, "attempt", r.Attempt, "task", r.Task)
}

// logOutcome logs the message of a target's output, or its error. The stack of a panic
// is logged here and nowhere else.
func logOutcome(ctx context.Context, log *slog.Logger, t protocol.TargetOutcome, o fanout.Outcome[output]) {
	if t.Status == protocol.StatusSucceeded {
		if !log.Enabled(ctx, slog.LevelInfo) {
			return
		}
		var output struct {
			Message string `json:"message"`
		}
		if json.Unmarshal(t.Output, &output) == nil && output.Message != "" {
			log.InfoContext(ctx, output.Message, "target", t.Target, "elapsedMs", t.ElapsedMs)
		}
		return
	}
	level := slog.LevelWarn
	if t.Status == protocol.StatusSkipped {
		level = slog.LevelInfo
	}
	line := []any{
		"target", t.Target, "status", t.Status, "error", t.Error, "cause", t.Cause, "elapsedMs", t.ElapsedMs,
	}
	if p, ok := errors.AsType[*fanout.PanicError](o.Err); ok {
		line = append(line, "stack", string(p.Stack))
	}
	log.Log(ctx, level, "target did not succeed", line...)
}

package regionworker

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"meridian/internal/fanout"
	"meridian/pkg/protocol"
)

// logger returns the log of one invocation. Its lines need a Region.
func (w *Worker) logger(r protocol.RegionRequest) *slog.Logger {
	if w.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	fields := []any{"runId", r.RunID}
	if r.Account != nil {
		fields = append(fields, "account", r.Account.Account)
	}
	return w.Log.With(append(fields, "batch", r.Batch, "attempt", r.Attempt, "task", r.Task)...)
}

// logTarget logs what became of one target of a Region: the message of its output, or its error. It
// does so at DEBUG, because a log is paid by the byte, and the answer says the same.
func logTarget(ctx context.Context, log *slog.Logger, region string, t protocol.TargetOutcome, kept *protocol.Output) {
	if !log.Enabled(ctx, slog.LevelDebug) {
		return
	}
	kept.PutInto(&t)
	what := "target did not succeed"
	if t.Status == protocol.StatusSucceeded {
		var output struct {
			Message string `json:"message"`
		}
		_ = json.Unmarshal(t.Output, &output) // without a message it stays empty
		what = cmp.Or(output.Message, "target succeeded")
	}
	log.DebugContext(ctx, what,
		"region", region, "target", t.Target, "status", t.Status, "error", t.Error, "cause", t.Cause, "elapsedMs", t.ElapsedMs)
}

// logPanic logs the stack of a target that panicked, which is here and nowhere else, and
// reports whether it did. One is enough for an invocation: the others are hardly
// different, and there may be thousands.
func logPanic(ctx context.Context, log *slog.Logger, i item, err error) bool {
	p, ok := errors.AsType[*fanout.PanicError](err)
	if ok {
		log.ErrorContext(ctx, p.Error(), "region", i.region, "target", i.target.Name, "stack", string(p.Stack))
	}
	return ok
}

// logEnd logs the one line that every invocation has. Several Regions have commas between them, so that a query
// finds each of them.
func logEnd(ctx context.Context, log *slog.Logger, request protocol.RegionRequest, r *protocol.RegionResult) {
	var regions []string
	for _, work := range request.Work() {
		regions = append(regions, work.Region)
	}
	level := slog.LevelInfo
	if r.Status != protocol.StatusSucceeded && r.Status != protocol.StatusSkipped {
		level = slog.LevelWarn
	}
	var c protocol.Counts
	for _, t := range r.Targets {
		c.Add(t.Status)
	}
	log.Log(ctx, level, fmt.Sprintf("%d of %d targets succeeded", c.Succeeded, c.Total),
		"region", strings.Join(regions, ","), "status", r.Status, "error", r.Error, "cause", r.Cause,
		"failed", c.Failed, "timedOut", c.TimedOut, "aborted", c.Aborted,
		"notStarted", c.NotStarted, "skipped", c.Skipped, "elapsedMs", r.ElapsedMs)
}

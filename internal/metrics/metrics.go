// Package metrics writes what became of runs as lines of CloudWatch's Embedded Metric Format. The
// coordinator's function writes them to its log, and CloudWatch makes metrics of them.
//
// # What Writer promises
//
// One line for each run that it is given, in the namespace [Namespace], with the dimension sets [Function] and, if the
// deployment lists the run's name, [Function, Name]. The name of a run that is not listed is no
// dimension: callers choose names, and each one would be a series that costs money. With
// [LevelRegions] a line follows for each Region that succeeded, failed or timed out, and with
// [LevelTargets] for each such target, of runs with a listed name, and never more than MaxLines.
//
// Every line also has the run's id and name, and the status and the error name of the run, the
// Region or the target. They are not dimensions: CloudWatch Logs Insights finds runs by them.
//
// Sources: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
// and https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_Dimension.html
package metrics

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"iter"
	"log/slog"
	"slices"
	"time"

	"meridian/internal/difference"
	"meridian/pkg/protocol"
)

// Namespace is the namespace of all metrics.
const Namespace = "Meridian"

// MaxLines bounds the lines of one run: some 3 MB of log. The largest run has 10,000 items.
const MaxLines = 5000

// A Level says what has metrics of its own.
type Level string

// The levels. Each includes those before it.
const (
	LevelNone    Level = "NONE"
	LevelRuns    Level = "RUNS"
	LevelRegions Level = "REGIONS"
	LevelTargets Level = "TARGETS"
)

// Levels returns all levels, in their order.
func Levels() []Level { return []Level{LevelNone, LevelRuns, LevelRegions, LevelTargets} }

// A Writer writes the metrics of runs. Several goroutines may use it at once if they may use Out so.
type Writer struct {
	// Out gets each line in one Write. Required.
	Out io.Writer

	// Function is the dimension Function: the name of the coordinator's function.
	Function string

	// Level is LevelRuns, LevelRegions or LevelTargets. Empty means LevelRuns.
	Level Level

	// Names are the names of runs that have series of their own. Nil means none.
	Names []string

	// LogLevel is the level that the lines have: the lowest one that Lambda keeps of the
	// function's log. Empty means INFO.
	//
	// Lambda drops lines below the function's log level. It takes a line without a level, or
	// without a timestamp, for one of INFO.
	// Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html
	LogLevel string

	// Log gets a line if lines were cut, or could not be written. Nil means no log.
	Log *slog.Logger
}

// RunEnded writes the metrics of a run that has ended. last is the result of the last run of its
// name; nil means that the run is not compared, and has neither NewlyFailing nor Recovered.
func (w *Writer) RunEnded(ctx context.Context, result protocol.Result, last *protocol.Result) {
	now, lines := time.Now(), 0
	for l := range w.lines(&result, last) {
		if lines++; lines > MaxLines {
			continue // and count
		}
		data, err := json.Marshal(w.members(&result, l, now))
		if err == nil {
			_, err = w.Out.Write(append(data, '\n'))
		}
		if err != nil {
			w.warn(ctx, &result, "metrics not written", "cause", err.Error())
			return
		}
	}
	if lines > MaxLines {
		w.warn(ctx, &result, "metrics cut", "lines", lines, "most", MaxLines)
	}
}

// lines yields the lines of a run.
func (w *Writer) lines(r, last *protocol.Result) iter.Seq[*line] {
	return func(yield func(*line) bool) {
		if !yield(w.run(r, last)) || !slices.Contains(w.Names, r.Name) || w.Level != LevelRegions && w.Level != LevelTargets {
			return
		}
		for i := range r.Regions {
			o := &r.Regions[i]
			if known(o.Status) && !yield(w.region(r, o)) {
				return
			}
			for k := range o.Targets {
				if w.Level == LevelTargets && known(o.Targets[k].Status) && !yield(w.target(r, o, &o.Targets[k])) {
					return
				}
			}
		}
	}
}

// known reports whether a status says whether something works.
func known(s protocol.Status) bool { return s == protocol.StatusSucceeded || s.IsFailure() }

// warn logs what is missing of a run's metrics.
func (w *Writer) warn(ctx context.Context, r *protocol.Result, message string, args ...any) {
	if w.Log != nil {
		w.Log.WarnContext(ctx, message, append([]any{"runId", r.RunID}, args...)...)
	}
}

// run returns the line of a run.
func (w *Writer) run(r *protocol.Result, last *protocol.Result) *line {
	l := newLine(r.Status, r.Error)
	if slices.Contains(w.Names, r.Name) {
		l.dimensions = append(l.dimensions, l.dimensions[0])
		l.dimension(dimensionName, r.Name)
	}
	s, c := r.Summary, r.Summary.Regions
	l.count("Runs", 1)
	l.flag("RunsNotSucceeded", r.Status != protocol.StatusSucceeded)
	l.add("Duration", "Milliseconds", r.ElapsedMs)
	l.count("RegionsSucceeded", c.Succeeded)
	l.count("RegionsNotSucceeded", c.Failed+c.TimedOut+c.Aborted+c.NotStarted)
	l.count("Retries", s.Retries)
	l.count("Throttles", s.Throttled)
	if s.Cost != nil && s.Cost.USD > 0 {
		l.add("CostUSD", "None", s.Cost.USD)
	}
	if last != nil {
		d := difference.Compare(*last, *r, difference.Comparison{StatusOnly: true})
		l.count("NewlyFailing", d.Counts[difference.ChangeNewlyFailing])
		l.count("Recovered", d.Counts[difference.ChangeRecovered])
	}
	for _, some := range []struct {
		name string
		n    int
	}{
		{"RunsFailed", one(r.Status == protocol.StatusFailed)},
		{"RunsTimedOut", one(r.Status == protocol.StatusTimedOut)},
		{"RunsAborted", one(r.Status == protocol.StatusAborted)},
		{"RegionsFailed", c.Failed},
		{"RegionsTimedOut", c.TimedOut},
		{"RegionsAborted", c.Aborted},
		{"RegionsNotStarted", c.NotStarted},
		{"RegionsSkipped", c.Skipped},
	} {
		if some.n > 0 { // each series costs money
			l.count(some.name, some.n)
		}
	}
	return l
}

// region returns the line of a Region.
func (w *Writer) region(r *protocol.Result, o *protocol.RegionOutcome) *line {
	l := place(r, o, o.Status, o.Error)
	l.flag("RegionFailed", o.Status.IsFailure())
	l.add("RegionDuration", "Milliseconds", o.ElapsedMs)
	return l
}

// target returns the line of a target in a Region.
func (w *Writer) target(r *protocol.Result, o *protocol.RegionOutcome, t *protocol.TargetOutcome) *line {
	l := place(r, o, t.Status, t.Error)
	l.dimension(dimensionTarget, asDimension(t.Target))
	l.flag("TargetFailed", t.Status.IsFailure())
	l.add("TargetDuration", "Milliseconds", t.ElapsedMs)
	return l
}

// place returns a line without metrics for a Region.
func place(r *protocol.Result, o *protocol.RegionOutcome, status protocol.Status, errorName string) *line {
	l := newLine(status, errorName)
	l.dimension(dimensionName, r.Name)
	l.dimension(dimensionRegion, o.Region)
	if account := cmp.Or(o.Account, o.AccountName); account != "" {
		l.dimension(dimensionAccount, asDimension(account))
	}
	return l
}

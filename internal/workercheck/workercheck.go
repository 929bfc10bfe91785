// Package workercheck checks that a worker keeps the promises of the protocol: it invokes the
// worker, deployed or as a local process, and compares its answers with what a coordinator needs.
//
// The command `meridian check-worker` calls it. docs/worker.md says what a worker promises.
//
// # What Run promises
//
// One [Finding] for each check, in the same order. A check that could not be made is
// [NotChecked] and says why: it is never [Passed]. If the worker does not pass the first, no
// other is made. Checks run one after the other, and each makes at most one invocation. A check
// that fails for a time that it measured is made again, twice at most, because a machine can be
// busy; each time the batch is sent again first, to measure how long the targets take now. The
// [Checker] says what the worker is asked to do, also by a request that a worker has to refuse.
package workercheck

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// A Verdict says how a check ended.
type Verdict string

// The verdicts.
const (
	Passed     Verdict = "passed"
	Failed     Verdict = "failed"
	NotChecked Verdict = "notChecked"
)

// A Finding is the end of one check.
type Finding struct {
	// Check is the name of the check, such as "handshake".
	Check string `json:"check"`

	// Verdict is how it ended, and Found what was seen, in one line.
	Verdict Verdict `json:"verdict"`
	Found   string  `json:"found"`

	// Mend says what to do, or which check failed before with the same Found. Empty if the check
	// passed, or another has to be mended first.
	Mend string `json:"mend,omitzero"`

	// Err is the error of the invocation, or nil.
	Err error `json:"-"`
}

// An Invoker calls a worker once. [meridian/internal/invoke] and [Process] have some. The method
// ErrorName of an error returns the name of the worker's error, and its method MayHaveRun
// whether the worker may have run.
type Invoker interface {
	Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error)
}

// A Checker checks one worker. Only the worker knows what the task and its targets mean.
type Checker struct {
	// Worker is checked. Required.
	Worker Invoker

	// Region is the Region of the requests. Empty means eu-west-1.
	Region string

	// Task is the task of the requests. Empty means "check".
	Task string

	// Parameters are those of the task. Nil means {}.
	Parameters json.RawMessage

	// Targets are targets that the worker can do, without one twice. Nil means check-1 to
	// check-8.
	Targets []string

	// FailingTarget is a target that the worker fails for. Empty means that there is none.
	FailingTarget string
}

// patience is how long Run waits for an answer, and budget the budget of most requests. Both are
// longer than a cold start and a few targets take.
const (
	patience = 90 * time.Second
	budget   = 60 * time.Second
)

// Run makes the checks.
func (c Checker) Run(ctx context.Context) iter.Seq[Finding] {
	c.Region = cmp.Or(c.Region, "eu-west-1")
	c.Task = cmp.Or(c.Task, "check")
	if c.Targets == nil {
		for n := range 8 {
			c.Targets = append(c.Targets, fmt.Sprintf("check-%d", n+1))
		}
	}
	return func(yield func(Finding) bool) {
		k := &knowledge{Checker: c, alone: map[string]protocol.TargetOutcome{}}
		all, answers := checks(), true
		failures := map[string]string{} // the first check that failed with each text
		for i, check := range all {
			f := Finding{Verdict: NotChecked, Found: "the worker did not pass the check " + all[0].name}
			if answers {
				f = check.run(k, ctx)
			}
			for again := 0; k.timing && again < 2; again++ {
				k.timing = false
				k.batch(ctx) // how long the targets take now
				f = check.run(k, ctx)
			}
			k.timing = false
			if f.Check = check.name; f.Verdict == Failed {
				if first, again := failures[f.Found]; again {
					f.Mend = "as in the check " + first
				} else {
					failures[f.Found] = check.name
				}
			}
			if !yield(f) {
				return
			}
			answers = answers && (i > 0 || f.Verdict == Passed)
		}
	}
}

// A knowledge is what the checks so far have learned about the worker.
type knowledge struct {
	Checker
	calls   int                               // made so far
	version int                               // the version that the worker says, or 0
	start   time.Duration                     // the longest of a call, without the elapsedMs of the answer: start, network
	alone   map[string]protocol.TargetOutcome // of a target, its outcome when targets ran one at a time
	timing  bool                              // a check failed for a time that it measured
}

// request returns a request for targets.
func (k *knowledge) request(targets ...string) protocol.RegionRequest {
	k.calls++
	return protocol.RegionRequest{
		Version: protocol.VersionFor(k.Task), RunID: fmt.Sprintf("check-worker-%d", k.calls), Region: k.Region, Attempt: 1,
		Task: k.Task, Parameters: k.Parameters, Targets: targets, BudgetMs: protocol.Milliseconds(budget),
	}
}

// ask sends a request, with more fields as JSON after a comma. It returns the answer, and how
// long it took. The error says why there is no answer.
func (k *knowledge) ask(ctx context.Context, r protocol.RegionRequest, more string) (protocol.RegionResult, time.Duration, error) {
	payload, err := r.Encode()
	if err != nil {
		return protocol.RegionResult{}, 0, fmt.Errorf("encode request: %w", err)
	}
	payload = slices.Concat(payload[:len(payload)-len("}")], []byte(more), []byte("}"))
	ctx, cancel := context.WithTimeoutCause(ctx, patience, fmt.Errorf("no answer in %v", patience))
	defer cancel()
	begin := time.Now()
	answer, _, err := k.Worker.Invoke(ctx, k.Region, payload)
	took := time.Since(begin)
	if err != nil {
		return protocol.RegionResult{}, took, err //nolint:wrapcheck // noAnswer says what was being done
	}
	result, err := protocol.DecodeRegionResult(answer)
	if _, failed := errors.AsType[*protocol.FunctionError](err); err != nil && !failed {
		err = &noResultError{err}
	}
	return result, took, err
}

// A noResultError is the error of an answer that is no RegionResult.
type noResultError struct{ error }

// Unwrap returns what is wrong with the answer.
func (e *noResultError) Unwrap() error { return e.error }

// passed, failed and notChecked return findings.
func passed(format string, args ...any) Finding {
	return Finding{Verdict: Passed, Found: fmt.Sprintf(format, args...)}
}

func failed(mend, format string, args ...any) Finding {
	return Finding{Verdict: Failed, Found: fmt.Sprintf(format, args...), Mend: mend}
}

// timingFailed returns the finding of a check that failed for a time that it measured.
func (k *knowledge) timingFailed(mend, format string, args ...any) Finding {
	k.timing = true
	return failed(mend, format, args...)
}

func notChecked(mend, format string, args ...any) Finding {
	return Finding{Verdict: NotChecked, Found: fmt.Sprintf(format, args...), Mend: mend}
}

// noAnswer returns the finding of an invocation without an answer. It says nothing about the
// worker if the worker did not run.
func noAnswer(err error, mend string) Finding {
	f := failed(mend, "no answer: %s", strings.TrimPrefix(nameOf(err)+": "+err.Error(), ": "))
	var call interface{ MayHaveRun() bool }
	if errors.As(err, &call) && !call.MayHaveRun() || errors.Is(err, context.Canceled) {
		f.Verdict, f.Mend = NotChecked, "mend the call, and check again"
	}
	f.Err = err
	return f
}

// nameOf returns the name of an error, or "".
func nameOf(err error) string {
	var named interface{ ErrorName() string }
	if errors.As(err, &named) {
		return named.ErrorName()
	}
	return ""
}

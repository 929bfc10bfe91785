// Package runs keeps runs: it starts each once, carries it on over the ends of its coordinators,
// and looks up, stops and redrives it. The coordinator's function and the command line use it.
//
// # What a Keeper promises
//
// A kept run is in the store before anything has been invoked. However its coordinators end, the
// run can be carried on: nothing is lost, and what may not be done twice is not, see
// [meridian/internal/record].
//
// Of all starts with a key, the first one creates the run. The others attach to it, or are
// refused if their requests differ.
//
// A generation ends before the function's deadline. It invokes the next one before it lets the
// run go. A run that has not ended and has no coordinator is interrupted: [Keeper.Resume] and
// [Keeper.Sweep] have it carried on.
package runs

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/price"
	"meridian/internal/record"
	"meridian/pkg/protocol"
)

// A Keeper keeps runs. It may be used by several goroutines at once.
type Keeper struct {
	// Coordinator carries out the generations. Required.
	Coordinator *coordinator.Coordinator

	// Store keeps the runs. Nil means that none is kept: Execute, and Answer with requests of runs
	// that are not kept, need no store.
	Store record.Store

	// Next invokes the coordinator asynchronously with a continue command for a run. Start and
	// Sweep need it. Nil means that this process has no deadline, and carries each run on to its
	// end.
	Next func(ctx context.Context, runID string) error

	// Once returns the id of an invocation that may be repeated, or "". If the work of a run that
	// is not kept may not be done twice, it is done once for each id. Nil means that no
	// invocation is repeated.
	Once func(ctx context.Context) string

	// MaxRun bounds a kept run over all its generations, and each redrive. Zero means a day if
	// there is a Next, and else no bound.
	MaxRun time.Duration

	// MaxGenerations bounds the generations of a run. Zero means DefaultMaxGenerations.
	MaxGenerations int

	// Process names this process in the log, and Gone reports whether a process with such a name
	// has ended, so that its run is taken over without waiting. Both can be zero.
	Process string
	Gone    func(process string) bool

	// Warn gets the errors of the store that do not end a run of Execute. Nil drops them.
	Warn func(error)

	// Ended is called with the result of each run of Answer, Run and Continue that ends in this
	// process, before they return. For a kept run it is called when the result is in the store.
	// It is called at most once for each run, whatever happens to the run's coordinators, and not
	// at all if a coordinator dies just then. The end of a redrive does not call it: that run has
	// ended before. last is the result of the newest run that started before, has the same name
	// and has ended; nil means that the run has no name or is not kept, that there is none, or
	// that last could not be read, which Log says. A nil Ended means that nothing is called or
	// read.
	Ended func(ctx context.Context, result protocol.Result, last *protocol.Result)

	// Log gets a line for each generation. Nil means no log.
	Log *slog.Logger
}

const (
	// DefaultMaxGenerations is the bound on the generations of a run: a day of invocations of 15
	// minutes are 96.
	DefaultMaxGenerations = 100

	// DefaultMaxRun bounds a kept run that another invocation can carry on.
	DefaultMaxRun = 24 * time.Hour

	// stopEvery is how often a holder looks whether its run was stopped.
	stopEvery = price.StopSeconds * time.Second

	// pollEvery is how often a caller that waits for a run reads the log.
	pollEvery = time.Second

	// storeTime bounds the writes before a run begins, and closeTime those at its end.
	storeTime     = 20 * time.Second
	closeTime     = 10 * time.Second
	shortestClose = 500 * time.Millisecond

	// compareTime bounds the search for the last run of a name: a handful of requests to S3, of
	// some 50 ms each.
	compareTime = 2 * time.Second

	// nextEvery is the wait before the next generation is invoked again.
	nextEvery = 300 * time.Millisecond
)

// records returns the runs of the store.
func (k *Keeper) records() *record.Runs { return &record.Runs{Store: k.Store} }

// Answer carries out a request and returns the result as JSON of at most limit bytes; 0 means no
// limit. faults has the faults of the decoding. A request with a key, or with keep, is kept. The
// error is a [protocol.InvalidRequestError], a [ConflictError], a [StateError], or an error of
// the store.
func (k *Keeper) Answer(ctx context.Context, r protocol.Request, faults protocol.Faults, limit int) ([]byte, error) {
	if !r.Kept() {
		return k.answerOnce(ctx, r, faults, limit)
	}
	result, err := k.Run(ctx, r, faults, limit)
	if err != nil {
		return nil, err
	}
	answer, err := fit(&result, limit)
	return answer, ofRun(result.RunID, err)
}

// Run keeps a run of a request, and carries it on as far as this process can. It returns the
// result, which is RUNNING if another invocation carries the run on.
func (k *Keeper) Run(ctx context.Context, r protocol.Request, faults protocol.Faults, limit int) (protocol.Result, error) {
	v, err := k.begin(ctx, r, faults, limit)
	if err != nil {
		return protocol.Result{}, err
	}
	result, err := k.attach(ctx, v)
	if failed, ok := errors.AsType[*handOverError](err); ok { // the caller gets the id, and what is known
		k.logger(v.run.RunID).ErrorContext(ctx, "generation not handed over", "cause", failed.Error())
		err = nil
	}
	return result, ofRun(v.run.RunID, err)
}

// Start keeps a run of a request and has it carried on. It returns before the run is done.
func (k *Keeper) Start(ctx context.Context, r protocol.Request, faults protocol.Faults) (protocol.RunState, error) {
	r.Keep = true
	v, err := k.begin(ctx, r, faults, protocol.MaxPayloadBytes)
	if err != nil {
		return protocol.RunState{}, err
	}
	if v.isNew || v.at.File == 0 || v.interrupted(time.Now()) {
		if err := k.Next(ctx, v.run.RunID); err != nil {
			return protocol.RunState{}, err
		}
	}
	s := v.state(k)
	s.Result = nil // of a run that has ended already; it may be too large
	return s, nil
}

// longest returns the bound on a run.
func (k *Keeper) longest() time.Duration {
	if k.Next == nil {
		return k.MaxRun
	}
	return cmp.Or(k.MaxRun, DefaultMaxRun)
}

// logger returns the log of a run.
func (k *Keeper) logger(runID string) *slog.Logger {
	if k.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return k.Log.With("runId", runID)
}

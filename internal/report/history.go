package report

import (
	"cmp"
	"iter"
	"slices"
	"time"

	"meridian/internal/difference"
	"meridian/pkg/protocol"
)

// A History is what became of the runs of one name, the oldest first. Make one with [HistoryOf].
type History struct {
	Name string `json:"name"`

	// Runs are the runs, in the order in which they were given.
	Runs []PastRun `json:"runs"`

	// Strips has a strip for each Region of any of the runs, or for each account in it: those that failed
	// most often first, and then in the order in which the runs have them.
	Strips []Strip `json:"strips"`

	// Older means that there are runs before the first one.
	Older bool `json:"older,omitzero"`
}

// A PastRun is a run of a history.
type PastRun struct {
	RunID       string          `json:"runId"`
	StartedAt   time.Time       `json:"startedAt"`
	Status      protocol.Status `json:"status,omitzero"`
	Interrupted bool            `json:"interrupted,omitzero"`
	Error       string          `json:"error,omitzero"`
	ElapsedMs   float64         `json:"elapsedMs"`

	// Regions counts the Regions, or the accounts in them, by status.
	Regions protocol.Counts `json:"regions"`

	// ComparedWith is the run before it that has ended and could be read. Empty means that there is none,
	// or that this run has not ended. NewlyFailing counts the targets that failed or timed out, and did not
	// in that run; Recovered those that did only in that run.
	ComparedWith string `json:"comparedWith,omitzero"`
	NewlyFailing int    `json:"newlyFailing"`
	Recovered    int    `json:"recovered"`

	// Unreadable says why the outcomes of the run could not be read. Empty means that they were.
	Unreadable string `json:"unreadable,omitzero"`
}

// A Strip is what became of a Region, or of an account in it, in each run of a history.
type Strip struct {
	Account     string `json:"account,omitzero"`
	AccountName string `json:"accountName,omitzero"`
	Region      string `json:"region"`

	// Failed counts the runs in which it failed or timed out.
	Failed int `json:"failed"`

	// Statuses has a status for each run. An empty one means that the run did not ask for the Region, has
	// not come to it, or could not be read.
	Statuses []protocol.Status `json:"statuses"`
}

// A KeptRun is a run as it was read from where runs are kept.
type KeptRun struct {
	// State is what is known of the run. Its Result does not count.
	State protocol.RunState

	// Outcomes are the Regions of its result. [Statuses] of them are enough.
	Outcomes []protocol.RegionOutcome

	// Err says why the outcomes could not be read. Nil means that they were.
	Err error
}

// Statuses returns outcomes without all that a history does not need: outputs, causes and attempts.
func Statuses(outcomes []protocol.RegionOutcome) []protocol.RegionOutcome {
	reduced := make([]protocol.RegionOutcome, len(outcomes))
	for i, o := range outcomes {
		targets := make([]protocol.TargetOutcome, len(o.Targets))
		for k, t := range o.Targets {
			targets[k] = protocol.TargetOutcome{Target: t.Target, Status: t.Status}
		}
		reduced[i] = protocol.RegionOutcome{Account: o.Account, AccountName: o.AccountName, Region: o.Region, Status: o.Status, Targets: targets}
	}
	return reduced
}

// HistoryOf returns the history of the runs of a name, which come in the order in which they started. It
// holds the outcomes of two runs at a time.
func HistoryOf(name string, runs iter.Seq[KeptRun]) History {
	h := History{Name: name, Runs: []PastRun{}, Strips: []Strip{}}
	var before *KeptRun
	index := map[stripKey]int{}
	for run := range runs {
		past := pastRun(run)
		ended := run.Err == nil && past.Status != protocol.StatusRunning
		if before != nil && ended {
			d := difference.Compare(protocol.Result{Regions: before.Outcomes}, protocol.Result{Regions: run.Outcomes}, difference.Comparison{})
			past.ComparedWith, past.NewlyFailing, past.Recovered = before.State.RunID, d.Counts[difference.ChangeNewlyFailing], d.Counts[difference.ChangeRecovered]
		}
		if ended {
			before = &run
		}
		addOutcomes(&h, run, index)
		h.Runs = append(h.Runs, past)
	}
	for i := range h.Strips {
		h.Strips[i].Statuses = filled(h.Strips[i].Statuses, len(h.Runs))
	}
	slices.SortStableFunc(h.Strips, func(a, b Strip) int { return cmp.Compare(b.Failed, a.Failed) })
	return h
}

// pastRun returns a run without its outcomes.
func pastRun(run KeptRun) PastRun {
	s := run.State
	past := PastRun{
		RunID: s.RunID, StartedAt: s.StartedAt, Status: s.Status, Interrupted: s.Interrupted, Error: s.Error, ElapsedMs: s.ElapsedMs, Regions: s.Regions,
	}
	if run.Err == nil {
		return past
	}
	past.Unreadable = protocol.Cause(run.Err)
	if s.Regions.Total == 0 { // the status is a guess
		past.Status, past.Error = "", ""
	}
	return past
}

// A stripKey names a strip: the nth one of a Region in an account, because several profiles can be of one account.
type stripKey struct {
	account, region string
	n               int
}

// addOutcomes adds the outcomes of the next run to the strips. The index has the number of a strip by its key.
// What has not started in a run that has not ended has no status.
func addOutcomes(h *History, run KeptRun, index map[stripKey]int) {
	seen := map[stripKey]int{} // in this run
	for _, o := range run.Outcomes {
		if run.State.Status == protocol.StatusRunning && o.Status == protocol.StatusNotStarted {
			o.Status = ""
		}
		at := stripKey{account: cmp.Or(o.Account, o.AccountName), region: o.Region}
		seen[at]++
		at.n = seen[at]
		i, known := index[at]
		if !known {
			i = len(h.Strips)
			index[at] = i
			h.Strips = append(h.Strips, Strip{Account: o.Account, Region: o.Region})
		}
		s := &h.Strips[i]
		s.AccountName = o.AccountName
		s.Statuses = append(filled(s.Statuses, len(h.Runs)), o.Status)
		if o.Status.IsFailure() {
			s.Failed++
		}
	}
}

// filled returns the statuses with an empty one for each run that they lack.
func filled(statuses []protocol.Status, runs int) []protocol.Status {
	return append(statuses, make([]protocol.Status, runs-len(statuses))...)
}

// Package difference compares two results of runs: what is newly failing, what has recovered, what
// takes longer, and which rows came, went or changed.
//
// [Compare] is pure. The command line and the coordinator call it; package report prints what it
// returns.
package difference

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"meridian/pkg/protocol"
)

// A Slower says how much longer a target has to take to be a finding: both bounds apply. The
// zero Slower means twice as long and at least 100 ms longer.
type Slower struct {
	// Times is the least factor. Zero means 1, unless By is zero too.
	Times float64

	// By is the least time. Zero means any, unless Times is zero too.
	By time.Duration
}

// has reports whether an elapsed time is slower than another one, both in milliseconds.
func (s Slower) has(before, after float64) bool {
	if s == (Slower{}) {
		s = Slower{Times: 2, By: 100 * time.Millisecond}
	}
	return after > before && after >= s.Times*before && after-before >= float64(s.By)/float64(time.Millisecond)
}

// A Comparison says how to compare two results. The zero Comparison compares whole rows.
type Comparison struct {
	// Rows lists an output as rows. Nil means [Members].
	Rows Rows

	// Key are the columns that make a row the same one, besides its account, Region and target.
	// Nil means all: a row then comes and goes, and does not change. Columns whose names end in
	// "Ms" are measurements, and count only if they are part of the key.
	Key []string

	// Slower is the bound from which on a target is slower.
	Slower Slower

	// StatusOnly leaves out rows.
	StatusOnly bool
}

// A Difference is what changed from one result to the next.
type Difference struct {
	Before Compared `json:"before"`
	After  Compared `json:"after"`

	// Key is that of the Comparison.
	Key []string `json:"key,omitzero"`

	// Worse means that a target is newly failing, or slower.
	Worse bool `json:"worse"`

	// Counts has the number of findings by change. A change without findings has none.
	Counts map[Change]int `json:"counts"`

	// NotCompared counts the targets of both that were aborted, not started or running in
	// one of them, or whose output was dropped from one.
	NotCompared int `json:"notCompared,omitzero"`

	// Findings are what changed, by change, and then in the order of the second result.
	Findings []Finding `json:"findings"`

	// UnknownKey has the columns of Key that no row has, if rows were compared.
	UnknownKey []string `json:"unknownKey,omitzero"`
}

// A Compared is one of the results that a difference is of.
type Compared struct {
	RunID     string          `json:"runId,omitzero"`
	Name      string          `json:"name,omitzero"`
	Status    protocol.Status `json:"status"`
	StartedAt time.Time       `json:"startedAt,omitzero"`
}

// A Finding is one thing that changed.
type Finding struct {
	Change Change `json:"change"`

	// Account, AccountName, Region and Target say where. Target is empty for a whole Region.
	Account     string `json:"account,omitzero"`
	AccountName string `json:"accountName,omitzero"`
	Region      string `json:"region,omitzero"`
	Target      string `json:"target,omitzero"`

	// Status, Error and Cause are those of the second result, or of the first if what is
	// found went or recovered. A row has none.
	Status protocol.Status `json:"status,omitzero"`
	Error  string          `json:"error,omitzero"`
	Cause  string          `json:"cause,omitzero"`

	// BeforeMs and AfterMs are the times of the last attempts of a target that is slower, in
	// milliseconds.
	BeforeMs float64 `json:"beforeMs,omitzero"`
	AfterMs  float64 `json:"afterMs,omitzero"`

	// Row is the row, as it is in the second result if it changed, and Before has the earlier
	// values of the columns that changed. Both are nil for a target.
	Row    map[string]json.RawMessage `json:"row,omitzero"`
	Before map[string]json.RawMessage `json:"before,omitzero"`
}

// Compare returns what changed from one result to the next. Rows are compared where a target
// succeeded in both. A difference of a result to itself has no changes: what is still failing is
// its only finding. With the two results swapped, what is newly failing is recovered, and what came
// went.
func Compare(before, after protocol.Result, c Comparison) Difference {
	d := &comparing{Comparison: c, columns: map[string]bool{}}
	d.Before, d.After, d.Difference.Key, d.Findings = compared(before), compared(after), c.Key, []Finding{}
	earlier, later := itemsOf(before), itemsOf(after)
	for _, at := range later.order {
		if b, both := earlier.at[at]; both {
			d.target(b, later.at[at])
		}
	}
	d.only(later, earlier, ChangeCame)
	d.only(earlier, later, ChangeWent)
	d.Counts = map[Change]int{}
	for _, f := range d.Findings {
		d.Counts[f.Change]++
	}
	d.Worse = d.Counts[ChangeNewlyFailing]+d.Counts[ChangeSlower] > 0
	changes := Changes()
	slices.SortStableFunc(d.Findings, func(a, b Finding) int {
		return cmp.Compare(slices.Index(changes, a.Change), slices.Index(changes, b.Change))
	})
	for _, name := range c.Key {
		if len(d.columns) > 0 && !d.columns[name] {
			d.UnknownKey = append(d.UnknownKey, name)
		}
	}
	return d.Difference
}

// compared returns what a difference says of a result.
func compared(r protocol.Result) Compared {
	return Compared{RunID: r.RunID, Name: r.Name, Status: r.Status, StartedAt: r.StartedAt}
}

// A comparing is a comparison that is being made.
type comparing struct {
	Comparison
	Difference
	columns map[string]bool // of all rows that were compared
}

// A place names a target in a Region: the nth one with its name. The place of a Region has no target.
type place struct {
	account, region, target string
	n                       int
}

// An item is a target in its Region. A Region without targets is an item too.
type item struct {
	region *protocol.RegionOutcome
	target *protocol.TargetOutcome
}

// items are the items of a result.
type items struct {
	at      map[place]item
	order   []place
	regions map[place]bool
}

// itemsOf returns the items of a result.
func itemsOf(r protocol.Result) items {
	n := 0
	for i := range r.Regions {
		n += max(1, len(r.Regions[i].Targets))
	}
	all := items{at: make(map[place]item, n), order: make([]place, 0, n), regions: map[place]bool{}}
	repeated := map[place]int{}
	for i := range r.Regions {
		region := &r.Regions[i]
		at := place{account: cmp.Or(region.Account, region.AccountName), region: region.Region}
		all.regions[at] = true
		targets := region.Targets
		if len(targets) == 0 {
			targets = []protocol.TargetOutcome{{Status: region.Status, Error: region.Error, Cause: region.Cause, ElapsedMs: region.ElapsedMs}}
		}
		for k := range targets {
			t := &targets[k]
			at.target, at.n = t.Target, 0
			if _, taken := all.at[at]; taken {
				repeated[at]++
				at.n = repeated[at]
			}
			all.at[at] = item{region, t}
			all.order = append(all.order, at)
		}
	}
	return all
}

// finding returns a finding at an item.
func (i item) finding(change Change) Finding {
	t := i.target
	f := Finding{
		Change: change, Account: i.region.Account, AccountName: i.region.AccountName, Region: i.region.Region, Target: t.Target,
		Status: t.Status, Error: t.Error, Cause: t.Cause,
	}
	if t.Cause == "" && t.Error != "" { // the invocation failed, and the Region has the cause
		f.Error, f.Cause = cmp.Or(i.region.Error, t.Error), i.region.Cause
	}
	return f
}

// elapsedMs returns how long the last attempt took.
func (i item) elapsedMs() float64 {
	if n := len(i.target.Attempts); n > 0 {
		return i.target.Attempts[n-1].ElapsedMs
	}
	return i.target.ElapsedMs
}

// target compares a target of both results.
func (d *comparing) target(before, after item) {
	was, is := before.target.Status, after.target.Status
	ended := func(s protocol.Status) bool {
		return s.IsFailure() || s == protocol.StatusSucceeded || s == protocol.StatusSkipped
	}
	switch {
	case !ended(was) || !ended(is):
		d.NotCompared++
	case is.IsFailure() && was.IsFailure():
		d.Findings = append(d.Findings, after.finding(ChangeStillFailing))
	case is.IsFailure():
		d.Findings = append(d.Findings, after.finding(ChangeNewlyFailing))
	case was.IsFailure():
		d.Findings = append(d.Findings, before.finding(ChangeRecovered))
	case was == protocol.StatusSucceeded && is == protocol.StatusSucceeded:
		if beforeMs, afterMs := before.elapsedMs(), after.elapsedMs(); d.Slower.has(beforeMs, afterMs) {
			f := after.finding(ChangeSlower)
			f.BeforeMs, f.AfterMs = beforeMs, afterMs
			d.Findings = append(d.Findings, f)
		}
		switch a, b := before.target, after.target; {
		case d.StatusOnly:
		case a.DroppedOutputBytes+b.DroppedOutputBytes > 0:
			d.NotCompared++
		case d.Comparison.Key != nil || !bytes.Equal(a.Output, b.Output):
			d.rows(before, after)
		}
	}
}

// only adds the Regions and targets that others lack. Such a Region is one finding.
func (d *comparing) only(own, others items, change Change) {
	added := map[place]bool{}
	for _, at := range own.order {
		i, region := own.at[at], place{account: at.account, region: at.region}
		if _, both := others.at[at]; both || added[region] {
			continue
		}
		if !others.regions[region] {
			added[region] = true
			i.target = &protocol.TargetOutcome{Status: i.region.Status, Error: i.region.Error, Cause: i.region.Cause}
		}
		d.Findings = append(d.Findings, i.finding(change))
	}
}

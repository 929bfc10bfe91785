package report_test

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// kept returns a kept run with a result, the nth of an hourly schedule.
func kept(n int, r protocol.Result) report.KeptRun {
	return report.KeptRun{
		State: protocol.RunState{
			RunID: fmt.Sprintf("01JDCX4T9Q8Z6W3M5K7N2P0R%02d", n), StartedAt: time.Date(2026, 11, 29, n, 5, 7, 0, time.UTC),
			Status: r.Status, Error: r.Error, ElapsedMs: r.ElapsedMs, Regions: r.Summary.Regions,
		},
		Outcomes: report.Statuses(r.Regions),
	}
}

// states is a Region with a target for each status of "dynamodb", "s3", and so on.
func states(name string, s protocol.Status, targets ...protocol.Status) protocol.RegionOutcome {
	r := region(name, s, 200)
	for i, status := range targets {
		r.Targets = append(r.Targets, protocol.TargetOutcome{Target: []string{"dynamodb", "s3", "sqs"}[i], Status: status})
	}
	return r
}

const (
	ok      = protocol.StatusSucceeded
	bad     = protocol.StatusFailed
	late    = protocol.StatusTimedOut
	stopped = protocol.StatusAborted
	not     = protocol.StatusNotStarted
	skipped = protocol.StatusSkipped
	running = protocol.StatusRunning
)

// reachable are the runs of an hourly schedule, with all that can become of one.
func reachable() []report.KeptRun {
	failedRun := func(regions ...protocol.RegionOutcome) protocol.Result {
		return ended(run(regions...), bad, protocol.ErrorExceedToleratedFailureThreshold, "")
	}
	runs := []report.KeptRun{
		kept(0, run(states("us-east-1", ok, ok, ok), states("eu-west-1", ok, ok, ok), states("ap-east-2", skipped, skipped, skipped))),
		kept(1, failedRun(states("us-east-1", ok, ok, ok), states("eu-west-1", bad, bad, ok), states("ap-east-2", skipped, skipped, skipped), states("sa-east-1", late, late, late))),
		kept(2, run()),
		kept(3, failedRun(states("us-east-1", ok, ok, ok), states("eu-west-1", bad, ok, bad), states("ap-east-2", skipped, skipped, skipped), states("sa-east-1", ok, ok, ok))),
		kept(4, ended(run(states("us-east-1", ok, ok, ok), states("eu-west-1", stopped, stopped, stopped), states("sa-east-1", not, not, not)), stopped, "", "enough")),
		kept(5, run(states("us-east-1", ok, ok, ok), states("eu-west-1", ok, ok, ok), states("sa-east-1", protocol.Status("PARKED")))),
		kept(6, ended(run(states("us-east-1", ok, ok), states("eu-west-1", running)), running, "", "")),
		kept(7, ended(run(states("us-east-1", not, not), states("eu-west-1", running)), running, "", "")),
	}
	runs[2].Err = errors.New("runs/result.json: unexpected end of JSON\x1b[2J")
	runs[2].State.Status = bad
	runs[6].State.Interrupted = true
	return runs
}

// A run is compared with the last one before it that has ended and could be read. A run that cannot be read does not
// hide the others.
func TestHistoryOf(t *testing.T) {
	t.Parallel()
	h := report.HistoryOf("reachable", slices.Values(reachable()))
	lines := []string{}
	for _, r := range h.Runs {
		with := strings.TrimPrefix(r.ComparedWith, "01JDCX4T9Q8Z6W3M5K7N2P0R")
		lines = append(lines, fmt.Sprintf("%s with %q: %d newly failing, %d recovered, unreadable %t", r.Status, with, r.NewlyFailing, r.Recovered, r.Unreadable != ""))
	}
	want := []string{
		`SUCCEEDED with "": 0 newly failing, 0 recovered, unreadable false`,
		`FAILED with "00": 1 newly failing, 0 recovered, unreadable false`,
		` with "": 0 newly failing, 0 recovered, unreadable true`,
		`FAILED with "01": 1 newly failing, 3 recovered, unreadable false`,
		`ABORTED with "03": 0 newly failing, 0 recovered, unreadable false`,
		`SUCCEEDED with "04": 0 newly failing, 0 recovered, unreadable false`,
		`RUNNING with "": 0 newly failing, 0 recovered, unreadable false`,
		`RUNNING with "": 0 newly failing, 0 recovered, unreadable false`,
	}
	if diff := gocmp.Diff(want, lines); diff != "" {
		t.Errorf("HistoryOf has other runs (-want +got):\n%s", diff)
	}
	strips := []report.Strip{
		{Region: "eu-west-1", Failed: 2, Statuses: []protocol.Status{ok, bad, "", bad, stopped, ok, running, running}},
		{Region: "sa-east-1", Failed: 1, Statuses: []protocol.Status{"", late, "", ok, not, "PARKED", "", ""}},
		{Region: "us-east-1", Statuses: []protocol.Status{ok, ok, "", ok, ok, ok, ok, ""}},
		{Region: "ap-east-2", Statuses: []protocol.Status{skipped, skipped, "", skipped, "", "", "", ""}},
	}
	if diff := gocmp.Diff(strips, h.Strips); diff != "" {
		t.Errorf("HistoryOf has other strips (-want +got):\n%s", diff)
	}
}

// Each account has its strip: those with one name are told apart by their ids, and profiles of one
// account by their names.
func TestHistoryOfAccounts(t *testing.T) {
	t.Parallel()
	const one, other = "111122223333", "444455556666"
	of := func(id, name string, s protocol.Status) protocol.RegionOutcome {
		r := states("eu-west-1", s, s)
		r.Account, r.AccountName = id, name
		return r
	}
	for _, tt := range []struct {
		name  string
		runs  []report.KeptRun
		strip report.Strip // of what failed: the first one
		next  report.Strip
	}{
		{
			"one name",
			[]report.KeptRun{
				kept(0, run(of(one, "prod", ok), of(other, "prod", ok))),
				kept(1, run(of(one, "live", ok), of(other, "prod", bad))),
			},
			report.Strip{Account: other, AccountName: "prod"},
			report.Strip{Account: one, AccountName: "live"},
		},
		{
			"profiles of one account",
			[]report.KeptRun{
				kept(0, run(of(one, "admin", ok), of(one, "audit", ok))),
				kept(1, run(of(one, "admin", ok), of(one, "audit", bad))),
			},
			report.Strip{Account: one, AccountName: "audit"},
			report.Strip{Account: one, AccountName: "admin"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.strip.Region, tt.strip.Failed, tt.strip.Statuses = "eu-west-1", 1, []protocol.Status{ok, bad}
			tt.next.Region, tt.next.Statuses = "eu-west-1", []protocol.Status{ok, ok}
			h := report.HistoryOf("n", slices.Values(tt.runs))
			if diff := gocmp.Diff([]report.Strip{tt.strip, tt.next}, h.Strips); diff != "" {
				t.Errorf("HistoryOf has other strips (-want +got):\n%s", diff)
			}
		})
	}
}

// accountRuns are 12 runs in the accounts of an organization.
func accountRuns() []report.KeptRun {
	var runs []report.KeptRun
	for i := range 12 {
		r := organization("us-east-1", "eu-west-1")
		runs = append(runs, kept(i, r))
	}
	return runs
}

// steadyRuns always succeed.
func steadyRuns() []report.KeptRun {
	return []report.KeptRun{kept(0, run(states("us-east-1", ok, ok))), kept(1, run(states("us-east-1", ok, ok)))}
}

// interruptedRuns end with one whose process has died.
func interruptedRuns() []report.KeptRun {
	runs := []report.KeptRun{
		kept(0, run(states("us-east-1", ok), states("eu-west-1", ok))),
		kept(1, ended(run(states("us-east-1", ok), states("eu-west-1", running)), running, "", "")),
	}
	runs[1].State.Interrupted = true
	return runs
}

// The golden files are the whole text; -update rewrites them.
func TestHistoryText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		runs    []report.KeptRun
		older   bool
		options report.Options
	}{
		{"history", reachable(), false, report.Options{}},
		{"history-80", reachable(), true, report.Options{Width: 80}},
		{"history-16", reachable(), false, report.Options{Width: 16}},
		{"history-wide", reachable(), false, report.Options{Width: 16, All: true}},
		{"history-color", reachable(), false, report.Options{Color: true}},
		{"history-accounts-40", accountRuns(), false, report.Options{Width: 40}},
		{"history-steady", steadyRuns(), false, report.Options{}},
		{"history-interrupted", interruptedRuns(), false, report.Options{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := report.HistoryOf("reachable", slices.Values(tt.runs))
			h.Older = tt.older
			var b strings.Builder
			if err := h.Text(&b, tt.options); err != nil {
				t.Fatal(err)
			}
			compareGolden(t, tt.name, b.String())
			if err := h.Text(brokenWriter{}, tt.options); !errors.Is(err, errBroken) {
				t.Errorf("Text(broken writer) = %v, want %v", err, errBroken)
			}
		})
	}
}

// Nothing that came from outside reaches the terminal as a control sequence.
func TestHistoryTextPassesNoControlSequence(t *testing.T) {
	t.Parallel()
	evil := "a\x1b[2Jb\x07c\nd"
	one := kept(0, ended(run(states(evil, protocol.Status(evil), bad)), protocol.Status(evil), evil, evil))
	one.State.RunID, one.Err = evil, errors.New(evil)
	other := kept(1, ended(run(states(evil, bad, bad)), protocol.Status(evil), evil, evil))
	var b strings.Builder
	if err := report.HistoryOf(evil, slices.Values([]report.KeptRun{one, other})).Text(&b, report.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.ContainsAny(got, "\x1b\x07") || strings.Count(got, "\n") != 8 {
		t.Errorf("Text = %q, want eight lines without control characters", got)
	}
}

// HistoryOf holds the outcomes of two runs at a time: 30 runs of 34 Regions with 20 targets and large outputs
// leave nothing but their statuses.
func TestHistoryHoldsNoOutputs(t *testing.T) {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	h := report.HistoryOf("reachable", func(yield func(report.KeptRun) bool) {
		for n := range 30 {
			var regions []protocol.RegionOutcome
			for i := range 34 {
				r := region(fmt.Sprintf("region-%d", i), ok, 1)
				for k := range 20 {
					r.Targets = append(r.Targets, target(fmt.Sprintf("target-%d", k), `{"padding":"`+strings.Repeat("x", 2000)+`"}`))
				}
				regions = append(regions, r)
			}
			if !yield(kept(n, run(regions...))) {
				return
			}
		}
	})
	runtime.GC()
	runtime.ReadMemStats(&after)
	if len(h.Strips) != 34 || len(h.Strips[33].Statuses) != 30 {
		t.Fatalf("HistoryOf has %d strips, want 34 of 30 runs", len(h.Strips))
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 1<<20 { // the outputs are 41 MB
		t.Errorf("the history of 30 runs holds %d bytes, want less than 1 MiB", grown)
	}
	runtime.KeepAlive(h)
}

// Two hourly runs: the second one fails in one Region.
func ExampleHistory_Text() {
	of := func(hour int, s, west protocol.Status) report.KeptRun {
		counts := protocol.Counts{}
		counts.Add(protocol.StatusSucceeded)
		counts.Add(west)
		return report.KeptRun{
			State: protocol.RunState{Status: s, StartedAt: time.Date(2026, 11, 30, hour, 0, 0, 0, time.UTC), ElapsedMs: 1204, Regions: counts},
			Outcomes: []protocol.RegionOutcome{
				{Region: "us-east-1", Status: protocol.StatusSucceeded},
				{Region: "eu-west-1", Status: west, Targets: []protocol.TargetOutcome{{Target: "s3", Status: west}}},
			},
		}
	}
	h := report.HistoryOf("reachable", slices.Values([]report.KeptRun{
		of(7, protocol.StatusSucceeded, protocol.StatusSucceeded), of(8, protocol.StatusFailed, protocol.StatusTimedOut),
	}))
	if err := h.Text(os.Stdout, report.Options{}); err != nil {
		panic(err)
	}
	// Output:
	// STARTED (UTC)     STATUS     REGIONS              CHANGED             TIME  RUN
	// 2026-11-30 07:00  SUCCEEDED  2/2 ok                                1.204 s
	// 2026-11-30 08:00  FAILED     1/2 ok, 1 timed out  1 newly failing  1.204 s
	//
	// REGION     2 runs, the newest at the right
	// eu-west-1  .T
	// 1 Region always succeeded
	// . succeeded  T timed out
}

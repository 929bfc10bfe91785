package report_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"pgregory.net/rapid"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// hedged is a run on Lambda with a cold start, a retry, and a hedge that won.
func hedged() protocol.Result {
	cold := resolved("us-east-1", 900)
	cold.Attempts[0].Metrics = &protocol.Metrics{InitDurationMs: 250}
	failing := resolved("eu-west-1", 700)
	failing.Attempts = []protocol.Attempt{
		{StartMs: 0.2, ElapsedMs: 120, Error: protocol.ErrorLambdaService, WaitMs: 200, Metrics: &protocol.Metrics{InitDurationMs: 100}},
		{StartMs: 320.2, ElapsedMs: 380},
	}
	slow := resolved("ap-southeast-2", 950)
	slow.Attempts = []protocol.Attempt{
		{StartMs: 0.2, ElapsedMs: 950, Cause: "the hedge was faster"},
		{StartMs: 500, ElapsedMs: 450, Hedge: true},
	}
	return run(cold, failing, slow)
}

// redrivenLater is a run that was redriven after an hour.
func redrivenLater() protocol.Result {
	again := resolved("eu-west-1", 3_601_500)
	again.Attempts = []protocol.Attempt{
		{StartMs: 0.2, ElapsedMs: 1000, Error: protocol.ErrorTimeout},
		{StartMs: 3_601_000.2, ElapsedMs: 500},
	}
	r := run(resolved("us-east-1", 800), again)
	r.ElapsedMs, r.Generations, r.Redrives = 1501, 2, 1
	r.Message = "That took 1.501 seconds"
	return r
}

// instant is a run of 0 ms.
func instant() protocol.Result {
	r := run(resolved("us-east-1", 0), lost("eu-west-1", protocol.StatusFailed, 0, "Boom", "it broke", "dynamodb"))
	r.ElapsedMs, r.Regions[0].Attempts[0].StartMs, r.Regions[1].Attempts[0].StartMs = 0, 0, 0
	r.Regions[1].Attempts[0].Error = "Boom"
	return r
}

// The golden files are the whole text; -update rewrites them.
func TestTimeline(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		result  protocol.Result
		options report.Options
	}{
		{name: "timeline", result: hedged()},
		{name: "timeline-40", result: hedged(), options: report.Options{Width: 40}},
		{name: "timeline-color", result: hedged(), options: report.Options{Width: 80, Color: true}},
		{name: "timeline-throttled", result: throttled()},
		{name: "timeline-batches", result: batches()},
		{name: "timeline-timed-out", result: timedOut()},
		{name: "timeline-aborted", result: aborted()},
		{name: "timeline-accounts", result: lookedUp()},
		{name: "timeline-accounts-40", result: lookedUp(), options: report.Options{Width: 40}},
		{name: "timeline-running", result: stillRunning()},
		{name: "timeline-redriven", result: redrivenLater()},
		{name: "timeline-instant", result: instant()},
		{name: "timeline-not-started", result: run(lost("eu-west-1", protocol.StatusNotStarted, 0, "", "enough succeeded", "s3"))},
		{name: "timeline-no-regions", result: noRegions()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			compareGolden(t, tt.name, timeline(t, tt.result, tt.options))
		})
	}
}

// No line is wider than the width, and zero means 80.
func TestNoLineOfATimelineIsWiderThanTheWidth(t *testing.T) {
	t.Parallel()
	for i, r := range []protocol.Result{hedged(), throttled(), batches(), lookedUp(), stillRunning(), redrivenLater(), instant(), allRegions(), unicodeOutputs()} {
		for width := range 160 {
			most := width
			if width == 0 {
				most = 80
			} else if width < 40 {
				continue
			}
			for line := range strings.Lines(timeline(t, r, report.Options{Width: width})) {
				if got := lipgloss.Width(strings.TrimSuffix(line, "\n")); got > most {
					t.Fatalf("result %d: Timeline(Width: %d) has a line of %d cells: %q", i, width, got, line)
				}
			}
		}
	}
}

// A failed attempt is never hidden by another one, however short it was; every Region has a line.
func TestAFailedAttemptIsNeverHidden(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var regions []protocol.RegionOutcome
		failing := map[string]bool{}
		for i := range rapid.IntRange(1, 4).Draw(t, "regions") {
			r := resolved(fmt.Sprintf("region-%d", i), 1)
			r.Attempts = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) protocol.Attempt {
				a := protocol.Attempt{
					StartMs: rapid.Float64Range(0, 1e7).Draw(t, "start"), ElapsedMs: rapid.Float64Range(0, 1e6).Draw(t, "elapsed"),
					WaitMs: rapid.Float64Range(0, 1e5).Draw(t, "wait"), Metrics: &protocol.Metrics{InitDurationMs: rapid.Float64Range(0, 1e6).Draw(t, "init")},
				}
				if rapid.Bool().Draw(t, "failed") {
					a.Error = "Boom"
				}
				return a
			}), 0, 5).Draw(t, "attempts")
			for _, a := range r.Attempts {
				failing[r.Region] = failing[r.Region] || a.Error != ""
			}
			regions = append(regions, r)
		}
		result := run(regions...)
		result.Generations = rapid.IntRange(0, 4).Draw(t, "generations")
		var b strings.Builder
		if err := report.Timeline(&b, result, report.Options{Width: rapid.IntRange(40, 120).Draw(t, "width")}); err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(b.String()) {
			name, rest, _ := strings.Cut(line, " ")
			if strings.HasPrefix(name, "region-") && strings.Contains(rest, "x") != failing[name] {
				t.Fatalf("Timeline shows that an attempt failed: %v, want %v:\n%s", !failing[name], failing[name], b.String())
			}
		}
	})
}

// Timeline returns the error of w.
// A result of a file may have any times. Their sum may be infinite.
func TestATimelineOfAbsurdTimesIsDrawn(t *testing.T) {
	t.Parallel()
	for _, ms := range []float64{math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64} {
		r := redrivenLater()
		r.ElapsedMs = ms
		for _, region := range r.Regions {
			region.Attempts[0].StartMs, region.Attempts[0].ElapsedMs, region.Attempts[0].WaitMs = ms, ms, ms
		}
		var b strings.Builder
		if err := report.Timeline(&b, r, report.Options{}); err != nil || !strings.Contains(b.String(), "eu-west-1") {
			t.Errorf("Timeline(times of %g ms) = %q, %v, want a lane of eu-west-1", ms, b.String(), err)
		}
		if length := report.NewAxis(r).LengthMs; !(length >= 0 && length < math.Inf(1)) {
			t.Errorf("NewAxis(times of %g ms) has the length %g", ms, length)
		}
	}
}

func TestTimelineReturnsTheWritersError(t *testing.T) {
	t.Parallel()
	if err := report.Timeline(brokenWriter{}, helloWorld(), report.Options{}); !errors.Is(err, errBroken) {
		t.Errorf("Timeline(broken writer) = %v, want %v", err, errBroken)
	}
}

func timeline(t *testing.T, r protocol.Result, o report.Options) string {
	t.Helper()
	var b strings.Builder
	if err := report.Timeline(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

package page_test

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/report"
	"meridian/internal/report/page"
	"meridian/pkg/protocol"
)

// history returns the history of an hourly schedule in three Regions. The name of the second is markup: it fails in
// the second and the third of five runs. The fourth run cannot be read, and the fifth has not ended.
func history() report.History {
	const evil = `<script>alert("x")</script>`
	runs := func(yield func(report.KeptRun) bool) {
		for n, west := range []protocol.Status{
			protocol.StatusSucceeded, protocol.StatusFailed, protocol.StatusTimedOut, protocol.StatusSucceeded, protocol.StatusRunning,
		} {
			run := report.KeptRun{State: protocol.RunState{
				RunID: fmt.Sprintf("01JDCX4T9Q8Z6W3M5K7N2P0R%02d", n), Status: protocol.StatusSucceeded,
				StartedAt: time.Date(2026, 11, 30, n, 0, 0, 0, time.UTC), ElapsedMs: float64(1000 + n),
			}}
			switch {
			case n == 3:
				run.Err = errors.New("result.json is broken")
			case n == 4:
				run.State.Status = protocol.StatusRunning
			case west != protocol.StatusSucceeded:
				run.State.Status, run.State.Error = protocol.StatusFailed, evil
			}
			for _, o := range []protocol.RegionOutcome{
				{Region: "us-east-1", Status: protocol.StatusSucceeded}, {Region: evil, Status: west}, {Region: "ap-east-2", Status: protocol.StatusSkipped},
			} {
				o.Targets = []protocol.TargetOutcome{{Target: "s3", Status: o.Status}}
				if n != 3 {
					run.Outcomes = append(run.Outcomes, o)
					run.State.Regions.Add(o.Status)
				}
			}
			if !yield(run) {
				return
			}
		}
	}
	return report.HistoryOf("reachable", runs)
}

// A page of a history has a line for each Region and a cell for each run, and is text whatever a result has.
func TestAPageOfAHistoryShowsEveryRunOfEveryRegion(t *testing.T) {
	t.Parallel()
	ctx := chromium(t)
	c := openFile(ctx, t, writeFile(t, func(w io.Writer) error { return page.History(w, history()) }))
	lines := evaluate[[]string](ctx, t, `[...document.querySelectorAll(".matrix tbody tr")].map(row => [...row.cells].map(cell => cell.textContent.trim()).join(" | "))`)
	want := []string{
		`<script>alert("x")</script> | 2 | ✓ | ✕ failed | ◷ timed out |  | … running`,
		"us-east-1 | 0 | ✓ | ✓ | ✓ |  | ✓",
		"ap-east-2 | 0 | – skipped | – skipped | – skipped |  | – skipped",
	}
	if diff := cmp.Diff(want, lines); diff != "" {
		t.Errorf("the matrix (-want +got):\n%s", diff)
	}
	runs := evaluate[[]string](ctx, t, `[...document.querySelectorAll("#runs tbody tr")].map(row => [...row.cells].slice(0, 10).map(cell => cell.textContent).join(" | "))`)
	want = []string{
		"2026-11-30 04:00:00 | running | 1 | 0 | 0 | 1 | 1 |  |  | 1004",
		"2026-11-30 03:00:00 | unknown | 0 | 0 | 0 | 0 | 0 |  |  | 1003",
		"2026-11-30 02:00:00 | failed | 1 | 0 | 1 | 1 | 0 | 0 | 0 | 1002",
		"2026-11-30 01:00:00 | failed | 1 | 1 | 0 | 1 | 0 | 1 | 0 | 1001",
		"2026-11-30 00:00:00 | succeeded | 2 | 0 | 0 | 1 | 0 |  |  | 1000",
	}
	if diff := cmp.Diff(want, runs); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
	text := evaluate[string](ctx, t, `document.body.textContent`)
	for _, part := range []string{"1 of 5", "2 of 3", "the run of 2026-11-30 03:00:00 UTC cannot be read: result.json is broken"} {
		if !strings.Contains(text, part) {
			t.Errorf("the page does not say %q", part)
		}
	}
	do(ctx, t, chromedp.Focus(chromedp.CSS(".matrix td")), chromedp.KeyEvent(kb.ArrowRight), chromedp.KeyEvent(kb.ArrowRight))
	if got, want := evaluate[string](ctx, t, `document.querySelector(".detail").textContent`), "2026-11-30 01:00:00: ✕ failed"; !strings.HasSuffix(got, want) {
		t.Errorf("the cell says %q, want its run and its status, %q", got, want)
	}
	do(ctx, t, chromedp.SendKeys(chromedp.CSS("#runs-filter"), "failed"))
	if got := evaluate[int](ctx, t, `document.querySelectorAll("#runs tbody tr:not([hidden])").length`); got != 2 {
		t.Errorf("the filter shows %d runs, want 2", got)
	}
	c.check(t)
}

// A run whose process has died does not run.
func TestAPageOfAHistoryCountsInterruptedRuns(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	h := report.History{Name: "n", Runs: []report.PastRun{{Status: protocol.StatusSucceeded}, {Status: protocol.StatusRunning, Interrupted: true}}}
	if err := page.History(&b, h); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "<span>1 succeeded</span><span>1 interrupted</span>") || !strings.Contains(text, "<strong>1 of 2</strong>") {
		t.Errorf("the page counts runs as %s, want 1 of 2, 1 interrupted", text[strings.Index(text, "<dl"):strings.Index(text, "</dl>")])
	}
}

// 200 runs of 34 Regions are a page that a browser opens without delay.
func TestAPageOfALongHistoryIsSmall(t *testing.T) {
	t.Parallel()
	h := report.History{Name: "reachable"}
	for n := range 200 {
		h.Runs = append(h.Runs, report.PastRun{RunID: fmt.Sprintf("01JDCX4T9Q8Z6W3M5K7N2P0%03d", n), Status: protocol.StatusSucceeded})
	}
	for n := range 340 {
		h.Strips = append(h.Strips, report.Strip{Region: fmt.Sprintf("region-%d", n), Statuses: slices.Repeat([]protocol.Status{protocol.StatusFailed}, 200)})
	}
	var b strings.Builder
	if err := page.History(&b, h); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(b.String(), "280 more lines are left out: the first 60 are") || b.Len() > 1<<20 {
		t.Errorf("the page has %d bytes, want less than 1 MB, and a sentence about what it lacks", b.Len())
	}
}

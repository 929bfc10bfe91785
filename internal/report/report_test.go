package report_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	"github.com/charmbracelet/x/ansi"
	gocmp "github.com/google/go-cmp/cmp"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

var update = flag.Bool("update", false, "rewrite the golden files of this package")

// The golden files are the whole text; -update rewrites them.
func TestText(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		result  protocol.Result
		options report.Options
	}{
		{name: "hello-world", result: helloWorld()},
		{name: "hello-world-80", result: helloWorld(), options: report.Options{Width: 80}},
		{name: "hello-world-100", result: helloWorld(), options: report.Options{Width: 100}},
		{name: "hello-world-color", result: helloWorld(), options: report.Options{Width: 100, Color: true}},
		{name: "hello-world-narrow", result: helloWorld(), options: report.Options{Width: 50}},
		{name: "hello-world-tiny", result: helloWorld(), options: report.Options{Width: 36}},
		{name: "tolerated", result: tolerated()},
		{name: "tolerated-100", result: tolerated(), options: report.Options{Width: 100}},
		{name: "timed-out", result: timedOut()},
		{name: "timed-out-100", result: timedOut(), options: report.Options{Width: 100}},
		{name: "aborted", result: aborted()},
		{name: "aborted-color", result: aborted(), options: report.Options{Width: 110, Color: true}},
		{name: "many-targets", result: manyTargets()},
		{name: "many-targets-80", result: manyTargets(), options: report.Options{Width: 80}},
		{name: "many-targets-wide", result: manyTargets(), options: report.Options{Width: 80, All: true}},
		{name: "mixed-failures", result: mixed()},
		{name: "batches", result: batches()},
		{name: "batches-80", result: batches(), options: report.Options{Width: 80}},
		{name: "ran-elsewhere", result: ranElsewhere()},
		{name: "ran-elsewhere-60", result: ranElsewhere(), options: report.Options{Width: 60}},
		{name: "probed", result: probed()},
		{name: "truncated", result: truncated()},
		{name: "throttled", result: throttled()},
		{name: "throttled-120", result: throttled(), options: report.Options{Width: 120}},
		{name: "throttled-color", result: throttled(), options: report.Options{Width: 120, Color: true}},
		{name: "throttled-60-color", result: throttled(), options: report.Options{Width: 60, Color: true}},
		{name: "truncated-60", result: truncated(), options: report.Options{Width: 60}},
		{name: "all-regions-100", result: allRegions(), options: report.Options{Width: 100}},
		{name: "unicode", result: unicodeOutputs()},
		{name: "unicode-80", result: unicodeOutputs(), options: report.Options{Width: 80}},
		{name: "one-region-120", result: run(succeeded("eu-west-1", 12.5, `"pong"`)), options: report.Options{Width: 120}},
		{name: "outputs", result: outputs()},
		{name: "hints", result: hinted()},
		{name: "no-regions", result: noRegions()},
		{name: "cost", result: priced()},
		{name: "cost-80", result: priced(), options: report.Options{Width: 80}},
		{name: "cost-elsewhere", result: elsewhere()},
		{name: "cost-unknown", result: unpriced()},
		{name: "cost-unsized", result: unsized()},
		{name: "cost-function", result: ofFunction()},
		{name: "running", result: stillRunning()},
		{name: "running-80", result: stillRunning(), options: report.Options{Width: 80}},
		{name: "running-wide", result: stillRunning(), options: report.Options{Width: 80, All: true}},
		{name: "running-color", result: stillRunning(), options: report.Options{Width: 120, Color: true}},
		{name: "redriven", result: redriven()},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			compareGolden(t, tt.name, text(t, tt.result, tt.options))
		})
	}
}

// compareGolden compares a text with a golden file.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	golden := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("the text differs from %s (-want +got):\n%s", golden, diff)
	}
}

// With a width, no row is wider.
func TestTextKeepsItsWidth(t *testing.T) {
	t.Parallel()
	for _, r := range []protocol.Result{helloWorld(), tolerated(), manyTargets(), throttled(), unicodeOutputs(), outputs(), batches(), ranElsewhere(), stillRunning()} {
		for width := 38; width <= 140; width++ {
			lines := strings.Split(text(t, r, report.Options{Width: width}), "\n")
			for _, line := range table(lines) {
				if got := lipgloss.Width(line); got > width {
					t.Fatalf("Text(Width: %d) has a row of %d cells: %q", width, got, line)
				}
			}
		}
	}
}

// Without a width, nothing is cut.
func TestTextWithoutWidthCutsNothing(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 5000)
	if got := text(t, run(failed("eu-west-1", 1, "Boom", long)), report.Options{}); !strings.Contains(got, long) {
		t.Errorf("Text(no width) cuts a cause of %d bytes", len(long))
	}
}

// A price is written with three significant digits.
func TestTextWritesPricesWithThreeSignificantDigits(t *testing.T) {
	t.Parallel()
	for usd, want := range map[float64]string{
		0.0000000214: "$0.0000000214", 0.000972471: "$0.000972", 0.0123456: "$0.0123", 0.5: "$0.500", 1.5: "$1.50", 1234.567: "$1234.57",
	} {
		r := helloWorld()
		r.Summary.Cost = &protocol.Cost{USD: usd, Region: "us-east-1", Workers: protocol.Usage{Requests: 1, USD: usd}}
		if got := text(t, r, report.Options{}); !strings.Contains(got, "cost: about "+want+" (workers "+want+", coordinator $0.00)") {
			t.Errorf("Text(cost %v) has no %s:\n%s", usd, want, got)
		}
	}
}

// A run in which nothing was invoked has no line for its cost.
func TestTextHasNoCostOfARunThatInvokedNothing(t *testing.T) {
	t.Parallel()
	r := helloWorld()
	r.Summary.Cost = &protocol.Cost{Architecture: "x86_64", PriceDate: "2026-11-23"}
	if got := text(t, r, report.Options{}); strings.Contains(got, "cost:") {
		t.Errorf("Text(nothing invoked) has a cost:\n%s", got)
	}
}

// Nothing that came from outside reaches the terminal as a control sequence.
func TestTextPassesNoControlSequence(t *testing.T) {
	t.Parallel()
	evil := "a\x1b[2Jb\x07c\rd\u009b31me\u202ef"
	output, err := json.Marshal(map[string]string{"message": evil})
	if err != nil {
		t.Fatal(err)
	}
	r := run(succeeded(evil, 1, string(output)), failed("eu-west-1", 1, evil, evil), succeeded("us-east-1", 1, string(output)))
	r.Status, r.Error, r.Cause, r.Message, r.Notices = protocol.Status(evil), evil, evil, evil, []string{evil}
	r.Regions[0].Status = protocol.Status(evil)
	r.Summary.Cost = &protocol.Cost{Region: evil, WorkerRegion: evil, Architecture: evil, PriceDate: evil, Note: evil}
	got := text(t, r, report.Options{Width: 100})
	if i := strings.IndexAny(got, "\x1b\x07\x7f\r\u009b\u202e"); i >= 0 {
		t.Errorf("Text has a control character at %d: %q", i, got)
	}
	if want := "a·[2Jb·c d·31me·f\n"; !strings.HasPrefix(got, want) {
		t.Errorf("Text = %q…, want %q", got[:30], want)
	}
}

// More messages would push the table off the screen.
func TestTextShowsAtMost100Messages(t *testing.T) {
	t.Parallel()
	many := region("eu-west-1", protocol.StatusSucceeded, 1)
	for i := range 103 {
		many.Targets = append(many.Targets, target(fmt.Sprint(i), `{"message":"hello","host":"h"}`))
	}
	got := text(t, run(many), report.Options{})
	if n := strings.Count(got, "hello\n"); n != 100 {
		t.Errorf("Text shows %d messages, want 100", n)
	}
	if want := "hello\n… and 3 more (-o wide has them all)\nThat took"; !strings.Contains(got, want) {
		t.Errorf("Text has no %q:\n%s", want, got[:800])
	}
}

// Up to eight messages that the table repeats are shown, and with All every one.
func TestTextShowsFewMessagesThatTheTableRepeats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		regions, want int
		all           bool
	}{{8, 8, false}, {9, 0, false}, {17, 0, false}, {150, 0, false}, {150, 150, true}} {
		regions := slices.Repeat([]protocol.RegionOutcome{succeeded("eu-west-1", 1, `{"message":"hello","host":"h"}`)}, tt.regions)
		if got := strings.Count(text(t, run(regions...), report.Options{All: tt.all}), "hello\n"); got != tt.want {
			t.Errorf("Text(All: %v) of %d Regions shows %d messages, want %d", tt.all, tt.regions, got, tt.want)
		}
	}
}

// Every failure can be read: in its row, or on a line below.
func TestTextShowsEveryFailureWhole(t *testing.T) {
	t.Parallel()
	flat := func(s string) string { return strings.Join(strings.Fields(s), "") }
	for _, r := range []protocol.Result{tolerated(), manyTargets(), throttled(), timedOut(), mixed()} {
		for _, o := range []report.Options{{}, {Width: 40}, {Width: 80}, {Width: 120, Color: true}, {Width: 80, All: true}} {
			got := flat(ansi.Strip(text(t, r, o)))
			for _, region := range r.Regions {
				for _, target := range region.Targets {
					cause := cmp.Or(target.Cause, region.Cause)
					if target.Status == protocol.StatusFailed && !strings.Contains(got, flat(cause)) {
						t.Errorf("Text(%+v) does not say why %s failed in %s: %s", o, target.Target, region.Region, cause)
					}
				}
			}
		}
	}
}

// A long reason that several Regions share is there once, and -o wide repeats it.
func TestTextRepeatsNoLongReason(t *testing.T) {
	t.Parallel()
	why := strings.Repeat("no way to AWS, ", 10) + "none"
	r := run(
		lost("eu-west-1", protocol.StatusFailed, 1, "Boom", why, "dynamodb"), lost("eu-west-2", protocol.StatusFailed, 1, "Boom", why, "dynamodb"),
		lost("us-east-1", protocol.StatusFailed, 1, "Boom", "other", "dynamodb"), lost("us-east-2", protocol.StatusFailed, 1, "Boom", "other", "dynamodb"),
	)
	got := text(t, r, report.Options{})
	if n := strings.Count(got, "Boom: "+why); n != 1 || !strings.Contains(got, "eu-west-2  FAILED  0.001 s  as in eu-west-1\n") || strings.Count(got, "Boom: other\n") != 2 {
		t.Errorf("Text has the reason %d times, want once, and the short one twice:\n%s", n, got)
	}
	if n := strings.Count(text(t, r, report.Options{All: true}), "Boom: "+why); n != 2 {
		t.Errorf("Text(All) has the reason %d times, want twice", n)
	}
}

func TestTextShowsAtMost100Failures(t *testing.T) {
	t.Parallel()
	many := region("eu-west-1", protocol.StatusFailed, 1)
	for i := range 103 {
		many.Targets = append(many.Targets, protocol.TargetOutcome{Target: fmt.Sprint(i), Status: protocol.StatusFailed, Error: "E", Cause: "boom"})
	}
	got := text(t, run(many), report.Options{})
	if n := strings.Count(got, "  E: boom\n"); n != 100 || !strings.Contains(got, "… and 3 more failures (-o wide has them all)\n") {
		t.Errorf("Text shows %d failures, want 100 and a line for the others:\n%s", n, got)
	}
	if n := strings.Count(text(t, run(many), report.Options{All: true}), "  E: boom\n"); n != 103 {
		t.Errorf("Text(All) shows %d failures, want 103", n)
	}
}

// A Region whose causes and attempts were left out has its time, and no note about
// outputs, because it had none.
func TestTextOfARegionWithoutAttempts(t *testing.T) {
	t.Parallel()
	r := lost("eu-west-1", protocol.StatusFailed, 812, "Boom", "", "dynamodb", "s3")
	r.Attempts, r.Truncated = nil, true
	got := text(t, run(r), report.Options{})
	if want := "eu-west-1  FAILED  0.812 s  0 of 2 targets; Boom\n"; !strings.Contains(got, want) {
		t.Errorf("Text has no %q:\n%s", want, got)
	}
}

// An attempt that was aborted after one that failed is not drawn as succeeded.
func TestTextDrawsAnAbortedAttemptAsAborted(t *testing.T) {
	t.Parallel()
	abandoned := region("eu-west-1", protocol.StatusAborted, 1000, target("dynamodb", ""))
	abandoned.Attempts = []protocol.Attempt{
		{ElapsedMs: 200, Error: "Boom", Cause: "boom", WaitMs: 300},
		{StartMs: 500, ElapsedMs: 500, Cause: "interrupt signal received"},
	}
	whole := region("eu-west-1", protocol.StatusAborted, 1000, target("dynamodb", ""))
	row := func(r protocol.RegionOutcome) string {
		got := text(t, run(resolved("us-east-1", 1), r), report.Options{Width: 100, Color: true})
		_, line, _ := strings.Cut(got, "eu-west-1")
		line, _, _ = strings.Cut(line, "\n")
		return line
	}
	style := func(line string) string { // of the last piece of the timeline
		before := line[:strings.LastIndex(line, "━")]
		return before[strings.LastIndex(before, "\x1b["):strings.LastIndex(before, "m")]
	}
	if got, want := style(row(abandoned)), style(row(whole)); got != want {
		t.Errorf("Text draws an aborted attempt as %q, want %q:\n%q", got, want, row(abandoned))
	}
}

// Text returns the error of w.
func TestTextReturnsTheWritersError(t *testing.T) {
	t.Parallel()
	if err := report.Text(brokenWriter{}, helloWorld(), report.Options{}); !errors.Is(err, errBroken) {
		t.Errorf("Text(broken writer) = %v, want %v", err, errBroken)
	}
}

var errBroken = errors.New("broken")

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errBroken }

func text(t *testing.T, r protocol.Result, o report.Options) string {
	t.Helper()
	var b strings.Builder
	if err := report.Text(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// table returns the lines of the table alone.
func table(lines []string) []string {
	from := 0
	for i, line := range lines {
		if strings.HasPrefix(line, "REGION") {
			from = i
		}
	}
	to := from
	for lines[to] != "" {
		to++
	}
	return lines[from:to]
}

// Every hint is told in words, and one that is not known as it is.
func TestTextTellsEveryHint(t *testing.T) {
	t.Parallel()
	for _, hint := range append(protocol.Hints(), "a newer hint") {
		r := failed("eu-west-1", 20, "Lambda.ServiceException", "sorry")
		r.Hint = hint
		_, line, _ := strings.Cut(text(t, ended(run(r), protocol.StatusFailed, "", ""), report.Options{}), "\nhint: ")
		line, _, _ = strings.Cut(line, "\n")
		if line == "" || (line == string(hint)) != (hint == "a newer hint") {
			t.Errorf("hint %s is told as %q, want words", hint, line)
		}
	}
}

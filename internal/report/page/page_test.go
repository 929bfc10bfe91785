package page_test

import (
	"bytes"
	"errors"
	"io"
	"math"
	"regexp"
	"strings"
	"testing"

	"meridian/internal/difference"
	"meridian/internal/report"
	"meridian/internal/report/page"
	"meridian/pkg/protocol"
)

// write returns the page of a result.
func write(t *testing.T, r protocol.Result) string {
	t.Helper()
	var b bytes.Buffer
	if err := page.Run(&b, r, page.Options{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Everything from a result is text: the page has the elements of its templates, and no others.
func TestAPageHasNoMarkupOfAResult(t *testing.T) {
	t.Parallel()
	text := write(t, everyStatus())
	for _, wrong := range []string{hostile, "<img", "onerror=alert(1)>", "\x1b", "' onmouseover"} {
		if strings.Contains(text, wrong) {
			t.Errorf("the page has %q", wrong)
		}
	}
	for _, tag := range []string{"script", "style", "title>", "body", "html"} {
		want := 1
		if tag == "title>" { // SVG has titles too
			want = 1 + strings.Count(text, "<g><title>") + strings.Count(text, `role="img"><title>`)
		}
		if got := strings.Count(text, "<"+tag); got != want {
			t.Errorf("the page has <%s %d times, want %d", tag, got, want)
		}
	}
	if !strings.Contains(text, "&lt;script&gt;alert(1)&lt;/script&gt;") {
		t.Error("the page lacks the text of the target")
	}
	if styled := regexp.MustCompile(`<[^>]* (style|on[a-z]+)=`).FindString(text); styled != "" {
		t.Errorf("the page has an attribute that its policy forbids: %s", styled)
	}
	for _, link := range regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(text, -1) {
		if !strings.HasPrefix(link[1], "#") {
			t.Errorf("the page links to %s", link[1])
		}
	}
}

func TestAPageIsAtMost150KBAnd1KBATargetAndTheRows(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		result protocol.Result
	}{
		{"nothing", protocol.Result{Status: protocol.StatusSucceeded}},
		{"34 x 20", wide(34, 20, 7)},
		{"34 x 300", wide(34, 300, 0)},
		{"34 x 30, all failed", wide(34, 30, 1)},
		{"300 accounts x 34", overAccounts(300, 34)},
		{"one Region with 2000 targets", wide(1, 2000, 3)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := write(t, tt.result)
			_, rows, _ := strings.Cut(text, `<section id="rows-section"`)
			most := 150_000 + 1000*tt.result.Summary.Targets.Total
			if got := len(text) - len(rows); got > most {
				t.Errorf("the page has %d bytes besides the rows, want at most %d", got, most)
			}
		})
	}
}

func TestALargePageSaysWhatIsCut(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                  string
		result                protocol.Result
		lanes, lines, columns int
		says                  []string
	}{
		{"34 x 300 is whole", wide(34, 300, 0), 34, 34, 301, nil},
		{"many Regions", wide(410, 40, 0), 400, 300, 41, []string{
			"10 more lines are left out: the first 400 are", "110 more lines are left out: the first 300 are",
		}},
		{"many targets", wide(1, 2000, 0), 1, 1, 1001, []string{"1,000 more columns are left out"}},
		{"many accounts", overAccounts(400, 34), 400, 352, 35, []string{
			"13,200 more lines are left out", "48 more lines are left out: the first 352 are",
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := write(t, tt.result)
			matrix := text[strings.Index(text, `<table class="matrix"`):]
			matrix = matrix[:strings.Index(matrix, "</table>")]
			for _, of := range []struct {
				name      string
				got, want int
			}{
				{"lanes", strings.Count(text, `<svg class="lane"`), tt.lanes},
				{"lines", strings.Count(matrix, `<th scope="row">`), tt.lines},
				{"columns", strings.Count(matrix, `<th scope="col"><span>`), tt.columns},
				{"sentences", strings.Count(text, "left out"), len(tt.says)},
			} {
				if of.got != of.want {
					t.Errorf("the page has %d %s, want %d", of.got, of.name, of.want)
				}
			}
			for _, sentence := range tt.says {
				if !strings.Contains(text, sentence) {
					t.Errorf("the page does not say %q", sentence)
				}
			}
		})
	}
}

func TestTheMatrixOfAccountsHasARegionInEachColumn(t *testing.T) {
	t.Parallel()
	text := write(t, overAccounts(3, 2))
	for _, want := range []string{
		`<th scope="col">account</th><th scope="col"><span>all</span></th><th scope="col"><span>eu-west-1</span></th><th scope="col"><span>eu-west-0</span></th>`,
		`<tr><th scope="row">account 2</th><td class="s-failed"><b>✕</b> <span class="hidden">failed</span>4.0</td>` +
			`<td class="s-failed" title="1 of 2 targets succeeded States.ExceedToleratedFailureThreshold: 1 of 2 targets failed">`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

func TestAPageOfADifferenceHasWhatGotWorseFirst(t *testing.T) {
	t.Parallel()
	before, after := wide(2, 3, 0), wide(2, 3, 3)
	after.Name = hostile
	var b bytes.Buffer
	if err := page.Difference(&b, difference.Compare(before, after, difference.Comparison{})); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	if n := strings.Count(text, `<tr class="s-failed"><td>newly failing</td>`); n != 2 {
		t.Errorf("the page has %d targets that are newly failing, want 2", n)
	}
	if strings.Contains(text, hostile) || !strings.Contains(text, "worse</span>") {
		t.Error("the page has markup of a result, or does not say that it got worse")
	}
	b.Reset()
	if err := page.Difference(&b, difference.Compare(before, before, difference.Comparison{})); err != nil || !strings.Contains(b.String(), "Nothing changed.") {
		t.Errorf("the page of no difference does not say so, error %v", err)
	}
}

func TestAPageOfARunAgainIsTheSame(t *testing.T) {
	t.Parallel()
	if first, again := write(t, everyStatus()), write(t, everyStatus()); first != again {
		t.Error("two pages of the same result differ")
	}
}

// A result of a file may have any times: the axis has a few marks all the same.
func TestAPageOfAbsurdTimesIsSmall(t *testing.T) {
	t.Parallel()
	for _, ms := range []float64{math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64} {
		r := protocol.Result{Status: protocol.StatusSucceeded, ElapsedMs: ms, Regions: []protocol.RegionOutcome{{
			Region: "eu-west-1", Status: protocol.StatusSucceeded, Attempts: []protocol.Attempt{{StartMs: ms, ElapsedMs: ms, WaitMs: ms}},
		}}}
		var b strings.Builder
		if err := page.Run(&b, r, page.Options{}); err != nil || b.Len() > 150<<10 {
			t.Errorf("Run(times of %g ms) = %d bytes, %v, want at most 150 KB", ms, b.Len(), err)
		}
	}
}

func TestRunReturnsTheErrorOfItsWriter(t *testing.T) {
	t.Parallel()
	if err := page.Run(fullWriter{}, wide(34, 20, 0), page.Options{}); !errors.Is(err, errFull) {
		t.Errorf("Run returns %v, want %v", err, errFull)
	}
}

var errFull = errors.New("no space left on device")

type fullWriter struct{}

func (fullWriter) Write([]byte) (int, error) { return 0, errFull }

// BenchmarkPage writes pages and tables of 34 Regions and 300 targets. Each takes less than a second, and
// B/op, which is more than it holds at once, is below 100 MB.
func BenchmarkPage(b *testing.B) {
	r := wide(34, 300, 10)
	for _, bb := range []struct {
		name string
		do   func() error
	}{
		{"html", func() error { return page.Run(io.Discard, r, page.Options{}) }},
		{"table", func() error {
			return report.List(r, nil, report.Selection{}).Table(io.Discard, report.Options{Width: 160, Color: true})
		}},
		{"wide", func() error { return report.Text(io.Discard, r, report.Options{All: true, Color: true}) }},
		{"regions", func() error { return report.Text(io.Discard, r, report.Options{Width: 160, Color: true}) }},
		{"timeline", func() error { return report.Timeline(io.Discard, r, report.Options{Width: 160, Color: true}) }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bb.do(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

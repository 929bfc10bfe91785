package page_test

import (
	"context"
	"errors"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"meridian/internal/report"
	"meridian/internal/report/page"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// The tests of this package share a browser, and each has a tab of its own.
func TestMain(m *testing.M) {
	m.Run()
	if ctx, err := browser(); err == nil {
		_ = chromedp.Cancel(ctx)
	}
}

// errNoChromium is the error of a machine without a browser.
var errNoChromium = errors.New("chromium is not installed")

// browser starts headless Chromium, once.
var browser = sync.OnceValues(func() (context.Context, error) {
	var program string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			program = path
			break
		}
	}
	if program == "" {
		return nil, errNoChromium
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath(program), chromedp.DisableGPU)
	if os.Getuid() == 0 {
		options = append(options, chromedp.NoSandbox)
	}
	ctx, _ := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, _ = chromedp.NewContext(ctx)
	return ctx, chromedp.Do(ctx)
})

// chromium opens a tab for a test, and skips the test on a machine without Chromium.
func chromium(t *testing.T) context.Context {
	t.Helper()
	ctx, err := browser()
	if errors.Is(err, errNoChromium) && os.Getenv("CI") == "" { //nolint:forbidigo // a test has no settings to be passed
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil { // opens the tab, without a bound that would close it
		t.Fatal(err)
	}
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// complaints are what a browser has to say against a page: errors, warnings, and requests but that for
// the page.
type complaints struct {
	mu   sync.Mutex
	list []string
}

// watch collects the complaints of the browser of ctx.
func watch(ctx context.Context, t *testing.T, file string) *complaints {
	t.Helper()
	c := &complaints{}
	add := func(text string) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.list = append(c.list, text)
	}
	err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *network.EventRequestWillBeSent:
			if e.Request.URL != file {
				add("request " + e.Request.URL)
			}
		case *runtime.EventConsoleAPICalled:
			add("console " + string(e.Type))
		case *runtime.EventExceptionThrown:
			add("exception " + e.ExceptionDetails.Text)
		case *log.EventEntryAdded:
			add(string(e.Entry.Level) + " " + e.Entry.Text)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// check fails the test if there were complaints.
func (c *complaints) check(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, complaint := range c.list {
		t.Errorf("the browser complains: %s", complaint)
	}
}

// open writes the page of a result to a file and opens it.
func open(ctx context.Context, t *testing.T, r protocol.Result) *complaints {
	t.Helper()
	return openFile(ctx, t, writePage(t, r))
}

// writePage writes the page of a result to a file.
func writePage(t *testing.T, r protocol.Result) string {
	t.Helper()
	return writeFile(t, func(w io.Writer) error { return page.Run(w, r, page.Options{Rows: probeRows()}) })
}

// writeFile writes a page to a file.
func writeFile(t *testing.T, write func(io.Writer) error) string {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "page.html"))
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(write(file), file.Close()); err != nil {
		t.Fatal(err)
	}
	return file.Name()
}

// openFile opens a file.
func openFile(ctx context.Context, t *testing.T, file string) *complaints {
	t.Helper()
	address := (&url.URL{Scheme: "file", Path: file}).String()
	c := watch(ctx, t, address)
	call(ctx, t, network.Enable, network.EnableParams{})
	call(ctx, t, log.Enable, cdp.Empty{})
	call(ctx, t, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: 1280, Height: 900, DeviceScaleFactor: 1})
	do(ctx, t, chromedp.Navigate(address))
	return c
}

// do runs actions in the browser.
func do(ctx context.Context, t *testing.T, actions ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	if err := chromedp.Do(ctx, actions...); err != nil {
		t.Fatal(err)
	}
}

// call sends the browser a command.
func call[P, R any](ctx context.Context, t *testing.T, command cdp.Command[P, R], params P) R {
	t.Helper()
	result, err := chromedp.Call(ctx, command, params)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// evaluate returns the value of an expression in the page.
func evaluate[T any](ctx context.Context, t *testing.T, expression string) T {
	t.Helper()
	value, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// media sets the theme that the user prefers, and what the page is for: screen or print.
func media(ctx context.Context, t *testing.T, theme, kind string) {
	t.Helper()
	call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Media: kind, Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}},
	})
}

// readRecord returns a committed result.
func readRecord(t *testing.T, file string) protocol.Result {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	r, err := protocol.DecodeResult(data)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// probeRows lists the outputs of a probe.
func probeRows() report.Rows {
	t, _ := task.Builtin().Task("probe")
	return t.Rows
}

func TestAPageShowsEveryOutcomeAndAttempt(t *testing.T) {
	t.Parallel()
	ctx, r := chromium(t), readRecord(t, record)
	c := open(ctx, t, r)
	attempts, waits, cold := 0, 0, 0
	statuses := map[string]int{}
	for _, region := range r.Regions {
		for _, a := range region.Attempts {
			attempts++
			if a.WaitMs > 0 {
				waits++
			}
			if a.Metrics != nil && a.Metrics.InitDurationMs > 0 {
				cold++
			}
		}
		for _, target := range region.Targets {
			statuses[string(target.Status)]++
		}
	}
	for _, tt := range []struct {
		name, selector string
		want           int
	}{
		{"lanes of Regions", ".lanes tbody tr:not(.part)", len(r.Regions)},
		{"bars", ".lanes .bar", attempts},
		{"waits", ".lanes .b-wait", waits},
		{"cold starts", ".lanes .b-cold-start", cold},
		{"hedges", ".lanes tbody tr.part", r.Summary.Hedges},
		{"Regions of the matrix", ".matrix tbody tr", len(r.Regions)},
		{"cells", ".matrix td:not(:nth-child(2))", r.Summary.Targets.Total},
		{"cells that succeeded", ".matrix td.s-succeeded:not(:nth-child(2))", statuses["SUCCEEDED"]},
		{"cells that failed", ".matrix td.s-failed:not(:nth-child(2))", statuses["FAILED"]},
		{"cells that timed out", ".matrix td.s-timed-out:not(:nth-child(2))", statuses["TIMED_OUT"]},
		{"cells that were skipped", ".matrix td.s-skipped:not(:nth-child(2))", statuses["SKIPPED"]},
		{"rows", "#rows tbody tr", r.Summary.Targets.Total - r.Summary.Targets.Skipped},
		{"rows of errors", "#rows tbody tr.s-failed", r.Summary.Targets.Failed + r.Summary.Targets.TimedOut},
	} {
		if got := evaluate[int](ctx, t, `document.querySelectorAll("`+tt.selector+`").length`); got != tt.want || tt.want == 0 {
			t.Errorf("the page has %d %s, want %d, and more than none", got, tt.name, tt.want)
		}
	}
	first := evaluate[[]string](ctx, t, `[".lanes tbody th", ".matrix tbody th", "#rows tbody td"].map(s => document.querySelector(s).textContent)`)
	if want := []string{"af-south-1", "af-south-1", "af-south-1"}; !slices.Equal(first, want) {
		t.Errorf("the timeline, the matrix and the rows begin with %v, want the failed and slowest %v", first, want)
	}
	c.check(t)
}

func TestAPageFiltersAndSortsAndHasKeys(t *testing.T) {
	t.Parallel()
	ctx := chromium(t)
	c := open(ctx, t, readRecord(t, fewRecord))
	shown := `document.querySelectorAll("#rows tbody tr:not([hidden])").length`
	do(ctx, t, chromedp.SendKeys(chromedp.CSS("#rows-filter"), "eu-west-1 S3"))
	if got := evaluate[int](ctx, t, shown); got != 1 {
		t.Errorf("the filter shows %d rows, want 1", got)
	}
	if got, want := evaluate[string](ctx, t, `document.querySelector("output").value`), "1 of 66 rows"; got != want {
		t.Errorf("the filter says %q, want %q", got, want)
	}
	do(ctx, t, chromedp.KeyEvent(strings.Repeat(kb.Backspace, len("eu-west-1 S3"))))
	if got := evaluate[int](ctx, t, shown); got != 66 {
		t.Errorf("an empty filter shows %d rows, want all of 66", got)
	}

	column := `[...document.querySelectorAll("#rows tbody td:nth-child(3)")].map(cell => parseFloat(cell.textContent)).filter(ms => ms)`
	head := `document.querySelector("#rows th:nth-child(3)").getAttribute("aria-sort")`
	do(ctx, t, chromedp.Focus(chromedp.CSS("#rows th:nth-child(3) button")), chromedp.KeyEvent("\r")) // by the keyboard alone
	if times := evaluate[[]float64](ctx, t, column); !slices.IsSorted(times) || evaluate[string](ctx, t, head) != "ascending" {
		t.Errorf("the rows are not sorted by their numbers: %v", times[:20])
	}
	do(ctx, t, chromedp.KeyEvent(" "))
	times := evaluate[[]float64](ctx, t, column)
	slices.Reverse(times)
	if !slices.IsSorted(times) || evaluate[string](ctx, t, head) != "descending" {
		t.Errorf("the rows are not sorted in reverse: %v", times[:20])
	}

	do(ctx, t, chromedp.Focus(chromedp.CSS(`.matrix td[tabindex="0"]`)), chromedp.KeyEvent(kb.ArrowDown+kb.ArrowRight+kb.ArrowUp))
	at := evaluate[[]int](ctx, t, `[document.activeElement.parentNode.sectionRowIndex, document.activeElement.cellIndex]`)
	if want := []int{0, 2}; !slices.Equal(at, want) {
		t.Errorf("the arrow keys lead to the cell %v, want %v", at, want)
	}
	says := evaluate[string](ctx, t, `document.querySelector(".detail").textContent`)
	if want := "me-south-1, s3: "; !strings.HasPrefix(says, want) || !strings.Contains(says, "Lambda.ServiceException: Service unavailable") {
		t.Errorf("the cell says %q, want %q and its error", says, want)
	}
	if n := evaluate[int](ctx, t, `document.querySelectorAll('.matrix td[tabindex="0"]').length`); n != 1 {
		t.Errorf("%d cells can be reached by the tabulator, want 1", n)
	}
	c.check(t)
}

package faults_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"text/tabwriter"
	"time"

	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

var (
	soakRuns = flag.Int("soak", 0, "how many `runs` the soak makes; 0 replays testdata/seeds.txt")
	soakSeed = flag.Uint64("seed", 0, "the `seed` of the soak's first run, the others count on from it; 0 draws one")
)

// excused counts the runs whose answer was late, but by less than the process was
// stalled. They prove nothing, so their number is printed.
var excused atomic.Int32

// Many runs of 35 Regions and 20 targets each. Everything is drawn from the run's seed:
// the request, the faults of its calls, the time of its cancellation. Every tenth run
// goes over HTTP.
func TestSoak(t *testing.T) {
	if *soakRuns == 0 {
		for _, seed := range readSeeds(t) {
			t.Run(fmt.Sprint(seed), func(t *testing.T) {
				t.Parallel()
				soak(t, seed, false)
			})
		}
		return
	}
	seed := *soakSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano()) / 1000 * 1000 //nolint:gosec // it is after 1970
	}
	_, _ = fmt.Fprintf(os.Stdout, "seed %d, %d runs\n", seed, *soakRuns)
	var figures []figure
	const hundred = 100
	for first := 0; first < *soakRuns; first += hundred {
		n := min(hundred, *soakRuns-first)
		for _, overHTTP := range []bool{false, true} { // not together: in virtual time the runs take all the CPU
			t.Run(fmt.Sprintf("from %d, over HTTP %v", first, overHTTP), func(t *testing.T) {
				for i := range n {
					seed := seed + uint64(first+i) //nolint:gosec // not negative
					if isOverHTTP(seed) == overHTTP {
						t.Run(fmt.Sprint(seed), func(t *testing.T) {
							t.Parallel()
							soak(t, seed, true)
						})
					}
				}
			})
		}
		figures = append(figures, measure(first+n))
	}
	printFigures(os.Stdout, figures)
	_, _ = fmt.Fprintf(os.Stdout, "%d runs were late, by less than the process was stalled\n", excused.Load())
	checkGrowth(t, figures)
}

// isOverHTTP is true for every tenth seed.
func isOverHTTP(seed uint64) bool { return seed%10 == 0 }

// soak makes the run of one seed.
func soak(t *testing.T, seed uint64, clock bool) {
	t.Helper()
	var problems []string
	overHTTP := isOverHTTP(seed)
	if clock && overHTTP {
		problems = soakOverHTTP(t, seed, true)
	} else {
		synctest.Test(t, func(t *testing.T) {
			if overHTTP {
				problems = soakOverHTTP(t, seed, false)
			} else {
				problems = soakInProcess(t, seed)
			}
			time.Sleep(24 * time.Hour) // until abandoned attempts have ended, as the bubble requires
		})
	}
	for _, problem := range problems {
		t.Error(problem)
	}
	if len(problems) > 0 {
		t.Errorf("run it again with -soak 1 -seed %d, and add it to testdata/seeds.txt", seed)
	}
}

// soakInProcess makes the run with workers in this process, in virtual time.
func soakInProcess(t *testing.T, seed uint64) []string {
	t.Helper()
	r := random(seed, "run")
	request := drawRequest(seed, r, time.Second)
	w := newChaos(seed, []float64{0.02, 0.1, 0.3, 0.9}[r.IntN(4)])
	limit := time.Duration(1+r.IntN(120)) * time.Second
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	begin, cancelled := time.Now(), limit
	if r.IntN(5) == 0 {
		cancelled = time.Duration(r.Int64N(int64(limit)))
		defer time.AfterFunc(cancelled, cancel).Stop()
	}
	got := carryOut(ctx, t, w, request, limit, false)
	took := time.Since(begin)
	synctest.Wait() // until the calls of the hedges that started with the answer are counted
	a := accountOf(request, got.result)
	problems := append(a.check(got), a.compareAttempts(w.attempts, false, false)...)
	if patience := protocol.Reserve(limit); took > cancelled+patience {
		problems = append(problems, fmt.Sprintf("cancelled after %v, it took %v", cancelled, took))
	}
	if most := request.MaxConcurrency; most > 0 && w.peak > most {
		problems = append(problems, fmt.Sprintf("%d invocations at once, want at most %d", w.peak, most))
	}
	return problems
}

// soakOverHTTP makes the run against a server: on the loopback interface in real time, or
// in memory.
func soakOverHTTP(t *testing.T, seed uint64, clock bool) []string {
	t.Helper()
	start, beat := invoketest.NewMemoryServer, time.Second
	if clock {
		start, beat = invoketest.NewServer, 100*time.Millisecond
	}
	r := random(seed, "run")
	request := drawRequest(seed, r, beat)
	server := start(t, handler())
	server.Log(invoketest.TextLog, 256)
	injectFaults(server, seed, []float64{0.02, 0.1, 0.3, 0.9}[r.IntN(4)], beat)
	got := carryOut(t.Context(), t, newFleet(t, server, request.Regions, false), request, limitBeats*beat, clock)
	if got.margin < 0 && !got.late() {
		excused.Add(1)
	}
	a := accountOf(request, got.result)
	// The server does not see failed dials, nor attempts that timed out before.
	return slices.Concat(a.check(got), a.compareAttempts(server.Attempts(), true, true), compareReports(got.result, server.Counts()))
}

// readSeeds returns the seeds that go test replays.
func readSeeds(t *testing.T) (seeds []uint64) {
	t.Helper()
	data, err := os.ReadFile("testdata/seeds.txt")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		text, _, _ := strings.Cut(line, "#")
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatalf("testdata/seeds.txt: %v", err)
		}
		seeds = append(seeds, seed)
	}
	return seeds
}

// A figure is what the process holds after a number of runs.
type figure struct {
	runs, goroutines, descriptors int
	heap                          uint64
}

func measure(runs int) figure {
	// Clients notice the end of a connection a moment after the server has closed it.
	for range 100 {
		<-time.After(time.Millisecond)
	}
	runtime.GC()
	runtime.GC() // for objects with finalizers
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, _ := os.ReadDir("/proc/self/fd") // on Linux
	return figure{runs, runtime.NumGoroutine(), len(open), m.HeapAlloc}
}

func printFigures(w io.Writer, figures []figure) {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(tab, "runs\tgoroutines\tdescriptors\theap\t")
	for _, f := range figures {
		_, _ = fmt.Fprintf(tab, "%d\t%d\t%d\t%.1f MiB\t\n", f.runs, f.goroutines, f.descriptors, float64(f.heap)/(1<<20))
	}
	_ = tab.Flush()
}

// checkGrowth compares the figures after the first hundred runs and after the last.
func checkGrowth(t *testing.T, figures []figure) {
	t.Helper()
	first, last := figures[0], figures[len(figures)-1]
	const few, some = 10, 8 << 20 // for the runtime and the test itself
	if last.goroutines > first.goroutines+few || last.descriptors > first.descriptors+few || last.heap > first.heap+some {
		t.Errorf("after the last run %+v, after the first hundred %+v", last, first)
	}
}

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

// forgiven counts the runs whose answer came past the deadline, but by less than
// the machine stood still: no proof of anything, so it is told.
var forgiven atomic.Int32

// Many runs, each of 35 Regions and 20 targets, with everything drawn from its
// seed: the request, what happens to each call, when it is cancelled. Every tenth
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
		for _, overHTTP := range []bool{false, true} { // apart: one group waits for no clock and takes all the time there is
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
	_, _ = fmt.Fprintf(os.Stdout, "%d runs were past their deadline, while the machine stood still for longer\n", forgiven.Load())
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
			time.Sleep(24 * time.Hour) // let what was given up end, so that the bubble can
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
	r := luck(seed, "run")
	request := drawRequest(seed, r, time.Second)
	w := newWild(seed, []float64{0.02, 0.1, 0.3, 0.9}[r.IntN(4)])
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
	synctest.Wait() // for the hedges begun in the moment of the answer: their calls are counted as well
	a := accountOf(request, got.result)
	problems := append(a.sound(got), a.unseen(w.attempts, false, false)...)
	if patience := protocol.Reserve(limit); took > cancelled+patience {
		problems = append(problems, fmt.Sprintf("cancelled after %v, it took %v", cancelled, took))
	}
	if most := request.MaxConcurrency; most > 0 && w.peak > most {
		problems = append(problems, fmt.Sprintf("%d invocations at once, want at most %d", w.peak, most))
	}
	return problems
}

// soakOverHTTP makes the run against a server: of the loopback interface and
// against the clock, or in memory.
func soakOverHTTP(t *testing.T, seed uint64, clock bool) []string {
	t.Helper()
	start, beat := invoketest.NewMemoryServer, time.Second
	if clock {
		start, beat = invoketest.NewServer, 100*time.Millisecond
	}
	r := luck(seed, "run")
	request := drawRequest(seed, r, beat)
	server := start(t, handler())
	server.Log(invoketest.TextLog, 256)
	harass(server, seed, []float64{0.02, 0.1, 0.3, 0.9}[r.IntN(4)], beat)
	got := carryOut(t.Context(), t, newFleet(t, server, request.Regions, false), request, limitBeats*beat, clock)
	if got.margin < 0 && !got.late() {
		forgiven.Add(1)
	}
	a := accountOf(request, got.result)
	// What dialing met, or an attempt whose time was over, the server has not seen.
	return slices.Concat(a.sound(got), a.unseen(server.Attempts(), true, true), unreported(got.result, server.Counts()))
}

// readSeeds returns the seeds that every go test replays.
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

// A figure is what the process holds after so many runs.
type figure struct {
	runs, goroutines, descriptors int
	heap                          uint64
}

func measure(runs int) figure {
	// Clients hear of a connection's end a moment after the server has ended it.
	for range 100 {
		<-time.After(time.Millisecond)
	}
	runtime.GC()
	runtime.GC() // what the first one finalized
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	open, _ := os.ReadDir("/proc/self/fd") // where there is one
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

// checkGrowth compares what was held after the first hundred runs and after the
// last.
func checkGrowth(t *testing.T, figures []figure) {
	t.Helper()
	first, last := figures[0], figures[len(figures)-1]
	const few, some = 10, 8 << 20 // what the runtime and the test itself may take
	if last.goroutines > first.goroutines+few || last.descriptors > first.descriptors+few || last.heap > first.heap+some {
		t.Errorf("after the last run %+v, after the first hundred %+v", last, first)
	}
}

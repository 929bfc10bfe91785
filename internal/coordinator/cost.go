package coordinator

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"meridian/internal/fanout"
	"meridian/internal/price"
	"meridian/pkg/protocol"
)

// A Billing is what a coordinator must know to compute the cost of a run. The zero
// value means that it is no Lambda function, and then results have no cost.
type Billing struct {
	// Region is where the coordinator is. Empty means that it is no Lambda function.
	Region string

	// WorkerRegion is where the one worker is that serves every Region. Empty means
	// Region. It is not used when each Region has a worker of its own.
	WorkerRegion string

	// Architecture is the architecture of both functions, as Go spells it: arm64 or
	// amd64.
	Architecture string

	// WorkerMemoryMB is the workers' memory. It is used only when no invocation of
	// the run has a report, which would have it. Zero means that it is not known:
	// then there is no price.
	WorkerMemoryMB int
}

// billing is a run's Billing.
type billing struct {
	Billing
	memoryMB int    // of the coordinator
	regional bool   // whether each Region has a worker of its own, and prices
	function string // the caller's function that is the worker; "" means the deployment's
}

// billing returns what the plan's run is billed by.
func (c *Coordinator) billing(p *Plan) billing {
	b := billing{c.Billing, c.MemoryMB, p.Regional, p.Request.Function()}
	if b.function != "" {
		b.WorkerRegion, b.WorkerMemoryMB = p.Home, 0
	}
	return b
}

// workerArchitecture returns the workers' architecture. For a caller's function it is not known,
// and assumed to be the dearer one, which is also Lambda's default.
func (b billing) workerArchitecture() price.Architecture {
	if b.function != "" {
		return price.X86
	}
	return b.architecture()
}

// architecture returns the architecture as AWS spells it.
func (b Billing) architecture() price.Architecture {
	if b.Architecture == "amd64" {
		return price.X86
	}
	return price.Architecture(b.Architecture)
}

// metrics returns what an attempt took of Lambda, as the invoker reports it. An
// attempt that has not returned still runs and is billed, but has no report: it is
// estimated.
func (r *run) metrics(a fanout.Attempt, answer reply, returned bool) *protocol.Metrics {
	if returned || r.bill.Region == "" {
		return answer.report.Metrics
	}
	if _, panicked := errors.AsType[*fanout.PanicError](a.Err); panicked {
		return nil
	}
	return &protocol.Metrics{BilledDurationMs: wholeMs(a.Elapsed), Estimated: true}
}

// wholeMs returns d in milliseconds, rounded up, as Lambda bills.
func wholeMs(d time.Duration) float64 { return math.Ceil(float64(d) / float64(time.Millisecond)) }

// account writes into a result what each Region and the whole run used of Lambda,
// and the cost. worked is how long each invocation of the coordinator has worked.
func (r *run) account(result *protocol.Result, worked []time.Duration) {
	all := slices.Concat(result.Lookups, result.Regions)
	usual := cmp.Or(memoryIn(all...), r.bill.WorkerMemoryMB)
	home := cmp.Or(r.bill.WorkerRegion, r.bill.Region)
	var workers tab
	for i := range all {
		region := &all[i]
		memory := cmp.Or(memoryIn(*region), usual)
		at := home
		if r.bill.regional {
			at = region.Region
		}
		own := newTab("workers", at, r.bill.workerArchitecture())
		for _, a := range region.Attempts {
			if m := a.Metrics; m != nil {
				m.MemorySizeMB = cmp.Or(m.MemorySizeMB, memory)
				own.add(*m)
			}
		}
		if own.Requests > 0 {
			workers.merge(own)
			region.Usage = own.usage()
		}
	}
	copy(result.Lookups, all)
	copy(result.Regions, all[len(result.Lookups):])
	if r.bill.Region == "" && r.bill.function == "" {
		return
	}
	var coordinator tab
	architecture := r.bill.workerArchitecture()
	if r.bill.Region != "" {
		architecture = r.bill.architecture()
		coordinator = newTab("coordinator", r.bill.Region, architecture)
		for _, took := range worked {
			coordinator.add(protocol.Metrics{BilledDurationMs: wholeMs(took), MemorySizeMB: r.bill.memoryMB, Estimated: true})
		}
	}
	whole := workers
	whole.merge(coordinator)
	if r.bill.regional || home == r.bill.Region {
		home = "" // left out
	}
	result.Summary.Cost = &protocol.Cost{
		USD:         whole.usage().USD,
		Workers:     *workers.usage(),
		Coordinator: *coordinator.usage(),
		Region:      r.bill.Region, WorkerRegion: home, Architecture: string(architecture),
		PriceDate: price.Date,
		Note:      protocol.CutCause(strings.Join(append(r.bill.notes(*workers.usage()), whole.notes(architecture)...), "; ")),
	}
}

// worked returns how long each invocation of the coordinator has worked: of a run that is not
// kept, there is one, which took elapsed.
func (r *run) worked(elapsed time.Duration) (worked []time.Duration) {
	if r.history == nil {
		return []time.Duration{elapsed}
	}
	for i, s := range r.history.spans {
		if i == len(r.history.spans)-1 {
			s.end = time.Now()
		}
		worked = append(worked, s.end.Sub(s.begin))
	}
	return worked
}

// notes say what is assumed in the price of what a caller's function used.
func (b billing) notes(workers protocol.Usage) (notes []string) {
	if b.function != "" && workers.USD > 0 {
		notes = append(notes, fmt.Sprintf("the architecture of %s is not known: its price is that of %s", b.function, price.X86))
	}
	return notes
}

// memoryIn returns the memory of the first invocation that has a report, or 0.
func memoryIn(regions ...protocol.RegionOutcome) int {
	for _, r := range regions {
		for _, a := range r.Attempts {
			if a.Metrics != nil && a.Metrics.MemorySizeMB > 0 {
				return a.Metrics.MemorySizeMB
			}
		}
	}
	return 0
}

// A tab is a running total of usage at one price. The zero tab is empty, and has no
// prices.
type tab struct {
	protocol.Usage
	who     string
	price   price.Lambda
	unknown []string // Regions without a known price
	unsized []string // functions with invocations of unknown memory
}

// newTab returns the empty tab of a function at the prices of a Region.
func newTab(who, region string, architecture price.Architecture) tab {
	p, known := price.LambdaIn(region, architecture)
	t := tab{who: who, price: p}
	if !known {
		t.unknown = []string{region}
	}
	return t
}

// add puts an invocation on the tab.
func (t *tab) add(m protocol.Metrics) {
	gbSeconds := m.BilledDurationMs / 1000 * float64(m.MemorySizeMB) / 1024
	t.Requests++
	if m.MemorySizeMB == 0 {
		t.unsized = []string{t.who}
	}
	if m.Estimated {
		t.Estimated++
	}
	if m.InitDurationMs > 0 || m.RestoreDurationMs > 0 {
		t.ColdStarts++
	}
	t.BilledDurationMs += m.BilledDurationMs
	t.MemorySizeMB = max(t.MemorySizeMB, m.MemorySizeMB)
	t.MaxMemoryUsedMB = max(t.MaxMemoryUsedMB, m.MaxMemoryUsedMB)
	t.GBSeconds += gbSeconds
	t.USD += t.price.Request + gbSeconds*t.price.GBSecond
}

// merge puts another tab on this one.
func (t *tab) merge(other tab) {
	t.Requests += other.Requests
	t.Estimated += other.Estimated
	t.ColdStarts += other.ColdStarts
	t.BilledDurationMs += other.BilledDurationMs
	t.MemorySizeMB = max(t.MemorySizeMB, other.MemorySizeMB)
	t.MaxMemoryUsedMB = max(t.MaxMemoryUsedMB, other.MaxMemoryUsedMB)
	t.GBSeconds += other.GBSeconds
	t.USD += other.USD
	t.unknown = union(t.unknown, other.unknown)
	t.unsized = union(t.unsized, other.unsized)
}

// union returns a with what only b has after it.
func union(a, b []string) []string {
	for _, s := range b {
		if !slices.Contains(a, s) {
			a = append(a, s)
		}
	}
	return a
}

// usage returns the total: with a price if every price is known, and with GB-seconds
// if every memory is.
func (t *tab) usage() *protocol.Usage {
	u := t.Usage
	u.GBSeconds, u.USD = rounded(u.GBSeconds, 1e9), rounded(u.USD, 1e12)
	if len(t.unknown) > 0 || len(t.unsized) > 0 {
		u.USD = 0
	}
	if len(t.unsized) > 0 {
		u.GBSeconds = 0
	}
	return &u
}

// rounded returns x as a multiple of 1/fraction, without the rounding errors of a sum.
func rounded(x, fraction float64) float64 { return math.Round(x*fraction) / fraction }

// notes say which prices and which functions' memory are not known.
func (t *tab) notes(a price.Architecture) (notes []string) {
	if len(t.unknown) > 0 {
		notes = append(notes, fmt.Sprintf("no price is known of Lambda on %s in %s",
			cmp.Or(string(a), "no architecture"), strings.Join(t.unknown, ", ")))
	}
	if len(t.unsized) > 0 {
		notes = append(notes, fmt.Sprintf("the memory of the %s is not known", strings.Join(t.unsized, " and the ")))
	}
	return notes
}

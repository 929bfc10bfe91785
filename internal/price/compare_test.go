package price_test

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/price"
)

// worked is the job of the examples: 28 Regions of 10 seconds, every 5 minutes.
func worked() price.Job {
	return price.Job{
		Regions: 28, Seconds: 10, Every: 5 * time.Minute, Region: "us-east-1",
		Architecture: price.ARM64, WorkerMB: 256, CoordinatorMB: 256,
	}
}

// compare fails the test if the price of Lambda is unknown.
func compare(t *testing.T, j price.Job) price.Comparison {
	t.Helper()
	c, ok := price.Compare(j)
	if !ok {
		t.Fatalf("Compare(%+v) knows no price", j)
	}
	return c
}

func TestCompareWorkedExample(t *testing.T) {
	t.Parallel()
	c := compare(t, worked())
	if want := 8760; c.Runs != want {
		t.Errorf("Runs = %d, want %d", c.Runs, want)
	}
	got := map[string]float64{"workers": price.Sum(c.Workers), "relays": price.Sum(c.Relays)}
	for _, w := range c.Ways {
		got[w.Name] = price.Sum(w.Items)
	}
	// Calculated by hand: a GB-second is 0.0000133334, a request 0.0000002, a log 0.0000005.
	want := map[string]float64{
		"workers":                  28*10*0.25*0.0000133334 + 28*0.0000002 + 28*0.0000005,
		"relays":                   28*10*0.125*0.0000133334 + 28*0.0000002 + 28*0.0000005,
		"Meridian":                 11*0.25*0.0000133334 + 0.0000002 + 0.0000005,
		"Step Functions Standard":  0.000775,
		"Step Functions Express":   0.000001 + 10*0.0625*0.00001667,
		"Lambda durable functions": 0.000464 + 0.000028 + 0.000007728 + 0.0000004 + 0.25*0.0000133334 + 2*0.0000005,
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(near)); diff != "" {
		t.Errorf("Compare(%+v) costs (-want +got):\n%s", worked(), diff)
	}
}

func TestCompareFormulas(t *testing.T) {
	t.Parallel()
	c := compare(t, worked())
	got := formulas(c.Workers)
	for _, w := range c.Ways {
		got = append(got, formulas(w.Items)...)
	}
	want := []string{
		"28 requests × $0.0000002 per request",
		"28 Regions × 10 s × 0.25 GB × $0.0000133334 per GB-s",
		"28 logs × 0.000001 GB × $0.5 per GB",
		"1 request × $0.0000002 per request",
		"11 s × 0.25 GB × $0.0000133334 per GB-s",
		"1 log × 0.000001 GB × $0.5 per GB",
		"31 transitions × $0.000025 per transition",
		"1 request × $0.000001 per request",
		"10 s × 0.0625 GB × $0.00001667 per GB-s",
		"58 operations × $0.000008 per operation",
		"28 Regions × 0.000004 GB × $0.25 per GB",
		"28 Regions × 0.000004 GB × 0.46 months × $0.15 per GB-month",
		"2 requests × $0.0000002 per request",
		"1 s × 0.25 GB × $0.0000133334 per GB-s",
		"2 logs × 0.000001 GB × $0.5 per GB",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Compare(%+v) has the formulas (-want +got):\n%s", worked(), diff)
	}
}

// An item's amount and its formula have the same terms, so that they cannot differ.
func TestAnItemsAmountAndFormulaCannotDiffer(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		job := price.Job{
			Regions:       rapid.IntRange(1, 200).Draw(t, "regions"),
			Seconds:       rapid.Float64Range(0.001, 900).Draw(t, "seconds"),
			Every:         time.Duration(rapid.Int64Range(int64(time.Minute), int64(price.Month)).Draw(t, "every")),
			Region:        rapid.SampledFrom([]string{"us-east-1", "eu-south-1", "ap-southeast-5"}).Draw(t, "region"),
			Architecture:  rapid.SampledFrom([]price.Architecture{price.ARM64, price.X86}).Draw(t, "architecture"),
			WorkerMB:      rapid.IntRange(128, 10240).Draw(t, "worker"),
			CoordinatorMB: rapid.IntRange(128, 10240).Draw(t, "coordinator"),
		}
		c, ok := price.Compare(job)
		if !ok {
			t.Fatalf("Compare(%+v) knows no price", job)
		}
		items := append(c.Workers, c.Relays...)
		for _, w := range c.Ways {
			items = append(items, w.Items...)
			if (len(w.Items) == 0) == (w.Reason == "") {
				t.Errorf("%s has %d items and the reason %q, want one of them", w.Name, len(w.Items), w.Reason)
			}
		}
		for _, i := range items {
			if got, want := i.USD(), evaluate(t, i.Formula()); !near(got, want) {
				t.Errorf("%s: USD() = %v, its formula %q comes to %v", i.Name, got, i.Formula(), want)
			}
			if !strings.HasPrefix(i.Source, "https://aws.amazon.com/") {
				t.Errorf("%s has the source %q", i.Name, i.Source)
			}
		}
	})
}

// No estimate decides anything.
func TestCompareNoEstimateDecidesAnything(t *testing.T) {
	t.Parallel()
	c := compare(t, worked())
	workers := price.Sum(c.Workers)
	share := func(way int, items ...int) {
		w := c.Ways[way]
		uncertain := 0.0
		for _, i := range items {
			uncertain += w.Items[i].USD()
		}
		if total := workers + price.Sum(w.Items); uncertain >= total/20 {
			t.Errorf("%s: %v of %v depend on an estimate, want less than a twentieth", w.Name, uncertain, total)
		}
	}
	share(0, 1)    // the coordinator's time, all of it
	share(3, 1, 2) // written and retained data
	share(3, 3, 4) // its invocations and their time
	standard := c.Ways[1]
	ends := standard.Items[0].USD() * price.EndTransitions / 31
	if total := workers + price.Sum(standard.Items); ends >= total/20 {
		t.Errorf("%s: %v of %v depend on its ends, want less than a twentieth", standard.Name, ends, total)
	}
}

// The cost is proportional to the number of workers, each billed for whole
// milliseconds, and to that of the relays.
func TestCompareBillsEachWorker(t *testing.T) {
	t.Parallel()
	for _, regions := range []int{1, 2, 200} {
		job := worked()
		job.Regions, job.Seconds = regions, 0.0101
		c := compare(t, job)
		if got, want := price.Sum(c.Workers), float64(regions)*(0.011*0.25*0.0000133334+0.0000002+0.0000005); !near(got, want) {
			t.Errorf("%d workers of 10.1 ms cost %v, want %v", regions, got, want)
		}
		if got, want := price.Sum(c.Relays), float64(regions)*(0.011*0.125*0.0000133334+0.0000002+0.0000005); !near(got, want) {
			t.Errorf("%d relays of 10.1 ms cost %v, want %v", regions, got, want)
		}
	}
}

// A Map with more Regions than it runs at once takes as long as its waves, and both
// kinds of workflow have a note about it.
func TestCompareSaysHowManyWavesAMapTakes(t *testing.T) {
	t.Parallel()
	const note = "its Map runs 40 Regions at once: a run takes "
	for regions, want := range map[int]string{1: "", 40: "", 41: "2", 80: "2", 81: "3", 200: "5"} {
		job := worked()
		job.Regions = regions
		c := compare(t, job)
		for _, w := range c.Ways {
			got := ""
			for _, n := range w.Notes {
				if times, ok := strings.CutPrefix(n, note); ok {
					got, _, _ = strings.Cut(times, " ")
				}
			}
			if stepFunctions := strings.HasPrefix(w.Name, "Step Functions"); stepFunctions && got != want || !stepFunctions && got != "" {
				t.Errorf("%s of %d Regions takes %q times as long, want %q of Step Functions", w.Name, regions, got, want)
			}
		}
	}
}

func TestCompareBounds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name                  string
		change                func(*price.Job)
		runs                  int
		coordinator, standard string
		express               string
	}{
		{
			"parts of a millisecond", func(j *price.Job) { j.Seconds = 0.0101 }, 8760,
			"1.011 s × 0.25 GB × $0.0000133334 per GB-s", "31 transitions × $0.000025 per transition",
			"0.1 s × 0.0625 GB × $0.00001667 per GB-s",
		},
		{
			"no whole number of runs", func(j *price.Job) { j.Every = 7 * time.Minute }, 6257,
			"11 s × 0.25 GB × $0.0000133334 per GB-s", "31 transitions × $0.000025 per transition",
			"10 s × 0.0625 GB × $0.00001667 per GB-s",
		},
		{
			"as many as a Map has at once", func(j *price.Job) { j.Regions = 40 }, 8760,
			"11 s × 0.25 GB × $0.0000133334 per GB-s", "43 transitions × $0.000025 per transition",
			"10 s × 0.0625 GB × $0.00001667 per GB-s",
		},
		{
			"one more", func(j *price.Job) { j.Regions = 41 }, 8760,
			"11 s × 0.25 GB × $0.0000133334 per GB-s", "44 transitions × $0.000025 per transition",
			"20 s × 0.0625 GB × $0.00001667 per GB-s",
		},
		{
			"almost too long for Express", func(j *price.Job) { j.Seconds = 299.9 }, 8760,
			"300.9 s × 0.25 GB × $0.0000133334 per GB-s", "31 transitions × $0.000025 per transition",
			"299.9 s × 0.0625 GB × $0.00001667 per GB-s",
		},
		{
			"too long for Express", func(j *price.Job) { j.Seconds = 300 }, 8760,
			"301 s × 0.25 GB × $0.0000133334 per GB-s", "31 transitions × $0.000025 per transition",
			"not possible: it ends after 300 s, and the workers take 300 s",
		},
		{
			"too long for Express in waves", func(j *price.Job) { j.Regions, j.Seconds = 100, 100 }, 8760,
			"101 s × 0.25 GB × $0.0000133334 per GB-s", "103 transitions × $0.000025 per transition",
			"not possible: it ends after 300 s, and the workers take 300 s, 40 at once",
		},
		{
			"as long as a coordinator can wait", func(j *price.Job) { j.Seconds = 899 }, 8760,
			"900 s × 0.25 GB × $0.0000133334 per GB-s", "31 transitions × $0.000025 per transition",
			"not possible: it ends after 300 s, and the workers take 899 s",
		},
		{
			"as long as Lambda lets a function run", func(j *price.Job) { j.Seconds = 900 }, 8760,
			"not possible: the coordinator ends after 900 s, and runs 1 s longer than the workers, which take 900 s",
			"31 transitions × $0.000025 per transition",
			"not possible: it ends after 300 s, and the workers take 900 s",
		},
		{
			"other prices", func(j *price.Job) { j.Region, j.Architecture, j.CoordinatorMB = "sa-east-1", price.X86, 128 }, 8760,
			"11 s × 0.125 GB × $0.0000166667 per GB-s", "31 transitions × $0.0000375 per transition",
			"no price here for sa-east-1",
		},
		{
			"no price but Lambda's", func(j *price.Job) { j.Region = "eu-central-2" }, 8760,
			"11 s × 0.25 GB × $0.0000146667 per GB-s", "no price here for eu-central-2",
			"no price here for eu-central-2",
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			job := worked()
			test.change(&job)
			c := compare(t, job)
			if c.Runs != test.runs {
				t.Errorf("Runs = %d, want %d", c.Runs, test.runs)
			}
			for way, want := range []string{test.coordinator, test.standard, test.express} {
				w := c.Ways[way]
				got := w.Reason
				if got == "" {
					last := slices.IndexFunc(w.Items, func(i price.Item) bool { return i.Name == "time" })
					got = w.Items[max(last, 0)].Formula()
				}
				if got != want {
					t.Errorf("%s: %q, want %q", w.Name, got, want)
				}
			}
		})
	}
}

// Elsewhere the price of a log is not known: it is left out, and a note says so.
func TestCompareCountsLogsWhereTheirPriceIsKnown(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]bool{"us-east-1": true, "eu-west-1": false} {
		job := worked()
		job.Region = region
		c := compare(t, job)
		items := slices.Concat(c.Workers, c.Ways[0].Items, c.Relays)
		if got := slices.ContainsFunc(items, func(i price.Item) bool { return i.Name == "logs" }); got != want {
			t.Errorf("%s: logs are counted: %v, want %v", region, got, want)
		}
		if got := slices.Contains(c.Ways[0].Notes, "the logs are not counted: no price here for "+region); got == want {
			t.Errorf("%s: the notes are %q", region, c.Ways[0].Notes)
		}
	}
}

func TestCompareKnowsNoPriceWhereLambdaInKnowsNone(t *testing.T) {
	t.Parallel()
	for _, change := range []func(*price.Job){
		func(j *price.Job) { j.Region = "ap-southeast-6" },
		func(j *price.Job) { j.Architecture = "amd64" },
	} {
		job := worked()
		change(&job)
		if c, ok := price.Compare(job); ok {
			t.Errorf("Compare(%+v) = %+v, want no price", job, c)
		}
	}
}

func TestBilledSeconds(t *testing.T) {
	t.Parallel()
	tests := []struct{ seconds, lambda, express float64 }{
		{0, 0, 0},
		{0.0001, 0.001, 0.1},
		{1e-13, 0.001, 0.1},   // every duration has a price
		{0.1 + 0.2, 0.3, 0.3}, // in binary a little more
		{1.0005, 1.001, 1.1},
		{10, 10, 10},
	}
	for _, test := range tests {
		if got := price.LambdaSeconds(test.seconds); got != test.lambda {
			t.Errorf("LambdaSeconds(%v) = %v, want %v", test.seconds, got, test.lambda)
		}
		if got := price.ExpressSeconds(test.seconds); got != test.express {
			t.Errorf("ExpressSeconds(%v) = %v, want %v", test.seconds, got, test.express)
		}
		if math.Signbit(price.LambdaSeconds(test.seconds)) || math.Signbit(price.ExpressSeconds(test.seconds)) {
			t.Errorf("%v seconds are billed as less than nothing", test.seconds)
		}
	}
}

func formulas(items []price.Item) []string {
	var all []string
	for _, i := range items {
		all = append(all, i.Formula())
	}
	return all
}

// evaluate multiplies the numbers of a formula.
func evaluate(t *rapid.T, formula string) float64 {
	product := 1.0
	for factor := range strings.SplitSeq(formula, " × ") {
		number, _, _ := strings.Cut(strings.TrimPrefix(factor, "$"), " ")
		value, err := strconv.ParseFloat(number, 64)
		if err != nil {
			t.Fatalf("%q of %q is no number: %v", number, formula, err)
		}
		product *= value
	}
	return product
}

// near reports whether two amounts differ by no more than floating point does.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*math.Max(math.Abs(a), math.Abs(b)) }

// Kept says that Meridian keeps the run in an S3 bucket.
func TestCompareCountsTheRequestsOfAKeptRun(t *testing.T) {
	t.Parallel()
	j := worked()
	j.Kept = true
	meridian := compare(t, j).Ways[0]
	got := formulas(meridian.Items[len(meridian.Items)-2:])
	want := []string{"17 requests × $0.000005 per request", "4 requests × $0.0000004 per request"} // 6 and 11 seconds; 11 seconds / 3
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Compare(%+v) has the formulas (-want +got):\n%s", j, diff)
	}
	if j.Region = "eu-west-1"; len(compare(t, j).Ways[0].Items) != len(meridian.Items)-3 { // no logs either
		t.Errorf("Compare(%+v) counts requests without a price", j)
	}
}

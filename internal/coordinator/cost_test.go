package coordinator_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"meridian/internal/coordinator"
	"meridian/internal/endpoints"
	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/price"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// onLambda is the billing of the deployment's defaults.
func onLambda() coordinator.Billing {
	return coordinator.Billing{Region: "us-east-1", Architecture: "arm64", WorkerMemoryMB: 256}
}

// deployed returns a coordinator whose workers are functions of a server that
// writes logs.
func deployed(t *testing.T, tasks *task.Registry) (*coordinator.Coordinator, *invoketest.Server) {
	t.Helper()
	server := invoketest.NewMemoryServer(t, (&regionworker.Worker{Tasks: tasks}).Handle)
	server.Log(invoketest.JSONLog, 256)
	workers, err := invoke.NewLambda(server.Config(), invoke.Settings{Function: "worker", Dial: server.Dial})
	if err != nil {
		t.Fatal(err)
	}
	return &coordinator.Coordinator{Invoker: workers, Tasks: tasks, MemoryMB: 256, Billing: onLambda()}, server
}

// The prices of arm64 in us-east-1.
const perGBs, perRequest = 0.0000133334, 0.2e-6

// near compares prices and GB-seconds, which are sums of fractions.
func near() cmp.Option { return cmpopts.EquateApprox(0, 1e-12) }

// The cost of a run of 28 Regions and 10 seconds at the defaults, by the result
// itself, is what the formula gives.
func TestCostOf28RegionsAnd10SecondsAtTheDefaults(t *testing.T) {
	t.Parallel()
	r := protocol.Request{Task: "sleep", Parameters: []byte(`{"seconds":10}`)}
	for _, region := range endpoints.Regions("aws")[:28] {
		r.Regions = append(r.Regions, region.Name)
	}
	const workerGBs, coordinatorGBs = 28 * 10 * 0.25, 10 * 0.25
	synctest.Test(t, func(t *testing.T) {
		c, server := deployed(t, task.Builtin())
		got, err := c.Run(t.Context(), r)
		if err != nil || got.Status != protocol.StatusSucceeded {
			t.Fatalf("Run = %s %s, %v, want SUCCEEDED", got.Status, got.Cause, err)
		}
		cost := got.Summary.Cost
		want := &protocol.Cost{
			USD: workerGBs*perGBs + coordinatorGBs*perGBs + 29*perRequest,
			Workers: protocol.Usage{
				Requests: 28, BilledDurationMs: 280_000, MemorySizeMB: 256, MaxMemoryUsedMB: invoketest.MaxMemoryUsedMB,
				GBSeconds: workerGBs, USD: workerGBs*perGBs + 28*perRequest,
			},
			Coordinator: protocol.Usage{
				Requests: 1, Estimated: 1, BilledDurationMs: 10_000, MemorySizeMB: 256,
				GBSeconds: coordinatorGBs, USD: coordinatorGBs*perGBs + perRequest,
			},
			Region: "us-east-1", Architecture: "arm64", PriceDate: price.Date,
		}
		if diff := cmp.Diff(want, cost, near()); diff != "" {
			t.Errorf("the run's cost (-want +got):\n%s", diff)
		}
		if billed := server.Counts().Billed; billed != 280*time.Second {
			t.Errorf("Lambda billed %v, want 280s", billed)
		}
		t.Logf("%d Regions, 10 s each, at the defaults (%d MB, %s, %s, prices of %s):", len(got.Regions),
			cost.Workers.MemorySizeMB, cost.Architecture, cost.Region, cost.PriceDate)
		t.Logf("workers      %2d requests  %5.1f GB-s  $%.9f", cost.Workers.Requests, cost.Workers.GBSeconds, cost.Workers.USD)
		t.Logf("coordinator  %2d request   %5.1f GB-s  $%.9f (estimated)", cost.Coordinator.Requests, cost.Coordinator.GBSeconds, cost.Coordinator.USD)
		t.Logf("together                            $%.9f", cost.USD)
		compared(t, cost)
	})
}

// compared checks that what meridian cost compares is what the result of a run of 28
// Regions and 10 seconds says, apart from the logs, which a result does not count. It
// shows what AWS's own ways would add to the workers.
func compared(t *testing.T, cost *protocol.Cost) {
	t.Helper()
	c, ok := price.Compare(price.Job{
		Regions: 28, Seconds: 10, Every: time.Hour, Region: cost.Region, Architecture: price.Architecture(cost.Architecture),
		WorkerMB: cost.Workers.MemorySizeMB, CoordinatorMB: cost.Coordinator.MemorySizeMB,
	})
	if !ok {
		t.Fatalf("Compare knows no price in %s", cost.Region)
	}
	withoutLogs := func(items []price.Item) float64 {
		return price.Sum(slices.DeleteFunc(slices.Clone(items), func(i price.Item) bool { return i.Name == "logs" }))
	}
	if diff := cmp.Diff(cost.Workers.USD, withoutLogs(c.Workers), near()); diff != "" {
		t.Errorf("the workers cost something else in a comparison (-result +comparison):\n%s", diff)
	}
	awake := price.AwakeSeconds * float64(cost.Coordinator.MemorySizeMB) / 1024 * perGBs
	if diff := cmp.Diff(cost.Coordinator.USD+awake, withoutLogs(c.Ways[0].Items), near()); diff != "" {
		t.Errorf("the coordinator costs something else in a comparison (-result +comparison):\n%s", diff)
	}
	for _, w := range c.Ways[1:] {
		t.Logf("instead of the coordinator          $%.9f %s", price.Sum(w.Items), w.Name)
	}
}

// Retries and hedges are billed, throttles are not, and cold starts are counted.
// An attempt that was given up is estimated.
func TestEveryAttemptThatMayHaveRunIsOnTheBill(t *testing.T) {
	t.Parallel()
	const used = invoketest.MaxMemoryUsedMB
	failed := invoketest.After(invoketest.Fixed(20*time.Millisecond), invoketest.FunctionError("Unhandled", `{"errorType":"Bug"}`))
	for _, test := range []struct {
		name   string
		faults []invoketest.Fault // of the attempts at eu-west-1; us-west-2 has none
		hedge  *protocol.Hedge
		want   []*protocol.Metrics
		usage  protocol.Usage
	}{
		{
			"retries",
			[]invoketest.Fault{invoketest.Throttle(invoketest.ConcurrentInvocations, 0), failed},
			nil,
			[]*protocol.Metrics{
				nil,
				{BilledDurationMs: 20, MemorySizeMB: 256, MaxMemoryUsedMB: used},
				{BilledDurationMs: 100, MemorySizeMB: 256, MaxMemoryUsedMB: used},
			},
			protocol.Usage{Requests: 2, BilledDurationMs: 120, MemorySizeMB: 256, MaxMemoryUsedMB: used, GBSeconds: 0.03},
		},
		{
			"a hedge",
			[]invoketest.Fault{invoketest.After(invoketest.Fixed(time.Hour), nil)},
			&protocol.Hedge{AfterSeconds: 1, MaxExtraPercentage: 100},
			[]*protocol.Metrics{
				{BilledDurationMs: 1100, MemorySizeMB: 256, Estimated: true},
				{BilledDurationMs: 100, MemorySizeMB: 256, MaxMemoryUsedMB: used},
			},
			protocol.Usage{Requests: 2, Estimated: 1, BilledDurationMs: 1200, MemorySizeMB: 256, MaxMemoryUsedMB: used, GBSeconds: 0.3},
		},
		{
			"timed out",
			[]invoketest.Fault{invoketest.Hang},
			nil,
			[]*protocol.Metrics{
				{BilledDurationMs: 3000, MemorySizeMB: 256, Estimated: true},
				{BilledDurationMs: 100, MemorySizeMB: 256, MaxMemoryUsedMB: used},
			},
			protocol.Usage{Requests: 2, Estimated: 1, BilledDurationMs: 3100, MemorySizeMB: 256, MaxMemoryUsedMB: used, GBSeconds: 0.775},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := world{}
				w.idempotent(true)
				c, server := deployed(t, w.tasks())
				server.ColdStart(50 * time.Millisecond)
				server.Decide(func(call invoketest.Call) invoketest.Fault {
					if call.Unit.Region == "eu-west-1" && call.Attempt <= len(test.faults) {
						return test.faults[call.Attempt-1]
					}
					return nil
				})
				r := protocol.Request{
					Task: "act", Regions: []string{"us-west-2", "eu-west-1"}, RegionTimeoutSeconds: 3, Hedge: test.hedge,
					Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}}},
				}
				got, err := c.Run(t.Context(), r)
				if err != nil || got.Status != protocol.StatusSucceeded {
					t.Fatalf("Run = %s, %v, want SUCCEEDED", got.Status, err)
				}
				// The one environment was started for us-west-2.
				cold := &protocol.Metrics{BilledDurationMs: 150, MemorySizeMB: 256, MaxMemoryUsedMB: used, InitDurationMs: 50}
				if diff := cmp.Diff([]*protocol.Metrics{cold}, metricsOf(got.Regions[0])); diff != "" {
					t.Errorf("metrics of us-west-2 (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(test.want, metricsOf(got.Regions[1])); diff != "" {
					t.Errorf("metrics of eu-west-1 (-want +got):\n%s", diff)
				}
				want := test.usage
				want.USD = want.GBSeconds*perGBs + float64(want.Requests)*perRequest
				if diff := cmp.Diff(&want, got.Regions[1].Usage, near()); diff != "" {
					t.Errorf("usage of eu-west-1 (-want +got):\n%s", diff)
				}
				workers := got.Summary.Cost.Workers
				if workers.ColdStarts != 1 || workers.Requests != want.Requests+1 || workers.Estimated != want.Estimated ||
					workers.BilledDurationMs != want.BilledDurationMs+150 {
					t.Errorf("the workers' cost is %+v, want that of both Regions", workers)
				}
			})
		})
	}
}

// metricsOf returns what each attempt of a Region took.
func metricsOf(r protocol.RegionOutcome) (metrics []*protocol.Metrics) {
	for _, a := range r.Attempts {
		metrics = append(metrics, a.Metrics)
	}
	return metrics
}

// billed returns an Invoker of a worker in this process that reports what the test
// wants of each Region.
func billed(tasks *task.Registry, metrics map[string]protocol.Metrics) invokerFunc {
	worker := &regionworker.Worker{Tasks: tasks}
	return func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
		answer, err := worker.Handle(ctx, payload)
		report := protocol.Attempt{RequestID: "of " + region}
		if m, ok := metrics[region]; ok {
			report.Metrics = &m
		}
		return answer, report, err
	}
}

// With a worker in each Region, each Region's own prices hold, and with one for all
// those of the Region that it is in. Where one is not known, the GB-seconds are
// there without a price, and the note says so.
func TestThePricesAreThoseOfWhereTheWorkerIs(t *testing.T) {
	t.Parallel()
	second := protocol.Metrics{BilledDurationMs: 1000, MemorySizeMB: 1024, MaxMemoryUsedMB: 30}
	metrics := map[string]protocol.Metrics{"us-east-1": second, "af-south-1": second, "eu-south-2": second, "il-central-1": second}
	const home, africa, once = 0.0000133334 + 0.2e-6, 0.00001768 + 0.27e-6, 0.25*0.1*0.0000133334 + 0.2e-6
	for _, test := range []struct {
		name     string
		regional bool
		memory   int // of the coordinator
		billing  coordinator.Billing
		regions  []string
		usd      map[string]float64
		total    float64
		worker   string // the Region of the one worker, when the cost says it
		note     string
	}{
		{
			"at home", false, 256, onLambda(),
			[]string{"us-east-1", "af-south-1", "eu-south-2"},
			map[string]float64{"us-east-1": home, "af-south-1": home, "eu-south-2": home},
			3*home + once, "", "",
		},
		{
			"at home, elsewhere than the coordinator", false, 256,
			coordinator.Billing{Region: "us-east-1", WorkerRegion: "af-south-1", Architecture: "arm64"},
			[]string{"us-east-1", "eu-south-2"},
			map[string]float64{"us-east-1": africa, "eu-south-2": africa},
			2*africa + once, "af-south-1", "",
		},
		{
			"in each Region", true, 256,
			coordinator.Billing{Region: "us-east-1", WorkerRegion: "sa-east-1", Architecture: "arm64"},
			[]string{"us-east-1", "af-south-1"},
			map[string]float64{"us-east-1": home, "af-south-1": africa},
			home + africa + once, "", "",
		},
		{
			"in each Region, some unknown", true, 256, onLambda(),
			[]string{"us-east-1", "eu-south-2", "il-central-1"},
			map[string]float64{"us-east-1": home},
			0, "", "no price is known of Lambda on arm64 in eu-south-2, il-central-1",
		},
		{
			"at home, unknown", false, 256,
			coordinator.Billing{Region: "eu-south-2", Architecture: "amd64"},
			[]string{"us-east-1"},
			nil, 0, "", "no price is known of Lambda on x86_64 in eu-south-2",
		},
		{
			"x86", false, 1024,
			coordinator.Billing{Region: "us-east-1", Architecture: "amd64"},
			[]string{"us-east-1"},
			map[string]float64{"us-east-1": 0.0000166667 + 0.2e-6},
			1.1*0.0000166667 + 0.4e-6, "", "",
		},
		{
			"on nothing that is known", false, 256,
			coordinator.Billing{Region: "us-east-1"},
			[]string{"us-east-1"},
			nil, 0, "", "no price is known of Lambda on no architecture in us-east-1",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tasks := world{}.tasks()
				c := &coordinator.Coordinator{
					Invoker: billed(tasks, metrics), Tasks: tasks, Regional: test.regional, MemoryMB: test.memory, Billing: test.billing,
				}
				got := runRequest(t, c, protocol.Request{Task: "act", Regions: test.regions})
				workers := float64(len(test.regions))
				for _, r := range got.Regions {
					want := &protocol.Usage{
						Requests: 1, BilledDurationMs: 1000, MemorySizeMB: 1024, MaxMemoryUsedMB: 30, GBSeconds: 1, USD: test.usd[r.Region],
					}
					if diff := cmp.Diff(want, r.Usage, near()); diff != "" {
						t.Errorf("usage of %s (-want +got):\n%s", r.Region, diff)
					}
				}
				cost := got.Summary.Cost
				if cost.Workers.GBSeconds != workers || cost.Note != test.note || cost.Region != test.billing.Region ||
					cost.WorkerRegion != test.worker {
					t.Errorf("cost = %+v, want %v GB-s in %s, workers in %q, and note %q",
						cost, workers, test.billing.Region, test.worker, test.note)
				}
				if diff := cmp.Diff(test.total, cost.USD, near()); diff != "" {
					t.Errorf("dollars (-want +got):\n%s", diff)
				}
				if (cost.Workers.USD > 0) != (len(test.usd) == len(test.regions)) {
					t.Errorf("the workers cost $%v with prices of %d Regions of %d", cost.Workers.USD, len(test.usd), len(test.regions))
				}
			})
		})
	}
}

// An estimate has the memory of the Region's other invocations, else of the run's,
// else the one that the worker is set to.
func TestTheMemoryOfAnEstimate(t *testing.T) {
	t.Parallel()
	estimated := protocol.Metrics{BilledDurationMs: 1000, Estimated: true}
	for _, test := range []struct {
		name    string
		metrics map[string]protocol.Metrics
		want    int // of the first invocation of us-east-1
	}{
		{"the setting", map[string]protocol.Metrics{"us-east-1": estimated, "eu-west-1": estimated}, 256},
		{"another invocation's", map[string]protocol.Metrics{
			"us-east-1": estimated, "eu-west-1": {BilledDurationMs: 1, MemorySizeMB: 512},
		}, 512},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tasks := world{}.tasks()
				c := &coordinator.Coordinator{Invoker: billed(tasks, test.metrics), Tasks: tasks, MemoryMB: 256, Billing: onLambda()}
				got := runRequest(t, c, protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}})
				want := &protocol.Metrics{BilledDurationMs: 1000, MemorySizeMB: test.want, Estimated: true}
				if diff := cmp.Diff(want, got.Regions[0].Attempts[0].Metrics); diff != "" {
					t.Errorf("metrics (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// An estimate has the memory of its own Region's invocations before that of another's:
// with a worker in each Region it may be another.
func TestTheMemoryOfAnEstimateIsItsRegions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{}
		w.idempotent(true)
		worker, lost := billed(w.tasks(), map[string]protocol.Metrics{
			"us-west-2": {BilledDurationMs: 1, MemorySizeMB: 512}, "eu-west-1": {BilledDurationMs: 1, MemorySizeMB: 2048},
		}), false
		c := &coordinator.Coordinator{
			Tasks: w.tasks(), Billing: onLambda(), Regional: true,
			Invoker: invokerFunc(func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
				if region == "eu-west-1" && !lost {
					lost = true
					return nil, protocol.Attempt{Metrics: &protocol.Metrics{BilledDurationMs: 7, Estimated: true}}, named("Lost")
				}
				return worker(ctx, region, payload)
			}),
		}
		got := runRequest(t, c, protocol.Request{
			Task: "act", Regions: []string{"us-west-2", "eu-west-1"}, Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}}},
		})
		want := []*protocol.Metrics{
			{BilledDurationMs: 7, MemorySizeMB: 2048, Estimated: true}, {BilledDurationMs: 1, MemorySizeMB: 2048},
		}
		if diff := cmp.Diff(want, metricsOf(got.Regions[1])); diff != "" {
			t.Errorf("metrics of eu-west-1 (-want +got):\n%s", diff)
		}
	})
}

// Attempts that were given up, and the coordinator, are billed for the
// millisecond that they have begun. An invoker that panics has sent nothing.
func TestAnEstimateIsRoundedUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{}
		c := &coordinator.Coordinator{
			Tasks: w.tasks(), Billing: onLambda(),
			Invoker: invokerFunc(func(_ context.Context, region string, _ []byte) ([]byte, protocol.Attempt, error) {
				if region == "eu-west-1" {
					panic("no way")
				}
				time.Sleep(time.Hour)
				return nil, protocol.Attempt{}, nil
			}),
		}
		got := runRequest(t, c, protocol.Request{
			Task: "act", Regions: []string{"us-west-2", "eu-west-1"}, RegionTimeoutSeconds: 2.0001, Retry: []protocol.Retrier{},
			ToleratedFailurePercentage: new(100.0),
		})
		want := []*protocol.Metrics{{BilledDurationMs: math.Ceil(got.Regions[0].Attempts[0].ElapsedMs), MemorySizeMB: 256, Estimated: true}}
		if diff := cmp.Diff(want, metricsOf(got.Regions[0])); diff != "" || want[0].BilledDurationMs == got.Regions[0].Attempts[0].ElapsedMs {
			t.Errorf("metrics of us-west-2, which took %v ms (-want +got):\n%s", got.Regions[0].Attempts[0].ElapsedMs, diff)
		}
		if diff := cmp.Diff([]*protocol.Metrics{nil}, metricsOf(got.Regions[1])); diff != "" {
			t.Errorf("metrics of eu-west-1 (-want +got):\n%s", diff)
		}
		if billed, took := got.Summary.Cost.Coordinator.BilledDurationMs, got.ElapsedMs; billed != math.Ceil(took) || billed == took {
			t.Errorf("the coordinator is billed for %v ms of %v, want them rounded up", billed, took)
		}
		time.Sleep(time.Hour) // until the invocation that was given up ends
	})
}

// Without a report and without a setting the memory is not known. Then there is no
// price, and no GB-seconds, and the note says why: the requests alone would look like
// all of it.
func TestMemoryThatIsNotKnown(t *testing.T) {
	t.Parallel()
	estimated := protocol.Metrics{BilledDurationMs: 1000, Estimated: true}
	reported := protocol.Metrics{BilledDurationMs: 1000, MemorySizeMB: 1024}
	for _, test := range []struct {
		name                 string
		metrics              map[string]protocol.Metrics
		memory               int
		billing              coordinator.Billing
		workers, coordinator bool // whether they have a price
		note                 string
	}{
		{
			"the workers'",
			map[string]protocol.Metrics{"us-east-1": estimated},
			256,
			coordinator.Billing{Region: "us-east-1", Architecture: "arm64"},
			false, true, "the memory of the workers is not known",
		},
		{
			"the coordinator's",
			map[string]protocol.Metrics{"us-east-1": reported},
			0,
			coordinator.Billing{Region: "us-east-1", Architecture: "arm64"},
			true, false, "the memory of the coordinator is not known",
		},
		{
			"both, and no price",
			map[string]protocol.Metrics{"us-east-1": estimated},
			0,
			coordinator.Billing{Region: "xx-test-1", Architecture: "arm64"},
			false, false, "no price is known of Lambda on arm64 in xx-test-1; the memory of the workers and the coordinator is not known",
		},
		{
			"the workers', who cost nothing", nil,
			256,
			coordinator.Billing{Region: "us-east-1", Architecture: "arm64"},
			false, true, "",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tasks := world{}.tasks()
				c := &coordinator.Coordinator{Invoker: billed(tasks, test.metrics), Tasks: tasks, MemoryMB: test.memory, Billing: test.billing}
				got := runRequest(t, c, protocol.Request{Task: "act", Regions: []string{"us-east-1"}})
				cost := got.Summary.Cost
				if (cost.Workers.USD > 0) != test.workers || (cost.Coordinator.USD > 0) != test.coordinator ||
					(cost.USD > 0) != (test.note == "") || cost.Note != test.note {
					t.Errorf("cost = %+v, want a price of the workers: %v, of the coordinator: %v, and note %q",
						cost, test.workers, test.coordinator, test.note)
				}
				if u := got.Regions[0].Usage; u != nil && (u.USD > 0) != test.workers {
					t.Errorf("usage of us-east-1 = %+v, want a price: %v", u, test.workers)
				}
			})
		})
	}
}

// A cold start is an environment that was started for an invocation, or restored from
// a snapshot.
func TestAColdStartIsAnInitializationOrARestore(t *testing.T) {
	t.Parallel()
	metrics := map[string]protocol.Metrics{
		"us-east-1": {BilledDurationMs: 1, MemorySizeMB: 256},
		"us-west-2": {BilledDurationMs: 1, MemorySizeMB: 256, InitDurationMs: 0.5},
		"eu-west-1": {BilledDurationMs: 1, MemorySizeMB: 256, RestoreDurationMs: 0.5},
	}
	synctest.Test(t, func(t *testing.T) {
		tasks := world{}.tasks()
		c := &coordinator.Coordinator{Invoker: billed(tasks, metrics), Tasks: tasks, MemoryMB: 256, Billing: onLambda()}
		got := runRequest(t, c, protocol.Request{Task: "act", Regions: []string{"us-east-1", "us-west-2", "eu-west-1"}})
		for i, want := range []int{0, 1, 1} {
			if r := got.Regions[i]; r.Usage.ColdStarts != want {
				t.Errorf("%s had %d cold starts, want %d", r.Region, r.Usage.ColdStarts, want)
			}
		}
		if cold := got.Summary.Cost.Workers.ColdStarts; cold != 2 {
			t.Errorf("the workers had %d cold starts, want 2", cold)
		}
	})
}

// A coordinator that is no Lambda function tells no cost.
func TestARunThatIsNotOnLambdaHasNoCost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		got, err := inProcess(world{}.tasks()).Run(t.Context(), protocol.Request{Task: "act", Regions: []string{"us-east-1"}})
		if err != nil || got.Summary.Cost != nil || got.Regions[0].Usage != nil || got.Regions[0].Attempts[0].Metrics != nil {
			t.Errorf("Run = %+v, %v, want nothing about its cost", got, err)
		}
	})
}

// What is assumed of a caller's function is told with a price only.
func TestTheArchitectureOfACallersFunctionIsAssumedInAPriceOnly(t *testing.T) {
	t.Parallel()
	const assumed = "the architecture of my-check is not known: its price is that of x86_64"
	for memory, want := range map[int]string{256: assumed, 0: "the memory of the workers is not known"} {
		function := invokerFunc(func(context.Context, string, []byte) ([]byte, protocol.Attempt, error) {
			return []byte(`{}`), protocol.Attempt{Metrics: &protocol.Metrics{BilledDurationMs: 1000, MemorySizeMB: memory}}, nil
		})
		c := &coordinator.Coordinator{Tasks: task.Builtin(), Functions: func(protocol.Worker) (coordinator.Function, error) {
			return coordinator.Function{Home: "us-east-1", As: func(*protocol.Access, string, string) coordinator.Invoker { return function }}, nil
		}}
		got, err := c.Run(t.Context(), protocol.Request{Worker: &protocol.Worker{Function: "my-check"}, Regions: []string{"us-east-1"}})
		if err != nil {
			t.Fatal(err)
		}
		if cost := got.Summary.Cost; cost.Note != want || (cost.USD > 0) != (want == assumed) {
			t.Errorf("cost with %d MB = %+v, want the note %q", memory, cost, want)
		}
	}
}

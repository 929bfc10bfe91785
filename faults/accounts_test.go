package faults_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/fanout"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// Many runs over accounts, in virtual time, with everything drawn from the seed: with one
// invocation for the Regions of an account or one for each, with waves or without. Whatever
// fails, each account has one outcome in each Region, an output belongs to its own target,
// and the verdict follows from the outcomes.
func TestSoakOfAccounts(t *testing.T) {
	t.Parallel()
	first, runs := uint64(1), 60
	if *soakRuns > 0 {
		first, runs = *soakSeed, *soakRuns
	}
	if first == 0 {
		first = uint64(time.Now().UnixNano()) //nolint:gosec // it is after 1970
	}
	for seed := first; seed < first+uint64(runs); seed++ { //nolint:gosec // not negative
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				for _, problem := range soakAccounts(t, seed) {
					t.Errorf("-run TestSoakOfAccounts -soak 1 -seed %d: %s", seed, problem)
				}
				time.Sleep(24 * time.Hour) // until abandoned attempts have ended, as the bubble requires
			})
		})
	}
}

// soakAccounts makes the run of one seed.
func soakAccounts(t *testing.T, seed uint64) []string {
	t.Helper()
	r := random(seed, "accounts")
	request := drawRequest(seed, r, time.Second)
	request.Regions, request.Targets, request.Role = soakRegions()[:2+r.IntN(5)], protocol.Targets(soakTargets()[:1+r.IntN(4)]...), "reader"
	for i := range 1 + r.IntN(12) {
		request.Accounts = append(request.Accounts, protocol.Account{ID: fmt.Sprintf("%012d", i)})
	}
	items := len(request.Regions) * len(request.Accounts)
	request.MinSuccessful = min(request.MinSuccessful, items)
	if r.IntN(3) == 0 && request.MinSuccessful == 0 {
		request.Waves = []protocol.Wave{{Regions: request.Regions[:1]}, {Accounts: []string{request.Accounts[0].ID}}}
	}
	w := newChaos(seed, []float64{0.02, 0.1, 0.3, 0.9}[r.IntN(4)])
	limit := time.Duration(1+r.IntN(120)) * time.Second
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	if r.IntN(5) == 0 {
		defer time.AfterFunc(time.Duration(r.Int64N(int64(limit))), cancel).Stop()
	}
	c := &coordinator.Coordinator{
		Invoker: w, Tasks: tasks(), Bundle: r.IntN(4) > 0, MemoryMB: 256,
		Billing: coordinator.Billing{Region: "us-east-1", Architecture: "arm64", WorkerMemoryMB: 256},
	}
	begin := time.Now()
	result, err := c.Run(ctx, request)
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(begin)
	synctest.Wait() // until the calls of the hedges that started with the answer are counted
	problems := contradictions(answer{result: result, limit: limit})
	problems = append(problems, checkItems(request, result)...)
	problems = append(problems, checkVerdict(request, result)...)
	problems = append(problems, attemptsOf(result).compareAttempts(w.attempts, false, false)...)
	if took > limit {
		problems = append(problems, fmt.Sprintf("it took %v of %v", took, limit))
	}
	return problems
}

// checkItems returns what is wrong with the order of the outcomes, and with their outputs.
func checkItems(request protocol.Request, result protocol.Result) (problems []string) {
	i := 0
	for _, a := range request.Accounts {
		for _, region := range request.Regions {
			if i >= len(result.Regions) {
				return append(problems, fmt.Sprintf("%d outcomes", len(result.Regions)))
			}
			o := result.Regions[i]
			i++
			var targets []string
			for _, target := range o.Targets {
				targets = append(targets, target.Target)
				want := fmt.Sprintf(`{"region":%q,"target":%q}`, region, target.Target)
				if target.Status == protocol.StatusSucceeded && string(target.Output) != want {
					problems = append(problems, fmt.Sprintf("%s %s has the output %s, want %s", a.ID, region, target.Output, want))
				}
			}
			if o.Account != a.ID || o.Region != region || !slices.Equal(targets, protocol.TargetNames(request.Targets)) {
				problems = append(problems, fmt.Sprintf("outcome %d is for %s %s %v, want %s %s %v", i, o.Account, o.Region, targets, a.ID, region, request.Targets))
			}
		}
	}
	if i != len(result.Regions) {
		problems = append(problems, fmt.Sprintf("%d outcomes, want %d", len(result.Regions), i))
	}
	return problems
}

// checkVerdict returns what is wrong with the summary and with the status of a run: the
// engine decides while the run goes on, and the outcomes are gathered from what the workers
// answered.
func checkVerdict(request protocol.Request, result protocol.Result) (problems []string) {
	var regions protocol.Counts
	for _, o := range result.Regions {
		regions.Add(o.Status)
	}
	if result.Summary.Regions != regions || result.Summary.Accounts.Total != len(request.Accounts) {
		problems = append(problems, fmt.Sprintf("the summary has %+v, the outcomes %+v", result.Summary, regions))
	}
	tolerance := fanout.Tolerance{
		FailureCount: request.ToleratedFailureCount, FailurePercentage: request.ToleratedFailurePercentage, MinSuccessful: request.MinSuccessful,
	}
	failed, started := 0, regions.Total-regions.NotStarted-regions.Aborted
	for _, o := range result.Regions {
		if o.Status == protocol.StatusFailed || o.Status == protocol.StatusTimedOut {
			failed++
		}
	}
	if result.Status == "" || (result.Status == protocol.StatusSucceeded) != (result.Cause == "") {
		problems = append(problems, fmt.Sprintf("the run is %q, with the cause %q", result.Status, result.Cause))
	}
	exceeded := tolerance.Judge(failed, regions.Skipped, regions.Total)
	switch {
	case result.Error == protocol.ErrorExceedToleratedFailureThreshold && exceeded == nil && request.Waves == nil:
		problems = append(problems, fmt.Sprintf("%s: %s; the outcomes are %+v", result.Status, result.Cause, regions))
	case result.Status == protocol.StatusSucceeded && exceeded != nil && started == regions.Total && regions.TimedOut == 0:
		problems = append(problems, fmt.Sprintf("SUCCEEDED with %+v: %v", regions, exceeded))
	}
	return problems
}

// attemptsOf counts the attempts of a result by their invocations.
func attemptsOf(result protocol.Result) account {
	a := account{recorded: map[invoketest.Unit]int{}}
	for _, o := range result.Regions {
		for _, attempt := range o.Attempts {
			if !attempt.Shared {
				a.recorded[invoketest.Unit{RunID: result.RunID, Region: o.Account + " " + o.Region, Batch: attempt.Batch}]++
			}
		}
	}
	return a
}

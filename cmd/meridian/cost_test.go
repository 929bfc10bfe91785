package main

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/endpoints"
	"meridian/internal/price"
	"meridian/pkg/protocol"
)

// The memory of the functions as serverless.yml deploys them.
func TestCostAssumesWhatServerlessYmlDeploys(t *testing.T) {
	t.Parallel()
	defaults := map[string]string{}
	flags := (&cli{}).costCommand().Flags()
	for parameter, flag := range map[string]string{
		"architecture": "architecture", "workerMemory": "worker-memory", "coordinatorMemory": "coordinator-memory",
	} {
		defaults[parameter] = flags.Lookup(flag).DefValue
	}
	data, err := os.ReadFile("../../serverless.yml")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^    (architecture|workerMemory|coordinatorMemory): (\S+)$`).FindAllStringSubmatch(string(data), -1)
	if len(found) != len(defaults) {
		t.Errorf("serverless.yml has %d of the %d parameters that cost assumes", len(found), len(defaults))
	}
	for _, m := range found {
		if got, want := defaults[m[1]], m[2]; got != want {
			t.Errorf("cost assumes %s %s, serverless.yml deploys %s", m[1], got, want)
		}
	}
}

// The default of --regions is what run does without --region.
func TestCostCountsTheRegionsThatRunGoesTo(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	args := []string{"run", "--dry-run", "-o", "json"}
	if got := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil); got != exitSucceeded {
		t.Fatalf("run(%q) = %d, want %d; stderr: %s", args, got, exitSucceeded, &stderr)
	}
	var plan coordinator.Preview
	if err := json.Unmarshal([]byte(stdout.String()), &plan); err != nil {
		t.Fatal(err)
	}
	got := (&cli{}).costCommand().Flags().Lookup("regions").DefValue
	if want := strconv.Itoa(len(plan.Regions)); got != want {
		t.Errorf("--regions defaults to %s, run goes to %s", got, want)
	}
}

func TestCostKnowsThePricesOfEveryRegionThatNeedsNoOptIn(t *testing.T) {
	t.Parallel()
	priced := pricedRegions()
	for _, r := range endpoints.Regions(protocol.DefaultPartition) {
		if !r.OptIn && !slices.Contains(priced, r.Name) {
			t.Errorf("the price of Lambda in %s is not known", r.Name)
		}
	}
}

func TestRelaysCostMoreThanTenTimesWhatTheCoordinatorDoes(t *testing.T) {
	t.Parallel()
	c, ok := price.Compare(price.Job{
		Regions: 28, Seconds: 10, Every: 5 * time.Minute, Region: "us-east-1",
		Architecture: price.ARM64, WorkerMB: deployedWorkerMB, CoordinatorMB: deployedCoordinatorMB,
	})
	if !ok {
		t.Fatal("no price is known in us-east-1")
	}
	if got := price.Sum(c.Relays) / price.Sum(c.Ways[0].Items); got <= 10 {
		t.Errorf("28 relays cost %.1f times what the coordinator does, want more than 10", got)
	}
}

// The totals of -o json are those of its parts.
func TestCostAddsUp(t *testing.T) {
	t.Parallel()
	var stdout, stderr strings.Builder
	args := []string{"cost", "--regions", "28", "-o", "json"}
	if got := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil); got != exitSucceeded {
		t.Fatalf("run(%q) = %d, want %d; stderr: %s", args, got, exitSucceeded, &stderr)
	}
	var listing costListing
	if err := json.Unmarshal([]byte(stdout.String()), &listing); err != nil {
		t.Fatal(err)
	}
	if len(listing.Ways) != 4 {
		t.Errorf("cost -o json has %d ways, want 4", len(listing.Ways))
	}
	same := func(what string, got, want float64) {
		if difference := got - want; difference > 1e-6 || difference < -1e-6 {
			t.Errorf("%s = %v, want %v", what, got, want)
		}
	}
	for _, w := range listing.Ways {
		sum := listing.Workers.RunUSD
		for _, i := range w.Beside.Items {
			sum += i.RunUSD
		}
		same(w.Name+": runUsd", w.RunUSD, sum)
		same(w.Name+": monthUsd", w.MonthUSD, float64(listing.Runs)*sum)
	}
}

package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meridian/internal/endpoints"
	"meridian/internal/price"
	"meridian/pkg/protocol"
)

// The memory that a Lambda function can have, in MB.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	minMemoryMB = 128
	maxMemoryMB = 10240
)

// The memory of the functions as serverless.yml deploys them.
const (
	deployedWorkerMB      = 256
	deployedCoordinatorMB = 256
)

// minEvery is the shortest interval of a schedule.
// Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
const minEvery = time.Minute

// costFlags are the flags of "cost".
type costFlags struct {
	price.Job // printCost sets Every
	every     interval
	output    format
}

func (c *cli) costCommand() *cobra.Command {
	f := costFlags{Job: price.Job{Seconds: 10}, every: 300}
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Compare the cost of a month of runs with that of AWS's own ways to fan out",
		Long: fmt.Sprintf(`Compare what a month of runs costs with Meridian, with Step Functions Standard and
Express, and with Lambda durable functions. Each invokes one worker for each Region,
waits for all of them, and gathers their answers; all functions are in one Region. A
month has %.0f hours, a twelfth of a year.

Prices are list prices of the first tier, without any free tier, as of %s. They
were copied by hand: check the ones you rely on at the source given with each. Some
Regions have no price here. Logs are those of the functions, at the level INFO. Costs
that are the same for all are left out: the schedule, traces, data transfer.`, price.Month.Hours(), price.Date),
		Example: `  meridian cost --regions 28 --seconds 10 --every 5m
  meridian cost --regions 28 --seconds 10 --every 5m --architecture x86_64 -o json
  meridian cost --every 1h --worker-memory 1024 --region ap-east-1`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return c.printCost(&f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&f.Regions, "regions", defaultRegionCount(), "the number `n` of Regions in a run; \"run\" without --region has the default")
	flags.Var((*seconds)(&f.Seconds), "seconds", "the `time` that one worker takes, such as 10s or 10")
	flags.Var(&f.every, "every", "the `time` between the starts of two runs, such as 5m, 300 or 'rate(5 minutes)'")
	flags.StringVar(&f.Region, "region", "us-east-1", "the `Region` of all functions, with its prices")
	flags.StringVar((*string)(&f.Architecture), "architecture", string(price.ARM64), "the functions' `architecture`: arm64 or x86_64")
	flags.IntVar(&f.WorkerMB, "worker-memory", deployedWorkerMB, "a worker's memory in `MB`")
	flags.IntVar(&f.CoordinatorMB, "coordinator-memory", deployedCoordinatorMB, "the memory in `MB` of the coordinator, or of the function in its place")
	flags.BoolVar(&f.Kept, "kept", false, "count the requests to S3 of runs that Meridian keeps")
	addOutput(cmd, &f.output)
	complete(cmd, "region", func(string) []cobra.Completion { return pricedRegions() })
	complete(cmd, "architecture", func(string) []cobra.Completion { return architectures() })
	return cmd
}

// printCost prints the comparison, unless a flag is out of range.
func (c *cli) printCost(f *costFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	f.Every = time.Duration(math.Round(float64(f.every) * float64(time.Second)))
	comparison, ok := price.Compare(f.Job)
	if !ok {
		return unpriced(f.Region)
	}
	if f.output == formatJSON {
		return c.printJSON(listCost(f.Job, comparison))
	}
	return c.printCostTable(f.Job, comparison)
}

// check returns an error that names every flag that is out of range.
func (f *costFlags) check() error {
	var faults []string
	within := func(flag string, value, least, most float64) {
		if value < least || value > most {
			faults = append(faults, protocol.OutOfRangeFault(flag, value, least, most).String())
		}
	}
	within("--regions", float64(f.Regions), 1, protocol.MaxRegions)
	if s := f.Seconds; !(s > 0 && s <= price.MaxLambdaSeconds) { // also refuses NaN
		faults = append(faults, fmt.Sprintf("--seconds: %v: out of range; want more than 0 and at most %d", s, price.MaxLambdaSeconds))
	}
	if s := float64(f.every); !(s >= minEvery.Seconds() && s <= price.Month.Seconds()) {
		faults = append(faults, fmt.Sprintf("--every: %s: out of range; want 1m to %.0fh, a month", cmp.Or((*seconds)(&f.every).String(), "0s"), price.Month.Hours()))
	}
	if a := architectures(); !slices.Contains(a, string(f.Architecture)) {
		faults = append(faults, fmt.Sprintf("--architecture: %q: want %s", f.Architecture, strings.Join(a, " or ")))
	}
	within("--worker-memory", float64(f.WorkerMB), minMemoryMB, maxMemoryMB)
	within("--coordinator-memory", float64(f.CoordinatorMB), minMemoryMB, maxMemoryMB)
	if faults == nil {
		return nil
	}
	return faulty("the flags have", faults)
}

// unpriced returns the error of a Region that has no price here, or does not exist.
func unpriced(region string) error {
	fault := protocol.NewFault("--region", region, "has no price of Lambda here")
	if _, exists := endpoints.PartitionOf(region); !exists {
		fault = protocol.UnknownFault("--region", region, "a Region", endpoints.Names(endpoints.AllRegions()))
	}
	return usage("%s", fault).hint("Regions with a price are %s", strings.Join(pricedRegions(), ", "))
}

// pricedRegions returns the Regions that have a price of Lambda here.
func pricedRegions() []string {
	var priced []string
	for _, r := range endpoints.AllRegions() {
		if _, ok := price.LambdaIn(r.Name, price.ARM64); ok {
			priced = append(priced, r.Name)
		}
	}
	return priced
}

func architectures() []string { return []string{string(price.ARM64), string(price.X86)} }

// defaultRegionCount returns the number of Regions of a request that names none.
func defaultRegionCount() int {
	n := 0
	for _, r := range endpoints.Regions(protocol.DefaultPartition) {
		if !r.OptIn {
			n++
		}
	}
	return n
}

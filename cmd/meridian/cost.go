package main

import (
	"cmp"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"meridian/internal/endpoints"
	"meridian/internal/price"
	"meridian/pkg/protocol"
)

// What a Lambda function may have of memory, in MB.
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

// minEvery is the most often that a schedule starts a run.
// Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
const minEvery = time.Minute

// costFlags are the flags of "cost".
type costFlags struct {
	regions              int
	seconds, every       seconds
	region, architecture string
	workerMB, coordMB    int
	output               format
}

func (c *cli) costCommand() *cobra.Command {
	f := costFlags{seconds: 10, every: 300}
	cmd := &cobra.Command{
		Use:   "cost",
		Short: "Compare the cost of a month of runs with that of AWS's own ways to fan out",
		Long: fmt.Sprintf(`Compare what a month of runs costs, by Meridian, by Step Functions Standard and
Express, and by Lambda durable functions. Each does the same: it invokes a worker
for each Region, all of them in the Region that it stands in itself, waits for
them, and gathers their answers. A month has %.0f hours, a twelfth of a year.

Prices are list prices of the first tier, without any free tier, as of %s. They
were copied by hand: check what matters at the source that is given with each. A
Region that is not in the table has no price here. What is the same for all ways is
not counted: the schedule, logs, traces, data transfer.`, price.Month.Hours(), price.Date),
		Example: `  meridian cost --regions 28 --seconds 10 --every 5m
  meridian cost --regions 28 --seconds 10 --every 5m --architecture x86_64 -o json
  meridian cost --every 1h --worker-memory 1024 --region ap-east-1`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error { return c.printCost(&f) },
	}
	flags := cmd.Flags()
	flags.SortFlags = false
	flags.IntVar(&f.regions, "regions", defaultRegionCount(), "a run has `n` Regions; the default is how many \"run\" has without --region")
	flags.Var(&f.seconds, "seconds", "the `time` that a worker takes for its Region, such as 10s or 10")
	flags.Var(&f.every, "every", "the `time` from one run to the next, such as 5m or 300")
	flags.StringVar(&f.region, "region", "us-east-1", "the `Region` that everything stands in, and whose prices count")
	flags.StringVar(&f.architecture, "architecture", string(price.ARM64), "the functions' architecture by `name`: arm64 or x86_64")
	flags.IntVar(&f.workerMB, "worker-memory", deployedWorkerMB, "a worker's memory in `MB`")
	flags.IntVar(&f.coordMB, "coordinator-memory", deployedCoordinatorMB, "the memory in `MB` of the coordinator, or of what does its part")
	addOutput(cmd, &f.output)
	complete(cmd, "region", func(string) []cobra.Completion { return pricedRegions() })
	complete(cmd, "architecture", func(string) []cobra.Completion { return architectures() })
	for _, flag := range []string{"regions", "seconds", "every", "worker-memory", "coordinator-memory"} {
		complete(cmd, flag, completeNothing)
	}
	return cmd
}

// printCost compares, unless a flag is wrong.
func (c *cli) printCost(f *costFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	job := price.Job{
		Regions:       f.regions,
		Seconds:       float64(f.seconds),
		Every:         time.Duration(math.Round(float64(f.every) * float64(time.Second))),
		Region:        f.region,
		Architecture:  price.Architecture(f.architecture),
		WorkerMB:      f.workerMB,
		CoordinatorMB: f.coordMB,
	}
	comparison, ok := price.Compare(job)
	if !ok {
		return unpriced(f.region)
	}
	if f.output == formatJSON {
		return c.printJSON(listCost(job, comparison))
	}
	return c.printCostTable(job, comparison)
}

// check complains about every flag that is out of range.
func (f *costFlags) check() error {
	var faults []string
	within := func(flag string, value, least, most float64) {
		if value < least || value > most {
			faults = append(faults, protocol.OutOfRangeFault(flag, value, least, most).String())
		}
	}
	within("--regions", float64(f.regions), 1, protocol.MaxRegions)
	if s := float64(f.seconds); !(s > 0 && s <= price.MaxLambdaSeconds) { // not a number is neither
		faults = append(faults, fmt.Sprintf("--seconds: %v: out of range; want more than 0 and at most %d", s, price.MaxLambdaSeconds))
	}
	if s := float64(f.every); !(s >= minEvery.Seconds() && s <= price.Month.Seconds()) {
		faults = append(faults, fmt.Sprintf("--every: %s: out of range; want 1m to %.0fh, a month", cmp.Or(f.every.String(), "0s"), price.Month.Hours()))
	}
	if a := architectures(); f.architecture != a[0] && f.architecture != a[1] {
		faults = append(faults, fmt.Sprintf("--architecture: %q: want %s", f.architecture, strings.Join(a, " or ")))
	}
	within("--worker-memory", float64(f.workerMB), minMemoryMB, maxMemoryMB)
	within("--coordinator-memory", float64(f.coordMB), minMemoryMB, maxMemoryMB)
	switch len(faults) {
	case 0:
		return nil
	case 1:
		return usage("%s", faults[0])
	}
	return usage("the flags have %d faults\n%s", len(faults), strings.Join(faults, "\n"))
}

// unpriced complains about a Region, which may not even be one.
func unpriced(region string) error {
	hint := "prices are known in " + strings.Join(pricedRegions(), ", ")
	if _, exists := endpoints.PartitionOf(region); !exists {
		return usage("%s", protocol.UnknownFault("--region", region, "a Region", regionNames())).hint("%s", hint)
	}
	return usage("--region: %q: what Lambda costs there is not known here", region).hint("%s", hint)
}

// pricedRegions are the Regions in which the price of Lambda is known.
func pricedRegions() []string {
	var priced []string
	for _, region := range regionNames() {
		if _, ok := price.LambdaIn(region, price.ARM64); ok {
			priced = append(priced, region)
		}
	}
	return priced
}

func architectures() []string { return []string{string(price.ARM64), string(price.X86)} }

// defaultRegionCount is how many Regions a request that names none runs in.
func defaultRegionCount() int {
	n := 0
	for _, r := range endpoints.Regions(protocol.DefaultPartition) {
		if !r.OptIn {
			n++
		}
	}
	return n
}

package price

import (
	"fmt"
	"math"
	"time"
)

// Month is the month that prices are given for: 730 hours, a twelfth of a year, as
// in AWS's own calculator, https://calculator.aws.
const Month = 730 * time.Hour

// What the comparison assumes, beside the job. No estimate decides anything: for 28
// Regions of 10 seconds, what hangs on one is below a twentieth of its way's total.
const (
	// AwakeSeconds is for how long the function that invokes the workers runs,
	// beside waiting for them: starting, connecting, gathering.
	AwakeSeconds = 1

	// EndTransitions is how many transitions a Standard workflow is billed beside one
	// for each state that it runs: to its start, and to its end. AWS counts one "each
	// time a step of your workflow is executed", and none for an iteration of an
	// inline Map itself; of the ends it does not say. Others count one for both, as
	// stepFunctionsCost in lambda/utils.js of
	// https://github.com/alexcasalboni/aws-lambda-power-tuning does.
	// Sources: [StepFunctionsSource] and
	// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html
	EndTransitions = 2

	// DurableInvocations is how often a durable function is invoked in a run: to
	// start, and again when the workers are done. One that is woken for every single
	// answer is invoked more often.
	DurableInvocations = 2

	// DurableGB is what a durable function writes for a Region, 4 kB: what the
	// worker is sent, and its answer of about 1 kB up to three times, once for the
	// invoke and twice for the map.
	// Source: the table of operations in
	// https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-sdk.html
	DurableGB = 0.000004

	// DurableMonths is how long it is kept: the 14 days that are the default.
	// Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-durableconfig.html
	DurableMonths = 0.46

	// RelayMB is the memory of a function that does nothing but invoke another one
	// and wait for it: the least that Lambda gives.
	RelayMB = 128

	// MaxLambdaSeconds is the longest that a function runs.
	// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	MaxLambdaSeconds = 900
)

// A Job is a fan-out that is repeated: one invocation of a worker for each Region,
// all of the workers in the coordinator's Region.
type Job struct {
	// Regions is how many workers a run invokes. At least 1.
	Regions int

	// Seconds is how long each works. More than 0, at most MaxLambdaSeconds.
	Seconds float64

	// Every is the time from the start of a run to that of the next one. More than
	// 0, at most a Month.
	Every time.Duration

	// Region is where it all stands, and whose prices it has.
	Region string

	// Architecture is that of all functions.
	Architecture Architecture

	// WorkerMB and CoordinatorMB are the memory of the functions. The function of
	// another way that stands for the coordinator has the same.
	WorkerMB, CoordinatorMB int
}

// A Comparison is what a Job costs in each way to do it.
type Comparison struct {
	// Runs is how many there are in a Month.
	Runs int

	// Workers are what the workers of a run cost, whoever invokes them.
	Workers []Item

	// Ways are the ways to invoke them: Meridian, Step Functions Standard, Step
	// Functions Express, Lambda durable functions, in this order.
	Ways []Way

	// Relays are what comes on top, in no Way, when the workers stand in Regions of
	// their own: a state machine and a durable invoke reach no function of another
	// Region, so that each worker needs one here to invoke it. A durable function
	// may make the call in a step instead, and is then awake as long as a
	// coordinator.
	// Sources: https://github.com/aws/aws-cdk/issues/29918 and
	// https://github.com/aws/aws-durable-execution-docs/issues/125
	Relays []Item
}

// A Way is one way to invoke the workers.
type Way struct {
	Name string

	// Items are what a run costs beside its workers. None when there is a Reason.
	Items []Item

	// Reason says why there is no figure. Empty when there is one.
	Reason string

	// Notes say what the figures stand on.
	Notes []string
}

// Compare returns what a job costs in each way to do it. It returns false when the
// price of Lambda is not known in its Region; a way of which another price is not
// known has that for its Reason. The job has to be within the ranges of its fields.
func Compare(j Job) (Comparison, bool) {
	lambda, ok := LambdaIn(j.Region, j.Architecture)
	if !ok {
		return Comparison{}, false
	}
	seconds := LambdaSeconds(j.Seconds)
	return Comparison{
		Runs:    int(Month / j.Every),
		Workers: invocations(lambda, j.Regions, seconds, j.WorkerMB),
		Ways:    []Way{j.meridian(lambda), j.standard(), j.express(), j.durable(lambda)},
		Relays:  invocations(lambda, j.Regions, seconds, RelayMB),
	}, true
}

func (j Job) meridian(lambda Lambda) Way {
	w := Way{Name: "Meridian"}
	worked := LambdaSeconds(j.Seconds)
	if worked+AwakeSeconds > MaxLambdaSeconds {
		w.Reason = fmt.Sprintf("not possible: the coordinator ends after %d s, and is awake for %d s more than the workers, which take %v s",
			MaxLambdaSeconds, AwakeSeconds, worked)
		return w
	}
	w.Items = invocations(lambda, 1, worked+AwakeSeconds, j.CoordinatorMB)
	w.Notes = []string{fmt.Sprintf("the coordinator waits for its workers, and is awake for %d s more", AwakeSeconds)}
	return w
}

func (j Job) standard() Way {
	w := Way{Name: "Step Functions Standard"}
	transition, ok := StandardIn(j.Region)
	if !ok {
		w.Reason = noPrice(j.Region)
		return w
	}
	w.Items = []Item{{"transitions", StepFunctionsSource, []term{
		counted(1+j.Regions+EndTransitions, "transition"), dollars(transition, "transition"),
	}}}
	w.Notes = []string{"the start, the Map, the end, and one for each Region; each retry is one more"}
	w.Notes = append(w.Notes, j.waveNotes()...)
	return w
}

func (j Job) express() Way {
	w := Way{Name: "Step Functions Express"}
	seconds := ExpressSeconds(j.waves() * LambdaSeconds(j.Seconds))
	p, ok := ExpressIn(j.Region)
	switch {
	case seconds >= ExpressLimit:
		w.Reason = fmt.Sprintf("not possible: it ends after %d s, and the workers take %v s", ExpressLimit, seconds)
		if j.waves() > 1 {
			w.Reason += fmt.Sprintf(", %d at once", MapConcurrency)
		}
		return w
	case !ok:
		w.Reason = noPrice(j.Region)
		return w
	}
	w.Items = []Item{
		{"requests", StepFunctionsSource, []term{counted(1, "request"), dollars(p.Request, "request")}},
		{"time", StepFunctionsSource, []term{
			amount(seconds, "s"), amount(gigabytes(ExpressMB), "GB"), dollars(p.GBSecond, "GB-s"),
		}},
	}
	w.Notes = []string{"billed up to the next 100 ms and 64 MB; it ends after 5 minutes"}
	w.Notes = append(w.Notes, j.waveNotes()...)
	return w
}

// waves is how many times as long as a worker the Map of a state machine takes.
func (j Job) waves() float64 { return math.Ceil(float64(j.Regions) / MapConcurrency) }

// waveNotes says so, if it is more than once.
func (j Job) waveNotes() []string {
	if j.waves() == 1 {
		return nil
	}
	return []string{fmt.Sprintf("its Map has %d Regions in hand at once: a run takes %v times as long", MapConcurrency, j.waves())}
}

func (j Job) durable(lambda Lambda) Way {
	w := Way{Name: "Lambda durable functions"}
	p, ok := DurableIn(j.Region)
	if !ok {
		w.Reason = noPrice(j.Region)
		return w
	}
	regions := counted(j.Regions, "Region")
	written := amount(DurableGB, "GB")
	w.Items = []Item{
		{"operations", LambdaSource, []term{
			counted(2+2*j.Regions, "operation"), dollars(p.Operation, "operation"),
		}},
		{"written", LambdaSource, []term{regions, written, dollars(p.WrittenGB, "GB")}},
		{"retained", LambdaSource, []term{
			regions, written, amount(DurableMonths, "months"), dollars(p.RetainedGBMonth, "GB-month"),
		}},
		{"requests", LambdaSource, []term{counted(DurableInvocations, "request"), dollars(lambda.Request, "request")}},
		{"time", LambdaSource, []term{
			amount(AwakeSeconds, "s"), amount(gigabytes(j.CoordinatorMB), "GB"), dollars(lambda.GBSecond, "GB-s"),
		}},
	}
	w.Notes = []string{
		"the execution, the map, and a branch and an invoke for each Region; each retry is more",
		"asleep while the workers work; what it writes is estimated, and kept for 14 days",
	}
	return w
}

// invocations returns what n invocations of a function cost.
func invocations(lambda Lambda, n int, seconds float64, megabytes int) []Item {
	time := []term{amount(seconds, "s"), amount(gigabytes(megabytes), "GB"), dollars(lambda.GBSecond, "GB-s")}
	if n > 1 {
		time = append([]term{counted(n, "Region")}, time...)
	}
	return []Item{
		{"requests", LambdaSource, []term{counted(n, "request"), dollars(lambda.Request, "request")}},
		{"time", LambdaSource, time},
	}
}

// gigabytes counts as Lambda and Step Functions do, 1,024 MB to one.
func gigabytes(megabytes int) float64 { return float64(megabytes) / 1024 }

func noPrice(region string) string { return "its price in " + region + " is not known here" }

package price

import (
	"fmt"
	"math"
	"time"
)

// Month is the length of a month: 730 hours, a twelfth of a year, as in AWS's
// calculator, https://calculator.aws.
const Month = 730 * time.Hour

// The assumptions of the comparison, besides the job. No estimate decides anything: for
// 28 Regions of 10 seconds, the part that depends on one is less than a twentieth of its
// way's total.
const (
	// AwakeSeconds is how long the function that invokes the workers runs in addition
	// to waiting for them: it starts, connects and gathers.
	AwakeSeconds = 1

	// EndTransitions is the number of transitions that a Standard workflow is billed in
	// addition to one for each state: to its start, and to its end. AWS counts one "each
	// time a step of your workflow is executed", and none for an iteration of an inline
	// Map itself. It does not document the start and the end. Others count one for both,
	// for example stepFunctionsCost in lambda/utils.js of
	// https://github.com/alexcasalboni/aws-lambda-power-tuning.
	// Sources: [StepFunctionsSource] and
	// https://docs.aws.amazon.com/step-functions/latest/dg/concepts-transitions.html
	EndTransitions = 2

	// DurableInvocations is how often a durable function is invoked in a run: once to
	// start, and again when the workers are done. A function that is woken for every
	// answer is invoked more often.
	DurableInvocations = 2

	// DurableGB is how much a durable function writes for a Region, 4 kB: the request
	// to the worker, and its answer of about 1 kB up to three times, once for the invoke
	// and twice for the map.
	// Source: the table of operations in
	// https://docs.aws.amazon.com/lambda/latest/dg/durable-execution-sdk.html
	DurableGB = 0.000004

	// DurableMonths is how long the data is kept: the default of 14 days.
	// Source: https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-property-function-durableconfig.html
	DurableMonths = 0.46

	// LogGB is how much an invocation writes to its log, 1 kB: Lambda's own lines about
	// its start and its end, a line or two of the function, and 26 bytes that are billed
	// with each. At the level DEBUG a worker writes some 300 bytes more for each target.
	// Source of the 26 bytes: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
	LogGB = 0.000001

	// RelayMB is the memory of a function that only invokes another one and waits for
	// it: the minimum of Lambda.
	RelayMB = 128

	// KeptWrites is how often the start and the end of a kept run write to S3: its request,
	// its plan, three entries by which it is found, and its result. In between its events are
	// written once per second.
	KeptWrites = 6

	// StopSeconds is how often a kept run looks whether it was stopped, which reads from S3.
	StopSeconds = 3

	// MaxLambdaSeconds is the longest run of a Lambda function.
	// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	MaxLambdaSeconds = 900
)

// A Job is a repeated fan-out: one invocation of a worker for each Region, with all
// workers in the coordinator's Region.
type Job struct {
	// Regions is the number of workers that a run invokes. At least 1.
	Regions int

	// Seconds is how long each worker takes. More than 0, at most MaxLambdaSeconds.
	Seconds float64

	// Every is the time between the starts of two runs. More than 0, at most a Month.
	Every time.Duration

	// Region is the Region of all functions, with its prices.
	Region string

	// Architecture is the architecture of all functions.
	Architecture Architecture

	// WorkerMB and CoordinatorMB are the memory of the functions. The function that
	// takes the coordinator's place in another way has the coordinator's memory.
	WorkerMB, CoordinatorMB int

	// Kept says that Meridian keeps the run in an S3 bucket. A state machine and a durable
	// function keep theirs anyway.
	Kept bool
}

// A Comparison is the cost of a Job with each way to run it.
type Comparison struct {
	// Runs is the number of runs in a Month.
	Runs int

	// Workers is the cost of the workers of a run, the same in every way.
	Workers []Item

	// Ways are the ways to invoke them: Meridian, Step Functions Standard, Step
	// Functions Express, Lambda durable functions, in this order.
	Ways []Way

	// Relays is the additional cost, in no Way's total, when each worker is in its own
	// Region. A state machine and a durable invoke cannot invoke a function of another
	// Region, so each worker needs a function here that invokes it. A durable function
	// can make the call in a step instead, and is then awake as long as a coordinator.
	// Sources: https://github.com/aws/aws-cdk/issues/29918 and
	// https://github.com/aws/aws-durable-execution-docs/issues/125
	Relays []Item
}

// A Way is one way to invoke the workers.
type Way struct {
	Name string

	// Items is the cost of a run in addition to its workers. Empty when there is a
	// Reason.
	Items []Item

	// Reason says why there are no Items. Empty when there are.
	Reason string

	// Notes explain the figures.
	Notes []string
}

// Compare returns the cost of a job with each way to run it. It returns false when the
// prices of Lambda in its Region are unknown. A way with another unknown price has a
// Reason. The fields of the job must be within their ranges.
func Compare(j Job) (Comparison, bool) {
	lambda, ok := LambdaIn(j.Region, j.Architecture)
	if !ok {
		return Comparison{}, false
	}
	seconds := LambdaSeconds(j.Seconds)
	return Comparison{
		Runs:    int(Month / j.Every),
		Workers: j.invocations(lambda, j.Regions, seconds, j.WorkerMB),
		Ways:    []Way{j.meridian(lambda), j.standard(), j.express(), j.durable(lambda)},
		Relays:  j.invocations(lambda, j.Regions, seconds, RelayMB),
	}, true
}

func (j Job) meridian(lambda Lambda) Way {
	w := Way{Name: "Meridian"}
	worked := LambdaSeconds(j.Seconds)
	if worked+AwakeSeconds > MaxLambdaSeconds {
		w.Reason = fmt.Sprintf("not possible: the coordinator ends after %d s, and runs %d s longer than the workers, which take %v s",
			MaxLambdaSeconds, AwakeSeconds, worked)
		return w
	}
	w.Items = j.invocations(lambda, 1, worked+AwakeSeconds, j.CoordinatorMB)
	w.Notes = []string{fmt.Sprintf("the coordinator waits for its workers and runs %d s longer", AwakeSeconds)}
	if _, ok := LogsIn(j.Region); !ok {
		w.Notes = append(w.Notes, "the logs are not counted: "+noPrice(j.Region))
	}
	if j.Kept {
		j.keep(&w, worked+AwakeSeconds)
	}
	return w
}

// keep adds the requests to S3 of a kept run that takes that long.
func (j Job) keep(w *Way, seconds float64) {
	p, ok := S3In(j.Region)
	if !ok {
		w.Notes = append(w.Notes, "the requests to S3 are not counted: "+noPrice(j.Region))
		return
	}
	w.Items = append(w.Items,
		Item{"kept, writes", S3Source, []term{counted(KeptWrites+int(math.Ceil(seconds)), "request"), dollars(p.Write, "request")}},
		Item{"kept, reads", S3Source, []term{counted(int(math.Ceil(seconds/StopSeconds)), "request"), dollars(p.Read, "request")}})
	w.Notes = append(w.Notes, fmt.Sprintf("kept: %d writes, and one per second; a read every %d s", KeptWrites, StopSeconds))
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
	w.Notes = []string{"billed in steps of 100 ms and 64 MB; it ends after 5 minutes"}
	w.Notes = append(w.Notes, j.waveNotes()...)
	return w
}

// waves returns how many workers the Map of a state machine runs one after the other.
func (j Job) waves() float64 { return math.Ceil(float64(j.Regions) / MapConcurrency) }

// waveNotes returns a note about waves, if there are several.
func (j Job) waveNotes() []string {
	if j.waves() == 1 {
		return nil
	}
	return []string{fmt.Sprintf("its Map runs %d Regions at once: a run takes %v times as long", MapConcurrency, j.waves())}
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
	if logs, ok := LogsIn(j.Region); ok {
		w.Items = append(w.Items, Item{"logs", LogsSource, []term{
			counted(DurableInvocations, "log"), amount(LogGB, "GB"), dollars(logs, "GB"),
		}})
	}
	w.Notes = []string{
		"the execution, the map, and a branch and an invoke for each Region; each retry is more",
		"it sleeps while the workers run; the written data is an estimate, and kept for 14 days",
	}
	return w
}

// invocations returns the cost of n invocations of a function, with that of their logs if
// it is known.
func (j Job) invocations(lambda Lambda, n int, seconds float64, megabytes int) []Item {
	time := []term{amount(seconds, "s"), amount(gigabytes(megabytes), "GB"), dollars(lambda.GBSecond, "GB-s")}
	if n > 1 {
		time = append([]term{counted(n, "Region")}, time...)
	}
	items := []Item{
		{"requests", LambdaSource, []term{counted(n, "request"), dollars(lambda.Request, "request")}},
		{"time", LambdaSource, time},
	}
	if logs, ok := LogsIn(j.Region); ok {
		items = append(items, Item{"logs", LogsSource, []term{counted(n, "log"), amount(LogGB, "GB"), dollars(logs, "GB")}})
	}
	return items
}

// gigabytes converts as Lambda and Step Functions do: 1,024 MB are one.
func gigabytes(megabytes int) float64 { return float64(megabytes) / 1024 }

func noPrice(region string) string { return "no price here for " + region }

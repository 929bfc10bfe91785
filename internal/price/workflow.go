package price

import "math"

// StepFunctionsSource is where AWS publishes the prices of Step Functions.
const StepFunctionsSource = "https://aws.amazon.com/step-functions/pricing/"

// StandardIn returns the price of a state transition of a Standard workflow in a
// Region. It returns false for a Region that the table does not cover.
//
// The Regions are those of the table that [StepFunctionsSource] had in plain text in
// 2019, before there were Express workflows. The sfCosts in template.yml of
// https://github.com/alexcasalboni/aws-lambda-power-tuning, as of 2025-11-19, agree
// with all of them, and have four more Regions with other prices. Other Regions are
// not covered: the default there is not the price of any Region.
func StandardIn(region string) (transition float64, ok bool) {
	switch region {
	case "ap-northeast-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
		"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2",
		"us-east-1", "us-east-2", "us-west-2":
		return 0.000025, true
	case "eu-south-1":
		return 0.00002625, true
	case "ap-northeast-2":
		return 0.0000271, true
	case "ap-east-1", "me-south-1":
		return 0.0000275, true
	case "us-west-1":
		return 0.0000279, true
	case "ap-south-1":
		return 0.0000285, true
	case "eu-west-3":
		return 0.0000297, true
	case "af-south-1":
		return 0.00002975, true
	case "sa-east-1":
		return 0.0000375, true
	}
	return 0, false
}

// An Express has the prices of Express workflows, in US dollars, first tier.
type Express struct {
	// Request is the price of one workflow.
	Request float64

	// GBSecond is the price of one GB for a second, rounded up as in [ExpressSeconds]
	// and [ExpressMB].
	GBSecond float64
}

// ExpressIn returns the prices of Express workflows in a Region. They are known for
// us-east-1 only, elsewhere it returns false: the examples of [StepFunctionsSource]
// have $1.00 for a million requests and $0.06 for a GB-hour, which its price list has
// as $0.00001667 for a GB-second.
func ExpressIn(region string) (Express, bool) {
	if region != "us-east-1" {
		return Express{}, false
	}
	return Express{Request: 1e-6, GBSecond: 0.00001667}, true
}

const (
	// ExpressMB is the memory that a fan-out over Regions is billed for: one chunk of
	// 64 MB. AWS estimates 50 MB for a workflow, plus its definition and a payload for
	// each iteration of a Map, which can have 64 kB each for 200 Regions.
	// Source: [StepFunctionsSource], examples 3 and 4.
	ExpressMB = 64

	// ExpressLimit is the longest run of an Express workflow, in seconds.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
	ExpressLimit = 300

	// MapConcurrency is the number of iterations that an inline Map runs at once. An
	// Express workflow has no other Map.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
	MapConcurrency = 40
)

// ExpressSeconds returns the billed duration of an Express workflow: rounded up to
// 100 ms.
func ExpressSeconds(seconds float64) float64 { return roundUp(seconds, 10) }

// A Durable has the prices of Lambda durable functions, in US dollars, in addition to
// those of requests and time.
type Durable struct {
	// Operation is the price of a durable operation.
	Operation float64

	// WrittenGB is the price of writing a GB of checkpoints.
	WrittenGB float64

	// RetainedGBMonth is the price of keeping a GB of checkpoints for a month.
	RetainedGBMonth float64
}

// DurableIn returns the prices of Lambda durable functions in a Region. They are known
// for us-east-1 only, elsewhere it returns false: it is the Region of the examples of
// [LambdaSource], and a summary of the price list of [Date] has the same figures.
func DurableIn(region string) (Durable, bool) {
	if region != "us-east-1" {
		return Durable{}, false
	}
	return Durable{Operation: 8e-6, WrittenGB: 0.25, RetainedGBMonth: 0.15}, true
}

// LambdaSeconds returns the billed duration of a Lambda function: rounded up to the
// millisecond.
func LambdaSeconds(seconds float64) float64 { return roundUp(seconds, 1000) }

// roundUp rounds a value up to a multiple of 1/parts, and any positive value to at
// least 1/parts. It ignores a billionth of a part: that is the error of a binary
// fraction.
func roundUp(value, parts float64) float64 {
	least := 0.0
	if value > 0 {
		least = 1
	}
	return max(least, math.Ceil(value*parts-1e-9)) / parts
}

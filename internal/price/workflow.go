package price

import "math"

// StepFunctionsSource is where AWS publishes the prices of Step Functions.
const StepFunctionsSource = "https://aws.amazon.com/step-functions/pricing/"

// StandardIn returns the price of a state transition of a Standard workflow in a
// Region. It returns false for a Region that the table does not cover.
//
// The Regions are those of the table that [StepFunctionsSource] had in plain text
// before there were Express workflows, in 2019. The sfCosts in template.yml of
// https://github.com/alexcasalboni/aws-lambda-power-tuning, as of 2025-11-19, agree
// with all of them, and name four more, whose prices differ. Its default is no
// Region's price, so that no others are covered.
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

// An Express is what Express workflows cost, in US dollars, first tier.
type Express struct {
	// Request is the price of one workflow.
	Request float64

	// GBSecond is the price of a second of one GB, billed as [ExpressSeconds] and
	// ExpressMB say.
	GBSecond float64
}

// ExpressIn returns the price of Express workflows in a Region. It is known for
// us-east-1 only: the examples of [StepFunctionsSource] give $1.00 for a million
// requests and $0.06 for a GB-hour, which its price list has as $0.00001667 for a
// GB-second. Elsewhere it returns false.
func ExpressIn(region string) (Express, bool) {
	if region != "us-east-1" {
		return Express{}, false
	}
	return Express{Request: 1e-6, GBSecond: 0.00001667}, true
}

const (
	// ExpressMB is what a fan-out over Regions is billed for: one chunk of 64 MB.
	// By AWS's estimate a workflow takes 50 MB, its definition, and a payload for
	// each iteration of a Map, which for 200 Regions may be 64 kB each.
	// Source: [StepFunctionsSource], examples 3 and 4.
	ExpressMB = 64

	// ExpressLimit is the longest that an Express workflow runs, in seconds.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
	ExpressLimit = 300

	// MapConcurrency is how many iterations of an inline Map, the only one that an
	// Express workflow has, are under way at once.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-inline.html
	MapConcurrency = 40
)

// ExpressSeconds returns for how long an Express workflow is billed that took so
// many seconds: up to the next 100 ms.
func ExpressSeconds(seconds float64) float64 { return roundUp(seconds, 10) }

// A Durable is what Lambda durable functions cost beside their requests and time, in
// US dollars.
type Durable struct {
	// Operation is the price of a durable operation.
	Operation float64

	// WrittenGB is the price of a GB of checkpoints.
	WrittenGB float64

	// RetainedGBMonth is the price of keeping a GB of them for a month.
	RetainedGBMonth float64
}

// DurableIn returns the price of Lambda durable functions in a Region. It is known
// for us-east-1 only, the Region of the examples of [LambdaSource]; a summary of the
// price list of [Date] has the same figures. Elsewhere it returns false.
func DurableIn(region string) (Durable, bool) {
	if region != "us-east-1" {
		return Durable{}, false
	}
	return Durable{Operation: 8e-6, WrittenGB: 0.25, RetainedGBMonth: 0.15}, true
}

// LambdaSeconds returns for how long a Lambda function is billed that ran so many
// seconds: up to the next millisecond.
func LambdaSeconds(seconds float64) float64 { return roundUp(seconds, 1000) }

// roundUp rounds up to whole parts of which there are so many in one, and to at least
// one of what is more than nothing. What is a billionth of a part above is what a
// binary fraction makes of a decimal one.
func roundUp(value, parts float64) float64 {
	least := 0.0
	if value > 0 {
		least = 1
	}
	return max(least, math.Ceil(value*parts-1e-9)) / parts
}

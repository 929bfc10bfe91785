// Package price is what AWS asks for the things that a run is made of, and what a
// run of many Regions costs by it.
//
// The coordinator puts the cost of a run into its result by [LambdaIn]; the
// command line compares a month of runs with the ways that AWS itself offers, by
// [Compare].
//
// # What the table promises
//
// It is a small table, written by hand from published figures, and it names every
// Region that it covers: a Region that it does not name has no price here, however
// likely one is. All prices are list prices in US dollars, of the first tier,
// without the free tier, savings plans, taxes and the transfer of data.
//
// # Where the figures are from
//
// AWS publishes them at https://aws.amazon.com/lambda/pricing/ and
// https://aws.amazon.com/step-functions/pricing/, filled in by a script, and as
// price lists at https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/. The
// figures here are second-hand: read in copies of those, which each table names.
// Before a decision that hangs on one, look it up.
package price

// Date is the day of the AWS price list that the table was last compared with, by
// way of a summary of it. A copy that a figure was read in may be older.
const Date = "2026-09-19"

// An Architecture is the processor of a Lambda function, as AWS spells it.
type Architecture string

// The architectures.
const (
	ARM64 Architecture = "arm64"
	X86   Architecture = "x86_64"
)

// A Lambda is what Lambda functions cost in a Region, in US dollars, first tier,
// without the free tier.
type Lambda struct {
	// Request is the price of one invocation.
	Request float64

	// GBSecond is the price of a second of one GB, which here is 1,024 MB. Lambda
	// bills the milliseconds that a function ran, initialization included.
	GBSecond float64
}

// LambdaSource is where AWS publishes the prices of Lambda.
const LambdaSource = "https://aws.amazon.com/lambda/pricing/"

// LambdaIn returns the price of Lambda functions in a Region. It returns false for
// a Region that the table does not cover and for an architecture that is none.
func LambdaIn(region string, a Architecture) (Lambda, bool) {
	p, ok := lambdaRow(region)
	if !ok {
		return Lambda{}, false
	}
	switch a {
	case ARM64:
		return Lambda{Request: p.request, GBSecond: p.arm64}, true
	case X86:
		return Lambda{Request: p.request, GBSecond: p.x86}, true
	}
	return Lambda{}, false
}

// A lambdaPrice is a row of the table: requests cost the same on both
// architectures.
type lambdaPrice struct{ request, x86, arm64 float64 }

// lambdaRow looks a Region up, in what AWS's own calculator reads,
// https://calculator.aws/pricing/2.0/meteredUnitMaps/lambda/USD/current/lambda.json,
// as copied to packages/lambda-client/src/price-per-1s.ts of
// https://github.com/remotion-dev/remotion, commit 984974ab.
//
// Two others agree with it where they overlap: the GB-seconds of both architectures
// in cost/cost.go of https://github.com/janritter/aws-lambda-live-tuner, and a
// summary of the price list of [Date], which also has us-east-1 whole. Regions that
// only those name are left out: they do not say what a request costs. So are the
// Regions of China, which are billed in yuan.
func lambdaRow(region string) (lambdaPrice, bool) {
	switch region {
	case "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1",
		"ap-southeast-1", "ap-southeast-2", "ap-southeast-4", "ca-central-1",
		"eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3",
		"sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2":
		return lambdaPrice{request: 0.20e-6, x86: 0.0000166667, arm64: 0.0000133334}, true
	case "af-south-1":
		return lambdaPrice{request: 0.27e-6, x86: 0.0000221, arm64: 0.00001768}, true
	case "ap-east-1":
		return lambdaPrice{request: 0.28e-6, x86: 0.00002292, arm64: 0.0000183}, true
	case "ap-southeast-5":
		return lambdaPrice{request: 0.18e-6, x86: 0.000015, arm64: 0.000012}, true
	case "eu-central-2":
		return lambdaPrice{request: 0.22e-6, x86: 0.0000183334, arm64: 0.0000146667}, true
	case "eu-south-1":
		return lambdaPrice{request: 0.23e-6, x86: 0.0000195172, arm64: 0.0000156138}, true
	case "me-south-1":
		return lambdaPrice{request: 0.25e-6, x86: 0.0000206667, arm64: 0.0000165334}, true
	}
	return lambdaPrice{}, false
}

// Package price has AWS's prices for the parts of a run, and computes from them what
// a run over many Regions costs.
//
// The coordinator computes the cost of a run with [LambdaIn]. The command line
// compares a month of runs with AWS's own ways to fan out with [Compare].
//
// # What the table promises
//
// It is a small table, written by hand from published figures, and it names every
// Region that it covers. A Region that is not in it has no price here: none is
// guessed. All prices are list prices in US dollars, of the first tier, without the
// free tier, savings plans, taxes and data transfer.
//
// # Where the figures are from
//
// AWS publishes them at https://aws.amazon.com/lambda/pricing/ and
// https://aws.amazon.com/step-functions/pricing/, where a script fills them in, and
// as price lists at https://pricing.us-east-1.amazonaws.com/offers/v1.0/aws/. The
// figures here are from copies of those, which each table names. Look a figure up
// before you base a decision on it.
package price

// Date is the date of the AWS price list that the table was last compared with,
// through a summary of that list. The copy that a figure is from can be older.
const Date = "2026-09-19"

// An Architecture is the processor architecture of a Lambda function, as AWS spells it.
type Architecture string

// The architectures.
const (
	ARM64 Architecture = "arm64"
	X86   Architecture = "x86_64"
)

// A Lambda has the prices of Lambda functions in a Region, in US dollars, first tier,
// without the free tier.
type Lambda struct {
	// Request is the price of one invocation.
	Request float64

	// GBSecond is the price of one GB for a second; a GB has 1,024 MB here. Lambda
	// bills the milliseconds that a function ran, including its initialization.
	GBSecond float64
}

// LambdaSource is where AWS publishes the prices of Lambda.
const LambdaSource = "https://aws.amazon.com/lambda/pricing/"

// LambdaIn returns the prices of Lambda functions in a Region. It returns false for a
// Region that the table does not cover and for an unknown architecture.
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

// lambdaRow returns the row of a Region. The rows are the data of AWS's calculator,
// https://calculator.aws/pricing/2.0/meteredUnitMaps/lambda/USD/current/lambda.json,
// as copied to packages/lambda-client/src/price-per-1s.ts of
// https://github.com/remotion-dev/remotion, commit 984974ab.
//
// Two other sources agree with it in the Regions they share: the GB-seconds of both
// architectures in cost/cost.go of
// https://github.com/janritter/aws-lambda-live-tuner, and a summary of the price list
// of [Date], which also has all prices of us-east-1. Regions that only these name are
// left out, because they have no price of a request there. The Regions of China are
// left out because they are billed in yuan.
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

// LogsSource is where AWS publishes the prices of logs.
const LogsSource = "https://aws.amazon.com/cloudwatch/pricing/"

// LogsIn returns the price of writing a GB to the log of a function, in US dollars, first
// tier. It is known for us-east-1 only, elsewhere it returns false.
// Source: [LogsSource], as cited by https://www.duckbillgroup.com/?p=9080
func LogsIn(region string) (float64, bool) {
	if region != "us-east-1" {
		return 0, false
	}
	return 0.50, true
}

// An S3 has the prices of requests to S3, in US dollars each, storage class Standard.
type S3 struct {
	// Write is the price of a PUT or a LIST, and Read that of a GET. Deletes are free.
	Write, Read float64
}

// S3Source is where AWS publishes the prices of S3.
const S3Source = "https://aws.amazon.com/s3/pricing/"

// S3In returns the prices of requests to S3 in a Region. They are known for us-east-1 only,
// elsewhere it returns false.
func S3In(region string) (S3, bool) {
	if region != "us-east-1" {
		return S3{}, false
	}
	return S3{Write: 0.005 / 1000, Read: 0.0004 / 1000}, true
}

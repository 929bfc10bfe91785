package price_test

import (
	"testing"
	"time"

	"meridian/internal/endpoints"
	"meridian/internal/price"
)

func TestLambdaIn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name         string
		region       string
		architecture price.Architecture
		want         price.Lambda
		known        bool
	}{
		{"first", "us-east-1", price.ARM64, price.Lambda{Request: 2e-7, GBSecond: 0.0000133334}, true},
		{"x86", "us-east-1", price.X86, price.Lambda{Request: 2e-7, GBSecond: 0.0000166667}, true},
		{"dear", "ap-east-1", price.ARM64, price.Lambda{Request: 2.8e-7, GBSecond: 0.0000183}, true},
		{"cheap", "ap-southeast-5", price.X86, price.Lambda{Request: 1.8e-7, GBSecond: 0.000015}, true},
		{"Cape Town", "af-south-1", price.X86, price.Lambda{Request: 2.7e-7, GBSecond: 0.0000221}, true},
		{"Zurich", "eu-central-2", price.X86, price.Lambda{Request: 2.2e-7, GBSecond: 0.0000183334}, true},
		{"Milan", "eu-south-1", price.X86, price.Lambda{Request: 2.3e-7, GBSecond: 0.0000195172}, true},
		{"Bahrain", "me-south-1", price.X86, price.Lambda{Request: 2.5e-7, GBSecond: 0.0000206667}, true},
		{"billed apart from the others", "us-gov-west-1", price.ARM64, price.Lambda{}, false},
		{"Region that the table does not cover", "ap-southeast-6", price.ARM64, price.Lambda{}, false},
		{"billed in yuan", "cn-north-1", price.ARM64, price.Lambda{}, false},
		{"no Region", "", price.ARM64, price.Lambda{}, false},
		{"architecture that is none", "us-east-1", "amd64", price.Lambda{}, false},
		{"no architecture", "us-east-1", "", price.Lambda{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, known := price.LambdaIn(test.region, test.architecture)
			if got != test.want || known != test.known {
				t.Errorf("LambdaIn(%q, %q) = %v, %v, want %v, %v", test.region, test.architecture, got, known, test.want, test.known)
			}
		})
	}
}

// A GB-second on arm64 costs a fifth less than on x86 in every Region. A typing
// mistake would be far more than the difference allowed here.
// Source: https://aws.amazon.com/blogs/aws/aws-lambda-functions-powered-by-aws-graviton2-processor-run-your-functions-on-arm-and-get-up-to-34-better-price-performance/
func TestARM64CostsAFifthLess(t *testing.T) {
	t.Parallel()
	known := 0
	for _, partition := range endpoints.Partitions() {
		for _, region := range endpoints.Regions(partition.ID) {
			arm64, ok := price.LambdaIn(region.Name, price.ARM64)
			if !ok {
				continue
			}
			known++
			x86, ok := price.LambdaIn(region.Name, price.X86)
			if ratio := arm64.GBSecond / x86.GBSecond; !ok || arm64.Request != x86.Request || ratio < 0.798 || ratio > 0.801 {
				t.Errorf("LambdaIn(%q) = %v on arm64, %v on x86, want a fifth less for a GB-second", region.Name, arm64, x86)
			}
		}
	}
	if known == 0 {
		t.Error("LambdaIn knows no Region, want some")
	}
}

func TestStandardIn(t *testing.T) {
	t.Parallel()
	for region, want := range map[string]float64{
		"us-east-1": 0.000025, "eu-north-1": 0.000025, "eu-south-1": 0.00002625, "ap-northeast-2": 0.0000271,
		"ap-east-1": 0.0000275, "me-south-1": 0.0000275, "us-west-1": 0.0000279, "ap-south-1": 0.0000285,
		"eu-west-3": 0.0000297, "af-south-1": 0.00002975, "sa-east-1": 0.0000375,
		"us-gov-west-1": 0, "cn-north-1": 0, "ap-southeast-5": 0, "": 0,
	} {
		if got, known := price.StandardIn(region); got != want || known != (want > 0) {
			t.Errorf("StandardIn(%q) = %v, %v, want %v, %v", region, got, known, want, want > 0)
		}
	}
}

func TestDateIsADay(t *testing.T) {
	t.Parallel()
	if _, err := time.Parse(time.DateOnly, price.Date); err != nil {
		t.Errorf("Date = %q, want a day: %v", price.Date, err)
	}
}

package price_test

import (
	"testing"
	"time"

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

func TestDateIsADay(t *testing.T) {
	t.Parallel()
	if _, err := time.Parse(time.DateOnly, price.Date); err != nil {
		t.Errorf("Date = %q, want a day: %v", price.Date, err)
	}
}

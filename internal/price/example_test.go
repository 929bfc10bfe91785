package price_test

import (
	"fmt"
	"time"

	"meridian/internal/price"
)

func ExampleLambdaIn() {
	lambda, ok := price.LambdaIn("eu-west-1", price.ARM64)
	fmt.Println(lambda.Request, lambda.GBSecond, ok)
	// Output: 2e-07 1.33334e-05 true
}

func ExampleCompare() {
	comparison, _ := price.Compare(price.Job{
		Regions: 28, Seconds: 10, Every: 5 * time.Minute,
		Region: "us-east-1", Architecture: price.ARM64, WorkerMB: 256, CoordinatorMB: 256,
	})
	workers := price.Sum(comparison.Workers)
	for _, way := range comparison.Ways {
		month := float64(comparison.Runs) * (workers + price.Sum(way.Items))
		fmt.Printf("%s: $%.2f a month\n", way.Name, month)
	}
	// Output:
	// Meridian: $8.68 a month
	// Step Functions Standard: $15.14 a month
	// Step Functions Express: $8.45 a month
	// Lambda durable functions: $12.77 a month
}

func ExampleItem_Formula() {
	comparison, _ := price.Compare(price.Job{
		Regions: 28, Seconds: 10, Every: 5 * time.Minute,
		Region: "us-east-1", Architecture: price.ARM64, WorkerMB: 256, CoordinatorMB: 256,
	})
	for _, item := range comparison.Workers {
		fmt.Println(item.Name+":", item.Formula())
	}
	// Output:
	// requests: 28 requests × $0.0000002 per request
	// time: 28 Regions × 10 s × 0.25 GB × $0.0000133334 per GB-s
	// logs: 28 logs × 0.000001 GB × $0.5 per GB
}

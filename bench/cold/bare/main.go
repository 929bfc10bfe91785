// Command bare is the least that a Lambda function in Go can be: aws-lambda-go
// and a hello. The cold starts of Meridian's functions are compared with its.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) (string, error) { return "hello", nil })
}

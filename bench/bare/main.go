// Command bare is a minimal Lambda function in Go: aws-lambda-go and a hello. The cold
// starts of Meridian's functions are compared with its.
//
// It is a program of its own because its size is a part of what is measured.
package main

import (
	"context"

	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(context.Context) (string, error) { return "hello", nil })
}

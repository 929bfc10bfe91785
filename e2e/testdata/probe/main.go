// Command probe is a Lambda function that invokes another one, or assumes a role, and
// returns the outcome.
// Deployed with the role of one of our functions, it shows what that role allows.
package main

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	service "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// request names the function to invoke, or the role to assume.
type request struct {
	Region   string `json:"region"`
	Function string `json:"function"`
	Role     string `json:"role"`
}

func main() {
	lambda.Start(func(ctx context.Context, r request) (string, error) {
		cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(r.Region))
		if err != nil {
			return "", err
		}
		done := "invoked"
		if r.Role != "" {
			done = "assumed"
			_, err = sts.NewFromConfig(cfg).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String(r.Role), RoleSessionName: aws.String("probe")})
		} else {
			_, err = service.NewFromConfig(cfg).Invoke(ctx, &service.InvokeInput{
				FunctionName: aws.String(r.Function),
				Payload:      []byte(`{}`),
			})
		}
		if api, ok := errors.AsType[smithy.APIError](err); ok {
			return api.ErrorCode(), nil
		}
		if err != nil {
			return "", err
		}
		return done, nil
	})
}

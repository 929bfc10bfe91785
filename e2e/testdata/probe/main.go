// Command probe is a Lambda function that invokes another one, assumes a role, or makes a
// request to S3, and returns the outcome.
// Deployed with the role of one of our functions, it shows what that role allows.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
	service "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// request names the function to invoke, the role to assume, or a path of S3, with a method.
type request struct {
	Region   string `json:"region"`
	Function string `json:"function"`
	Role     string `json:"role"`
	Method   string `json:"method"`
	Path     string `json:"path"`
}

func main() {
	lambda.Start(func(ctx context.Context, r request) (string, error) {
		cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(r.Region))
		if err != nil {
			return "", err
		}
		if r.Path != "" {
			return s3(ctx, cfg, r)
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

// s3 sends a request to S3 and returns the status.
func s3(ctx context.Context, cfg aws.Config, r request) (string, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, os.Getenv("AWS_ENDPOINT_URL")+r.Path, http.NoBody)
	if err != nil {
		return "", err
	}
	key, err := cfg.Credentials.Retrieve(ctx)
	if err != nil {
		return "", err
	}
	empty := sha256.Sum256(nil)
	hash := hex.EncodeToString(empty[:])
	request.Header.Set("X-Amz-Content-Sha256", hash)
	if err := v4.NewSigner().SignHTTP(ctx, key, request, hash, "s3", cfg.Region, time.Now()); err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	return strconv.Itoa(response.StatusCode), response.Body.Close()
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"meridian/internal/fanout"
	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// travelTime is how much longer than the run's own time its result is waited for:
// for the way there and back and a cold start.
const travelTime = 10 * time.Second

// runRemotely has the request run by the coordinator that is deployed as a
// Lambda function. The SDK reads its configuration from the process's
// environment and the files that it names, and writes no log of its own: what went
// wrong is in the error that it returns.
func (c *cli) runRemotely(ctx context.Context, f *runFlags, request protocol.Request) (protocol.Result, error) {
	var none protocol.Result
	if err := request.Validate().Err(); err != nil {
		return none, err // no need to ask
	}
	cfg, err := config.LoadDefaultConfig(ctx, config.WithRegion(f.awsRegion), config.WithLogger(logging.Nop{}))
	if err != nil {
		return none, failure("AWS configuration: %v", err).
			hint("AWS_PROFILE, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE say what is read")
	}
	function, err := invoke.NewLambda(cfg, invoke.Settings{Function: f.function}) //nolint:contextcheck // it makes no call
	if err != nil {
		return none, usage("--function: %v", err).hint("--aws-region says in which Region the function is")
	}
	payload, err := json.Marshal(request)
	if err != nil {
		return none, fmt.Errorf("encode request: %w", err)
	}
	if request.TimeoutSeconds > 0 {
		limit := time.Duration(request.TimeoutSeconds*float64(time.Second)) + travelTime
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &fanout.TimeoutError{What: "call", After: limit})
		defer cancel()
	}
	c.log(f.verbose).InfoContext(ctx, "coordinator called", "function", f.function, "region", cfg.Region)
	watch := c.watch(ctx, "waiting for "+f.function, f.verbose)
	answer, _, err := function.Invoke(ctx, cfg.Region, payload)
	watch.stop()
	if err != nil {
		return none, explainCall(ctx, f.function, err)
	}
	result, err := protocol.DecodeResult(answer)
	if err != nil || !slices.Contains(protocol.Statuses(), result.Status) {
		return none, failure("%s answered, but not with a result", f.function).
			hint("is it a coordinator, and as new as this program?")
	}
	return result, nil
}

// explainCall makes a complaint of a call that brought no result.
func explainCall(ctx context.Context, function string, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return failure("no answer from %s: %v", function, cause).
			hint("the run may still be going on there")
	}
	var call *invoke.Error
	if !errors.As(err, &call) {
		return failure("%s: %v", function, err)
	}
	if call.FunctionError != "" {
		return explainFunction(function, call)
	}
	switch call.Name {
	case protocol.ErrorNoCredentials:
		return failure("no AWS credentials: %v", errors.Unwrap(call)).
			hint("sign in, or set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY").
			hint("without --function the request runs in this process, without AWS")
	case "Lambda.ResourceNotFoundException":
		return failure("no function %s: %v", function, call).
			hint("is it deployed in that Region, in that account? --aws-region names another Region")
	case "Lambda.AccessDeniedException":
		return failure("no access to %s: %v", function, call).
			hint("the credentials need the permission lambda:InvokeFunction")
	case "Lambda.ExpiredTokenException", "Lambda.UnrecognizedClientException", "Lambda.InvalidSignatureException":
		return failure("the AWS credentials are not accepted: %s: %v", call.Name, call).
			hint("sign in again; the command aws sts get-caller-identity shows who you are")
	case protocol.ErrorLambdaSDKClient:
		return failure("no answer from Lambda: %v", call).hint("is there a network, and is it the right Region?")
	case protocol.ErrorLambdaThrottled:
		return failure("%s has no room for another run: %v", function, call).hint("try again later")
	}
	return failure("%s: %s: %v", function, call.Name, call)
}

// explainFunction makes a complaint of an error of the function's own.
func explainFunction(function string, call *invoke.Error) error {
	switch call.Name {
	case protocol.ErrorInvalidRequest:
		return usage("%s refused the request\n%v", function, call)
	case "Sandbox.Timedout":
		return failure("%s ran out of time: %v", function, call).
			hint("a --timeout below the function's own limit brings what was done by then")
	}
	return failure("%s failed: %s: %v", function, call.Name, call)
}

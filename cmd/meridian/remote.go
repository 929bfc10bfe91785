package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"meridian/internal/awsapi/sdkconfig"
	"meridian/internal/endpoints"
	"meridian/internal/fanout"
	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// travelTime is added to the run's timeout when waiting for its result: the call
// and a cold start take time too.
const travelTime = 10 * time.Second

// A deployed is a coordinator that is deployed as a Lambda function.
type deployed struct {
	cli      *cli
	function *invoke.Lambda
	name     string // as the user gives it
	region   string
	verbose  bool
}

// deployed returns the coordinator of --function, and waits for credentials.
func (c *cli) deployed(ctx context.Context, f *runFlags) (*deployed, error) {
	function, region, err := c.lambda(ctx, f.function, f.awsRegion, f.verbose)
	if err != nil {
		return nil, err
	}
	return &deployed{c, function, f.function, region, f.verbose}, nil
}

// lambda returns the function of --function and its Region, and waits for credentials. The SDK reads
// its configuration from the process's environment and the files that it names.
func (c *cli) lambda(ctx context.Context, name, region string, verbose bool) (*invoke.Lambda, string, error) {
	if known := endpoints.Names(endpoints.AllRegions()); region != "" && !slices.Contains(known, region) {
		return nil, "", usage("%s", protocol.UnknownFault("--aws-region", region, "a Region", known))
	}
	cfg, err := sdkconfig.Load(ctx, config.WithRegion(region))
	if err != nil {
		return nil, "", explainConfig(err)
	}
	function, err := invoke.NewLambda(cfg, invoke.Settings{Function: name}) //nolint:contextcheck // it makes no call
	if err != nil {
		return nil, "", usage("--function: %v", err).hint("set --aws-region to the function's Region")
	}
	return function, cfg.Region, c.signIn(ctx, cfg.Credentials, verbose)
}

// invoke sends a payload and returns the answer. The request is the payload's, or nil for a
// command.
func (d *deployed) invoke(ctx context.Context, payload any, request *protocol.Request) ([]byte, error) {
	data, err := json.Marshal(payload)
	if err != nil {
		return nil, fmt.Errorf("encode request: %w", err)
	}
	d.cli.log(d.verbose).InfoContext(ctx, "coordinator called", "function", d.name, "region", d.region)
	answer, _, err := d.function.Invoke(ctx, d.region, data)
	if err != nil {
		return nil, explainCall(ctx, d.name, request, err)
	}
	return answer, nil
}

// unanswered returns the error of an answer that cannot be read.
func (d *deployed) unanswered(err error, request *protocol.Request, want string) error {
	if failed, ok := errors.AsType[*protocol.FunctionError](err); ok {
		return explainFunction(d.name, request, &invoke.Error{Name: failed.ErrorName(), Message: failed.Message})
	}
	return failure("%s did not answer with %s", d.name, want).
		hint("check that it is a coordinator, deployed from the same version as this program")
}

// runRemotely sends the request to a deployed coordinator.
func (c *cli) runRemotely(ctx context.Context, f *runFlags, request protocol.Request) (protocol.Result, error) {
	var none protocol.Result
	if err := request.Validate().Err(); err != nil {
		return none, err
	}
	if f.output == formatEvents {
		return c.streamRemotely(ctx, f, request)
	}
	if request.TimeoutSeconds > 0 {
		limit := time.Duration(request.TimeoutSeconds*float64(time.Second)) + travelTime
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, limit, &fanout.TimeoutError{What: "call", After: limit})
		defer cancel()
	}
	d, err := c.deployed(ctx, f)
	if err != nil {
		return none, err
	}
	watch := c.watch(ctx, "waiting for "+printable(f.function), time.Duration(request.TimeoutSeconds*float64(time.Second)), f.verbose)
	answer, err := d.invoke(ctx, request, &request)
	watch.stop()
	if err != nil {
		return none, err
	}
	result, err := protocol.DecodeResult(answer)
	if err != nil || !slices.Contains(protocol.Statuses(), result.Status) {
		return none, d.unanswered(err, &request, "a result")
	}
	return result, nil
}

// explainConfig returns the error of an AWS configuration that cannot be read, with hints.
func explainConfig(err error) error {
	if missing, ok := errors.AsType[config.SharedConfigProfileNotExistError](err); ok {
		return failure("there is no AWS profile %q", missing.Profile).
			hint("set AWS_PROFILE to one that `aws configure list-profiles` lists, or unset it")
	}
	return failure("AWS configuration: %v", err).
		hint("check the environment variables whose names begin with AWS_, and the files that they name")
}

// signIn waits for credentials, and says so if that takes long: without any, the SDK asks
// EC2's metadata service, several times.
func (c *cli) signIn(ctx context.Context, credentials aws.CredentialsProvider, verbose bool) error {
	watch := c.await(ctx, "looking for AWS credentials", verbose)
	_, err := credentials.Retrieve(ctx)
	watch.stop()
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	if err != nil {
		return noCredentials(err)
	}
	return nil
}

func noCredentials(err error) error {
	return failure("no AWS credentials: %v", err).
		hint("run `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
}

// explainCall returns the error, with hints, of a call that returned no result.
func explainCall(ctx context.Context, function string, request *protocol.Request, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return failure("no answer from %s: %v", function, cause).
			hint("the run may still be in progress; see the function's log")
	}
	var call *invoke.Error
	if !errors.As(err, &call) {
		return failure("%s: %v", function, err)
	}
	if call.FunctionError != "" {
		return explainFunction(function, request, call)
	}
	switch call.Name {
	case protocol.ErrorNoCredentials:
		return noCredentials(errors.Unwrap(call))
	case protocol.ErrorLambdaSDKClient:
		return failure("no answer from Lambda: %v", call).hint("check the network and the Region")
	}
	switch call.Advice { //nolint:exhaustive // the cause of the others says what to do
	case protocol.HintSetWorker:
		return failure("no function %s: %v", function, call).
			hint("check its name and account, and set --aws-region to its Region")
	case protocol.HintAllowWorker:
		return failure("no access to %s: %v", function, call).
			hint("allow these credentials lambda:InvokeFunction on the function")
	case protocol.HintSignIn, protocol.HintEnableRegion:
		return failure("AWS rejected the credentials: %s: %v", call.Name, call).
			hint("run `aws sso login`, and check with `aws sts get-caller-identity`")
	case protocol.HintSetClock:
		return failure("AWS rejected the signature: %s: %v", call.Name, call).
			hint("set this machine's clock, or check the secret access key")
	case protocol.HintRaiseConcurrency:
		return failure("%s is throttled: %v", function, call).hint("try again later, or raise its reserved concurrency")
	case protocol.HintAwaitWorker:
		return failure("%s cannot run yet: %v", function, call).hint("wait until its state is Active")
	}
	return failure("%s: %s: %v", function, call.Name, call)
}

// explainFunction returns the error, with hints, of a call whose function failed.
func explainFunction(function string, request *protocol.Request, call *invoke.Error) error {
	switch call.Name {
	case protocol.ErrorInvalidRequest:
		if request == nil {
			return usage("%s: %v", function, call)
		}
		refused := usage("%s refused the request\n%v", function, call)
		if _, err := planner().Plan(*request, 0); err == nil && request.Worker == nil { // else the function may not be allowed
			refused = refused.hint("this program finds no fault in the request: if %s is older, run `make deploy`, with the STAGE of its deployment", function)
		}
		return refused
	case "Sandbox.Timedout":
		return failure("%s timed out: %v", function, call).
			hint("set --timeout below the function's own timeout to get the outcomes so far")
	}
	return failure("%s failed: %s: %v", function, call.Name, call)
}

// Package meridian holds everything that the benchmarks use of the product: no
// other package here imports one of its packages.
//
// The benchmarks start the functions as processes, and call this package for what
// has to run inside a measured process ([NewRun]) and for the messages.
package meridian

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"os"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"meridian/internal/coordinator"
	"meridian/internal/endpoints"
	"meridian/internal/function"
	"meridian/internal/invoke"
	"meridian/internal/price"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// The messages that the benchmarks send and read.
type (
	// Request asks a coordinator for a run.
	Request = protocol.Request

	// Result is the coordinator's answer.
	Result = protocol.Result

	// RegionRequest asks a worker for a Region's work.
	RegionRequest = protocol.RegionRequest

	// RegionResult is the worker's answer.
	RegionResult = protocol.RegionResult
)

// Succeeded is what every message has in it that reports a success.
const Succeeded = `"status":"SUCCEEDED"`

// Regions returns the names of the first n commercial Regions.
func Regions(n int) []string {
	return endpoints.Names(endpoints.Regions("aws")[:n])
}

// Targets returns n names of targets.
func Targets(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = "target-" + strconv.Itoa(i)
	}
	return names
}

// Sleep returns the request of a run with one invocation for each Region and
// target.
func Sleep(seconds float64, regions, targets []string) Request {
	return Request{
		Task: "sleep", Parameters: fmt.Appendf(nil, `{"seconds":%g}`, seconds),
		Regions: regions, Targets: protocol.Targets(targets...), MaxTargetsPerInvocation: 1,
	}
}

// Function returns the request of a run in which the function "worker" is the caller's own.
func Function(r Request) Request {
	r.Worker, r.Task, r.Parameters = &protocol.Worker{Function: "worker"}, "", nil
	return r
}

// Resolve returns a worker's request with n targets.
func Resolve(n int) RegionRequest {
	return RegionRequest{
		Version: protocol.Version, RunID: runID, Region: "eu-west-1", Attempt: 1,
		Task: "resolve", Targets: endpoints.Services("eu-west-1")[:n], BudgetMs: 20_000,
	}
}

const runID = "01KB0000000000000000000000"

// Split returns the requests that the coordinator sends for a run: one for each
// Region and target.
func Split(r Request) (all []RegionRequest) {
	for _, region := range r.Regions {
		for batch, target := range r.Targets {
			all = append(all, RegionRequest{
				Version: protocol.VersionFor(r.Task), RunID: runID, Region: region, Batch: batch, Attempt: 1,
				Task: r.Task, Parameters: r.Parameters, Targets: []string{target.Name}, BudgetMs: 59_000,
			})
		}
	}
	return all
}

// RetryThrottled returns retriers that wait for first, then twice as long each time,
// without jitter.
func RetryThrottled(first time.Duration) []protocol.Retrier {
	return []protocol.Retrier{{
		ErrorEquals: []string{protocol.ErrorLambdaThrottled}, IntervalSeconds: first.Seconds(), MaxAttempts: new(8), BackoffRate: 2,
	}}
}

// Price returns the price of a million invocations in us-east-1 on arm64, in dollars.
func Price(memoryMB int, billedMs float64) float64 {
	p, _ := price.LambdaIn("us-east-1", price.ARM64)
	return 1e6 * (p.Request + p.GBSecond*float64(memoryMB)/1024*math.Ceil(billedMs)/1000)
}

// Tune sets Go's garbage collection as a function of 256 MB does. The number of
// processors stays.
func Tune() {
	function.Tune(func(name string) string {
		return map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256", "GOMAXPROCS": "as it is"}[name]
	})
}

// NewRun returns a function that makes a whole run as the coordinator's function does,
// with its log and its bill, from the request to the result as JSON that Lambda accepts.
// It calls the function "worker" in cfg's Region, or in each Region of a run if regional
// is true. A nil dial means the network.
func NewRun(
	cfg aws.Config, regional bool, dial func(ctx context.Context, network, address string) (net.Conn, error),
) (func(context.Context, Request) ([]byte, error), error) {
	settings := invoke.Settings{Function: "worker", Dial: dial}
	worker := cfg.Region
	if regional {
		settings.Placement, worker = invoke.Regional, ""
	}
	workers, err := invoke.NewLambda(cfg, settings)
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		return nil, err
	}
	c := &coordinator.Coordinator{
		Invoker: workers, Tasks: task.Builtin(), Log: slog.New(slog.NewJSONHandler(log, nil)), Regional: regional,
		MemoryMB: 256, Windows: new(coordinator.Windows),
		Billing: coordinator.Billing{Region: cfg.Region, Architecture: "arm64", WorkerRegion: worker, WorkerMemoryMB: 256},
	}
	c.Functions = coordinator.LambdaFunctions(&invoke.Functions{Lambda: workers, Region: cfg.Region})
	c.Warm()
	return func(ctx context.Context, request Request) ([]byte, error) {
		return c.Answer(ctx, request, nil, protocol.MaxPayloadBytes)
	}, nil
}

// Lost returns how many of the calls of a run have not succeeded, and why.
func Lost(answer []byte, calls int) (lost int, cause error) {
	result, err := protocol.DecodeResult(answer)
	if err != nil {
		return calls, err
	}
	if lost = calls - result.Summary.Targets.Succeeded; lost > 0 {
		cause = errors.New(cmp.Or(result.Cause, "calls failed"))
	}
	return lost, cause
}

// DecodeResult reads the result of a run.
func DecodeResult(answer []byte) (Result, error) { return protocol.DecodeResult(answer) }

// Encode returns a message as JSON without white space.
func Encode[M Request | RegionRequest](message M) []byte {
	b, err := json.Marshal(message)
	if err != nil {
		panic("bench/meridian: " + err.Error()) // strings and numbers
	}
	return b
}

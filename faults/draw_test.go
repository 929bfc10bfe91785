package faults_test

import (
	"math/rand/v2"
	"time"

	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// soakRegions returns the 35 Regions of a soak's run.
func soakRegions() []string {
	return []string{
		"us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "ca-west-1", "mx-central-1", "sa-east-1",
		"eu-west-1", "eu-west-2", "eu-west-3", "eu-central-1", "eu-central-2", "eu-north-1", "eu-south-1", "eu-south-2",
		"ap-south-1", "ap-south-2", "ap-east-1", "ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-southeast-1",
		"ap-southeast-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-7", "me-south-1",
		"me-central-1", "il-central-1", "af-south-1", "us-gov-west-1", "us-gov-east-1", "cn-north-1",
	}
}

// soakTargets returns the 20 targets of each Region.
func soakTargets() []string {
	return []string{
		"dynamodb", "s3", "sqs", "sns", "kms", "ec2", "rds", "ecs", "eks", "sts",
		"iam", "ssm", "logs", "events", "states", "lambda", "kinesis", "glue", "athena", "batch",
	}
}

// drawRequest draws a request. Hedging is drawn from random numbers of its own, so that
// older seeds still give the requests that they gave before hedging was added.
func drawRequest(seed uint64, r *rand.Rand, beat time.Duration) protocol.Request {
	beats := func(n float64) float64 { return n * beat.Seconds() }
	request := protocol.Request{
		Task:                    "tell",
		Regions:                 soakRegions(),
		Targets:                 protocol.Targets(soakTargets()...),
		MaxTargetsPerInvocation: []int{0, 20, 7, 10, 3}[r.IntN(5)],
		MaxConcurrency:          []int{0, 0, 1, 5, 20, 60}[r.IntN(6)],
		TargetMaxConcurrency:    []int{0, 1, 4}[r.IntN(3)],
		RegionTimeoutSeconds:    beats([]float64{0, 2, 8, 15}[r.IntN(4)]),
		TargetTimeoutSeconds:    beats([]float64{0, 1, 5}[r.IntN(3)]),
		TimeoutSeconds:          beats([]float64{0, 0, 5, 50}[r.IntN(4)]),
		FailFast:                r.IntN(4) == 0,
	}
	switch r.IntN(4) {
	case 0:
		request.ToleratedFailureCount = new(r.IntN(10))
	case 1:
		request.ToleratedFailurePercentage = new(100 * r.Float64())
	case 2:
		request.MinSuccessful = 1 + r.IntN(len(request.Regions))
	}
	retrier := func(name string) protocol.Retrier {
		return protocol.Retrier{
			ErrorEquals:     []string{name},
			IntervalSeconds: beats(0.1 + 2*r.Float64()),
			MaxAttempts:     new(r.IntN(6)),
			MaxDelaySeconds: beats([]float64{0, 3}[r.IntN(2)]),
			JitterStrategy:  []string{protocol.JitterNone, protocol.JitterFull}[r.IntN(2)],
		}
	}
	switch r.IntN(3) {
	case 0:
		request.Retry = []protocol.Retrier{retrier(protocol.ErrorLambdaThrottled), retrier(protocol.ErrorAll)}
	case 1:
		request.Retry = []protocol.Retrier{retrier(protocol.ErrorAll)}
		request.TargetRetry = []protocol.Retrier{retrier(protocol.ErrorTaskFailed)}
	}
	switch h := random(seed, "hedge"); h.IntN(6) {
	case 0:
		request.Hedge = &protocol.Hedge{AfterSeconds: beats(0.2 + 2*h.Float64()), MaxExtraPercentage: 5 + 90*h.Float64()}
	case 1:
		request.Hedge = &protocol.Hedge{AfterPercentile: 50 + 49*h.Float64(), MaxExtraPercentage: 5 + 90*h.Float64()}
	}
	if request.Hedge != nil {
		request.Task = "retell"
	}
	return request
}

// injectFaults injects faults into the calls of a server, by the same rule as a chaos.
func injectFaults(server *invoketest.Server, seed uint64, danger float64, beat time.Duration) {
	var faults []invoketest.Fault
	for _, h := range hazards() {
		if h.fault != nil && !h.large && !h.hidesCalls {
			faults = append(faults, h.fault(beat))
		}
	}
	server.Decide(func(c invoketest.Call) invoketest.Fault {
		r := random(seed, c.Unit.Region, c.Unit.Batch, c.Attempt)
		if r.Float64() >= danger {
			return nil
		}
		return faults[r.IntN(len(faults))]
	})
	server.DecideConnections(func(region string, number int) invoketest.ConnectionFault {
		r := random(seed, region, number)
		if r.Float64() >= danger/10 {
			return invoketest.Connects
		}
		return []invoketest.ConnectionFault{invoketest.Refused, invoketest.Unanswered}[r.IntN(2)]
	})
	r := random(seed, "account")
	server.Limit([]int{0, 0, 1, 5}[r.IntN(4)])
	server.ColdStart(time.Duration(r.IntN(2)) * beat)
}

package report_test

import (
	"encoding/json"
	"fmt"
	"strings"

	"meridian/pkg/protocol"
)

// run returns a result of Regions, with their counts and times.
func run(regions ...protocol.RegionOutcome) protocol.Result {
	r := protocol.Result{Status: protocol.StatusSucceeded, Regions: regions}
	for _, region := range regions {
		r.Summary.Regions.Add(region.Status)
		for _, target := range region.Targets {
			r.Summary.Targets.Add(target.Status)
		}
		invocations, retries := region.Invocations()
		r.Summary.Attempts += len(region.Attempts)
		r.Summary.Retries += retries
		r.Summary.Hedges += len(region.Attempts) - invocations - retries
		r.ElapsedMs = max(r.ElapsedMs, region.StartMs+region.ElapsedMs)
	}
	r.ElapsedMs++
	r.Message = fmt.Sprintf("That took %.3f seconds", r.ElapsedMs/1000)
	return r
}

// ended returns a result with another status than success.
func ended(r protocol.Result, s protocol.Status, name, cause string) protocol.Result {
	r.Status, r.Error, r.Cause = s, name, cause
	return r
}

func region(name string, s protocol.Status, elapsedMs float64, targets ...protocol.TargetOutcome) protocol.RegionOutcome {
	r := protocol.RegionOutcome{Region: name, Status: s, StartMs: 0.2, ElapsedMs: elapsedMs, Targets: targets}
	if s != protocol.StatusNotStarted && s != protocol.StatusSkipped {
		r.Attempts = []protocol.Attempt{{StartMs: 0.2, ElapsedMs: elapsedMs}}
	}
	return r
}

func succeeded(name string, elapsedMs float64, output string) protocol.RegionOutcome {
	return region(name, protocol.StatusSucceeded, elapsedMs, target("dynamodb", output))
}

func failed(name string, elapsedMs float64, errorName, cause string) protocol.RegionOutcome {
	r := region(name, protocol.StatusFailed, elapsedMs, protocol.TargetOutcome{
		Target: "dynamodb", Status: protocol.StatusFailed, Error: errorName, Cause: cause,
	})
	r.Error = protocol.ErrorExceedToleratedFailureThreshold
	r.Cause = fmt.Sprintf("1 of 1 targets failed; dynamodb: %s: %s", errorName, cause)
	r.Attempts[0].Error = r.Error
	return r
}

// lost is a Region whose invocation itself failed.
func lost(name string, s protocol.Status, elapsedMs float64, errorName, cause string, targets ...string) protocol.RegionOutcome {
	r := region(name, s, elapsedMs)
	r.Error, r.Cause = errorName, cause
	for _, t := range targets {
		r.Targets = append(r.Targets, protocol.TargetOutcome{Target: t, Status: s, Error: errorName})
	}
	return r
}

func target(name, output string) protocol.TargetOutcome {
	return protocol.TargetOutcome{Target: name, Status: protocol.StatusSucceeded, Output: json.RawMessage(output)}
}

func resolved(name string, elapsedMs float64) protocol.RegionOutcome {
	host := "dynamodb." + name + ".amazonaws.com"
	return succeeded(name, elapsedMs, fmt.Sprintf(
		`{"message":"endpoint for %s is %s","host":%q,"partition":"aws","signingRegion":%q}`, name, host, host, name))
}

func helloWorld() protocol.Result {
	r := run(resolved("us-east-1", 1003.4), resolved("us-east-2", 1002.1), resolved("eu-west-1", 1004.9))
	r.Summary.SerialMs, r.Summary.Speedup = 3000, 2.98
	return r
}

// batches is a run with Regions of several invocations: one without a retry, one with two
// retries and a hedge, and one that was not started.
func batches() protocol.Result {
	in := func(name string, invocations int) protocol.RegionOutcome {
		r := region(name, protocol.StatusSucceeded, 900, target("s3", `"ok"`), target("sqs", `"ok"`))
		r.Attempts = make([]protocol.Attempt, invocations)
		for i := range r.Attempts {
			r.Attempts[i] = protocol.Attempt{StartMs: 0.2, ElapsedMs: 900, Batch: i}
		}
		return r
	}
	retried := in("us-west-2", 2)
	again := protocol.Attempt{StartMs: 0.2, ElapsedMs: 100, Batch: 1, Error: protocol.ErrorLambdaService, WaitMs: 10}
	retried.Attempts = append(retried.Attempts, again, again, protocol.Attempt{StartMs: 300, ElapsedMs: 500, Batch: 1, Hedge: true})
	return run(in("us-east-1", 20), retried, lost("sa-east-1", protocol.StatusNotStarted, 0, "", "enough succeeded", "s3", "sqs"))
}

// ranElsewhere is a run over three Regions with all workers in one Region. One worker did
// not answer.
func ranElsewhere() protocol.Result {
	r := run(resolved("us-east-1", 1003.4), resolved("eu-west-1", 1004.9), lost("sa-east-1", protocol.StatusFailed, 3002,
		protocol.ErrorLambdaSDKClient, "connect: timed out after 3s", "dynamodb"))
	r.Regions[0].WorkerRegion, r.Regions[1].WorkerRegion = "us-east-1", "us-east-1"
	return r
}

func tolerated() protocol.Result {
	return run(resolved("us-east-1", 1003), failed("me-south-1", 412, "Lambda.SdkClientException",
		"dial tcp 203.0.113.7:443: connect: connection refused"), resolved("eu-west-1", 1004))
}

func timedOut() protocol.Result {
	slow := lost("ap-southeast-2", protocol.StatusTimedOut, 2000, protocol.ErrorTimeout,
		"run timed out after 2s; 1 of 1 targets not finished", "dynamodb")
	waiting := lost("sa-east-1", protocol.StatusNotStarted, 0, "", "run timed out after 2s", "dynamodb")
	r := ended(run(resolved("us-east-1", 1003), slow, waiting), protocol.StatusTimedOut,
		protocol.ErrorTimeout, "run timed out after 2s; 2 of 3 Regions not finished")
	r.Hint = protocol.HintRaiseTimeout
	return r
}

func aborted() protocol.Result {
	given := lost("eu-west-1", protocol.StatusAborted, 640, "", "interrupt signal received", "dynamodb")
	return ended(run(resolved("us-east-1", 503), given, lost("eu-west-2", protocol.StatusNotStarted, 0, "", "interrupt signal received", "dynamodb")),
		protocol.StatusAborted, "", "interrupt signal received; 2 of 3 Regions not finished")
}

func manyTargets() protocol.Result {
	services := strings.Fields("dynamodb s3 sqs sns ec2 lambda sts kms iam ssm ecs ecr")
	whole := region("us-east-1", protocol.StatusSucceeded, 310)
	partly := region("me-central-1", protocol.StatusFailed, 295)
	for i, s := range services {
		output := fmt.Sprintf(`{"message":"endpoint for us-east-1 is %[1]s.us-east-1.amazonaws.com","host":"%[1]s"}`, s)
		whole.Targets = append(whole.Targets, target(s, output))
		outcome := target(s, `{"host":"h"}`)
		switch i {
		case 3, 7:
			outcome = protocol.TargetOutcome{
				Target: s, Status: protocol.StatusFailed, Error: "Endpoint.NotFound", Cause: s + " is not listed in me-central-1",
			}
		case 9:
			outcome = protocol.TargetOutcome{Target: s, Status: protocol.StatusSkipped, Cause: "not listed"}
		}
		partly.Targets = append(partly.Targets, outcome)
	}
	partly.Error, partly.Cause = protocol.ErrorExceedToleratedFailureThreshold,
		"2 of 12 targets failed; sns: Endpoint.NotFound: sns is not listed in me-central-1"
	gone := lost("eu-west-1", protocol.StatusFailed, 3002, protocol.ErrorLambdaSDKClient, "connect: timed out after 3s", services...)
	r := run(whole, partly, gone)
	r.Summary.TargetRetries = 1
	return ended(r, protocol.StatusFailed, protocol.ErrorExceedToleratedFailureThreshold, "2 of 3 failed, 0 tolerated; me-central-1: "+partly.Cause)
}

// mixed is a Region in which some targets failed with a cause of their own, and others were
// lost with their invocation.
func mixed() protocol.Result {
	r := region("eu-west-1", protocol.StatusFailed, 900, target("s3", `"ok"`),
		protocol.TargetOutcome{Target: "sqs", Status: protocol.StatusFailed, Error: "Boom", Cause: "it broke"},
		protocol.TargetOutcome{Target: "sns", Status: protocol.StatusTimedOut, Error: protocol.ErrorTimeout, Cause: "target timed out after 1s"},
		protocol.TargetOutcome{Target: "ec2", Status: protocol.StatusFailed, Error: protocol.ErrorLambdaSDKClient},
		protocol.TargetOutcome{Target: "sts", Status: protocol.StatusFailed, Error: protocol.ErrorLambdaSDKClient})
	r.Error, r.Cause = protocol.ErrorLambdaSDKClient, "connection lost"
	one := region("eu-west-2", protocol.StatusFailed, 10, target("s3", `"ok"`),
		protocol.TargetOutcome{Target: "sqs", Status: protocol.StatusFailed, Error: "Boom", Cause: "it broke alone"})
	return run(r, one)
}

func truncated() protocol.Result {
	one := region("us-east-1", protocol.StatusSucceeded, 810, protocol.TargetOutcome{Target: "s3", Status: protocol.StatusSucceeded})
	many := region("us-west-2", protocol.StatusSucceeded, 812, protocol.TargetOutcome{Target: "s3", Status: protocol.StatusSucceeded},
		protocol.TargetOutcome{Target: "sqs", Status: protocol.StatusSucceeded})
	one.Truncated, many.Truncated = true, true
	r := run(one, many, succeeded("eu-west-1", 790, `"kept"`))
	r.Truncated = true
	r.Notices = []string{"maxConcurrency was lowered from 2000 to 900: a Lambda environment has 1,024 file descriptors"}
	return r
}

func throttled() protocol.Result {
	retried := resolved("eu-central-1", 1650)
	retried.Attempts = []protocol.Attempt{
		{StartMs: 0.2, ElapsedMs: 40, Error: protocol.ErrorLambdaThrottled, WaitMs: 180},
		{StartMs: 220.2, ElapsedMs: 45, Error: protocol.ErrorLambdaThrottled, WaitMs: 385},
		{StartMs: 650.2, ElapsedMs: 1000},
	}
	given := lost("ap-south-1", protocol.StatusFailed, 1400, protocol.ErrorLambdaThrottled,
		"Rate Exceeded (ReservedFunctionConcurrentInvocationLimitExceeded)", "dynamodb")
	given.Attempts = []protocol.Attempt{
		{StartMs: 0.2, ElapsedMs: 35, Error: protocol.ErrorLambdaThrottled, WaitMs: 165},
		{StartMs: 200.2, ElapsedMs: 35, Error: protocol.ErrorLambdaThrottled, WaitMs: 365},
		{StartMs: 600.2, ElapsedMs: 35, Error: protocol.ErrorLambdaThrottled, WaitMs: 730},
		{StartMs: 1365.2, ElapsedMs: 35, Error: protocol.ErrorLambdaThrottled},
	}
	late := resolved("us-east-1", 700)
	late.StartMs, late.Attempts[0].StartMs = 850, 850
	return ended(run(resolved("us-west-2", 1004), retried, given, late), protocol.StatusFailed,
		protocol.ErrorExceedToleratedFailureThreshold, "1 of 4 failed, 0 tolerated; ap-south-1: "+given.Error+": "+given.Cause)
}

// priced is a run on Lambda, unpriced one in a Region without a price.
func priced() protocol.Result {
	r := helloWorld()
	r.Summary.Cost = &protocol.Cost{
		USD:         0.00001416,
		Workers:     protocol.Usage{Requests: 3, Estimated: 1, ColdStarts: 2, GBSeconds: 0.752, USD: 0.00001063},
		Coordinator: protocol.Usage{Requests: 1, Estimated: 1, GBSeconds: 0.25, USD: 0.00000353},
		Region:      "us-east-1", Architecture: "arm64", PriceDate: "2026-11-23",
	}
	return r
}

// elsewhere is a run whose worker is in another Region than the coordinator.
func elsewhere() protocol.Result {
	r := priced()
	r.Summary.Cost.WorkerRegion = "sa-east-1"
	return r
}

func unpriced() protocol.Result {
	r := priced()
	c := r.Summary.Cost
	c.USD, c.Workers.USD, c.Workers.Estimated, c.Workers.ColdStarts = 0, 0, 0, 1
	c.Coordinator.USD, c.Note = 0, "no price is known of Lambda on arm64 in xx-test-1"
	return r
}

// unsized is a run whose workers' memory is unknown.
func unsized() protocol.Result {
	r := priced()
	c := r.Summary.Cost
	c.USD, c.Workers = 0, protocol.Usage{Requests: 3, Estimated: 3, BilledDurationMs: 3010}
	c.Note = "the memory of the workers is not known"
	return r
}

// ofFunction is a run of a caller's function from the command line.
func ofFunction() protocol.Result {
	r := unsized()
	c := r.Summary.Cost
	c.Workers.Estimated, c.Coordinator, c.Region = 0, protocol.Usage{}, ""
	return r
}

func allRegions() protocol.Result {
	var regions []protocol.RegionOutcome
	for i, name := range strings.Fields(`af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2
		ap-northeast-3 ap-south-1 ap-south-2 ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4
		ap-southeast-5 ap-southeast-6 ap-southeast-7 ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1
		eu-south-1 eu-south-2 eu-west-1 eu-west-2 eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1
		sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2 us-west-3`) {
		regions = append(regions, resolved(name, 1000+float64(i*37%29)*10))
	}
	return run(regions...)
}

func unicodeOutputs() protocol.Result {
	return run(
		succeeded("ap-northeast-1", 80, `{"message":"東京リージョンは正常です","host":"東京.例え.テスト"}`),
		succeeded("eu-west-3", 90, `{"message":"l’été à Paris 🇫🇷 👩‍🚀","note":"une très longue phrase qui ne tient pas, `+
			`même en comptant les œufs 🥚🥚🥚🥚🥚🥚🥚🥚"}`),
		failed("cn-north-1", 95, "States.TaskFailed", "服务不可用：该区域暂时无法访问，请稍后再试，谢谢您的理解与支持，再见"),
	)
}

func outputs() protocol.Result {
	return run(
		succeeded("us-east-1", 1, `"a string"`),
		succeeded("us-east-2", 1, `{"b":1,"a":{"c":"<&>"}}`),
		succeeded("us-west-1", 1, `{"message":"only a message"}`),
		succeeded("us-west-2", 1, `{"message":"and more","latencyMs":12.5}`),
		succeeded("eu-west-1", 1, `null`),
		succeeded("eu-west-2", 1, `[1, 2,  3]`),
		succeeded("eu-west-3", 1, `{"message":7}`),
		region("eu-north-1", protocol.StatusSkipped, 0,
			protocol.TargetOutcome{Target: "dynamodb", Status: protocol.StatusSkipped, Cause: "the Region is not enabled"}),
		region("eu-south-1", protocol.StatusSkipped, 0,
			protocol.TargetOutcome{Target: "s3", Status: protocol.StatusSkipped, Cause: "not listed"},
			protocol.TargetOutcome{Target: "sqs", Status: protocol.StatusSkipped, Cause: "not listed"}),
		lost("sa-east-1", protocol.StatusAborted, 1, "", "enough Regions have succeeded", "s3", "sqs"),
	)
}

// hinted has Regions with hints, two of them the same.
func hinted() protocol.Result {
	var regions []protocol.RegionOutcome
	for i, hint := range []protocol.Hint{protocol.HintSetWorker, "", protocol.HintSetWorker, protocol.HintDeployWorker, "turn it off and on"} {
		r := failed(fmt.Sprintf("eu-west-%d", i+1), 20, "Lambda.ResourceNotFoundException", "Function not found")
		r.Hint = hint
		regions = append(regions, r)
	}
	return ended(run(regions...), protocol.StatusFailed, protocol.ErrorExceedToleratedFailureThreshold, "5 of 5 failed, 0 tolerated")
}

func noRegions() protocol.Result {
	r := run()
	r.Regions = nil
	return ended(r, protocol.StatusFailed, "Meridian.Odd", "nothing\nto show")
}

// probed has outputs with a summary: those of few targets are listed, those of many
// counted.
func probed() protocol.Result {
	answered := func(name string, ms float64) protocol.TargetOutcome {
		return target(name, fmt.Sprintf(`{"message":"%s: 200 in %.1f ms (…)","summary":"200 in %.1f ms","host":"%[1]s"}`, name, ms, ms))
	}
	broken := protocol.TargetOutcome{
		Target: "s3", Status: protocol.StatusFailed, Error: "Probe.TLS",
		Cause: "TLS handshake with s3.eu-west-3.amazonaws.com: not done within 5s",
	}
	many := make([]protocol.TargetOutcome, 5)
	for i := range many {
		many[i] = answered(fmt.Sprintf("shop-%d", i), float64(i))
	}
	return run(
		region("eu-central-1", protocol.StatusSucceeded, 43.2, answered("dynamodb", 43.2)),
		region("eu-west-1", protocol.StatusSucceeded, 51, answered("dynamodb", 43.2), answered("s3", 51)),
		region("eu-west-2", protocol.StatusSucceeded, 4, many...),
		region("eu-west-3", protocol.StatusFailed, 5012, answered("dynamodb", 43.2), broken),
	)
}

// Command coordinator is the Lambda function that runs a request in every Region, by
// invoking regionworkers.
//
// # Settings
//
// WORKER_FUNCTION is the regionworker's name or ARN; required. WORKER_PLACEMENT is
// "home" when one worker in this Region serves every Region, which is the default, or
// "regional" when each Region has its own worker of that name. WORKER_REGIONS then lists
// those Regions, with commas between them: "*" in a request means these, and others are
// refused; without it any Region may have a worker. WORKER_MEMORY_MB is the worker's
// memory: costs are estimated with it when the invocations' logs do not have it.
// WORKER_FUNCTIONS lists the functions that requests may name as their worker, with commas
// between them; without it there is none.
// STORE_BUCKET is the bucket in which runs are kept; without it none is. MAX_RUN_SECONDS and
// MAX_GENERATIONS bound a kept run; without them a day and 100 invocations do.
// The SDK's own variables apply, as in AWS_ENDPOINT_URL_LAMBDA.
package main

import (
	"context"
	"os"

	"meridian/internal/coordinator"
	"meridian/internal/function"
	"meridian/internal/task"
)

func main() {
	function.Tune(os.Getenv)
	log := function.Log()
	workers, err := workers(context.Background(), os.Getenv)
	if err != nil {
		log.Error("not started", "cause", err.Error())
		os.Exit(1)
	}
	home := workers.Home()
	if home != "" { // else the request says which Regions are called
		workers.Prepare(context.Background(), map[string]int{home: 1})
	}
	c := &coordinator.Coordinator{
		Invoker: workers, Tasks: task.Builtin(), Log: log, Regional: home == "", Windows: new(coordinator.Windows),
		MemoryMB: function.Number(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")),
		Billing:  billing(os.Getenv, home),
		CPU:      function.CPU(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE")),
		Bundle:   true,
	}
	c.Functions = functions(os.Getenv, workers)
	if c.Regional {
		c.Regions = regions(os.Getenv)
	}
	kept, err := keeper(context.Background(), os.Getenv, c, workers, log)
	if err != nil {
		log.Error("not started", "cause", err.Error())
		os.Exit(1)
	}
	c.Warm() // while that connection is being opened
	function.Start(context.Background(), handler(kept, c, log).Handle)
}

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
	h, err := handler(context.Background(), os.Getenv, c, workers, os.Stdout, log)
	if err != nil {
		log.Error("not started", "cause", err.Error())
		os.Exit(1)
	}
	c.Warm() // while that connection is being opened
	function.Start(context.Background(), h.Handle)
}

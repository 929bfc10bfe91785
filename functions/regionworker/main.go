// Command regionworker is the Lambda function that does the work of one Region.
//
// # Settings
//
// It has none of its own. Its tasks read theirs from its environment: see the task's
// file in internal/task. The format and the level of its log are those of the
// function's logging configuration.
package main

import (
	"context"
	"log/slog"
	"os"

	"meridian/internal/function"
	"meridian/internal/regionworker"
	"meridian/internal/task"
)

func main() {
	function.Tune(os.Getenv)
	log := function.Log()
	slog.SetDefault(log) // takes what net/http logs, too
	memoryMB := function.Number(os.Getenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE"))
	tasks, err := task.Builtin().Configure(os.Getenv, task.NewAWS(memoryMB, environment(os.Getenv).configuration, nil))
	if err != nil {
		log.Error("not started", "cause", err.Error())
		os.Exit(1)
	}
	worker := &regionworker.Worker{Tasks: tasks, Region: os.Getenv("AWS_REGION"), MemoryMB: memoryMB, Log: log}
	function.Start(context.Background(), worker.Handle)
}

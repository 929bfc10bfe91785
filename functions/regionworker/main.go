// Command regionworker is the Lambda function that does the work of one Region.
//
// It has no settings of its own; format and level of its log are those of the
// function's logging configuration.
package main

import (
	"meridian/internal/function"
	"meridian/internal/regionworker"
	"meridian/internal/task"
)

func main() {
	worker := &regionworker.Worker{Tasks: task.Builtin(), Log: function.Log()}
	function.Start(worker.Handle)
}

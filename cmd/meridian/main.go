// Command meridian runs one job in every AWS Region at once and prints one answer.
// The workers run in its own process, which needs no AWS account, or a coordinator
// that is deployed as a Lambda function runs the job.
//
//	meridian run --region us-east-1,us-east-2,eu-west-1 --task sleep -p seconds=1
//	meridian run -f request.json -o json
//	meridian run --function my-coordinator
//	meridian regions
//	meridian cost --regions 28 --seconds 10 --every 5m
//
// # Output
//
// The result goes to standard output, everything else to standard error. An error is
// one line, "meridian: …", followed by indented lines if it has details, and by lines
// that begin with "hint: " if it has hints.
//
// # Exit status
//
// 0 when the run succeeded, 1 when it has a result that is no success, 2 when the command
// line or the request is wrong: then nothing has been invoked. 3 when there is no result:
// the run could not start, or its result was lost or could not be written. After a signal
// it is 128 and the signal's number: 129 for SIGHUP, 130 for an interrupt, 143 for SIGTERM.
package main

import (
	"context"
	"os"
	"runtime/debug"
)

func main() {
	// A run is short and most of its memory is its result. Collecting garbage a
	// quarter as often makes a run of 10,000 targets 10 % faster.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	ctx, stop := untilSignal(context.Background())
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())
	stop()
	os.Exit(status)
}

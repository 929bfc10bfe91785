// Command meridian runs one job in every AWS Region at once and prints one
// answer: with workers in its own process, which needs no AWS account, or by the
// coordinator that is deployed as a Lambda function.
//
//	meridian run --region us-east-1,us-east-2,eu-west-1 --task sleep -p seconds=1
//	meridian run -f request.json -o json
//	meridian run --function my-coordinator
//	meridian regions
//	meridian cost --regions 28 --seconds 10 --every 5m
//
// # Output
//
// What was asked for goes to standard output, everything else to standard error.
// An error is one line, "meridian: …", with further lines of it indented, and
// then perhaps lines that begin with "hint: ".
//
// # Exit status
//
// 0 when the run succeeded, 1 when it did not, 2 when the command or the request
// was not right; then nothing has been invoked.
package main

import (
	"context"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

func main() {
	// A run is short, and most of what it allocates is its result: collecting a
	// quarter as often takes a tenth off a run of ten thousand targets.
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // the first signal ends the run, the second one the process
	status := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr, os.Environ())
	stop()
	os.Exit(status)
}

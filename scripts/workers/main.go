// Command workers deploys the regionworker alone to many Regions, or removes it
// from them.
//
//	go run ./scripts/workers [flags] deploy|remove REGION...
//
// It runs the Serverless Framework once per Region, several at once, and prints
// one line per Region when that Region is done. Every Region is tried, whatever
// became of the others; those that failed are listed at the end, and the exit
// status is then 1. Running it again repairs them and leaves the rest alone,
// because the framework skips a deployment in which nothing changed.
//
// It is a program and not a shell script because a Region that hangs must be
// stopped with every process it started, and so that all of that has tests.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:]))
}

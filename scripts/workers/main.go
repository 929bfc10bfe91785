// Command workers deploys the regionworker alone to many Regions, or removes it
// from them.
//
//	go run ./scripts/workers [flags] deploy|remove REGION...
//
// It runs the Serverless Framework once for each Region, several at once, and prints a
// line when a Region is done. It tries every Region, also after failures, lists those
// that failed at the end, and then exits with 1. Run it again to repair them: the
// framework skips deployments without a change.
//
// It is a program and not a shell script because a Region that hangs must be stopped
// with all its child processes, and because a program can be tested.
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

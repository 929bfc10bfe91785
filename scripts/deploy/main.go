// Command deploy deploys Meridian, or its regionworker alone to many Regions, or
// removes them. The Makefile runs it:
//
//	go run ./scripts/deploy [flags] deploy|remove|deploy-workers|remove-workers
//
// # Settings
//
// Its settings come from the environment, as the Makefile exports them, and every
// name among them is checked. No shell ever reads them.
//
// A setting that is given is kept with the stage, in deploy/stages/STAGE.params, once it
// was deployed. The next deployment of the stage has it again without being told. What
// is not given and not kept is left to serverless.yml.
//
// # Workers
//
// To deploy the workers it runs the Serverless Framework once for each Region, several
// at once, and prints a line when a Region is done. It tries every Region, also after
// failures, lists those that failed at the end, and then exits with 1. Run it again to
// repair them: the framework skips deployments without a change.
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
	os.Exit(run(ctx, os.Args[1:], os.Getenv))
}

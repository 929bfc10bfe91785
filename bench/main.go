// Command bench measures how fast Meridian is.
//
//	go run . invoke                  what an invocation costs, to RESULTS.md: make bench
//	go run . cold                    what a cold start takes, to COLD.md: make bench-cold
//	go run -tags ec2 . call          what calling AWS takes, to CALL.md: make bench-call
//	go run . reserve [-units 5000]   how long before its deadline a coordinator answers
//
// BENCH_QUICK=1 makes the first three short: their ratios are rough, and only printed.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"

	"meridian/bench/call"
	"meridian/bench/client"
	"meridian/bench/cold"
	"meridian/bench/invocation"
	"meridian/bench/reserve"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run carries out a command.
func run(ctx context.Context, args []string) error {
	if len(args) < 2 {
		return errors.New("want a command: invoke, cold, call or reserve")
	}
	directory, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	command, args := args[1], args[2:]
	quick := os.Getenv("BENCH_QUICK") != ""
	switch command {
	case "invoke":
		return invocation.Run(ctx, directory, quick)
	case "cold":
		return cold.Run(ctx, directory, quick)
	case "call":
		return call.Run(ctx, directory, quick)
	case "reserve":
		return reserve.Run(ctx, directory, args, os.Stdout)
	case "client": // the process that invoke starts for each measurement
		return client.Run(ctx, strings.Join(args, ""))
	}
	return fmt.Errorf("%q is not a command: want invoke, cold, call or reserve", command)
}

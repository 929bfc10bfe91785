// Command cold measures how long Meridian's functions take to start, and which
// memory size is the right one for them.
//
// It builds both as make build does, and beside them a bare handler of
// aws-lambda-go, starts each as Lambda does, against a Runtime API and a Lambda
// endpoint of its own on the loopback interface, and measures from exec until the
// function asks for its first invocation, and until it has answered it. Lambda
// gives a function a share of a core with its memory, so each is measured on a
// whole core and held to 57, 28, 14 and 7 % of one, by a cgroup of its own; where
// none can be made, on what the machine has, and it says so. Both servers are in
// this process, outside the share.
//
// Programs take turns, and what is printed and written to bench/COLD.md are
// medians. The machine's noise is in all of them: ratios count, and absolute
// figures do not.
//
// Run it with make bench-cold; BENCH_QUICK=1 makes it short, and its ratios rough:
// they are printed and not kept.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"time"
)

func main() {
	debug.SetGCPercent(1000) // see lab.once
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 20*time.Minute)
	defer cancel()
	if err := run(ctx, os.Getenv("BENCH_QUICK") != ""); err != nil {
		fmt.Fprintln(os.Stderr, "bench/cold:", err)
		os.Exit(1)
	}
}

// run measures everything, and writes it down if it is not quick.
func run(ctx context.Context, quick bool) error {
	directory, err := os.MkdirTemp("", "cold")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	l, err := newLab(ctx, directory)
	if err != nil {
		return err
	}
	defer l.close()
	r, err := l.measureAll(ctx, quick)
	if err != nil || quick {
		return err
	}
	return r.save("bench/COLD.md")
}

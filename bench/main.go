// Command bench measures what an invocation costs beside the work: this
// coordinator, whole runs and its way to Lambda alone; the AWS SDK with an
// errgroup as people write it; and signed requests of net/http over prepared
// connections, which is the floor.
//
// A server that speaks Lambda's Invoke API and takes 100 ms for each call runs in
// a process of its own, on the loopback interface; so does each measurement, for
// its CPU time and memory to be its own. Ways take turns, and what is printed and
// written to bench/RESULTS.md are medians. The machine's noise is in all of them:
// ratios count, and absolute figures do not.
//
// Run it with make bench; BENCH_QUICK=1 makes it short, and its ratios rough: they
// are printed and not kept.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, 45*time.Minute) // a few times what it takes alone
	defer cancel()
	quick := os.Getenv("BENCH_QUICK") != ""
	if err := run(ctx, quick); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run measures everything and writes it down.
func run(ctx context.Context, quick bool) error {
	directory, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(directory) }()
	l, err := newLab(ctx, directory)
	if err != nil {
		return err
	}
	defer l.close()
	results, err := l.measureAll(ctx, scenarios(quick))
	judge(os.Stdout, results)
	if err != nil || quick {
		return err
	}
	return save("bench/RESULTS.md", results, l.missing)
}

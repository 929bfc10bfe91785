// Command reserve measures how long before its deadline a coordinator answers,
// and what the end of a run takes it: [coordinator.Coordinator] keeps a reserve
// for that.
//
// It builds the function as make build does and starts it as Lambda does, against
// a Runtime API and a Lambda of its own on the loopback interface, for runs that
// their time ends: when nothing was answered, when half of it was, and when
// everything is answered at the last moment. Lambda gives a function a share of a
// core with its memory, so each is measured on a whole core and held to 29, 14
// and 7 % of one, by a cgroup; where none can be made it says so, and measures
// the whole core alone.
//
// It exits with 1 when an answer was late or incomplete. Run it with make
// bench-reserve.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

func main() {
	var s settings
	flag.IntVar(&s.units, "units", 5000, "invocations of a run")
	flag.IntVar(&s.output, "output", 500, "bytes of each target's output")
	flag.DurationVar(&s.timeout, "timeout", 30*time.Second, "the function's timeout")
	flag.IntVar(&s.share, "share", 0, "one share only, in `percent`")
	flag.StringVar(&s.way, "way", "", "one way only: nothing, half or last")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench/reserve:", err)
		os.Exit(1)
	}
}

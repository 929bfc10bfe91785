// Package reserve measures how long before its deadline a coordinator answers.
//
// It builds the function as make build does and starts it as Lambda does, with a
// Runtime API and a Lambda API on the loopback interface, for runs that end because
// their time is up: when no worker has answered, and when all answer at the last
// moment. Lambda gives a function a share of a core with its memory, so each is measured
// on a whole core and limited to 29, 14 and 7 % of one, by a cgroup. Where no cgroup can
// be made, it says so and measures the whole core only.
//
// An answer that is late or incomplete is an error.
package reserve

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"meridian/bench/figure"
	"meridian/bench/meridian"
	"meridian/bench/rig"
)

// output is the size of each target's output in bytes, and timeout the function's.
const (
	output  = 500
	timeout = 30 * time.Second
)

// A share is a part of a core, in percent, and the memory with which Lambda gives it.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
type share struct{ percent, memory int }

func shares() []share { return []share{{100, 1769}, {29, 512}, {14, 256}, {7, 128}} }

// Run measures every way with every share, and prints a line for each. Its files go to
// directory.
func Run(ctx context.Context, directory string, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("reserve", flag.ContinueOnError)
	units := flags.Int("units", 5000, "invocations of a run")
	if err := flags.Parse(args); err != nil {
		return err
	}
	program := filepath.Join(directory, "bootstrap")
	if err := rig.Build(ctx, "..", "./functions/coordinator", program); err != nil {
		return err
	}
	l, err := newLambda(ctx, directory)
	if err != nil {
		return err
	}
	defer l.Close()
	unlimited := rig.CanLimit()
	_, _ = fmt.Fprintf(out, "%8s %7s %9s  %-8s %10s %10s %10s %9s\n",
		"units", "share", "memory", "answered", "run, ms", "encode, ms", "margin, ms", "peak, MiB")
	var late error
	for _, share := range shares() {
		f := rig.Function{
			Program: program, Lambda: l.Lambda, MemoryMB: share.memory,
			Settings: []string{"AWS_LAMBDA_LOG_LEVEL=ERROR"}, Output: os.Stderr,
		}
		if unlimited != nil && share.percent < 100 {
			_, _ = fmt.Fprintf(out, "not limited to %d %%: %v\n", share.percent, unlimited)
			continue
		}
		for _, w := range ways() {
			m, err := l.measure(ctx, *units, f, share, w)
			if err != nil {
				return fmt.Errorf("%d %%, %s: %w", share.percent, w.name, err)
			}
			ms := figure.Milliseconds
			_, _ = fmt.Fprintf(out, "%8d %5d %% %6d MB  %-8s %10.0f %10.0f %10.0f %9.0f  %s\n", *units, share.percent, share.memory, w.name,
				ms(m.run), ms(m.encode), ms(m.margin), m.peakMiB, m.counts)
			if m.margin < 0 {
				late = errors.New("an answer was late")
			}
		}
	}
	return late
}

// A measurement is when an answer came, and what was in it.
type measurement struct {
	run    time.Duration // until the result was closed
	encode time.Duration // from then until the whole answer was read
	margin time.Duration // from then until the deadline

	peakMiB float64
	counts  string
}

// measure has the function make one run that ends because its time is up.
func (l *lambda) measure(ctx context.Context, units int, f rig.Function, part share, w way) (m measurement, err error) {
	l.way.Store(&w)
	i, err := f.Start(ctx)
	if err != nil {
		return m, err
	}
	defer func() {
		_, ended := i.End()
		err = errors.Join(err, ended)
	}()
	if part.percent < 100 {
		if err := i.Limit(part.percent); err != nil {
			return m, err
		}
	}
	m, err = answered(ctx, units, i.Runtime)
	m.peakMiB = i.Peak()
	return m, err
}

// answered has the function answer. It waits for twice the function's timeout.
func answered(ctx context.Context, units int, api *rig.Runtime) (m measurement, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute+2*timeout, errors.New("the function did not answer in time"))
	defer cancel()
	if _, err := api.Next(ctx); err != nil {
		return m, fmt.Errorf("no invocation: %w", err)
	}
	deadline := time.Now().Add(timeout)
	request := meridian.Sleep(1, []string{"us-east-1", "eu-west-1"}, meridian.Targets(units/2))
	a, err := api.Invoke(ctx, meridian.Encode(request), deadline)
	if err != nil {
		return m, err
	}
	result, err := meridian.DecodeResult(a.Body)
	if err != nil {
		return m, err
	}
	m.run = time.Duration(result.ElapsedMs * float64(time.Millisecond))
	m.encode, m.margin = a.At.Sub(result.StartedAt.Add(m.run)), deadline.Sub(a.At)
	c := result.Summary.Targets
	m.counts = fmt.Sprintf("%s: %d succeeded, %d timed out, %d not started, %d bytes, truncated %v",
		result.Status, c.Succeeded, c.TimedOut, c.NotStarted, len(a.Body), result.Truncated)
	if c.Total != units {
		return m, fmt.Errorf("%d outcomes of %d", c.Total, units)
	}
	return m, nil
}

// Package reserve measures how long before its deadline a coordinator answers, and how
// much of the reserve that the coordinator keeps the end of a run takes.
//
// It builds the function as make build does and starts it as Lambda does, with a
// Runtime API and a Lambda API on the loopback interface, for runs that end because
// their time is up: when no worker has answered, when half of them have, and when all
// answer at the last moment. Lambda gives a function a share of a core with its memory,
// so each is measured on a whole core and limited to 29, 14 and 7 % of one, by a
// cgroup. Where no cgroup can be made, it says so and measures the whole core only.
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
	"strings"
	"time"

	"meridian/bench/figure"
	"meridian/bench/meridian"
	"meridian/bench/rig"
)

// The settings of a run.
type settings struct {
	units, output int
	timeout       time.Duration

	share int    // in percent; 0 means every share
	way   string // "" means every way
}

// A share is a part of a core, in percent, and the memory with which Lambda gives it.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html
type share struct{ percent, memory int }

func shares() []share { return []share{{100, 1769}, {29, 512}, {14, 256}, {7, 128}} }

// Run measures every way with every share, and prints a line for each. Its files go to
// directory.
func Run(ctx context.Context, directory string, args []string, out io.Writer) error {
	var s settings
	flags := flag.NewFlagSet("reserve", flag.ContinueOnError)
	flags.IntVar(&s.units, "units", 5000, "invocations of a run")
	flags.IntVar(&s.output, "output", 500, "bytes of each target's output")
	flags.DurationVar(&s.timeout, "timeout", 30*time.Second, "the function's timeout")
	flags.IntVar(&s.share, "share", 0, "one share only, in `percent`")
	flags.StringVar(&s.way, "way", "", "one way only: nothing, half or last")
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
	_, unlimited := rig.Limits()
	_, _ = fmt.Fprintf(out, "%8s %7s %9s  %-8s %10s %10s %10s %10s %9s\n",
		"units", "share", "memory", "answered", "run, ms", "end, ms", "encode, ms", "margin, ms", "peak, MiB")
	var late error
	for _, share := range shares() {
		f := rig.Function{
			Program: program, Lambda: l.Lambda, MemoryMB: share.memory, Share: share.percent,
			Settings: []string{"AWS_LAMBDA_LOG_LEVEL=ERROR"}, Output: os.Stderr,
		}
		if unlimited != nil {
			if f.Share = 0; share.percent < 100 {
				_, _ = fmt.Fprintf(out, "not limited to %d %%: %v\n", share.percent, unlimited)
				continue
			}
		}
		for _, w := range ways() {
			if s.share != 0 && s.share != share.percent || s.way != "" && s.way != w.name {
				continue
			}
			m, err := l.measure(ctx, s, f, w)
			if err != nil {
				return fmt.Errorf("%d %%, %s: %w", share.percent, w.name, err)
			}
			ms := figure.Milliseconds
			_, _ = fmt.Fprintf(out, "%8d %5d %% %6d MB  %-8s %10.0f %10.0f %10.0f %10.0f %9.0f  %s\n", s.units, share.percent, share.memory, w.name,
				ms(m.run), ms(m.end), ms(m.encode), ms(m.margin), m.peakMiB, m.counts)
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
	end    time.Duration // from the end of the run's time until then
	encode time.Duration // from then until the whole answer was read
	margin time.Duration // from then until the deadline

	peakMiB float64
	counts  string
}

// measure has the function make one run that ends because its time is up.
func (l *lambda) measure(ctx context.Context, s settings, f rig.Function, w way) (m measurement, err error) {
	l.way.Store(&w)
	l.output.Store(int64(s.output))
	l.peak.Store(0)
	i, err := f.Start(ctx)
	if err != nil {
		return m, err
	}
	defer func() {
		_, ended := i.End()
		err = errors.Join(err, ended)
	}()
	m, err = answered(ctx, s, i.Runtime)
	m.peakMiB = i.Peak()
	m.counts += fmt.Sprintf(", %d at once", l.peak.Load())
	return m, err
}

// answered has the function answer. It waits for twice the function's timeout.
func answered(ctx context.Context, s settings, api *rig.Runtime) (m measurement, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute+2*s.timeout, errors.New("the function did not answer in time"))
	defer cancel()
	if _, err := api.Next(ctx); err != nil {
		return m, fmt.Errorf("no invocation: %w", err)
	}
	deadline := time.Now().Add(s.timeout)
	request := meridian.Sleep(1, []string{"us-east-1", "eu-west-1"}, meridian.Targets(s.units/2))
	a, err := api.Invoke(ctx, meridian.Encode(request), deadline)
	if err != nil {
		return m, err
	}
	result, err := meridian.DecodeResult(a.Body)
	if err != nil {
		return m, err
	}
	m.run = time.Duration(result.ElapsedMs * float64(time.Millisecond))
	closed := result.StartedAt.Add(m.run)
	m.encode, m.margin = a.At.Sub(closed), deadline.Sub(a.At)
	m.end = closed.Sub(result.StartedAt.Add(limitOf(result)))
	c := result.Summary.Targets
	m.counts = fmt.Sprintf("%s: %d succeeded, %d timed out, %d not started, %d bytes, truncated %v",
		result.Status, c.Succeeded, c.TimedOut, c.NotStarted, len(a.Body), result.Truncated)
	if c.Total != s.units {
		return m, fmt.Errorf("%d outcomes of %d", c.Total, s.units)
	}
	return m, nil
}

// limitOf returns the time that a run had. The cause of a run that timed out has it.
func limitOf(r meridian.Result) time.Duration {
	_, after, _ := strings.Cut(r.Cause, "run timed out after ")
	text, _, _ := strings.Cut(after, ";")
	limit, err := time.ParseDuration(text)
	if err != nil {
		return time.Duration(r.ElapsedMs * float64(time.Millisecond))
	}
	return limit
}

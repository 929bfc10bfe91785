package cold

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"time"

	"meridian/bench/figure"
	"meridian/bench/rig"
)

// A lab has what is measured, and what it is measured with.
type lab struct {
	directory string // of the programs
	unlimited error  // why a process cannot be limited to a share of a core, or nil
	lambda    *lambda
}

// timeout is how long a function may take for an invocation.
const timeout = time.Minute

// A start is what is started, and how.
type start struct {
	scenario
	size   int  // of the memory, in MB
	warm   int  // more invocations after the first
	traced bool // the inits of the packages are traced
}

// A measurement is what a start took.
type measurement struct {
	marks
	began    time.Time // exec
	asked    time.Time // the function asked for its first invocation
	given    time.Time // it got it
	answered time.Time // it had answered it
	inits    inits
	warm     []float64 // milliseconds of the later invocations
	cpu      float64   // milliseconds, user's and system's, until the process was ended
	peak     float64   // MiB of memory; -1 where that is not known
}

// once starts a function, has it answer, and ends it.
func (l *lab) once(ctx context.Context, s start) (m *measurement, err error) {
	m = new(measurement)
	l.lambda.takes.Store(int64(s.takes))
	l.lambda.take()
	f := rig.Function{
		Program: filepath.Join(l.directory, s.program), Lambda: l.lambda.Lambda, MemoryMB: s.size, Output: &m.inits,
	}
	if s.traced {
		f.Settings = []string{"GODEBUG=inittrace=1"}
	}
	runtime.GC() // now, and not while the function waits for this process
	i, err := f.Start(ctx)
	if err != nil {
		return m, err
	}
	m.began = i.Began
	err = m.answers(ctx, s, i)
	m.marks, m.peak = l.lambda.take(), i.Peak()
	cpu, ended := i.End()
	m.cpu = figure.Milliseconds(cpu)
	if err = errors.Join(err, ended); err != nil {
		err = fmt.Errorf("%s: %w\n%s", s.program, err, m.inits.output.Bytes())
	}
	return m, err
}

// answers has the function answer, and takes the times. Its share of a core begins with
// the first invocation. That Lambda gives a whole core until then, though not with
// provisioned concurrency, was observed and is not documented:
// https://github.com/DataDog/datadog-lambda-extension/pull/700
func (m *measurement) answers(ctx context.Context, s start, i *rig.Instance) error {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*timeout, errors.New("the function did not answer in time"))
	defer cancel()
	for n := range 1 + s.warm {
		asked, err := i.Runtime.Next(ctx)
		if err == nil && n == 0 && share(s.size) < 100 {
			err = i.Limit(share(s.size))
		}
		if err != nil {
			return err
		}
		answer, err := i.Runtime.Invoke(ctx, s.payload, time.Now().Add(timeout))
		switch {
		case err != nil:
			return err
		case !bytes.Contains(answer.Body, []byte(s.wanted)):
			return fmt.Errorf("it answered %.300q, without %q", answer.Body, s.wanted)
		case n == 0:
			m.asked, m.given, m.answered = asked, answer.Given, answer.At
		default:
			m.warm = append(m.warm, between(answer.Given, answer.At))
		}
	}
	return nil
}

// The figures of a measurement, in milliseconds and MiB.

func (m *measurement) toNext() float64   { return between(m.began, m.asked) }
func (m *measurement) toAnswer() float64 { return between(m.began, m.answered) }
func (m *measurement) cpuTime() float64  { return m.cpu }
func (m *measurement) memory() float64   { return m.peak }

// billedCold and billedWarm are what Lambda bills for. Of a cold invocation the start
// is a part. Source:
// https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
func (m *measurement) billedCold() float64 { return m.toNext() + between(m.given, m.answered) }

func (m *measurement) billedWarm() float64 {
	return figure.Median(m.warm, func(ms float64) float64 { return ms })
}

// between returns the milliseconds from a to b, or -1 if one of them has not happened.
func between(a, b time.Time) float64 {
	if a.IsZero() || b.IsZero() {
		return -1
	}
	return figure.Milliseconds(b.Sub(a))
}

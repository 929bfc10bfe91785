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
	limiter   string // the kernel's setting that limits a process to a share
	unlimited error  // why none does, or nil
	lambda    *lambda
}

// timeout is how long a function may take for an invocation.
const timeout = time.Minute

// A start is what is started, and how.
type start struct {
	scenario
	condition
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
	warm     float64 // milliseconds of a later invocation, the median
	cpu      float64 // milliseconds, user's and system's, until the process was ended
	peak     float64 // MiB of memory; -1 where that is not known
}

// once starts a function, has it answer, and ends it.
func (l *lab) once(ctx context.Context, s start) (m measurement, err error) {
	l.lambda.takes.Store(int64(s.takes))
	l.lambda.take()
	f := rig.Function{
		Program: filepath.Join(l.directory, s.program), Lambda: l.lambda.Lambda, MemoryMB: s.size(), Output: &m.inits,
	}
	if s.traced {
		f.Settings = []string{"GODEBUG=inittrace=1"}
	}
	if l.unlimited == nil {
		if f.Share = s.share; s.burst {
			f.Share = 100
		}
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

// answers has the function answer, and takes the times.
func (m *measurement) answers(ctx context.Context, s start, i *rig.Instance) error {
	var warm []float64
	for n := range 1 + s.warm {
		asked, answer, err := ask(ctx, s, n == 0 && s.burst, i)
		if err != nil {
			return err
		}
		if n == 0 {
			m.asked, m.given, m.answered = asked, answer.Given, answer.At
		} else {
			warm = append(warm, figure.Milliseconds(answer.At.Sub(answer.Given)))
		}
	}
	m.warm = figure.Median(warm...)
	return nil
}

// ask waits until the function asks for an invocation, and has it answer. If a burst
// ends with the first invocation, it sets the limit in between.
func ask(ctx context.Context, s start, burst bool, i *rig.Instance) (asked time.Time, a rig.Answer, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*timeout, errors.New("the function did not answer in time"))
	defer cancel()
	if asked, err = i.Runtime.Next(ctx); err != nil {
		return asked, a, err
	}
	if burst {
		if err := i.SetShare(s.share); err != nil {
			return asked, a, err
		}
	}
	a, err = i.Runtime.Invoke(ctx, s.payload, time.Now().Add(timeout))
	if err == nil && !bytes.Contains(a.Body, []byte(s.wanted)) {
		err = fmt.Errorf("it answered %.300q, without %q", a.Body, s.wanted)
	}
	return asked, a, err
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
func (m *measurement) billedWarm() float64 { return m.warm }

// between returns the milliseconds from a to b.
func between(a, b time.Time) float64 { return figure.Milliseconds(b.Sub(a)) }

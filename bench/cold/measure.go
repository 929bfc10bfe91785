package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"

	"meridian/bench/rig"
)

// timeout is how long a function may take for an invocation.
const timeout = time.Minute

// A start is what is started, and how.
type start struct {
	scenario
	condition
	warm int // more invocations after the first
}

// A measurement is what a start took, in milliseconds from exec.
type measurement struct {
	next   float64 // until it asked for its first invocation
	answer float64 // until it had answered that
	first  float64 // between the two: the first invocation itself
	warm   float64 // a later one, the median
	cpu    float64 // user's and system's, until it was ended
	peak   float64 // MiB of memory; -1 where that is not known
}

// once starts a function, has it answer, and ends it.
func (l *lab) once(ctx context.Context, s start) (m measurement, err error) {
	api, err := rig.NewRuntime(ctx)
	if err != nil {
		return m, err
	}
	defer api.Close()
	l.lambda.takes.Store(int64(s.takes))
	at := s.share
	if s.burst {
		at = 100
	}
	g, err := l.group(at)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, g.Remove()) }()
	runtime.GC() // now, rather than while the function waits for this process
	var said bytes.Buffer
	command := exec.CommandContext(ctx, filepath.Join(l.directory, s.program))
	world := rig.Function{RuntimeAPI: api.Address, Lambda: l.lambda.url, Roots: l.roots, MemoryMB: s.size()}
	command.Env, command.Dir = world.Environment(), l.directory
	command.Stdout, command.Stderr = &said, &said
	begin := time.Now()
	if err := g.Start(command); err != nil {
		return m, err
	}
	defer func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		m.cpu = milliseconds(command.ProcessState.UserTime() + command.ProcessState.SystemTime())
		if err != nil {
			err = fmt.Errorf("%s: %w\n%s", s.program, err, said.Bytes())
		}
	}()
	m, err = answers(ctx, s, g, api, begin)
	m.peak = rig.Peak(command.Process.Pid)
	return m, err
}

// answers has the function answer and takes the times.
func answers(ctx context.Context, s start, g rig.Group, api *rig.Runtime, begin time.Time) (m measurement, err error) {
	var warm []float64
	for i := range 1 + s.warm {
		asked, answer, err := ask(ctx, s, i == 0 && s.burst, g, api)
		if err != nil {
			return m, err
		}
		if took := milliseconds(answer.At.Sub(answer.Given)); i > 0 {
			warm = append(warm, took)
		} else {
			m.next, m.answer, m.first = milliseconds(asked.Sub(begin)), milliseconds(answer.At.Sub(begin)), took
		}
	}
	m.warm = median(warm)
	return m, nil
}

// ask waits until the function asks for an invocation, if a burst is over then
// holds it to its share, and has it answer.
func ask(ctx context.Context, s start, burst bool, g rig.Group, api *rig.Runtime) (asked time.Time, a rig.Answer, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, 2*timeout, errors.New("the function said nothing in time"))
	defer cancel()
	if asked, err = api.Next(ctx); err != nil {
		return asked, a, err
	}
	if burst {
		if err := g.Set(s.share); err != nil {
			return asked, a, err
		}
	}
	a, err = api.Invoke(ctx, s.payload, time.Now().Add(timeout))
	if err == nil && !bytes.Contains(a.Body, []byte(s.wanted)) {
		err = fmt.Errorf("it answered %.300q, without %q", a.Body, s.wanted)
	}
	return asked, a, err
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

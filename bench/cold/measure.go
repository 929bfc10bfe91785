package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"
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
	api, err := newRuntimeAPI(ctx)
	if err != nil {
		return m, err
	}
	defer api.close()
	l.lambda.takes.Store(int64(s.takes))
	at := s.share
	if s.burst {
		at = 100
	}
	g, err := l.hold.group(at)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, g.remove()) }()
	runtime.GC() // now, rather than while the function waits for this process
	var said bytes.Buffer
	command := exec.CommandContext(ctx, filepath.Join(l.directory, s.program))
	command.Env, command.Dir = l.environment(api.listener.Addr().String(), s.size()), l.directory
	command.Stdout, command.Stderr = &said, &said
	begin := time.Now()
	if err := g.start(command); err != nil {
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
	m.peak = peak(command.Process.Pid)
	return m, err
}

// answers has the function answer and takes the times.
func answers(ctx context.Context, s start, g group, api *runtimeAPI, begin time.Time) (m measurement, err error) {
	var warm []float64
	for i := range 1 + s.warm {
		asked, err := receive(ctx, api)
		if err != nil {
			return m, err
		}
		if i == 0 {
			m.next = milliseconds(asked.Sub(begin))
		}
		if i == 0 && s.burst {
			if err := g.set(s.share); err != nil {
				return m, err
			}
		}
		api.invoke <- s.payload
		given := <-api.given
		select {
		case a := <-api.answered:
			if a.err == nil && !bytes.Contains(a.body, []byte(s.wanted)) {
				a.err = fmt.Errorf("it answered %.300q, without %q", a.body, s.wanted)
			}
			if a.err != nil {
				return m, a.err
			}
			if i == 0 {
				m.answer, m.first = milliseconds(a.at.Sub(begin)), milliseconds(a.at.Sub(given))
			} else {
				warm = append(warm, milliseconds(a.at.Sub(given)))
			}
		case <-time.After(timeout):
			return m, errNoAnswer
		case <-ctx.Done():
			return m, ctx.Err()
		}
	}
	m.warm = median(warm)
	return m, nil
}

// receive waits for the function to ask.
func receive(ctx context.Context, api *runtimeAPI) (time.Time, error) {
	select {
	case at := <-api.asked:
		return at, nil
	case a := <-api.answered:
		return time.Time{}, a.err
	case <-time.After(timeout):
		return time.Time{}, errNoAnswer
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
}

// peak returns the most memory that a running process had, in MiB, or -1. (What
// wait4 says is at least what this process had when it started that one.)
func peak(pid int) float64 {
	status, _ := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kibibytes, err := strconv.Atoi(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")))
			if err == nil {
				return float64(kibibytes) / 1024
			}
		}
	}
	return -1
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

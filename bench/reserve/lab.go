package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// The settings say what a run is like.
type settings struct {
	units, output int
	timeout       time.Duration

	share int    // if only one is wanted, in percent
	way   string // if only one is wanted
}

// A measurement is when an answer came, and of what.
type measurement struct {
	run    time.Duration // until the result was closed
	end    time.Duration // of it, after the run's time was over
	encode time.Duration // from then until all of the answer was there
	margin time.Duration // until the deadline

	peakMiB float64
	counts  string
}

// A lab has the function, and the Lambda that it calls.
type lab struct {
	directory string
	lambda    *lambda
	holds     error // why nothing can be held to a share, or nil
}

// newLab builds the function.
func newLab(ctx context.Context, directory string) (*lab, error) {
	build := exec.CommandContext(ctx, "go", "build", "-tags", "lambda.norpc", "-trimpath", "-ldflags", "-s -w",
		"-o", filepath.Join(directory, "bootstrap"), "./functions/coordinator")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	l := &lab{directory: directory}
	g, err := newGroup(100)
	if l.holds = err; err == nil {
		l.holds = g.remove()
	}
	l.lambda, err = newLambda(ctx, filepath.Join(directory, "certificate.pem"))
	return l, err
}

func (l *lab) close() { _ = l.lambda.server.Close() }

// measure has the function make one run that its time ends.
func (l *lab) measure(ctx context.Context, s settings, on share, w way) (m measurement, err error) {
	api, err := newRuntimeAPI(ctx)
	if err != nil {
		return m, err
	}
	defer func() { _ = api.server.Close() }()
	l.lambda.way.Store(&w)
	l.lambda.output.Store(int64(s.output))
	l.lambda.peak.Store(0)

	command := exec.CommandContext(ctx, filepath.Join(l.directory, "bootstrap"))
	command.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + api.address, "AWS_ENDPOINT_URL_LAMBDA=" + l.lambda.url,
		"SSL_CERT_FILE=" + filepath.Join(l.directory, "certificate.pem"), "AWS_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=example", "WORKER_FUNCTION=worker",
		"AWS_LAMBDA_FUNCTION_NAME=coordinator", "AWS_LAMBDA_LOG_FORMAT=JSON", "AWS_LAMBDA_LOG_LEVEL=ERROR",
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE=" + strconv.Itoa(on.memory),
	}
	command.Stderr, command.Stdout = os.Stderr, os.Stderr
	if err := command.Start(); err != nil {
		return m, err
	}
	defer func() {
		_ = command.Process.Kill() // it would wait for the next invocation
		_ = command.Wait()
	}()
	if l.holds == nil {
		g, groupErr := newGroup(on.percent)
		if groupErr != nil {
			return m, groupErr
		}
		defer func() {
			_ = command.Process.Kill()
			_ = command.Wait()
			err = errors.Join(err, g.remove())
		}()
		if err := g.hold(command.Process.Pid); err != nil {
			return m, err
		}
	}
	deadline := time.Now().Add(s.timeout)
	select {
	case api.next <- invocation{request(s), deadline}:
	case a := <-api.answered:
		return m, fmt.Errorf("no invocation: %w", a.err)
	case <-ctx.Done():
		return m, context.Cause(ctx)
	case <-time.After(time.Minute):
		return m, errors.New("the function has not asked for an invocation in a minute")
	}
	select {
	case a := <-api.answered:
		m, err = weigh(a, deadline, s)
	case <-ctx.Done():
		return m, context.Cause(ctx)
	case <-time.After(2 * s.timeout):
		return m, errors.New("no answer in twice the time")
	}
	m.peakMiB = peak(command.Process.Pid)
	m.counts += fmt.Sprintf(", %d at once", l.lambda.peak.Load())
	return m, err
}

// request asks for so many units.
func request(s settings) []byte {
	r := protocol.Request{
		Task: "sleep", Parameters: json.RawMessage(`{"seconds":1}`), Regions: []string{"us-east-1", "eu-west-1"},
		MaxTargetsPerInvocation: 1, Targets: make([]string, s.units/2),
	}
	for i := range r.Targets {
		r.Targets[i] = fmt.Sprintf("target-%05d", i)
	}
	data, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and numbers
	}
	return data
}

// weigh checks an answer, and says when its parts were done.
func weigh(a answer, deadline time.Time, s settings) (m measurement, err error) {
	if a.err != nil {
		return m, a.err
	}
	result, err := protocol.DecodeResult(a.body)
	if err != nil {
		return m, err
	}
	m.run = time.Duration(result.ElapsedMs * float64(time.Millisecond))
	closed := result.StartedAt.Add(m.run)
	m.encode, m.margin = a.at.Sub(closed), deadline.Sub(a.at)
	m.end = closed.Sub(result.StartedAt.Add(limitOf(result)))
	c := result.Summary.Targets
	m.counts = fmt.Sprintf("%s: %d succeeded, %d timed out, %d not started, %d bytes, truncated %v",
		result.Status, c.Succeeded, c.TimedOut, c.NotStarted, len(a.body), result.Truncated)
	if c.Total != s.units {
		return m, fmt.Errorf("%d outcomes of %d", c.Total, s.units)
	}
	return m, nil
}

// limitOf returns the time that a run had, which its cause says when it was over.
func limitOf(r protocol.Result) time.Duration {
	_, after, _ := strings.Cut(r.Cause, "run timed out after ")
	text, _, _ := strings.Cut(after, ";")
	limit, err := time.ParseDuration(text)
	if err != nil {
		return time.Duration(r.ElapsedMs * float64(time.Millisecond))
	}
	return limit
}

// peak returns the most memory that a process has had resident, in MiB.
func peak(pid int) float64 {
	f, err := os.Open(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	defer func() { _ = f.Close() }()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		var kib float64
		if n, _ := fmt.Sscanf(lines.Text(), "VmHWM: %f kB", &kib); n == 1 {
			return kib / 1024
		}
	}
	return 0
}

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"meridian/bench/rig"
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
	l := &lab{directory: directory}
	_, l.holds = rig.Holds()
	err := rig.Build(ctx, l.file("bootstrap"), "./functions/coordinator")
	if err != nil {
		return nil, err
	}
	l.lambda, err = newLambda(ctx, l.file("roots.pem"))
	return l, err
}

func (l *lab) close() { _ = l.lambda.server.Close() }

// file returns the path of one of the lab's files.
func (l *lab) file(name string) string { return filepath.Join(l.directory, name) }

// measure has the function make one run that its time ends.
func (l *lab) measure(ctx context.Context, s settings, on share, w way) (m measurement, err error) {
	api, err := rig.NewRuntime(ctx)
	if err != nil {
		return m, err
	}
	defer api.Close()
	l.lambda.way.Store(&w)
	l.lambda.output.Store(int64(s.output))
	l.lambda.peak.Store(0)
	var g rig.Group
	if l.holds == nil {
		if g, err = rig.NewGroup(on.percent); err != nil {
			return m, err
		}
	}
	defer func() { err = errors.Join(err, g.Remove()) }()
	command := exec.CommandContext(ctx, l.file("bootstrap"))
	world := rig.Function{RuntimeAPI: api.Address, Lambda: l.lambda.url, Roots: l.file("roots.pem"), MemoryMB: on.memory}
	command.Env = append(world.Environment(), "AWS_LAMBDA_LOG_LEVEL=ERROR")
	command.Stderr, command.Stdout = os.Stderr, os.Stderr
	if err := g.Start(command); err != nil {
		return m, err
	}
	defer func() {
		_ = command.Process.Kill() // it would wait for the next invocation
		_ = command.Wait()
	}()
	m, err = answered(ctx, s, api)
	m.peakMiB = rig.Peak(command.Process.Pid)
	m.counts += fmt.Sprintf(", %d at once", l.lambda.peak.Load())
	return m, err
}

// answered has the function answer, in twice its time at the most.
func answered(ctx context.Context, s settings, api *rig.Runtime) (m measurement, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute+2*s.timeout, errors.New("the function said nothing in time"))
	defer cancel()
	if _, err := api.Next(ctx); err != nil {
		return m, fmt.Errorf("no invocation: %w", err)
	}
	deadline := time.Now().Add(s.timeout)
	a, err := api.Invoke(ctx, request(s), deadline)
	if err != nil {
		return m, err
	}
	return weigh(a, deadline, s)
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
func weigh(a rig.Answer, deadline time.Time, s settings) (m measurement, err error) {
	result, err := protocol.DecodeResult(a.Body)
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

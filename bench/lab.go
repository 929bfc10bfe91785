package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// A lab has the programs and the servers that are measured with.
type lab struct {
	directory string
	servers   map[server]address
	stops     []func()
	missing   []string // ways that are not there, and why
}

// An address is where a server is.
type address struct {
	URL         string `json:"url"`
	Certificate string `json:"certificate"`
}

// A measurement is what bench/client, and its peers, print.
type measurement struct {
	WallMs      float64 `json:"wallMs"`
	CPUMs       float64 `json:"cpuMs"`
	PeakMiB     float64 `json:"peakMiB"`
	Connections int     `json:"connections"`
	Lost        int     `json:"lost"`
	Sent        int     `json:"sent"`
	Cause       string  `json:"cause"`

	overheadMs float64 // of WallMs
}

// newLab builds the programs, and sees which others there are.
func newLab(ctx context.Context, directory string) (*lab, error) {
	l := &lab{directory: directory, servers: map[server]address{}}
	build := exec.CommandContext(ctx, "go", "build", "-o", directory+"/", "./bench/server", "./bench/client")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("build: %w", err)
	}
	check := exec.CommandContext(ctx, "node", "--input-type=module", "-e", "import '@aws-sdk/client-lambda'")
	check.Dir = "bench/peers"
	if err := check.Run(); err != nil {
		l.missing = append(l.missing, "node: Node.js with @aws-sdk/client-lambda is not installed")
	}
	if err := exec.CommandContext(ctx, "python3", "-c", "import boto3").Run(); err != nil {
		l.missing = append(l.missing, "python: Python with boto3 is not installed")
	}
	return l, nil
}

// has reports whether a way can be measured.
func (l *lab) has(way string) bool {
	return !slices.ContainsFunc(l.missing, func(m string) bool { return m[:len(way)] == way })
}

// close ends the servers.
func (l *lab) close() {
	for _, stop := range l.stops {
		stop()
	}
}

// address returns where a server is, which it starts at first.
func (l *lab) address(ctx context.Context, s server) (address, error) {
	if a, ok := l.servers[s]; ok {
		return a, nil
	}
	command := exec.CommandContext(ctx, filepath.Join(l.directory, "server"),
		"-tls="+strconv.FormatBool(s.tls), "-certificate", filepath.Join(l.directory, fmt.Sprintf("%d.pem", len(l.servers))),
		"-delay", work.String(), "-set-up", s.setUp.String(),
		"-throttle", strconv.Itoa(s.throttle), "-answer", strconv.Itoa(s.answer))
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return address{}, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return address{}, err
	}
	if err := command.Start(); err != nil {
		return address{}, err
	}
	l.stops = append(l.stops, func() {
		_ = input.Close() // which ends it
		_ = command.Wait()
	})
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		return address{}, fmt.Errorf("start the server: %w", err)
	}
	var a address
	if err := json.Unmarshal(line, &a); err != nil {
		return address{}, err
	}
	if !s.tls {
		a.Certificate = ""
	}
	l.servers[s] = a
	_, err = l.once(ctx, scenario{server: s, calls: 35, retry: true}, coordinator) // it is slower at first
	return a, err
}

// measureAll measures scenarios, and prints each as it is done. With an error come the
// results before it.
func (l *lab) measureAll(ctx context.Context, all []scenario) (results []result, err error) {
	for _, s := range all {
		r, err := l.measure(ctx, s)
		if err != nil {
			return results, fmt.Errorf("%s, %d calls: %w", s.name, s.calls, err)
		}
		r.write(os.Stdout)
		results = append(results, r)
	}
	return results, nil
}

// measure measures a scenario.
func (l *lab) measure(ctx context.Context, s scenario) (result, error) {
	s.ways = slices.DeleteFunc(slices.Clone(s.ways), func(way string) bool { return !l.has(way) })
	r := result{scenario: s, runs: map[string][]measurement{}}
	for round := range s.rounds {
		for _, i := range order(len(s.ways), round) {
			way := s.ways[i]
			m, err := l.once(ctx, s, way)
			if err != nil {
				return r, fmt.Errorf("%s: %w", way, err)
			}
			r.runs[way] = append(r.runs[way], m)
		}
	}
	return r, nil
}

// once makes one measurement.
func (l *lab) once(ctx context.Context, s scenario, way string) (m measurement, err error) {
	a, err := l.address(ctx, s.server)
	if err != nil {
		return m, err
	}
	var command *exec.Cmd
	calls := strconv.Itoa(s.calls)
	switch way {
	case node:
		command = exec.CommandContext(ctx, "node", "bench/peers/node.mjs", a.URL, calls)
		command.Env = append(command.Environ(), "NODE_EXTRA_CA_CERTS="+a.Certificate, "NODE_NO_WARNINGS=1")
	case python:
		command = exec.CommandContext(ctx, "python3", "bench/peers/python.py", a.URL, calls, a.Certificate)
	default:
		command = exec.CommandContext(ctx, filepath.Join(l.directory, "client"), "-way", way, "-calls", calls,
			"-url", a.URL, "-certificate", a.Certificate, "-files", strconv.Itoa(s.files),
			"-warm="+strconv.FormatBool(s.warm), "-retry="+strconv.FormatBool(s.retry))
	}
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(out, &m); err != nil && !errors.Is(err, io.EOF) {
		return m, fmt.Errorf("%s printed %q: %w", way, out, err)
	}
	m.overheadMs = max(m.WallMs-float64(s.ideal())/float64(time.Millisecond), 0.001)
	return m, nil
}

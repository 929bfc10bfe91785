package invocation

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
	"strings"

	"meridian/bench/client"
	"meridian/bench/figure"
	"meridian/bench/meridian"
	srv "meridian/bench/server"
)

// A lab starts the servers and the measurements, both as children of this program.
type lab struct {
	directory string
	program   string
	servers   map[server]srv.Address
	stops     []func()
	missing   []string // ways that cannot be measured, and why
}

// A measurement is what a child prints.
type measurement struct {
	client.Measurement
	overheadMs float64 // of WallMs
}

// newLab finds out which of the other languages' SDKs are installed.
func newLab(ctx context.Context, directory string) (*lab, error) {
	l := &lab{directory: directory, servers: map[server]srv.Address{}}
	var err error
	if l.program, err = os.Executable(); err != nil {
		return nil, err
	}
	check := exec.CommandContext(ctx, "node", "--input-type=module", "-e", "import '@aws-sdk/client-lambda'")
	check.Dir = "peers"
	if err := check.Run(); err != nil {
		l.missing = append(l.missing, node+": Node.js with @aws-sdk/client-lambda is not installed")
	}
	if err := exec.CommandContext(ctx, "python3", "-c", "import boto3").Run(); err != nil {
		l.missing = append(l.missing, python+": Python with boto3 is not installed")
	}
	return l, nil
}

// has reports whether a way can be measured.
func (l *lab) has(way string) bool {
	return !slices.ContainsFunc(l.missing, func(m string) bool { return strings.HasPrefix(m, way+":") })
}

// close ends the servers.
func (l *lab) close() {
	for _, stop := range l.stops {
		stop()
	}
}

// address returns where a server listens. The first time it starts the server.
func (l *lab) address(ctx context.Context, s server) (srv.Address, error) {
	if a, ok := l.servers[s]; ok {
		return a, nil
	}
	var names []string
	for _, region := range meridian.Regions(s.regions) {
		names = append(names, "lambda."+region+".amazonaws.com")
	}
	command := exec.CommandContext(ctx, l.program, "server",
		"-tls="+strconv.FormatBool(s.tls), "-certificate", filepath.Join(l.directory, fmt.Sprintf("%d.pem", len(l.servers))),
		"-names", strings.Join(names, ","), "-delay", (work + s.roundTrip).String(), "-set-up", s.setUp().String(),
		"-throttle", strconv.Itoa(s.throttle), "-answer", strconv.Itoa(s.answer))
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return srv.Address{}, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return srv.Address{}, err
	}
	if err := command.Start(); err != nil {
		return srv.Address{}, err
	}
	l.stops = append(l.stops, func() {
		_ = input.Close() // which ends the server
		_ = command.Wait()
	})
	line, err := bufio.NewReader(output).ReadBytes('\n')
	if err != nil {
		return srv.Address{}, fmt.Errorf("start the server: %w", err)
	}
	var a srv.Address
	if err := json.Unmarshal(line, &a); err != nil {
		return srv.Address{}, err
	}
	l.servers[s] = a
	_, err = l.once(ctx, scenario{server: s, calls: max(s.regions, 35), retry: true}, client.Meridian) // the first run is slower
	return a, err
}

// measureAll measures scenarios and prints each. Beside an error it returns the
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
		command = exec.CommandContext(ctx, "node", "peers/node.mjs", a.URLs[0], calls)
		command.Env = append(command.Environ(), "NODE_EXTRA_CA_CERTS="+a.Certificate, "NODE_NO_WARNINGS=1")
	case python:
		command = exec.CommandContext(ctx, "python3", "peers/python.py", a.URLs[0], calls, a.Certificate)
	default:
		command = exec.CommandContext(ctx, l.program, "client", "-way", way, "-calls", calls,
			"-urls", strings.Join(a.URLs, ","), "-certificate", a.Certificate, "-files", strconv.Itoa(s.files),
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
	m.overheadMs = max(m.WallMs-figure.Milliseconds(s.ideal()), 0.001)
	return m, nil
}

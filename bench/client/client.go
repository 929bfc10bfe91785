// Package client makes a number of calls at once in one of several ways, and prints
// what they took as one line of JSON. Each measurement runs in a process of its own,
// which gives it CPU time and memory of its own.
package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"

	"meridian/bench/figure"
	"meridian/bench/meridian"
	"meridian/bench/rig"
)

// The ways to call, as the tables call them.
const (
	// Floor is signed requests of net/http over HTTP/2 connections opened first. The
	// others are compared with it.
	Floor = "floor"

	// Meridian is a whole run, from the request to the result as JSON.
	Meridian = "Meridian"

	// SDK is the AWS SDK with an errgroup, as people write it.
	SDK = "SDK + errgroup"
)

// The Settings of a measurement.
type Settings struct {
	Way         string   `json:"way"`
	URLs        []string `json:"urls"`        // the server's: one for all calls, or one for each Region
	Certificate string   `json:"certificate"` // the file of the server's certificate
	Calls       int      `json:"calls"`
	Warm        bool     `json:"warm"`     // the second run is measured
	Retry       bool     `json:"retry"`    // throttled calls are retried
	Function    bool     `json:"function"` // a run has a function of the caller's as its worker
	Files       uint64   `json:"files"`    // the limit on open files; 0 means the machine's
}

// A Measurement is what the calls took.
type Measurement struct {
	WallMs      float64 `json:"wallMs"`
	CPUMs       float64 `json:"cpuMs"` // user and system
	PeakMiB     float64 `json:"peakMiB"`
	Connections int     `json:"connections"`
	Lost        int     `json:"lost"` // calls without an answer
	Sent        int     `json:"sent"` // requests, retries included
	Cause       string  `json:"cause,omitempty"`

	OverheadMs float64 `json:"-"` // the part of WallMs beyond the work and the network
}

// A way makes all the calls at once. Its verdict, which is not measured, is how many
// of them were lost, and the last error.
type way func(ctx context.Context) (verdict func() (lost int, cause error))

// Measure has another process of this program make a measurement.
func (s Settings) Measure(ctx context.Context) (m Measurement, err error) {
	program, err := os.Executable()
	if err != nil {
		return m, err
	}
	settings, err := json.Marshal(s)
	if err != nil {
		return m, err
	}
	command := exec.CommandContext(ctx, program, "client", string(settings)) //nolint:gosec // this program
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return m, err
	}
	return m, json.Unmarshal(out, &m)
}

// Run makes a measurement with settings as JSON, and prints it.
func Run(ctx context.Context, settingsJSON string) error {
	var s Settings
	if err := json.Unmarshal([]byte(settingsJSON), &s); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	m, err := s.measure(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Way, err)
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

// measure makes the calls.
func (s Settings) measure(ctx context.Context) (m Measurement, err error) {
	if s.Files > 0 {
		limit := &syscall.Rlimit{Cur: s.Files, Max: s.Files}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, limit); err != nil {
			return m, fmt.Errorf("limit open files: %w", err)
		}
	}
	tlsConfig, err := trust(s.Certificate)
	if err != nil {
		return m, err
	}
	if err = s.ask(ctx, tlsConfig, "/settle"); err != nil {
		return m, err
	}
	call, err := s.newWay(tlsConfig) //nolint:contextcheck // it makes no call
	if err != nil {
		return m, err
	}
	if s.Warm {
		if lost, cause := call(ctx)(); lost > 0 {
			return m, fmt.Errorf("%d calls lost while warming: %w", lost, cause)
		}
	}
	if err = s.ask(ctx, tlsConfig, "/counts"); err != nil {
		return m, err
	}
	begin, cpu := time.Now(), rig.CPU()
	verdict := call(ctx)
	m.WallMs, m.CPUMs = figure.Milliseconds(time.Since(begin)), figure.Milliseconds(rig.CPU()-cpu)
	m.PeakMiB = rig.Peak(os.Getpid())
	var cause error
	if m.Lost, cause = verdict(); cause != nil {
		m.Cause = cause.Error()
	}
	err = s.ask(ctx, tlsConfig, "/counts", &m.Sent, &m.Connections)
	m.Connections-- // that of the request for the counts
	return m, err
}

// newWay returns the way that s names. It makes no call.
func (s Settings) newWay(tlsConfig *tls.Config) (way, error) {
	if s.Way != SDK { // its users do not tune the garbage collector
		meridian.Tune()
	}
	switch s.Way {
	case Floor:
		return s.floor(tlsConfig), nil
	case Meridian:
		return s.meridian(tlsConfig)
	case SDK:
		return s.sdk(tlsConfig), nil
	}
	return nil, errors.New("no such way")
}

// request asks for the calls: one for each Region and target.
func (s Settings) request() meridian.Request {
	regions := meridian.Regions(max(len(s.URLs), 5))
	for s.Calls%len(regions) != 0 {
		regions = regions[1:]
	}
	r := meridian.Sleep(0.1, regions, meridian.Targets(s.Calls/len(regions)))
	if s.Function && s.Way == Meridian {
		r = meridian.Function(r)
	}
	if s.Retry {
		r.Retry = meridian.RetryThrottled(firstWait)
	}
	return r
}

// regional reports whether each Region has an endpoint of its own.
func (s Settings) regional() bool { return len(s.URLs) > 1 }

// trust returns a configuration that trusts the server's certificate.
func trust(file string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: x509.NewCertPool()}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if !cfg.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New(file + " has no certificate")
	}
	return cfg, nil
}

// ask asks the server for its counts, over a connection of its own.
func (s Settings) ask(ctx context.Context, tlsConfig *tls.Config, path string, counts ...any) error {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: tlsConfig.Clone(), DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URLs[0]+path, nil)
	if err != nil {
		return err
	}
	response, err := client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	_, err = fmt.Fscan(response.Body, counts...)
	return err
}

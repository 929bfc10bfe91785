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
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"meridian/bench/figure"
	"meridian/bench/meridian"
	"meridian/bench/rig"
)

// The ways to call.
const (
	// Floor is signed requests of net/http over HTTP/2 connections opened first. The
	// others are compared with it.
	Floor = "floor"

	// Meridian is a whole run, from the request to the result as JSON.
	Meridian = "meridian"

	// Prepared is the client of the AWS SDK over the floor's connections.
	Prepared = "prepared"

	// SDK is the AWS SDK with an errgroup, as people write it.
	SDK = "sdk"
)

// The settings of a measurement.
type settings struct {
	way, certificate string
	urls             []string
	calls            int
	warm, retry      bool
	files            uint64
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
}

// A way makes all the calls at once. Its verdict, which is not measured, is how many
// of them were lost, and the last error.
type way func(ctx context.Context) (verdict func() (lost int, cause error))

// Run makes a measurement and prints it.
func Run(ctx context.Context, args []string) error {
	var s settings
	flags := flag.NewFlagSet("client", flag.ContinueOnError)
	flags.StringVar(&s.way, "way", Meridian, "floor, meridian, prepared or sdk")
	flags.Func("urls", "the server's URLs, with commas: one for all calls, or one for each Region", func(list string) error {
		s.urls = strings.Split(list, ",")
		return nil
	})
	flags.StringVar(&s.certificate, "certificate", "", "the `file` of the server's certificate")
	flags.IntVar(&s.calls, "calls", 35, "the number of calls")
	flags.BoolVar(&s.warm, "warm", false, "measure the second run")
	flags.BoolVar(&s.retry, "retry", false, "retry throttled calls")
	flags.Uint64Var(&s.files, "files", 0, "the limit on open files; 0 means the machine's")
	if err := flags.Parse(args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	m, err := s.measure(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", s.way, err)
	}
	return json.NewEncoder(os.Stdout).Encode(m)
}

// measure makes the calls.
func (s settings) measure(ctx context.Context) (m Measurement, err error) {
	if s.files > 0 {
		limit := &syscall.Rlimit{Cur: s.files, Max: s.files}
		if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, limit); err != nil {
			return m, fmt.Errorf("limit open files: %w", err)
		}
	}
	tlsConfig, err := trust(s.certificate)
	if err != nil {
		return m, err
	}
	if _, err = s.ask(ctx, tlsConfig, "/settle"); err != nil {
		return m, err
	}
	call, err := s.newWay(tlsConfig) //nolint:contextcheck // it makes no call
	if err != nil {
		return m, err
	}
	if s.warm {
		if lost, cause := call(ctx)(); lost > 0 {
			return m, fmt.Errorf("%d calls lost while warming: %w", lost, cause)
		}
	}
	for _, count := range []string{"/connections", "/calls"} { // since the last request for it
		if _, err = s.ask(ctx, tlsConfig, count); err != nil {
			return m, err
		}
	}
	begin, cpu := time.Now(), used()
	verdict := call(ctx)
	m.WallMs, m.CPUMs = figure.Milliseconds(time.Since(begin)), figure.Milliseconds(used()-cpu)
	m.PeakMiB = rig.Peak(os.Getpid())
	var cause error
	if m.Lost, cause = verdict(); cause != nil {
		m.Cause = cause.Error()
	}
	if m.Sent, err = s.ask(ctx, tlsConfig, "/calls"); err != nil {
		return m, err
	}
	m.Connections, err = s.ask(ctx, tlsConfig, "/connections")
	m.Connections -= 3 // those of the requests for the counts
	return m, err
}

// newWay returns the way that s names. It makes no call.
func (s settings) newWay(tlsConfig *tls.Config) (way, error) {
	if s.way != SDK { // whose users leave the garbage collector as it is
		meridian.Tune()
	}
	switch s.way {
	case Floor:
		return s.floor(tlsConfig), nil
	case Meridian:
		return s.meridian(tlsConfig)
	case Prepared:
		return s.prepared(tlsConfig), nil
	case SDK:
		return s.sdk(tlsConfig), nil
	}
	return nil, errors.New("no such way")
}

// request asks for the calls: one for each Region and target.
func (s settings) request() meridian.Request {
	regions := meridian.Regions(max(len(s.urls), 5))
	for s.calls%len(regions) != 0 {
		regions = regions[1:]
	}
	r := meridian.Sleep(0.1, regions, meridian.Targets(s.calls/len(regions)))
	if s.retry {
		r.Retry = meridian.RetryThrottled()
	}
	return r
}

// regional reports whether each Region has an endpoint of its own.
func (s settings) regional() bool { return len(s.urls) > 1 }

// trust returns a configuration that trusts the server's certificate.
func trust(file string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if file == "" {
		return cfg, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	cfg.RootCAs = x509.NewCertPool()
	if !cfg.RootCAs.AppendCertsFromPEM(text) {
		return nil, errors.New(file + " has no certificate")
	}
	return cfg, nil
}

// ask asks the server for one of its counts, over a connection of its own.
func (s settings) ask(ctx context.Context, tlsConfig *tls.Config, path string) (int, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: tlsConfig.Clone(), DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.urls[0]+path, nil)
	if err != nil {
		return 0, err
	}
	response, err := client.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(string(body))
}

// used returns the CPU time that the process has used.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for the own process
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

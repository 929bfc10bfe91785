package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"

	"meridian/bench/rig"
	"meridian/internal/function"
)

// The settings say what to measure.
type settings struct {
	way, url, certificate string
	calls, streams        int
	warm, retry           bool
	files                 uint64
}

// A measurement is what the calls took.
type measurement struct {
	WallMs      float64 `json:"wallMs"`
	CPUMs       float64 `json:"cpuMs"` // user and system
	PeakMiB     float64 `json:"peakMiB"`
	Connections int     `json:"connections"`
	Lost        int     `json:"lost"` // calls without an answer
	Sent        int     `json:"sent"` // requests, retries included
	Cause       string  `json:"cause,omitempty"`
}

// A way makes a number of calls at once, and says how many were lost and why the
// last of them was.
type way func(ctx context.Context, calls int) (lost int, cause error)

// measure makes the calls.
func measure(ctx context.Context, s settings) (m measurement, err error) {
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
	call, err := newWay(s, tlsConfig) //nolint:contextcheck // it makes no call yet
	if err != nil {
		return m, err
	}
	if s.warm {
		if lost, cause := call(ctx, s.calls); lost > 0 {
			return m, fmt.Errorf("%d calls lost while warming: %w", lost, cause)
		}
	}
	if _, err = s.ask(ctx, tlsConfig, "/connections"); err != nil {
		return m, err
	}
	if _, err = s.ask(ctx, tlsConfig, "/calls"); err != nil {
		return m, err
	}
	begin, cpu := time.Now(), used()
	lost, cause := call(ctx, s.calls)
	m.WallMs, m.CPUMs = milliseconds(time.Since(begin)), milliseconds(used()-cpu)
	m.PeakMiB, m.Lost = peak(), lost
	if cause != nil {
		m.Cause = cause.Error()
	}
	if m.Sent, err = s.ask(ctx, tlsConfig, "/calls"); err != nil {
		return m, err
	}
	m.Connections, err = s.ask(ctx, tlsConfig, "/connections")
	m.Connections -= 3 // that asked
	return m, err
}

// newWay returns the way that s names.
func newWay(s settings, tlsConfig *tls.Config) (way, error) {
	if s.way != "sdk" { // as people write it, who leave the garbage to Go
		function.Tune(func(string) string { return "" }) // what is compared has what the coordinator has
	}
	switch s.way {
	case "coordinator":
		return coordinate(s, tlsConfig)
	case "path":
		return path(s, tlsConfig)
	case "sdk":
		return sdk(s, tlsConfig)
	case "floor":
		return floor(s, tlsConfig)
	}
	return nil, fmt.Errorf("no such way: %q", s.way)
}

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

// ask asks the server for one of its counts.
func (s settings) ask(ctx context.Context, tlsConfig *tls.Config, path string) (int, error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: tlsConfig.Clone(), DisableKeepAlives: true}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+path, nil)
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

// used is the CPU time that the process has used.
func used() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // never fails for oneself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// peak is the most memory that the process has had resident, in MiB. Where rig.Peak
// does not know, the kernel's answer may be what its parent had when it started this.
func peak() float64 {
	if known := rig.Peak(os.Getpid()); known >= 0 {
		return known
	}
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return float64(u.Maxrss) / 1024
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

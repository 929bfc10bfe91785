package task

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"meridian/internal/endpoints"
	"meridian/internal/probe"
)

var _ = registerConfigured("probe", "connect to a service's endpoint, and time each phase", newProbe, Idempotent)

// The settings of the task "probe", in the environment of the worker.
const (
	// settingAllow lists networks in CIDR notation, separated by commas, that can be
	// probed although they are not on the public Internet.
	settingAllow = "MERIDIAN_PROBE_ALLOW_CIDRS"

	// settingDeny lists networks that cannot be probed, even if they are public or
	// allowed.
	settingDeny = "MERIDIAN_PROBE_DENY_CIDRS"

	// settingPorts lists ports and ranges of ports that can be probed besides 80 and
	// 443.
	settingPorts = "MERIDIAN_PROBE_ALLOW_PORTS"

	// settingMethods lists methods that can be used besides GET, HEAD and OPTIONS.
	settingMethods = "MERIDIAN_PROBE_ALLOW_METHODS"

	// settingAuthorities is a PEM file of certificates that are trusted in addition to
	// the system's.
	settingAuthorities = "MERIDIAN_PROBE_CA_FILE"
)

// newProbe returns the task's function.
func newProbe(s Settings) (Func[ProbeParameters, ProbeOutput], error) {
	var p probe.Settings
	err := errors.Join(
		read(s, settingAllow, &p.Allow, probe.ParseNetworks),
		read(s, settingDeny, &p.Deny, probe.ParseNetworks),
		read(s, settingPorts, &p.Ports, probe.ParsePorts),
		read(s, settingMethods, &p.Methods, probe.ParseMethods),
		read(s, settingAuthorities, &p.Roots, authorities),
	)
	if err != nil {
		return nil, err
	}
	return prober{probe.New(p)}.probe, nil
}

// read parses a setting into v.
func read[T any](s Settings, name string, v *T, parse func(string) (T, error)) (err error) {
	if *v, err = parse(s.Lookup(name)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// authorities returns the system's certificate authorities and those of a file, or nil
// when there is no file.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil //nolint:nilnil // no pool means the system's
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("system certificates: %w", err)
	}
	if !roots.AppendCertsFromPEM(data) {
		return nil, errors.New("the file has no certificate")
	}
	return roots, nil
}

// A prober takes the samples of the task "probe".
type prober struct{ *probe.Prober }

// probe takes the samples one after the other, each over a fresh connection to the
// target's endpoint. The first sample that fails fails the target; the thresholds are for
// all samples together. A service that is not listed in the Region is skipped.
func (p prober) probe(ctx context.Context, in Input[ProbeParameters]) (ProbeOutput, error) {
	request, err := in.Parameters.request(in.Region, in.Target.Name)
	if err != nil {
		return ProbeOutput{}, err
	}
	samples := make([]probe.Sample, max(1, in.Parameters.Samples))
	for i := range samples {
		samples[i], err = p.Probe(ctx, request)
		if err != nil && i > 0 {
			err = fmt.Errorf("sample %d of %d: %w", i+1, len(samples), err)
		}
		if err != nil {
			return ProbeOutput{}, err
		}
	}
	now := time.Now()
	o := outputOf(in.Parameters.place(in.Region, in.Target.Name, request), samples, now)
	return o, in.Parameters.thresholds(o, samples[len(samples)-1], now)
}

// thresholds returns an error if the samples exceed a threshold.
func (p *ProbeParameters) thresholds(o ProbeOutput, last probe.Sample, now time.Time) error {
	if p.MaxLatencyMs > 0 && o.TotalMs > p.MaxLatencyMs {
		return &probe.Error{Name: probe.ErrorLatency, Doing: o.Message, Err: fmt.Errorf("want at most %v ms", p.MaxLatencyMs)}
	}
	if p.MinCertificateDays == 0 {
		return nil
	}
	doing := "TLS handshake with " + last.Host
	if last.TLS == nil {
		return &probe.Error{Name: probe.ErrorCertificate, Doing: doing, Err: errors.New("there was none: the answer is plain HTTP")}
	}
	if left := last.TLS.Expires.Sub(now); left < time.Duration(p.MinCertificateDays)*24*time.Hour {
		return &probe.Error{Name: probe.ErrorCertificate, Doing: doing, Err: fmt.Errorf(
			"the first certificate of its chain to expire has %d days left, want %d", o.TLS.CertificateDaysLeft, p.MinCertificateDays)}
	}
	return nil
}

// place returns what was probed, for a person: a service in its Region, or a URL from
// the Region.
func (p *ProbeParameters) place(region, target string, r probe.Request) string {
	switch {
	case p.URL == "":
		return target + " in " + region
	case strings.Contains(p.URL, targetPlaceholder):
		return target + " for " + region
	}
	return r.URL.Hostname() + " for " + region
}

// request returns what to probe for a target.
func (p *ProbeParameters) request(region, target string) (probe.Request, error) {
	r := probe.Request{
		Method:          methodOf(p.Method),
		Header:          http.Header(p.Headers),
		Body:            p.Body,
		Family:          probe.Family(p.IPFamily),
		FollowRedirects: p.FollowRedirects,
		Expect:          probe.Expect{Status: p.ExpectStatus, Body: p.ExpectBody, NotBody: p.RefuseBody},
	}
	if p.URL != "" {
		at, problem := p.expand(region, target)
		if problem != "" {
			return r, errors.New(problem)
		}
		r.URL = at
		return r, nil
	}
	endpoint, err := lookUp(region, target, endpoints.Variant{FIPS: p.FIPS, DualStack: p.DualStack})
	if err != nil {
		return r, err
	}
	r.URL, err = url.Parse("https://" + endpoint.Host + p.Path)
	return r, err
}

package task

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
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

	// settingAuthorities is a PEM file of certificates that are trusted in addition to
	// the system's.
	settingAuthorities = "MERIDIAN_PROBE_CA_FILE"
)

// newProbe returns the task's function.
func newProbe(s Settings) (Func[ProbeParameters, ProbeOutput], error) {
	allow, err := probe.ParseNetworks(s.Lookup(settingAllow))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", settingAllow, err)
	}
	roots, err := authorities(s.Lookup(settingAuthorities))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", settingAuthorities, err)
	}
	return prober{probe.New(probe.Settings{Allow: allow, Roots: roots})}.probe, nil
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
// target's endpoint. The first sample that fails fails the target. A service that is
// not offered in the Region is skipped.
func (p prober) probe(ctx context.Context, in Input[ProbeParameters]) (ProbeOutput, error) {
	request, err := in.Parameters.request(in.Region, in.Target)
	if err != nil {
		return ProbeOutput{}, err
	}
	samples := make([]probe.Sample, max(1, in.Parameters.Samples))
	for i := range samples {
		samples[i], err = p.Probe(ctx, request)
		if want := in.Parameters.ExpectStatus; err == nil && want != 0 && samples[i].Status != want {
			err = &probe.Error{
				Name: probe.ErrorHTTP, Doing: request.Method + " to " + request.URL.Hostname(),
				Err: fmt.Errorf("status %d, want %d", samples[i].Status, want),
			}
		}
		if err != nil && i > 0 {
			err = fmt.Errorf("sample %d of %d: %w", i+1, len(samples), err)
		}
		if err != nil {
			return ProbeOutput{}, err
		}
	}
	return outputOf(in.Parameters.place(in.Region, in.Target, request), samples, time.Now()), nil
}

// place returns what was probed, for a person: a service in its Region, or a URL from
// the Region.
func (p *ProbeParameters) place(region, target string, r probe.Request) string {
	switch {
	case p.URL == "":
		return target + " in " + region
	case strings.Contains(p.URL, targetPlaceholder):
		return target + " from " + region
	}
	return r.URL.Hostname() + " from " + region
}

// request returns what to probe for a target.
func (p *ProbeParameters) request(region, target string) (probe.Request, error) {
	r := probe.Request{
		Method:          methodOf(p.Method),
		Family:          probe.Family(p.IPFamily),
		FollowRedirects: p.FollowRedirects,
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

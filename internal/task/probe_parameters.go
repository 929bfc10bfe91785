package task

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"meridian/internal/probe"
	"meridian/pkg/protocol"
)

// maxSamples limits ProbeParameters.Samples: enough for a median, too few to be a load.
const maxSamples = 20

// The largest thresholds: the longest time of a Lambda function, and more than the
// longest validity of a public certificate, 398 days.
const (
	maxLatencyMs       = 900_000
	maxCertificateDays = 1000
)

// noBody is why a body cannot be matched.
const noBody = "needs another method: an answer to HEAD has no body"

// ProbeParameters are the parameters of the task "probe".
type ProbeParameters struct {
	// Method is GET, HEAD or OPTIONS, or if the worker's operator allows it POST, PUT,
	// PATCH or DELETE. Empty means GET.
	Method string `json:"method,omitzero" help:"GET, HEAD or OPTIONS; POST, PUT, PATCH or DELETE if the worker allows it (default GET)"`

	// Headers are the headers to send, to the origin of the URL only. Nil means none
	// but the probe's own.
	Headers Headers `json:"headers,omitzero" help:"headers to send, as an object of strings (default the probe's own)"`

	// Body is what to send, at most 64 KiB. Empty means nothing.
	Body string `json:"body,omitzero" help:"what to send, at most 64 KiB (default nothing)"`

	// Path is the path to request from the service, with an optional query. Empty means
	// "/"; many services answer "/ping". It is not allowed with a URL.
	Path string `json:"path,omitzero" help:"the path to request from a service, with an optional query (default /)"`

	// Samples is how often to probe, each time over a fresh connection, 1 to 20.
	// Zero means 1.
	Samples int `json:"samples,omitzero" zero:"want 1 to 20" help:"how often to probe, 1 to 20 (default 1)"`

	// ExpectStatus are the HTTP statuses that the answer may have, 200 to 599; otherwise
	// the error is Probe.Status. Nil means any: an answer shows that the endpoint is
	// reachable.
	ExpectStatus Statuses `json:"expectStatus,omitzero" help:"the HTTP statuses that the answer may have: 200, \"2xx\", or a list (default any)"`

	// ExpectBody are regular expressions that must all match the first 64 KiB of the
	// body; otherwise the error is Probe.Body. Nil means that the body is not read.
	ExpectBody Patterns `json:"expectBody,omitzero" help:"a regular expression, or a list of them, that must match the body (default any)"`

	// RefuseBody are regular expressions that must not match the first 64 KiB of the body;
	// otherwise the error is Probe.Body. Nil means none.
	RefuseBody Patterns `json:"refuseBody,omitzero" help:"a regular expression, or a list of them, that must not match the body (default none)"`

	// MaxLatencyMs bounds the total time, with several samples their median; if it took
	// longer the error is Probe.Latency. Zero means no bound but those of the phases.
	MaxLatencyMs float64 `json:"maxLatencyMs,omitzero" zero:"leave it out for no bound" help:"the longest total time in milliseconds (default no limit)"`

	// MinCertificateDays is how many days the certificate chain must still be valid, 1
	// to 1000; otherwise the error is Probe.Certificate. Zero means that it must be
	// valid now.
	MinCertificateDays int `json:"minCertificateDays,omitzero" zero:"want 1 to 1000" help:"how many days the certificate chain must still be valid, 1 to 1000 (default valid now)"`

	// IPFamily is "ipv4" or "ipv6". Empty means both, in the resolver's order.
	IPFamily string `json:"ipFamily,omitzero" help:"ipv4 or ipv6 (default both)"`

	// FIPS selects the service's endpoint with FIPS 140 validated cryptography.
	FIPS bool `json:"fips,omitzero" help:"probe the endpoint with FIPS 140 validated cryptography"`

	// DualStack selects the service's endpoint with IPv4 and IPv6 addresses.
	DualStack bool `json:"dualStack,omitzero" help:"probe the endpoint with IPv4 and IPv6 addresses"`

	// URL is an endpoint to probe instead of a service's, https or http. "{region}" and
	// "{target}" in it are replaced by the Region and the target, which can be any
	// name. Without "{target}" the target is only a label.
	URL string `json:"url,omitzero" help:"the URL to probe instead of a service, with {region} and {target} replaced"`

	// FollowRedirects says whether to follow redirects, at most 5. False means that the
	// redirect is the answer.
	FollowRedirects bool `json:"followRedirects,omitzero" help:"follow up to 5 redirects"`
}

// The placeholders in a URL.
const (
	regionPlaceholder = "{region}"
	targetPlaceholder = "{target}"
)

// methodOf returns the method, or the default if it is empty.
func methodOf(method string) string { return cmp.Or(method, http.MethodGet) }

// Check implements [Checker].
func (p *ProbeParameters) Check() protocol.Faults {
	var faults protocol.Faults
	refuse := func(wrong bool, path string, value any, detail string) {
		if wrong {
			faults = append(faults, protocol.NewFault(path, value, detail))
		}
	}
	method := methodOf(p.Method)
	refuse(!slices.Contains(probe.Methods(), method), "method", p.Method, "want one of "+strings.Join(probe.Methods(), ", "))
	refuse(len(p.Body) > maxRequestBody, "body", nil, "is longer than 64 KiB")
	if method == http.MethodHead {
		refuse(p.Body != "", "body", nil, "is not sent with HEAD")
		refuse(p.ExpectBody != nil, "expectBody", nil, noBody)
		refuse(p.RefuseBody != nil, "refuseBody", nil, noBody)
	}
	problem := checkPath(p.Path)
	refuse(problem != "", "path", p.Path, problem)
	refuse(p.Samples < 0 || p.Samples > maxSamples, "samples", p.Samples, "out of range; want 1 to 20")
	refuse(p.MaxLatencyMs < 0 || p.MaxLatencyMs > maxLatencyMs, "maxLatencyMs", p.MaxLatencyMs, "out of range; want more than 0, to 900000")
	refuse(p.MinCertificateDays < 0 || p.MinCertificateDays > maxCertificateDays, "minCertificateDays", p.MinCertificateDays, "out of range; want 1 to 1000")
	switch probe.Family(p.IPFamily) {
	case "", probe.IPv4, probe.IPv6:
	default:
		refuse(true, "ipFamily", p.IPFamily, `want "ipv4" or "ipv6"`)
	}
	if p.URL == "" {
		return faults
	}
	const unused = "is for a service's endpoint; leave it out when there is a url"
	refuse(p.Path != "", "path", p.Path, unused)
	refuse(p.FIPS, "fips", p.FIPS, unused)
	refuse(p.DualStack, "dualStack", p.DualStack, unused)
	_, problem = p.expand("eu-west-1", "target")
	refuse(problem != "", "url", p.URL, problem)
	return faults
}

// checkPath returns what is wrong with a path, or "".
func checkPath(path string) (problem string) {
	if path == "" {
		return ""
	}
	at, err := url.Parse("https://host" + path)
	if err != nil || path[0] != '/' {
		return `want a path that begins with "/"`
	}
	return probe.CheckURL(at)
}

// DefaultTarget implements [Targeter]: without targets, a URL is probed under the name of
// its host.
func (p *ProbeParameters) DefaultTarget() string {
	if strings.Contains(p.URL, targetPlaceholder) {
		return ""
	}
	const standIn = "meridian-region" // a host has no braces
	at, err := url.Parse(strings.ReplaceAll(p.URL, regionPlaceholder, standIn))
	if err != nil {
		return ""
	}
	return strings.ReplaceAll(at.Hostname(), standIn, regionPlaceholder)
}

// CheckTarget implements [TargetChecker].
func (p *ProbeParameters) CheckTarget(target string) (problem string) {
	if p.URL == "" {
		return services{}.CheckTarget(target)
	}
	if _, problem = p.expand("eu-west-1", target); problem == "" {
		return ""
	}
	if _, ofURL := p.expand("eu-west-1", "target"); ofURL == problem {
		return "" // a problem of the URL, which Check has returned
	}
	return problem
}

// expand returns the URL for a target, or why there is none. The replacements cannot
// change the structure of the URL: a Region is a known name, and a target has no ":",
// "/", "@", "?", "#" or "%", and no dots that a path could use to go up.
func (p *ProbeParameters) expand(region, target string) (at *url.URL, problem string) {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	if strings.Contains(p.URL, targetPlaceholder) &&
		(strings.Trim(target, letters+".") != "" || strings.HasPrefix(target, ".") || strings.Contains(target, "..")) {
		return nil, "for {target} in a URL want letters, digits, dots, hyphens and underscores"
	}
	text := strings.NewReplacer(regionPlaceholder, region, targetPlaceholder, target).Replace(p.URL)
	if i := strings.IndexAny(text, "{}"); i >= 0 {
		return nil, "want no braces except in {region} and {target}"
	}
	at, err := url.Parse(text)
	if err != nil {
		return nil, "want a URL, such as https://{target}.{region}.example.com/health"
	}
	return at, probe.CheckURL(at)
}

package task

import (
	"cmp"
	"net/http"
	"net/url"
	"strings"

	"meridian/internal/probe"
	"meridian/pkg/protocol"
)

// maxSamples limits ProbeParameters.Samples: enough for a median, too few to be a load.
const maxSamples = 20

// ProbeParameters are the parameters of the task "probe".
type ProbeParameters struct {
	// Method is GET or HEAD. Empty means GET.
	Method string `json:"method,omitzero" help:"GET or HEAD (default GET)"`

	// Path is the path to request from the service, with an optional query. Empty means
	// "/"; many services answer "/ping". It is not allowed with a URL.
	Path string `json:"path,omitzero" help:"the path to request from a service, with an optional query (default /)"`

	// Samples is how often to probe, each time over a fresh connection, 1 to 20.
	// Zero means 1.
	Samples int `json:"samples,omitzero" zero:"want 1 to 20" help:"how often to probe, 1 to 20 (default 1)"`

	// ExpectStatus is the HTTP status that the answer must have, 200 to 599. Zero
	// means any: an answer shows that the endpoint is reachable.
	ExpectStatus int `json:"expectStatus,omitzero" zero:"want 200 to 599" help:"the HTTP status that the answer must have, 200 to 599 (default any)"`

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
	refuse(method != http.MethodGet && method != http.MethodHead, "method", p.Method, `want "GET" or "HEAD"`)
	problem := checkPath(p.Path)
	refuse(problem != "", "path", p.Path, problem)
	refuse(p.Samples < 0 || p.Samples > maxSamples, "samples", p.Samples, "out of range; want 1 to 20")
	refuse(p.ExpectStatus != 0 && (p.ExpectStatus < 200 || p.ExpectStatus > 599),
		"expectStatus", p.ExpectStatus, "out of range; want 200 to 599")
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

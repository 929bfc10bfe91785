package probe

import (
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
)

// Methods returns the methods that a Request can have, if the settings allow them.
func Methods() []string {
	return append(safeMethods(), http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete)
}

// safeMethods returns the methods that change nothing (RFC 9110, 9.2.1).
func safeMethods() []string { return []string{http.MethodGet, http.MethodHead, http.MethodOptions} }

// ParseMethods parses methods, separated by commas. Empty means none.
func ParseMethods(list string) ([]string, error) {
	methods := fields(list)
	for _, method := range methods {
		if !slices.Contains(Methods(), method) {
			return nil, fmt.Errorf("%q is not one of %s", method, strings.Join(Methods(), ", "))
		}
	}
	return methods, nil
}

// Ports are the ports from First to Last.
type Ports struct{ First, Last uint16 }

// ParsePorts parses ports and ranges of ports, separated by commas, as in
// "8443, 9000-9100". Empty means none.
func ParsePorts(list string) ([]Ports, error) {
	var ports []Ports
	for _, text := range fields(list) {
		low, high, isRange := strings.Cut(text, "-")
		if !isRange {
			high = low
		}
		first, err1 := strconv.ParseUint(low, 10, 16)
		last, err2 := strconv.ParseUint(high, 10, 16)
		if err1 != nil || err2 != nil || first == 0 || last < first {
			return nil, fmt.Errorf("%q is not a port or a range of ports; want one such as 8443 or 9000-9100", text)
		}
		ports = append(ports, Ports{uint16(first), uint16(last)})
	}
	return ports, nil
}

// allowsPort reports whether a port may be probed.
func allowsPort(ports []Ports, port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && (n == 80 || n == 443 || slices.ContainsFunc(ports, func(p Ports) bool {
		return uint64(p.First) <= n && n <= uint64(p.Last)
	}))
}

// fields returns the elements of a list with commas, without blanks around them.
func fields(list string) []string {
	var elements []string
	for text := range strings.SplitSeq(list, ",") {
		if text = strings.TrimSpace(text); text != "" {
			elements = append(elements, text)
		}
	}
	return elements
}

// IsHeaderName reports whether name can be the name of a header (RFC 9110, 5.6.2).
func IsHeaderName(name string) bool {
	const token = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+-.^_`|~"
	return name != "" && strings.Trim(name, token) == ""
}

// CheckHeader returns what is wrong with a header of a request, or "". It does not repeat
// the value, which may be a secret.
func CheckHeader(name, value string) (problem string) {
	switch {
	case !IsHeaderName(name):
		return "is not the name of a header"
	case slices.Contains(ownHeaders(), textproto.CanonicalMIMEHeaderKey(name)):
		return "is set by the probe itself; leave it out"
	case value != strings.TrimSpace(value):
		return "has blanks around its value"
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }):
		return "has control characters in its value"
	case textproto.CanonicalMIMEHeaderKey(name) == "Host" && !plainHost(value):
		return "is not a host"
	}
	return ""
}

// ownHeaders returns the headers that belong to the connection or follow from the body.
func ownHeaders() []string {
	return []string{
		"Connection", "Content-Length", "Expect", "Keep-Alive", "Proxy-Connection", "Te", "Trailer",
		"Transfer-Encoding", "Upgrade", "Http2-Settings",
	}
}

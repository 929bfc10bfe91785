package probe

import (
	"cmp"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// The maximum lengths of a URL and its host, in bytes: the common limit of servers, and
// that of DNS (RFC 1035, 2.3.4) with a dot at the end.
const (
	maxURL  = 2048
	maxHost = 254
)

// CheckURL returns why u cannot be probed, or "". A URL needs the scheme http or https
// and a host of ASCII letters, digits, dots, hyphens and underscores or an IP address
// without zone. It must not have a user or a fragment.
func CheckURL(u *url.URL) (problem string) {
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return "want a URL that begins with https:// or http://"
	case u.User != nil:
		return "a user or password in a URL is refused"
	case u.Hostname() == "" || u.Opaque != "":
		return "the URL has no host"
	case !plainHost(u.Hostname()):
		return "the URL's host is neither a name nor an address; write a name with other letters in punycode"
	case u.Fragment != "":
		return "a fragment is not sent; leave it out"
	case len(u.String()) > maxURL:
		return "the URL is longer than " + strconv.Itoa(maxURL) + " bytes"
	}
	if text := u.Port(); text != "" || strings.HasSuffix(u.Host, ":") {
		if port, err := strconv.ParseUint(text, 10, 16); err != nil || port == 0 {
			return "the URL's port is not 1 to 65535"
		}
	}
	return ""
}

// plainHost reports whether host is a name or an address that every parser reads the
// same way: some parsers fold other letters into dots and digits.
func plainHost(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Zone() == ""
	}
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	return len(host) <= maxHost && strings.Trim(host, letters) == ""
}

// portOf returns the port of u.
func portOf(u *url.URL) string {
	if u.Scheme == "http" {
		return cmp.Or(u.Port(), "80")
	}
	return cmp.Or(u.Port(), "443")
}

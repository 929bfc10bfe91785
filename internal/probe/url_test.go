package probe_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"meridian/internal/probe"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	const (
		scheme   = "want a URL that begins with https:// or http://"
		host     = "the URL has no host"
		letters  = "the URL's host is neither a name nor an address; write a name with other letters in punycode"
		port     = "the URL's port is not 1 to 65535"
		user     = "a user or password in a URL is refused"
		fragment = "a fragment is not sent; leave it out"
	)
	tests := []struct{ name, url, want string }{
		{"https", "https://example.com/", ""},
		{"http, port, query", "http://a_b-c.example.com.:8080/x/y?z=1", ""},
		{"no path", "https://example.com", ""},
		{"addresses", "https://192.0.2.1/", ""},
		{"of IPv6", "https://[2001:db8::1]:8443/", ""},
		{"nothing", "", scheme},
		{"no scheme", "//example.com/", scheme},
		{"file", "file:///etc/passwd", scheme},
		{"gopher", "gopher://example.com/", scheme},
		{"opaque", "https:example.com", host},
		{"no host", "https:///x", host},
		{"only a port", "https://:443/", host},
		{"user", "https://me@example.com/", user},
		{"password", "https://me:secret@example.com/", user},
		{"no user", "https://@example.com/", user},
		{"zone", "https://[fe80::1%25eth0]/", letters},
		{"digits that are folded", "http://①②⑦.⓪.⓪.①/", letters},
		{"a dot that is folded", "http://127。0.0.1/", letters},
		{"port 0", "https://example.com:0/", port},
		{"port 65536", "https://example.com:65536/", port},
		{"no digits", "https://example.com:/", port},
		{"fragment", "https://example.com/#here", fragment},
		{"long", "https://example.com/" + strings.Repeat("x", 2048), "the URL is longer than 2048 bytes"},
		{"long host", "https://" + strings.Repeat("x.", 128) + "/", letters},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at, err := url.Parse(tt.url)
			if err != nil {
				t.Skipf("Parse(%s) = %v: nothing can request it", tt.url, err)
			}
			if got := probe.CheckURL(at); got != tt.want {
				t.Errorf("CheckURL(%s) = %q, want %q", tt.url, got, tt.want)
			}
		})
	}
}

// net/http reads an accepted URL the same way: the checked URL is the one that is
// requested.
func FuzzCheckURL(f *testing.F) {
	for _, seed := range []string{"https://example.com/", "http://[::1]:80/x?y", "https://u@h/", "http://a%2eb/#f", "https://h:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		at, err := url.Parse(text)
		if err != nil || probe.CheckURL(at) != "" {
			return
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at.String(), http.NoBody)
		if err != nil || r.URL.Host != at.Host || r.Host != strings.TrimSuffix(at.Host, ":") || r.URL.User != nil {
			t.Errorf("request for %q is for %v, %v", text, r, err)
		}
	})
}

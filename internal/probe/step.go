package probe

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// A step is one request of a sample: the first one, or one that a redirect leads to.
type step struct {
	url    *url.URL
	method string
	header http.Header
	body   string
}

// doing returns what the exchange does.
func (s *step) doing() string { return s.method + " to " + s.url.Hostname() }

// follows reports whether the answer is a redirect to follow.
func (h *hop) follows() bool {
	return h.request.FollowRedirects && h.location != "" && redirects(h.sample.Status)
}

// next returns the step that a redirect leads to, or nil.
func (h *hop) next() (*step, error) {
	if !h.follows() {
		return nil, nil //nolint:nilnil // no step and no error: this was the last one
	}
	to, err := h.url.Parse(h.location)
	problem := "the URL cannot be read"
	if err == nil {
		to.Fragment = ""
		problem = CheckURL(to)
	}
	if h.sample.Redirects == MaxRedirects {
		problem = fmt.Sprintf("more than %d redirects", MaxRedirects)
	}
	next := &step{to, h.method, h.header, h.body}
	if turnsIntoGet(h.sample.Status, h.method) {
		next.method, next.body = http.MethodGet, ""
	}
	if problem == "" && !sameOrigin(h.url, to) {
		next.header = nil
		if next.body != "" {
			problem = "it would send the body to another server"
		}
	}
	if problem != "" {
		return nil, &Error{ErrorHTTP, "follow redirect from " + h.url.Hostname(), errors.New(problem)}
	}
	h.sample.Redirects++
	return next, nil
}

func redirects(status int) bool {
	switch status {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther,
		http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return true
	}
	return false
}

// turnsIntoGet reports whether a redirect is followed with GET (RFC 9110, 15.4).
func turnsIntoGet(status int, method string) bool {
	switch status {
	case http.StatusSeeOther:
		return method != http.MethodHead
	case http.StatusMovedPermanently, http.StatusFound:
		return method == http.MethodPost
	}
	return false
}

// sameOrigin reports whether two URLs lead to the same scheme, host and port.
func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && a.Hostname() == b.Hostname() && portOf(a) == portOf(b)
}

//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A counter is told by functions of each attempt at a target. It also stands before the Lambda
// of an emulator, which makes a JSON string of an answer that is no JSON: the counter hands
// out what the function wrote.
type counter struct {
	url string // of the Lambda

	mu       sync.Mutex // guards the rest
	emulator *httputil.ReverseProxy
	counts   map[attempted]int
}

// attempted is a target, and the function that worked on it.
type attempted struct{ account, region, function, target string }

// startCounter starts a counter. It is stopped when t ends.
func startCounter(t *testing.T) *counter {
	t.Helper()
	c := &counter{counts: map[attempted]int{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/count", c.count)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		proxy := c.emulator
		c.mu.Unlock()
		proxy.ServeHTTP(w, r)
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

// standBefore sends the calls of Lambda to an emulator.
func (c *counter) standBefore(e *emulator) {
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: e.host})
	proxy.ModifyResponse = func(r *http.Response) error {
		answer, err := io.ReadAll(r.Body)
		if err != nil {
			return err
		}
		var written string
		if json.Unmarshal(answer, &written) == nil && strings.HasPrefix(written, "<") {
			answer = []byte(written)
		}
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(answer)), int64(len(answer))
		r.Header.Set("Content-Length", strconv.Itoa(len(answer)))
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.emulator = proxy
}

// count counts an attempt, and answers how many there were at the target.
func (c *counter) count(w http.ResponseWriter, r *http.Request) {
	arn := strings.Split(r.FormValue("function"), ":") // arn:aws:lambda:region:account:function:name
	if len(arn) < 7 {
		http.Error(w, "not the ARN of a function", http.StatusBadRequest)
		return
	}
	at := attempted{arn[4], arn[3], arn[6], r.FormValue("target")}
	c.mu.Lock()
	c.counts[at]++
	n := c.counts[at]
	c.mu.Unlock()
	_, _ = fmt.Fprint(w, n)
}

// take returns the attempts since the last take.
func (c *counter) take() map[attempted]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.counts
	c.counts = map[attempted]int{}
	return taken
}

// under returns the attempts at the targets whose names begin with a prefix, by target.
func (c *counter) under(prefix string) map[string]int {
	c.mu.Lock()
	defer c.mu.Unlock()
	counts := map[string]int{}
	for at, n := range c.counts {
		if strings.HasPrefix(at.target, prefix) {
			counts[at.target] += n
		}
	}
	return counts
}

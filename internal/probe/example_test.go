package probe_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"

	"meridian/internal/probe"
)

// A server on the loopback, and a port other than 80 and 443, need the permission of the
// worker's operator.
func ExampleProber_Probe() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	at, err := url.Parse(server.URL + "/ping")
	if err != nil {
		panic(err)
	}
	request := probe.Request{Method: http.MethodGet, URL: at}

	ports := []probe.Ports{{First: 1024, Last: 65535}}
	_, err = probe.New(probe.Settings{Ports: ports}).Probe(context.Background(), request)
	fmt.Println(err)

	allow := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	sample, err := probe.New(probe.Settings{Allow: allow, Ports: ports}).Probe(context.Background(), request)
	fmt.Println(sample.Status, sample.Protocol, sample.Address, sample.Phases.Total > 0, err)
	// Output:
	// connect to 127.0.0.1: its address is refused: loopback; the worker's operator can allow it
	// 204 HTTP/1.1 127.0.0.1 true <nil>
}

// A sample fails under the name of what was expected of its answer.
func ExampleExpect() {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = fmt.Fprint(w, `{"status":"degraded"}`)
	}))
	defer server.Close()
	at, err := url.Parse(server.URL)
	if err != nil {
		panic(err)
	}
	prober := probe.New(probe.Settings{
		Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")},
		Ports: []probe.Ports{{First: 1024, Last: 65535}},
	})
	for _, expect := range []probe.Expect{
		{Status: []string{"2xx", "301"}},
		{Status: []string{"3xx"}},
		{Body: []*regexp.Regexp{regexp.MustCompile(`"status":"(ok|healthy)"`)}},
	} {
		_, err := prober.Probe(context.Background(), probe.Request{Method: http.MethodGet, URL: at, Expect: expect})
		failure, _ := errors.AsType[*probe.Error](err)
		if failure != nil {
			fmt.Println(failure.Name+":", failure)
		}
	}
	// Output:
	// Probe.Status: GET to 127.0.0.1: status 200, want 3xx
	// Probe.Body: GET to 127.0.0.1: the body does not match "\"status\":\"(ok|healthy)\""
}

func ExampleParsePorts() {
	fmt.Println(probe.ParsePorts("8443, 9000-9100"))
	fmt.Println(probe.ParsePorts("9100-9000"))
	// Output:
	// [{8443 8443} {9000 9100}] <nil>
	// [] "9100-9000" is not a port or a range of ports; want one such as 8443 or 9000-9100
}

func ExampleParseMethods() {
	fmt.Println(probe.ParseMethods("POST, PUT"))
	// Output: [POST PUT] <nil>
}

func ExampleCheckHeader() {
	fmt.Printf("%q\n", probe.CheckHeader("Authorization", "Bearer secret"))
	fmt.Printf("%q\n", probe.CheckHeader("Authorization", "Bearer secret\n"))
	fmt.Printf("%q\n", probe.CheckHeader("Content-Length", "1"))
	// Output:
	// ""
	// "has blanks around its value"
	// "is set by the probe itself; leave it out"
}

func ExampleParseNetworks() {
	fmt.Println(probe.ParseNetworks("10.1.0.0/16, fd00:1::/64"))
	fmt.Println(probe.ParseNetworks("10.1.2.3/16"))
	// Output:
	// [10.1.0.0/16 fd00:1::/64] <nil>
	// [] "10.1.2.3/16" is not a network; want one such as 10.1.0.0/16
}

func ExampleCheckURL() {
	for _, text := range []string{"https://example.com/ping", "ftp://example.com", "https://me@example.com"} {
		at, err := url.Parse(text)
		if err != nil {
			panic(err)
		}
		fmt.Printf("%q\n", probe.CheckURL(at))
	}
	// Output:
	// ""
	// "want a URL that begins with https:// or http://"
	// "a user or password in a URL is refused"
}

package probe_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"

	"meridian/internal/probe"
)

// A server on the loopback needs the permission of the worker's operator.
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

	_, err = probe.New(probe.Settings{}).Probe(context.Background(), request)
	fmt.Println(err)

	allow := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	sample, err := probe.New(probe.Settings{Allow: allow}).Probe(context.Background(), request)
	fmt.Println(sample.Status, sample.Protocol, sample.Address, sample.Phases.Total > 0, err)
	// Output:
	// connect to 127.0.0.1: its address is refused: loopback; the worker's operator can allow it
	// 204 HTTP/1.1 127.0.0.1 true <nil>
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

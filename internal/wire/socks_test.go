package wire_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
)

// A socks is a SOCKS5 proxy that connects everything to one address, and notes what it
// was asked for. With a password it wants that one of the user "user".
type socks struct {
	password string
	to       string

	mu    sync.Mutex
	asked []string
}

// newSOCKS starts the proxy on a network and returns its address.
func (n *network) newSOCKS(t *testing.T, s *socks) string {
	t.Helper()
	l := n.listen(t)
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			here, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = here.Close() }()
				if s.greet(here) {
					s.connect(t.Context(), n, here)
				}
			}()
		}
	}()
	return l.Addr().String()
}

// greet reads the client's greeting and request, and notes the address asked for.
//
// Source: https://www.rfc-editor.org/rfc/rfc1928, https://www.rfc-editor.org/rfc/rfc1929
func (s *socks) greet(c net.Conn) bool {
	read := func(n int) []byte {
		b := make([]byte, n)
		_, _ = io.ReadFull(c, b)
		return b
	}
	methods := string(read(int(read(2)[1])))
	const none, password = "\x00", "\x02"
	wanted := none
	if s.password != "" {
		wanted = password
	}
	if !strings.Contains(methods, wanted) {
		_, _ = c.Write([]byte{5, 0xff})
		return false
	}
	_, _ = c.Write([]byte{5, wanted[0]})
	if wanted == password {
		user := string(read(int(read(2)[1])))
		given := string(read(int(read(1)[0])))
		if user != "user" || given != s.password {
			_, _ = c.Write([]byte{1, 1})
			return false
		}
		_, _ = c.Write([]byte{1, 0})
	}
	var address string
	switch read(4)[3] {
	case 1:
		address = net.IP(read(net.IPv4len)).String()
	case 3:
		address = string(read(int(read(1)[0])))
	case 4:
		address = net.IP(read(net.IPv6len)).String()
	}
	address = net.JoinHostPort(address, strconv.Itoa(int(binary.BigEndian.Uint16(read(2)))))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, address)
	return true
}

// connect relays to the one address, or says that there is no route.
func (s *socks) connect(ctx context.Context, n *network, here net.Conn) {
	there, err := n.dial(ctx, "tcp", s.to)
	reply := []byte{5, 0, 0, 1, 0, 0, 0, 0, 0, 0}
	if err != nil {
		reply[1] = 3
	}
	_, _ = here.Write(reply)
	if err != nil {
		return
	}
	go relay(there, bufio.NewReader(here))
	relay(here, bufio.NewReader(there))
}

// As with net/http, HTTP/2 is spoken through a SOCKS5 proxy, which looks up the name.
func TestSOCKSProxy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, scheme, password string }{
		{"socks5", "socks5", ""}, {"socks5h", "socks5h", ""}, {"with a password", "socks5", "secret"},
	} {
		for _, secure := range []bool{true, false} {
			t.Run(test.name+" over TLS "+strconv.FormatBool(secure), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					n := new(network)
					s := n.newServer(t, secure, true, func(http.ResponseWriter, *http.Request) {})
					proxy := &socks{password: test.password, to: s.Listener.Addr().String()}
					u := &url.URL{Scheme: test.scheme, Host: n.newSOCKS(t, proxy)}
					if test.password != "" {
						u.User = url.UserPassword("user", test.password)
					}
					p := s.pool(t, func(cfg *wire.Config) { cfg.Proxy = http.ProxyURL(u) })
					scheme, want, calls := "http", "example.com:80", 1 // over HTTP/1.1, a connection takes one
					if secure {
						scheme, want, calls = "https", "example.com:443", 50
					}
					callsAt(t, p, scheme+"://example.com/", calls)
					if len(proxy.asked) != 1 || proxy.asked[0] != want || s.requests.Load() != int64(calls) {
						t.Errorf("the proxy was asked for %q, the server answered %d calls; want one connection to %s, %d",
							proxy.asked, s.requests.Load(), want, calls)
					}
				})
			})
		}
	}
}

// What a SOCKS5 proxy refuses has not been sent, and no password is told.
func TestSOCKSProxyRefuses(t *testing.T) {
	t.Parallel()
	nowhere := (*network)(nil).newSOCKS(t, &socks{to: "127.0.0.1:1"})
	closed := (*network)(nil).newSOCKS(t, &socks{password: "other"})
	for _, test := range []struct{ name, proxy, want string }{
		{"no route", "socks5://" + nowhere, "network unreachable"},
		{"no password", "socks5://" + closed, "no acceptable authentication methods"},
		{"the wrong password", "socks5://user:secret@" + closed, "authentication failed"},
		{"nobody listens", "socks5://user:secret@127.0.0.1:1", "refused"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			u, err := url.Parse(test.proxy)
			if err != nil {
				t.Fatal(err)
			}
			p := wire.New(wire.Config{Proxy: http.ProxyURL(u)})
			t.Cleanup(p.Close)
			err = callAt(t.Context(), t, p, "https://127.0.0.1:2")
			if _, unconnected := errors.AsType[*wire.ConnectError](err); !unconnected ||
				!strings.Contains(err.Error(), "proxy "+u.Host+": ") || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
				t.Errorf("RoundTrip = %v, want a ConnectError of proxy %s: %s", err, u.Host, test.want)
			}
		})
	}
}

// A proxy that does not answer takes no more than ConnectTimeout.
func TestASOCKSProxyThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := wire.New(wire.Config{
			Proxy: http.ProxyURL(&url.URL{Scheme: "socks5", Host: "proxy.test"}),
			Dial: func(_ context.Context, _, address string) (net.Conn, error) {
				if address != "proxy.test:1080" {
					t.Errorf("dialled %s, want proxy.test:1080", address)
				}
				here, there := net.Pipe()
				go func() { _, _ = io.Copy(io.Discard, there) }()
				return here, nil
			},
		})
		defer p.Close()
		begin := time.Now()
		err := callAt(t.Context(), t, p, "https://lambda.test")
		if _, unconnected := errors.AsType[*wire.ConnectError](err); !unconnected || time.Since(begin) != wire.ConnectTimeout {
			t.Errorf("RoundTrip = %v after %v, want a ConnectError after %v", err, time.Since(begin), wire.ConnectTimeout)
		}
	})
}

//go:build unix

package probe_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"syscall"
	"testing"
	"time"

	"meridian/internal/probe"
)

// BenchmarkExactness injects a delay into each phase of a probe of a server on the
// loopback, and compares the times of the sample with the delays measured where they
// were injected. It reports the differences in ms: the median of each phase, and the
// largest of all. The handshake's difference is the time of the handshake itself.
//
//	go test -run '^$' -bench Exactness -benchtime 50x ./internal/probe
func BenchmarkExactness(b *testing.B) {
	for _, delays := range [][4]int{{5, 20, 80, 5}, {20, 80, 5, 20}, {80, 5, 20, 80}} {
		b.Run(fmt.Sprintf("resolve=%d,accept=%d,handshake=%d,answer=%d", delays[0], delays[1], delays[2], delays[3]), func(b *testing.B) {
			var injected probe.Phases
			delay := func(ms int, spent *time.Duration) {
				begin := time.Now()
				<-time.After(time.Duration(ms) * time.Millisecond)
				*spent = time.Since(begin)
			}
			p, request := injecting(b, func(phase string) {
				switch phase {
				case "resolve":
					delay(delays[0], &injected.Resolve)
				case "accept":
					delay(delays[1], &injected.Connect)
				case "handshake":
					delay(delays[2], &injected.TLS)
				case "answer":
					delay(delays[3], &injected.FirstByte)
				}
			})
			off := map[string][]time.Duration{}
			for b.Loop() {
				s, err := p.Probe(b.Context(), request)
				if err != nil {
					b.Fatal(err)
				}
				off["resolve"] = append(off["resolve"], (s.Phases.Resolve - injected.Resolve).Abs())
				off["accept"] = append(off["accept"], (s.Phases.Connect - injected.Connect).Abs())
				off["handshake"] = append(off["handshake"], (s.Phases.TLS - injected.TLS).Abs())
				off["answer"] = append(off["answer"], (s.Phases.FirstByte - injected.FirstByte).Abs())
			}
			b.ReportMetric(0, "ns/op")
			for phase, all := range off {
				slices.Sort(all)
				b.ReportMetric(all[len(all)/2].Seconds()*1000, phase+"-off-ms")
				b.ReportMetric(all[len(all)-1].Seconds()*1000, phase+"-worst-ms")
			}
		})
	}
}

// injecting returns a probe of a server that calls at in each phase. The resolver calls
// it in "resolve", the server in the others.
func injecting(b *testing.B, at func(phase string)) (*probe.Prober, probe.Request) {
	b.Helper()
	ca := newAuthority(b)
	config := ca.issue(b, time.Hour, name)
	config.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		at("handshake")
		return nil, nil //nolint:nilnil // as it is
	}
	port := serve(b, "127.0.0.1", config, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		at("answer")
		_, _ = io.WriteString(w, "healthy")
	}))
	return probe.New(probe.Settings{
		Roots: ca.roots,
		Ports: highPorts(),
		Resolver: resolver(func(context.Context) ([]netip.Addr, error) {
			at("resolve")
			return addresses("127.0.0.1"), nil
		}),
		// On the loopback the kernel accepts at once, so the delay cannot be in the server.
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			at("accept")
			return new(net.Dialer).DialContext(ctx, network, address)
		},
	}), get(b, "https://"+name+":"+port)
}

// BenchmarkProbe measures the CPU time of this process, for both sides, of whole samples
// and of connections with only a TLS handshake. The difference is the probe's own work.
//
//	go test -run '^$' -bench Probe -benchtime 3000x -count 3 ./internal/probe
func BenchmarkProbe(b *testing.B) {
	ca := newAuthority(b)
	port := answerer(b, ca)
	p := prober(ca, names{name: addresses("127.0.0.1")})
	request := get(b, "https://"+name+":"+port)
	b.Run("Handshake", func(b *testing.B) {
		cpu(b, func() error {
			conn, err := tls.Dial("tcp", "127.0.0.1:"+port, &tls.Config{RootCAs: ca.roots, ServerName: name, MinVersion: tls.VersionTLS12}) //nolint:noctx // nothing ends it
			if err != nil {
				return err
			}
			return conn.Close()
		})
	})
	sample := func(request probe.Request) func(*testing.B) {
		return func(b *testing.B) {
			b.Helper()
			cpu(b, func() error {
				_, err := p.Probe(b.Context(), request)
				return err
			})
		}
	}
	b.Run("Sample", sample(request))
	port = serve(b, "127.0.0.1", ca.issue(b, time.Hour, name), http.HandlerFunc(healthy))
	b.Run("SampleByHTTP2", sample(get(b, "https://"+name+":"+port)))
}

// answerer is a minimal HTTP/1.1 server.
func answerer(b *testing.B, ca *authority) (port string) {
	b.Helper()
	config := ca.issue(b, time.Hour, name)
	return accept(b, func(conn net.Conn) bool {
		secured := tls.Server(conn, config)
		if _, err := bufio.NewReader(secured).ReadString('\n'); err == nil {
			_, _ = io.WriteString(secured, "HTTP/1.1 204 No Content\r\n\r\n")
		}
		return true
	})
}

// cpu reports the CPU time per call of f.
func cpu(b *testing.B, f func() error) {
	b.Helper()
	begin := spent(b)
	for b.Loop() {
		if err := f(); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(spent(b)-begin)/float64(b.N)/float64(time.Millisecond), "cpu-ms/op")
}

// spent returns the CPU time that the process has used.
func spent(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

package invoke_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/race"
	"meridian/internal/wire/wiretest"
	"meridian/pkg/protocol"
)

// answering returns a worker that answers with as many bytes as its payload says.
func answering(_ context.Context, payload []byte) ([]byte, error) {
	n, err := strconv.Atoi(string(payload))
	return bytes.Repeat([]byte("x"), n), err
}

// A reader holds answers, each for a second, and counts what it has at once.
type reader struct {
	mu        sync.Mutex
	now, peak int
	waits     []time.Duration
	ends      []time.Duration
	errs      []error
	billedMs  float64
}

// call makes calls at once, for answers of these lengths.
func (r *reader) call(ctx context.Context, l *invoke.Lambda, lengths ...int) {
	var done sync.WaitGroup
	begin := time.Now()
	for _, n := range lengths {
		done.Go(func() {
			answer, release, report, err := l.InvokeHeld(ctx, "eu-west-1", func(time.Duration) []byte { return []byte(strconv.Itoa(n)) })
			r.mu.Lock()
			defer r.mu.Unlock()
			if err == nil {
				r.billedMs += report.Metrics.BilledDurationMs
				r.now += len(answer)
				r.peak = max(r.peak, r.now)
				r.mu.Unlock()
				time.Sleep(time.Second)
				r.mu.Lock()
				r.now -= len(answer)
				r.waits = append(r.waits, release())
			} else {
				r.errs = append(r.errs, err)
			}
			r.ends = append(r.ends, time.Since(begin))
		})
	}
	done.Wait()
	slices.Sort(r.waits)
	slices.Sort(r.ends)
}

// Answers are read and held at once as far as an eighth of the memory holds them, the
// others wait for their turn. One alone is always read, and small ones do not wait.
func TestAnswersThatAreHeldAtOnceTakeAnEighthOfTheMemory(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for _, test := range []struct {
		name     string
		memoryMB int
		fault    invoketest.Fault
		lengths  []int
		peak     int
		waits    []time.Duration
	}{
		{"all fit", 80, nil, []int{5 << 20, 5 << 20}, 10 << 20, []time.Duration{0, 0}},
		{"one after the other", 79, nil, []int{5 << 20, 5 << 20, 5 << 20}, 5 << 20, []time.Duration{0, s, 2 * s}},
		{"two at a time", 16, nil, []int{1 << 20, 1 << 20, 1 << 20, 1 << 20, 1 << 20}, 2 << 20, []time.Duration{0, 0, s, s, 2 * s}},
		{"longer than all that there is", 8, nil, []int{5 << 20, 5 << 20}, 5 << 20, []time.Duration{0, s}},
		{"small ones", 1, nil, slices.Repeat([]int{4095}, 60), 60 * 4095, make([]time.Duration, 60)},
		{"as many as an unknown memory holds", 0, nil, slices.Repeat([]int{6 << 20}, 6), 30 << 20, []time.Duration{0, 0, 0, 0, 0, s}},
		{"of a length that is not announced", 128, unannounced, slices.Repeat([]int{4 << 20}, 5), 12 << 20, []time.Duration{0, 0, 0, s, s}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				server := invoketest.NewMemoryServer(t, answering)
				if test.fault != nil {
					server.Decide(func(invoketest.Call) invoketest.Fault { return test.fault })
				}
				l := newLambda(t, server.Config(), invoke.Settings{Dial: server.Dial, MemoryMB: test.memoryMB})
				var got reader
				got.call(t.Context(), l, test.lengths...)
				if got.billedMs > float64(len(test.lengths)) { // a millisecond each
					t.Errorf("%v ms were billed, want nothing for the waits", got.billedMs)
				}
				if got.errs != nil || got.peak != test.peak || !slices.Equal(got.waits, test.waits) {
					t.Errorf("at most %d bytes were held at once, waits %v, errors %v; want %d, %v", got.peak, got.waits, got.errs, test.peak, test.waits)
				}
			})
		})
	}
}

// unannounced answers without a length.
func unannounced(w http.ResponseWriter, r *http.Request, work http.Handler) {
	answer := httptest.NewRecorder()
	work.ServeHTTP(answer, r)
	_ = http.NewResponseController(w).Flush()
	_, _ = w.Write(answer.Body.Bytes())
}

// The end of the context ends the wait; what it held goes to the next.
func TestTheWaitForOtherAnswersEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := invoketest.NewMemoryServer(t, answering)
		l := newLambda(t, server.Config(), invoke.Settings{Dial: server.Dial, MemoryMB: 8})
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		var got reader
		got.call(ctx, l, 1<<20, 1<<20, 1<<20, 1<<20)
		want := []time.Duration{time.Second, 2 * time.Second, 2500 * time.Millisecond, 3 * time.Second}
		if !slices.Equal(got.ends, want) || len(got.errs) != 1 || !errors.Is(got.errs[0], context.DeadlineExceeded) {
			t.Errorf("calls ended after %v with errors %v; want %v and one that the time is over", got.ends, got.errs, want)
		}
		got = reader{}
		if got.call(t.Context(), l, 1<<20); got.errs != nil || got.waits[0] != 0 {
			t.Errorf("a later call waited %v, %v; want no wait", got.waits, got.errs)
		}
	})
}

// A server that stops in the middle of its answers keeps others waiting only as long as
// its calls last, and one that stops before them keeps nobody waiting.
func TestAnAnswerThatDoesNotComeKeepsNoOthersWaiting(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := invoketest.NewMemoryServer(t, answering)
		l := newLambda(t, server.Config(), invoke.Settings{Dial: server.Dial, MemoryMB: 8})
		server.Script(func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Length", strconv.Itoa(1<<20))
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		})
		ctx, cancel := context.WithCancel(t.Context())
		var stopped sync.WaitGroup
		stopped.Go(func() { _, _, _ = l.Invoke(ctx, "eu-west-1", []byte("1")) })
		synctest.Wait()
		var got reader
		if got.call(t.Context(), l, 1<<20); got.errs != nil || got.waits[0] != 0 {
			t.Errorf("a call beside it waited %v, %v; want no wait", got.waits, got.errs)
		}
		cancel()
		stopped.Wait()
	})
}

// Over HTTP/2 answers arrive before they are read. Those that wait take the memory that is
// for them, divided by the calls that Prepare announced, not all of theirs. The measure is
// the memory of the whole process, so nothing runs beside it.
//
//nolint:paralleltest // see above
func TestAnswersThatWaitTakeNoMoreThanAnEighthOfTheMemory(t *testing.T) {
	windows := map[int]int{30: 8 << 20 / 100, 5000: 16 << 10} // by the calls announced
	if race.Enabled {
		delete(windows, 5000)
	}
	for prepared, window := range windows {
		synctest.Test(t, func(t *testing.T) {
			const memoryMB, answers, atOnce, each = 64, 30, 2, 3 << 20
			piece := bytes.Repeat([]byte("x"), 4<<10)
			var sent atomic.Int64
			l := overHTTP2(t, memoryMB, func(w http.ResponseWriter, r *http.Request) {
				if _, _ = io.Copy(io.Discard, r.Body); r.ProtoMajor != 2 {
					t.Errorf("a request came over %s, want HTTP/2", r.Proto)
				}
				w.Header().Set("Content-Length", strconv.Itoa(each))
				for range each / len(piece) {
					_, _ = w.Write(piece)
					sent.Add(int64(len(piece)))
				}
			})
			l.Prepare(t.Context(), map[string]int{"eu-west-1": prepared / 2, "us-east-1": prepared / 2})
			synctest.Wait()
			before, most, arrived := heap(), 0, 0
			waited := make(chan struct{})
			var first sync.Once
			var done sync.WaitGroup
			for range answers {
				done.Go(func() {
					got, release, _, err := l.InvokeHeld(t.Context(), "eu-west-1", func(time.Duration) []byte { return []byte("{}") })
					if err != nil || len(got) != each {
						t.Errorf("InvokeHeld = %d bytes, %v; want %d", len(got), err, each)
						return
					}
					defer release()
					mine := false
					first.Do(func() { mine = true })
					if mine {
						synctest.Wait() // for all that can arrive
						most, arrived = heap()-before, int(sent.Load())-atOnce*each
						close(waited)
					}
					<-waited
					runtime.KeepAlive(got)
				})
			}
			done.Wait()
			const buffers = 8 << 20 // of the server and of TLS
			if limit := 2*memoryMB<<20/8 + buffers; most > limit {
				t.Errorf("%d answers of %d bytes take %d, want at most %d", answers, each, most, limit)
			}
			const queued = 16 << 10 // by the server, for an answer
			if limit := (answers - atOnce) * (window + queued); arrived > limit {
				t.Errorf("%d bytes of %d answers arrived before they were read, want at most %d", arrived, answers-atOnce, limit)
			}
		})
	}
}

// heap returns the bytes of the live heap.
func heap() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

// overHTTP2 returns an invoker of a handler over HTTP/2 and TLS in memory, for a bubble.
func overHTTP2(t *testing.T, memoryMB int, handler http.HandlerFunc) *invoke.Lambda {
	t.Helper()
	certificate := httptest.NewUnstartedServer(nil)
	certificate.EnableHTTP2 = true
	certificate.StartTLS()
	certificate.Close()
	network := wiretest.Listen("example.com:443")
	server := &http.Server{Handler: handler, TLSConfig: certificate.TLS, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.ServeTLS(network, "", "") }()
	t.Cleanup(func() {
		_ = server.Close()
		time.Sleep(time.Hour) // until the connections have ended
	})
	trusted := x509.NewCertPool()
	trusted.AddCert(certificate.Certificate())
	cfg := invoketest.Config("eu-west-1", "https://example.com")
	cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
		t.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	})
	return newLambda(t, cfg, invoke.Settings{MemoryMB: memoryMB, Dial: network.Dial})
}

// An error's body is not kept waiting for memory, so it is bounded itself.
func TestAnErrorsBodyIsReadUpToABound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := invoketest.NewMemoryServer(t, answering)
		l := newLambda(t, server.Config(), invoke.Settings{Dial: server.Dial})
		for _, length := range []int{50 << 10, 70 << 10, protocol.MaxPayloadBytes} {
			message := string(bytes.Repeat([]byte("x"), length))
			server.Script(invoketest.Refuse(http.StatusForbidden, "AccessDeniedException", message))
			_, _, err := l.Invoke(t.Context(), "eu-west-1", []byte("1"))
			if name(err) != "Lambda.AccessDeniedException" || (length < 64<<10) != strings.Contains(err.Error(), message) || len(err.Error()) > 64<<10 {
				t.Errorf("a refusal of %d bytes = %s: %d bytes", length, name(err), len(err.Error()))
			}
		}
	})
}

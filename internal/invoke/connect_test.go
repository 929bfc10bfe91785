package invoke_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/wire"
	"meridian/pkg/protocol"
)

// A lagging connection returns from a Write a second after it.
type lagging struct{ net.Conn }

func (c lagging) Write(p []byte) (int, error) {
	defer time.Sleep(time.Second)
	return c.Conn.Write(p)
}

// The answer may begin before the client returns from writing the request, as happens
// on a busy machine.
func TestLambdaAnswerOvertakesTheRequest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const request, answer = 1 << 16, 1 << 10
		dial := func(context.Context, string, string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			go func() {
				defer func() { _ = theirs.Close() }()
				r, err := http.ReadRequest(bufio.NewReader(theirs))
				if err != nil {
					t.Errorf("ReadRequest = %v, want success", err)
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = fmt.Fprintf(theirs, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", answer)
				time.Sleep(time.Minute)
				_, _ = theirs.Write(make([]byte, answer))
			}()
			return lagging{ours}, nil
		}
		invoker := dialled(t, "http://127.0.0.1", dial, invoke.Settings{})
		got, _, err := invoker.Invoke(t.Context(), "eu-west-1", make([]byte, request))
		if len(got) != answer || err != nil {
			t.Errorf("Invoke = %d bytes, %v, want %d", len(got), err, answer)
		}
	})
}

// dialled returns an invoker of a function at an endpoint that dial connects to.
func dialled(t *testing.T, endpoint string, dial dialFunc, s invoke.Settings) *invoke.Lambda {
	t.Helper()
	s.Dial = dial
	return newLambda(t, invoketest.Config("us-east-1", endpoint), s)
}

type dialFunc = func(ctx context.Context, network, address string) (net.Conn, error)

// stall is a dial that never connects.
func stall(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
}

// deaf connects to a server that reads and never answers.
func deaf(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		buffer := make([]byte, 1024)
		for {
			if _, err := theirs.Read(buffer); err != nil {
				return
			}
		}
	}()
	return ours, nil
}

// slow connects like deaf, but takes a while.
func slow(after time.Duration) dialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		time.Sleep(after)
		return deaf(ctx, network, address)
	}
}

// Connecting has its own timeout; waiting for the answer has only the context's.
func TestLambdaTimes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		endpoint string
		dial     dialFunc
		timeout  time.Duration // of the context; 0 means none
		want     time.Duration
		wantName string // "" means the context's end
		wantText string
	}{
		{
			"no connection", "http://127.0.0.1", stall, time.Minute, wire.ConnectTimeout,
			protocol.ErrorLambdaSDKClient, "connect to 127.0.0.1:80: no connection within 3s",
		},
		{
			"no connection with TLS", "https://127.0.0.1", stall, time.Minute, wire.ConnectTimeout,
			protocol.ErrorLambdaSDKClient, "connect to 127.0.0.1:443: no connection within 3s",
		},
		{
			"no handshake", "https://127.0.0.1", deaf, time.Minute, wire.ConnectTimeout,
			protocol.ErrorLambdaSDKClient, "connect to 127.0.0.1:443: no connection within 3s",
		},
		{
			"no handshake after a slow connection", "https://127.0.0.1", slow(2 * time.Second), time.Minute,
			wire.ConnectTimeout, protocol.ErrorLambdaSDKClient, "connect to 127.0.0.1:443: no connection within 3s",
		},
		{
			"no connection in the context's time", "http://127.0.0.1", stall, time.Second, time.Second,
			"", context.DeadlineExceeded.Error(),
		},
		{
			"no answer", "http://127.0.0.1", deaf, time.Minute, time.Minute,
			"", context.DeadlineExceeded.Error(),
		},
		{
			"no answer and no deadline", "http://127.0.0.1", deaf, 0, invoke.MaxWait,
			protocol.ErrorLambdaClientTimeout, "no answer in 15m10s, which is longer than a function may run",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				invoker := dialled(t, test.endpoint, test.dial, invoke.Settings{})
				ctx := t.Context()
				if test.timeout > 0 {
					timed, cancel := context.WithTimeout(ctx, test.timeout)
					defer cancel()
					ctx = timed
				}
				start := time.Now()
				_, _, err := invoker.Invoke(ctx, "eu-west-1", []byte(`{}`))
				if got := time.Since(start); got != test.want {
					t.Errorf("Invoke took %v, want %v", got, test.want)
				}
				if err == nil || name(err) != test.wantName || err.Error() != test.wantText {
					t.Errorf("Invoke = %q, %v, want %q, %s", name(err), err, test.wantName, test.wantText)
				}
				time.Sleep(wire.ConnectTimeout) // the pool goes on dialling, for later calls
				late := test.wantName != protocol.ErrorLambdaSDKClient
				if got := errors.Is(err, context.DeadlineExceeded); got != late {
					t.Errorf("Is(%v, DeadlineExceeded) = %t, want %t", err, got, late)
				}
			})
		})
	}
}

// A payload is told how long the call has waited for a connection. It is signed when it is
// sent. The wait is not billed.
func TestAPayloadIsToldTheWaitForAConnection(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		timeout time.Duration // of each call, and its budget
		takes   time.Duration // each call, one after the other
		want    []float64     // the budgets that arrive, in milliseconds: less the wait
	}{
		{"no wait", time.Minute, time.Second, []float64{60_000}},
		{"waits of seconds", time.Minute, 3 * time.Second, []float64{60_000, 57_000, 54_000}},
		{"short waits", time.Minute, 125 * time.Millisecond, []float64{60_000, 59_875, 59_750, 59_625}},
		{"waits that are long for a short budget", time.Second, 50 * time.Millisecond, []float64{1000, 950, 900}},
		{"waits longer than a signature is good for", time.Hour, 10 * time.Minute, []float64{3_600_000, 3_000_000, 2_400_000}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var got []float64
				dial := func(context.Context, string, string) (net.Conn, error) {
					ours, theirs := net.Pipe()
					go func() {
						for from := bufio.NewReader(theirs); ; {
							r, err := http.ReadRequest(from)
							if err != nil {
								return
							}
							body, err := io.ReadAll(r.Body)
							if err != nil || int64(len(body)) != r.ContentLength {
								t.Errorf("read %d bytes, %v, want %d", len(body), err, r.ContentLength)
							}
							checkSignature(t, r, body, aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"})
							if age := time.Since(signedAt(t, r)); age >= time.Second {
								t.Errorf("the signature is %v old, want less than 1s", age)
							}
							request, err := protocol.DecodeRegionRequest(body)
							if err != nil {
								t.Error(err)
							}
							got = append(got, request.BudgetMs)
							time.Sleep(test.takes)
							_, _ = io.WriteString(theirs, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
						}
					}()
					return ours, nil
				}
				invoker := dialled(t, "http://127.0.0.1", dial, invoke.Settings{MaxConnections: 1})
				payload := func(waited time.Duration) []byte {
					data, err := protocol.RegionRequest{
						Version: protocol.Version, RunID: "run", Region: "eu-west-1", Attempt: 1, Task: "resolve", Targets: []string{"s3"},
						BudgetMs: protocol.Milliseconds(test.timeout - waited),
					}.Encode()
					if err != nil {
						t.Error(err)
					}
					return data
				}
				ctx, cancel := context.WithTimeout(t.Context(), test.timeout)
				defer cancel()
				var done sync.WaitGroup
				for range test.want {
					done.Go(func() {
						_, release, report, err := invoker.InvokeHeld(ctx, "us-east-1", payload)
						if err == nil {
							release()
						}
						if err != nil || report.Metrics.BilledDurationMs != protocol.Milliseconds(test.takes) {
							t.Errorf("Invoke = %+v, %v, want %v", report.Metrics, err, test.takes)
						}
					})
				}
				done.Wait()
				if !slices.Equal(got, test.want) {
					t.Errorf("budgets %v arrived, want %v", got, test.want)
				}
				time.Sleep(time.Minute) // until the connection is idle for too long
			})
		})
	}
}

// signedAt returns when a request was signed.
func signedAt(t *testing.T, r *http.Request) time.Time {
	t.Helper()
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		t.Error(err)
	}
	return at
}

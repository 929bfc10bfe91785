package invoke_test

import (
	"context"
	"errors"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// stall is a dial that gets nowhere.
func stall(ctx context.Context, _, _ string) (net.Conn, error) {
	<-ctx.Done()
	return nil, &net.OpError{Op: "dial", Net: "tcp", Err: ctx.Err()}
}

// deaf is a connection to something that reads and never answers.
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

// slow is deaf after a while.
func slow(after time.Duration) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		time.Sleep(after)
		return deaf(ctx, network, address)
	}
}

// Connecting has a budget of its own, and waiting for the answer none but the
// context's.
func TestLambdaTimes(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		endpoint string
		dial     func(context.Context, string, string) (net.Conn, error)
		timeout  time.Duration // of the context; 0 means none
		want     time.Duration
		wantName string // "" means the context's end
		wantText string
	}{
		{
			"no connection", "http://127.0.0.1", stall, time.Minute, invoke.ConnectTimeout,
			protocol.ErrorLambdaSDKClient, "connect to 127.0.0.1:80: no connection within 3s",
		},
		{
			"no connection with TLS", "https://127.0.0.1", stall, time.Minute, invoke.ConnectTimeout,
			protocol.ErrorLambdaSDKClient, "connect to 127.0.0.1:443: no connection within 3s",
		},
		{
			"no handshake", "https://127.0.0.1", deaf, time.Minute, invoke.ConnectTimeout,
			protocol.ErrorLambdaSDKClient, "connect to 127.0.0.1:443: no connection within 3s",
		},
		{
			"no handshake after a slow connection", "https://127.0.0.1", slow(2 * time.Second), time.Minute,
			invoke.ConnectTimeout, protocol.ErrorLambdaSDKClient, "connect to 127.0.0.1:443: no connection within 3s",
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
				invoker, err := invoke.NewLambda(aws.Config{
					Region: "us-east-1", BaseEndpoint: &test.endpoint,
					Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
						return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
					}),
				}, invoke.Settings{Function: "worker"}.WithDial(test.dial))
				if err != nil {
					t.Fatal(err)
				}
				ctx := t.Context()
				if test.timeout > 0 {
					timed, cancel := context.WithTimeout(ctx, test.timeout)
					defer cancel()
					ctx = timed
				}
				start := time.Now()
				_, _, err = invoker.Invoke(ctx, "eu-west-1", []byte(`{}`))
				if got := time.Since(start); got != test.want {
					t.Errorf("Invoke took %v, want %v", got, test.want)
				}
				if err == nil || name(err) != test.wantName || err.Error() != test.wantText {
					t.Errorf("Invoke = %q, %v, want %q, %s", name(err), err, test.wantName, test.wantText)
				}
				time.Sleep(invoke.ConnectTimeout) // net/http goes on dialling, for whoever comes next
				late := test.wantName != protocol.ErrorLambdaSDKClient
				if got := errors.Is(err, context.DeadlineExceeded); got != late {
					t.Errorf("Is(%v, DeadlineExceeded) = %t, want %t", err, got, late)
				}
			})
		})
	}
}

package task_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/internal/wire/wiretest"
	"meridian/pkg/protocol"
)

// A world has every service of every Region behind connections in memory. The hosts of
// one Region accept no connection.
type world struct {
	dead    string
	handler http.Handler // nil means the world itself
	dials   atomic.Int64 // of the dead Region
	network *wiretest.Listener
}

// dial opens a connection, or waits for as long as it may.
func (w *world) dial(ctx context.Context, _, address string) (net.Conn, error) {
	if strings.Contains(address, w.dead) {
		w.dials.Add(1)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return w.network.Dial(ctx, "", "")
}

// ServeHTTP implements http.Handler.
func (*world) ServeHTTP(out http.ResponseWriter, r *http.Request) {
	body := `{"TableNames":["t"]}`
	switch service, _, _ := strings.Cut(r.Host, "."); service {
	case "ec2":
		body = `<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>`
	case "sts":
		body = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	}
	_, _ = io.WriteString(out, body)
}

// cloud returns the way to the world. Call stop when no more calls are made.
func (w *world) cloud(t *testing.T, certificate tls.Certificate) (a *task.AWS, stop func()) {
	t.Helper()
	handler := w.handler
	if handler == nil {
		handler = w
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Hour, TLSConfig: &tls.Config{ //nolint:gosec // of a test
		Certificates: []tls.Certificate{certificate}, NextProtos: []string{"http/1.1"},
		SessionTicketsDisabled: true, // a pipe would wait for the client to read them
	}}
	w.network = wiretest.Listen("aws")
	done := make(chan error)
	go func() { done <- server.ServeTLS(w.network, "", "") }()
	a = task.NewAWS(0, func(context.Context) (aws.Config, error) {
		return aws.Config{
			Region:      "us-east-1",
			Credentials: credentials.NewStaticCredentialsProvider("key", "secret of the worker", "token of the worker"),
			HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
				t.TLSClientConfig.InsecureSkipVerify = true
			}),
		}, nil
	}, nil)
	a.Dial(w.dial)
	return a, func() {
		a.Close()
		_ = server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}
}

// certificateOf returns the certificate of httptest's servers.
func certificateOf(t *testing.T) tls.Certificate {
	t.Helper()
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	return server.TLS.Certificates[0]
}

// A dead Region costs three seconds, once: its hosts are waited for at the same time, and
// are not asked again for a minute. The other Regions complete.
func TestADeadRegionCostsThreeSecondsOnce(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{dead: "sa-east-1"}
		a, stop := w.cloud(t, certificate)
		defer stop()
		tasks := calling(t, "reads", a)
		worker := &regionworker.Worker{Tasks: tasks}
		c := &coordinator.Coordinator{Invoker: invoke.InProcess{Handle: worker.Handle}, Tasks: tasks}
		for _, want := range []struct {
			run         string
			took, pause time.Duration
			dials       int64
		}{
			{run: "first", took: 3 * time.Second, dials: 3},
			{run: "soon", took: 0, dials: 0, pause: time.Minute},
			{run: "a minute later", took: 3 * time.Second, dials: 3},
		} {
			begin := time.Now()
			w.dials.Store(0)
			result, err := c.Run(t.Context(), protocol.Request{
				Task: "call", Regions: []string{"*"}, Targets: protocol.Targets("ec2:DescribeVpcs", "dynamodb:ListTables", "sts:GetCallerIdentity"),
			})
			if err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took != want.took || w.dials.Load() != want.dials {
				t.Errorf("%s: took %v with %d dials, want %v with %d", want.run, took, w.dials.Load(), want.took, want.dials)
			}
			if c := result.Summary.Regions; c.Total != 17 || c.Succeeded != 16 || c.Failed != 1 || result.Summary.TargetRetries != 0 {
				t.Errorf("%s: %+v, want 16 of 17 Regions without retries", want.run, result.Summary)
			}
			for _, region := range result.Regions {
				for _, target := range region.Targets {
					if dead := region.Region == w.dead; dead != (target.Error == "Call.Connect") || dead && !strings.Contains(target.Cause, "no connection within 3s") {
						t.Errorf("%s: %s of %s: %s %s", want.run, target.Target, region.Region, target.Error, target.Cause)
					}
				}
			}
			time.Sleep(want.pause)
		}
	})
}

// Hosts that were dead are forgotten after a minute, when the next one is found dead: a
// host can have a label of the input in its name.
func TestDeadHostsAreForgotten(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		w := &world{dead: "sa-east-1"}
		a, stop := w.cloud(t, certificate)
		defer stop()
		tasks := calling(t, "reads", a)
		for n, test := range []struct {
			pause time.Duration
			want  int
		}{{0, 1}, {30 * time.Second, 2}, {23 * time.Second, 3}, {time.Second, 3}, {time.Hour, 1}} { // and three seconds for each dial
			time.Sleep(test.pause)
			work := prepare(t, tasks, "call", fmt.Appendf(nil, `{"input":{"AccountId":"11112222333%d"}}`, n))
			if _, err := work(task.WithRunID(t.Context(), "run"), w.dead, protocol.Target{Name: "s3control:ListJobs"}); err == nil {
				t.Error("a dead host answered")
			}
			if got := a.DeadHosts(); got != test.want {
				t.Errorf("call %d: %d dead hosts, want %d", n, got, test.want)
			}
		}
	})
}

// When the account service takes half of the time, EC2 is asked.
func TestEC2IsAskedForTheEnabledRegionsWhenTheAccountServiceHangs(t *testing.T) {
	t.Parallel()
	secure := httptest.NewTLSServer(nil)
	certificate := secure.TLS.Certificates[0]
	secure.Close()
	synctest.Test(t, func(t *testing.T) {
		over := make(chan struct{})
		hangs := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/listRegions" {
				<-over
			}
			_, _ = io.WriteString(w, described)
		})
		w := &world{dead: "none", handler: hangs}
		a, stop := w.cloud(t, certificate)
		defer stop()
		defer close(over)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		output, err := prepare(t, calling(t, "", a), "enabled-regions", nil)(ctx, "us-east-1", protocol.Target{Name: "enabled"})
		if err != nil || !strings.Contains(string(output), "says ec2:DescribeRegions") {
			t.Errorf("%s, %v; want EC2's answer", output, err)
		}
	})
}

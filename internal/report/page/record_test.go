package page_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash/fnv"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/probe"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

var update = flag.Bool("update", false, "rewrite the committed record and the golden files of this package")

// The files of the committed results: record has every Region, and fewRecord, which the picture of a terminal
// is made from, is quicker for a browser.
const (
	record    = "testdata/run.json"
	fewRecord = "../../../scripts/pictures/testdata/run.json"
)

// The committed records are what the coordinator makes of requests in virtual time, with workers in
// this process and with the faults of faultOf.
func TestTheRecordsAreThoseOfRuns(t *testing.T) {
	t.Parallel()
	few := []string{
		"us-east-1", "us-west-1", "sa-east-1", "eu-west-1", "eu-central-1", "eu-north-1", "af-south-1", "me-south-1", "ap-south-1",
		"ap-southeast-2", "ap-northeast-1",
	}
	for _, tt := range []struct {
		file             string
		regions, targets []string
	}{
		{record, []string{protocol.AllRegions}, services()},
		{fewRecord, few, services()[:6]},
	} {
		var result protocol.Result
		synctest.Test(t, func(t *testing.T) {
			result = runRecord(t, tt.regions, tt.targets)
			time.Sleep(time.Hour) // let what was abandoned end
		})
		got, err := json.Marshal(result)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(tt.file, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(tt.file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("the run differs from %s; -update rewrites it (-want +got):\n%s", tt.file, diff)
		}
	}
}

// runRecord runs the request of a record.
func runRecord(t *testing.T, regions, targets []string) protocol.Result {
	t.Helper()
	worker := &regionworker.Worker{Tasks: task.NewRegistry(task.New("probe", "measure endpoints that are not there", measure, task.Idempotent))}
	var mu sync.Mutex
	tried := map[string]int{}
	invoker := invokerFunc(func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
		mu.Lock()
		tried[region]++
		n := tried[region]
		mu.Unlock()
		report := protocol.Attempt{RequestID: fmt.Sprintf("%08x-0000-4000-8000-%012x", sum(region), n)}
		begin := time.Now()
		cold := time.Duration(0)
		if n == 1 && sum(region, "cold")%3 > 0 {
			cold = time.Duration(90+sum(region)%70) * time.Millisecond
		}
		if err := faultOf(ctx, region, n); err != nil {
			return nil, report, err
		}
		pause(ctx, roundTrip(region)+cold)
		answer, err := worker.Handle(ctx, payload)
		report.Metrics = &protocol.Metrics{
			BilledDurationMs: math.Ceil(protocol.Milliseconds(time.Since(begin) - roundTrip(region))), MemorySizeMB: 256, MaxMemoryUsedMB: 61,
			InitDurationMs: protocol.Milliseconds(cold),
		}
		return answer, report, err
	})
	c := &coordinator.Coordinator{
		Invoker: invoker, Tasks: worker.Tasks, MemoryMB: 256,
		Billing: coordinator.Billing{Region: "us-east-1", Architecture: "arm64"},
	}
	r, err := c.Run(t.Context(), protocol.Request{
		Name: "reachable", Task: "probe", Regions: regions, Targets: protocol.Targets(targets...),
		TargetTimeoutSeconds: 1.5, TimeoutSeconds: 30, ToleratedFailurePercentage: new(5.0),
		Hedge: &protocol.Hedge{AfterSeconds: 1, MaxExtraPercentage: 10},
		Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorLambdaThrottled, "Lambda.ServiceException", "Runtime.ExitError"}, IntervalSeconds: 0.3, MaxAttempts: new(2)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	r.RunID, r.StartedAt = "01KBA5ZEH0Q6J3X0Y7R2M5W9ZC", time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC)
	return r
}

// services are the targets of the record.
func services() []string {
	return []string{
		"dynamodb", "s3", "sqs", "sns", "lambda", "ec2", "sts", "kms", "secretsmanager", "ssm",
		"logs", "monitoring", "events", "states", "ecr", "ecs", "eks", "rds", "kinesis", "cloudformation",
	}
}

type invokerFunc func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error)

func (f invokerFunc) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	return f(ctx, region, payload)
}

// faultOf returns the error of the nth invocation in a Region.
func faultOf(ctx context.Context, region string, n int) error {
	pause(ctx, roundTrip(region))
	switch {
	case region == "me-south-1":
		return &invoke.Error{Name: "Lambda.ServiceException", Message: "Service unavailable (HTTP 503)"}
	case region == "ap-south-1" && n <= 2, region == "us-west-1" && n == 1:
		return &invoke.Error{Name: protocol.ErrorLambdaThrottled, Message: "Rate Exceeded. (HTTP 429)"}
	case region == "eu-north-1" && n == 1:
		pause(ctx, 180*time.Millisecond)
		return &invoke.Error{Name: "Runtime.ExitError", Message: "RequestId: 1 Error: Runtime exited with error: signal: killed", FunctionError: invoke.Unhandled}
	case region == "sa-east-1" && n == 1:
		pause(ctx, 2200*time.Millisecond) // until it is hedged
	}
	return nil
}

// measure returns what a probe of an endpoint might.
func measure(ctx context.Context, in task.Input[struct{}]) (task.ProbeOutput, error) {
	region, service := in.Region, in.Target.Name
	host := service + "." + region + ".amazonaws.com"
	ms := func(salt string, least, spread float64) float64 {
		return math.Round((least+spread*float64(sum(region, service, salt)%1000)/1000)*1000) / 1000
	}
	o := task.ProbeOutput{
		Host: host, Address: fmt.Sprintf("203.0.113.%d", 1+sum(region, service)%254), Family: "ipv4", HTTPStatus: 200, Protocol: "HTTP/1.1",
		TLS:        &task.ProbeTLS{Version: "TLS 1.3", Cipher: "TLS_AES_128_GCM_SHA256", CertificateDaysLeft: int(60 + sum(region, service)%280), CertificateIssuer: "Amazon RSA 2048 M04"},
		ProbeTimes: task.ProbeTimes{ResolveMs: ms("dns", 0.8, 6), ConnectMs: ms("tcp", 0.6, 2), TLSMs: ms("tls", 3, 5), FirstByteMs: ms("http", 2, 24)},
	}
	if sum(region, service, "slow")%29 == 0 {
		o.FirstByteMs += ms("slow", 120, 400)
	}
	o.TotalMs = math.Round((o.ResolveMs+o.ConnectMs+o.TLSMs+o.FirstByteMs)*1000) / 1000
	o.Summary = fmt.Sprintf("%d in %.1f ms", o.HTTPStatus, o.TotalMs)
	o.Message = fmt.Sprintf("%s in %s answered %s", service, region, o.Summary)
	switch {
	case service == "eks" && slices.Contains([]string{"ap-southeast-6", "ap-east-2", "mx-central-1"}, region):
		return o, task.Skip("%s is not listed in %s", service, region)
	case region == "af-south-1" && (service == "kinesis" || service == "ecs"):
		pause(ctx, time.Minute)
		return o, context.Cause(ctx)
	case region == "ap-southeast-3" && service == "sns":
		return o, &probe.Error{Name: probe.ErrorConnect, Doing: "connect to " + host, Err: errors.New("connection refused")}
	case service == "cloudformation" && strings.HasPrefix(region, "me-"):
		return o, &probe.Error{Name: probe.ErrorTLS, Doing: "TLS handshake with " + host, Err: errors.New("connection reset by peer")}
	}
	pause(ctx, time.Duration(o.TotalMs*float64(time.Millisecond)))
	return o, nil
}

// pause waits in virtual time.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// roundTrip returns a distance of a Region, different for each.
func roundTrip(region string) time.Duration {
	far := map[string]int{"us": 12, "ca": 20, "mx": 55, "sa": 115, "eu": 85, "il": 140, "me": 170, "af": 225, "ap": 180}
	area, _, _ := strings.Cut(region, "-")
	return time.Duration(far[area])*time.Millisecond + time.Duration(sum(region)%40_000)*time.Microsecond
}

// sum returns a number that texts always give.
func sum(texts ...string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(strings.Join(texts, "/")))
	return h.Sum32()
}

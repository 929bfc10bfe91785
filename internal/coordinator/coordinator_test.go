package coordinator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/fanout"
	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// run runs a request in a world, in virtual time, and returns the result and how
// long it took.
func run(t *testing.T, w world, r protocol.Request, limit time.Duration) (protocol.Result, time.Duration) {
	t.Helper()
	var result protocol.Result
	var took time.Duration
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := t.Context(), context.CancelFunc(func() {})
		if limit > 0 {
			ctx, cancel = context.WithTimeout(ctx, limit)
		}
		defer cancel()
		begin := time.Now()
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
		var err error
		if result, err = c.Run(ctx, r); err != nil {
			t.Fatalf("Run = %v", err)
		}
		took = time.Since(begin)
		time.Sleep(2 * time.Hour) // let what was abandoned end, so that the bubble can
	})
	assertAccounted(t, r, result)
	return result, took
}

// assertAccounted checks what holds for every result: every Region and every
// target once, in the order asked for, counts that add up, and lists that readers
// may range over.
func assertAccounted(t *testing.T, r protocol.Request, got protocol.Result) {
	t.Helper()
	var regions, targets protocol.Counts
	for i, region := range got.Regions {
		if region.Region != r.Regions[i] {
			t.Errorf("Region %d is %s, want %s", i, region.Region, r.Regions[i])
		}
		if region.Attempts == nil || region.Targets == nil {
			t.Errorf("a list of %s is nil, want none", region.Region)
		}
		regions.Add(region.Status)
		names := []string{}
		for _, target := range region.Targets {
			targets.Add(target.Status)
			names = append(names, target.Target)
		}
		if diff := cmp.Diff(protocol.TargetNames(r.Targets), names); diff != "" {
			t.Errorf("targets of %s (-want +got):\n%s", region.Region, diff)
		}
	}
	if regions != got.Summary.Regions || targets != got.Summary.Targets || regions.Total != len(r.Regions) {
		t.Errorf("summary %+v, counted %+v and %+v of %d", got.Summary, regions, targets, len(r.Regions))
	}
}

// statuses returns the status of each Region as one line.
func statuses(r protocol.Result) string {
	words := []string{string(r.Status) + ":"}
	for _, region := range r.Regions {
		words = append(words, string(region.Status))
	}
	return strings.Join(words, " ")
}

func TestHowARunEnds(t *testing.T) {
	t.Parallel()
	three := []string{"us-east-1", "us-east-2", "eu-west-1"}
	broken := happening{target: fails("Test.Broken")}
	hung := happening{target: slowly(time.Hour)}
	late := happening{target: slowly(3 * time.Second)}
	tests := []struct {
		name  string
		world world
		edit  func(*protocol.Request)
		limit time.Duration
		want  string
		error string
		took  time.Duration
	}{
		{name: "all succeed", want: "SUCCEEDED: SUCCEEDED SUCCEEDED SUCCEEDED", took: 100 * time.Millisecond},
		{
			name: "one fails and none is tolerated", world: world{"us-east-2": broken},
			want: "FAILED: SUCCEEDED FAILED SUCCEEDED", error: protocol.ErrorExceedToleratedFailureThreshold,
			took: 100 * time.Millisecond,
		},
		{
			name: "one fails and one is tolerated", world: world{"us-east-2": broken},
			edit: func(r *protocol.Request) { r.ToleratedFailureCount = new(1) },
			want: "SUCCEEDED: SUCCEEDED FAILED SUCCEEDED", took: 100 * time.Millisecond,
		},
		{
			name: "one of three fails and 33 % are tolerated", world: world{"us-east-2": broken},
			edit: func(r *protocol.Request) { r.ToleratedFailurePercentage = new(33.0) },
			want: "FAILED: SUCCEEDED FAILED SUCCEEDED", error: protocol.ErrorExceedToleratedFailureThreshold,
			took: 100 * time.Millisecond,
		},
		{
			name: "one of three fails and 34 % are tolerated", world: world{"us-east-2": broken},
			edit: func(r *protocol.Request) { r.ToleratedFailurePercentage = new(34.0) },
			want: "SUCCEEDED: SUCCEEDED FAILED SUCCEEDED", took: 100 * time.Millisecond,
		},
		{
			name: "fail fast gives up the rest", world: world{"us-east-2": broken, "eu-west-1": late},
			edit: func(r *protocol.Request) { r.FailFast, r.MaxConcurrency = true, 2 },
			want: "FAILED: ABORTED FAILED NOT_STARTED", error: protocol.ErrorExceedToleratedFailureThreshold,
		},
		{
			name: "enough succeeded", world: world{"us-east-2": late},
			edit: func(r *protocol.Request) { r.MinSuccessful = 2 },
			want: "SUCCEEDED: SUCCEEDED ABORTED SUCCEEDED", took: 100 * time.Millisecond,
		},
		{
			name: "enough succeeded after a failure", world: world{"us-east-2": broken},
			edit: func(r *protocol.Request) { r.MinSuccessful = 2 },
			want: "SUCCEEDED: SUCCEEDED FAILED SUCCEEDED", took: 100 * time.Millisecond,
		},
		{
			name: "enough cannot succeed any more", world: world{"us-east-2": broken, "eu-west-1": broken},
			edit: func(r *protocol.Request) { r.MinSuccessful = 2 },
			want: "FAILED: SUCCEEDED FAILED FAILED", error: protocol.ErrorExceedToleratedFailureThreshold,
			took: 100 * time.Millisecond,
		},
		{
			name: "the run's time is over", world: world{"us-east-2": hung},
			edit: func(r *protocol.Request) { r.TimeoutSeconds, r.ToleratedFailureCount = 5, new(0) },
			// The worker answers within its budget, before the run's time is over.
			want: "TIMED_OUT: SUCCEEDED TIMED_OUT SUCCEEDED", error: protocol.ErrorTimeout, took: 4500 * time.Millisecond,
		},
		{
			name: "a Region's time is over", world: world{"us-east-2": hung},
			edit: func(r *protocol.Request) { r.TimeoutSeconds, r.RegionTimeoutSeconds = 5, 2 },
			want: "FAILED: SUCCEEDED TIMED_OUT SUCCEEDED", error: protocol.ErrorExceedToleratedFailureThreshold,
			took: 1800 * time.Millisecond,
		},
		{
			name: "the run's time is over and the way is lost", world: world{"us-east-2": {way: lost}},
			edit: func(r *protocol.Request) { r.TimeoutSeconds = 5 },
			want: "TIMED_OUT: SUCCEEDED TIMED_OUT SUCCEEDED", error: protocol.ErrorTimeout, took: 5 * time.Second,
		},
		{
			name: "the run's time is over and that is tolerated", world: world{"us-east-2": {way: lost}},
			edit: func(r *protocol.Request) { r.TimeoutSeconds, r.ToleratedFailureCount = 5, new(1) },
			want: "SUCCEEDED: SUCCEEDED TIMED_OUT SUCCEEDED", took: 5 * time.Second,
		},
		{
			name: "the time is over before the last one's turn", world: world{"us-east-2": {way: lost}},
			edit: func(r *protocol.Request) { r.TimeoutSeconds, r.MaxConcurrency = 5, 1 },
			want: "TIMED_OUT: SUCCEEDED TIMED_OUT NOT_STARTED", error: protocol.ErrorTimeout, took: 5 * time.Second,
		},
		{
			name: "the function's deadline comes first", world: world{"us-east-2": {way: lost}}, limit: 20 * time.Second,
			want: "TIMED_OUT: SUCCEEDED TIMED_OUT SUCCEEDED", error: protocol.ErrorTimeout, took: 19 * time.Second,
		},
		{
			name: "nothing to do anywhere", world: world{"us-east-1": {target: skips}, "us-east-2": {target: skips}, "eu-west-1": {target: skips}},
			want: "FAILED: SKIPPED SKIPPED SKIPPED", error: protocol.ErrorAllSkipped,
		},
		{
			name: "nothing to do anywhere, and failures are tolerated", world: world{"us-east-1": {target: skips}, "us-east-2": {target: skips}, "eu-west-1": {target: skips}},
			edit: func(r *protocol.Request) { r.ToleratedFailureCount = new(3) },
			want: "FAILED: SKIPPED SKIPPED SKIPPED", error: protocol.ErrorAllSkipped,
		},
		{
			name: "something to do in one of three", world: world{"us-east-1": {target: skips}, "us-east-2": {target: skips}},
			want: "SUCCEEDED: SKIPPED SKIPPED SUCCEEDED", took: 100 * time.Millisecond,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := protocol.Request{Task: "act", Regions: three, Targets: protocol.Targets("dynamodb", "s3")}
			if tt.edit != nil {
				tt.edit(&r)
			}
			got, took := run(t, tt.world, r, tt.limit)
			if statuses(got) != tt.want || got.Error != tt.error || took != tt.took {
				t.Errorf("Run = %s, error %q, after %v; want %s, %q, %v", statuses(got), got.Error, took, tt.want, tt.error, tt.took)
			}
			if (got.Cause == "") != (got.Status == protocol.StatusSucceeded) {
				t.Errorf("Run = %s with cause %q", got.Status, got.Cause)
			}
		})
	}
}

func TestACancelledRunGivesACompleteResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		w := world{"us-east-2": {target: slowly(time.Hour)}}
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
		time.AfterFunc(time.Second, func() { cancel(errors.New("interrupted")) })
		r := protocol.Request{
			Task: "act", Regions: []string{"us-east-1", "us-east-2", "eu-west-1"}, Targets: protocol.Targets("s3"), MaxConcurrency: 2,
		}
		w["us-east-1"] = happening{target: slowly(500 * time.Millisecond)}
		w["eu-west-1"] = happening{target: slowly(time.Hour)}
		begin := time.Now()
		got, err := c.Run(ctx, r)
		if err != nil {
			t.Fatalf("Run = %v", err)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("Run took %v, want 1s", took)
		}
		assertAccounted(t, r, got)
		if want := "ABORTED: SUCCEEDED ABORTED ABORTED"; statuses(got) != want {
			t.Errorf("Run = %s, want %s", statuses(got), want)
		}
		for _, a := range got.Regions[1].Attempts {
			if a.Error != "" || a.Cause != "interrupted; 1 of 1 targets not finished" {
				t.Errorf("an attempt that was given up has error %q, cause %q; want none and interrupted, and how much is not finished", a.Error, a.Cause)
			}
		}
		if want := "interrupted; 2 of 3 Regions not finished"; got.Cause != want || got.Error != "" {
			t.Errorf("Run error %q, cause %q, want none and %q", got.Error, got.Cause, want)
		}
	})
}

func TestARetriedInvocationIsSentOnlyWhatHasNotSucceeded(t *testing.T) {
	t.Parallel()
	asked := [][]string{}
	w := world{"us-east-1": {target: failsOnce("s3")}}
	inner := w.invoker(t)
	counting := invokerFunc(func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
		request, err := protocol.DecodeRegionRequest(payload)
		if err != nil {
			t.Error(err)
		}
		asked = append(asked, request.Targets)
		return inner(ctx, region, payload)
	})
	synctest.Test(t, func(t *testing.T) {
		c := &coordinator.Coordinator{Invoker: counting, Tasks: w.tasks()}
		got, err := c.Run(t.Context(), protocol.Request{
			Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("dynamodb", "s3", "sqs"),
			Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}}},
		})
		if err != nil || got.Status != protocol.StatusSucceeded || got.Summary.Retries != 1 {
			t.Fatalf("Run = %s, %d retries, %v; want SUCCEEDED, 1, nil", got.Status, got.Summary.Retries, err)
		}
		attempts := map[string]int{}
		for _, target := range got.Regions[0].Targets {
			attempts[target.Target] = len(target.Attempts)
		}
		if diff := cmp.Diff(map[string]int{"dynamodb": 1, "s3": 2, "sqs": 1}, attempts); diff != "" {
			t.Errorf("attempts (-want +got):\n%s", diff)
		}
	})
	if diff := cmp.Diff([][]string{{"dynamodb", "s3", "sqs"}, {"s3"}}, asked); diff != "" {
		t.Errorf("targets asked for (-want +got):\n%s", diff)
	}
}

// failsOnce fails the first time that target is worked on.
func failsOnce(target string) func(context.Context, string) error {
	var failed atomic.Bool
	return func(_ context.Context, t string) error {
		if t == target && failed.CompareAndSwap(false, true) {
			return named("Test.Once")
		}
		return nil
	}
}

// What is left for the retry turns out to be nothing, and the rest had succeeded.
func TestARegionSucceededWhenTheRestOfItIsSkipped(t *testing.T) {
	t.Parallel()
	var tried atomic.Bool
	failsThenSkips := func(_ context.Context, target string) error {
		switch {
		case target != "s3":
			return nil
		case tried.CompareAndSwap(false, true):
			return named("Test.Once")
		}
		return task.Skip("not offered here")
	}
	got, _ := run(t, world{"us-east-1": {target: failsThenSkips}}, protocol.Request{
		Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("dynamodb", "s3"), MinSuccessful: 1,
		Retry: []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}}},
	}, 0)
	region := got.Regions[0]
	if want := "SUCCEEDED: SUCCEEDED"; statuses(got) != want || region.Error != "" || region.Cause != "" {
		t.Errorf("Run = %s (%s: %s), want %s", statuses(got), region.Error, region.Cause, want)
	}
	if want := (protocol.Counts{Total: 2, Succeeded: 1, Skipped: 1}); got.Summary.Targets != want {
		t.Errorf("targets %+v, want %+v", got.Summary.Targets, want)
	}
}

func TestARunOfMoreInvocationsThanFitIntoMemorySaysSo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes much memory")
	}
	t.Parallel()
	targets := make([]string, 5500)
	for i := range targets {
		targets[i] = fmt.Sprintf("target-%04d", i)
	}
	r := protocol.Request{Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets(targets...), MaxTargetsPerInvocation: 1}
	got, took := run(t, nil, r, 0)
	if want := 200 * time.Millisecond; took != want { // 5,000 of them, then 500
		t.Errorf("Run took %v, want %v", took, want)
	}
	if len(got.Notices) != 1 || !strings.Contains(got.Notices[0], "maxConcurrency is 5000 here") {
		t.Errorf("Notices = %q, want one about maxConcurrency", got.Notices)
	}
	if got.Summary.Attempts != 5500 {
		t.Errorf("Summary = %+v, want 5500 attempts", got.Summary)
	}
}

func TestTheNumberInFlightDependsOnTheMemory(t *testing.T) {
	t.Parallel()
	r := protocol.Request{Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets(numbered(6000)...), MaxTargetsPerInvocation: 1}
	for mb, want := range map[int]int{0: 5000, 128: 2560, 256: 5000, 10_240: 5000} {
		c := &coordinator.Coordinator{Tasks: world{}.tasks(), MemoryMB: mb}
		got, err := c.Plan(r, 0)
		if err != nil || got.MaxConcurrency != want || len(got.Notices) != 1 {
			t.Errorf("%d MB: Plan = %d at once, notices %q, %v; want %d and a notice", mb, got.MaxConcurrency, got.Notices, err, want)
		}
	}
}

func TestTheLogHasTheStackOfAPanicAndTheWireHasNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		w := world{"us-east-1": {way: panicsOnTheWay}}
		c := &coordinator.Coordinator{
			Invoker: w.invoker(t), Tasks: w.tasks(), Log: slog.New(slog.NewJSONHandler(&log, nil)),
		}
		got, err := c.Answer(t.Context(), protocol.Request{Task: "act", Regions: []string{"us-east-1"}}, nil, protocol.MaxPayloadBytes)
		if err != nil {
			t.Fatalf("Answer = %v", err)
		}
		if at := "panicsOnTheWay"; !strings.Contains(log.String(), at) || bytes.Contains(got, []byte(at)) {
			t.Errorf("log:\n%s\nanswer:\n%s", &log, got)
		}
		for line := range strings.Lines(log.String()) {
			var record struct {
				RunID string `json:"runId"`
			}
			if err := json.Unmarshal([]byte(line), &record); err != nil || len(record.RunID) != 26 {
				t.Errorf("line of the log %s: run id %q, %v", line, record.RunID, err)
			}
		}
	})
}

// Lambda's logger adds the coordinator's own request id to each line: one of the
// same name beside it would hide which is which.
func TestTheLogNamesTheWorkersRequestApartFromItsOwn(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	w := world{"us-east-1": {way: crashed}}
	c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks(), Log: slog.New(slog.NewJSONHandler(&log, nil))}
	if _, err := c.Run(t.Context(), protocol.Request{Task: "act", Regions: []string{"us-east-1"}}); err != nil {
		t.Fatal(err)
	}
	if got := log.String(); strings.Contains(got, `"requestId"`) || !strings.Contains(got, `"workerRequestId":"us-east-1-0-1"`) {
		t.Errorf("log:\n%swant the worker's request id, and none that has the name of the function's", got)
	}
}

// To the byte: what is exactly as long as the caller can take is whole, a byte
// more loses an output.
func TestAnAnswerIsWholeUpToItsLimit(t *testing.T) {
	t.Parallel()
	r := protocol.Request{Task: "fat", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets(numbered(12)...), MaxTargetsPerInvocation: 5}
	fat := task.NewRegistry(task.New("fat", "a lot",
		func(context.Context, task.Input[struct{}]) (string, error) { return strings.Repeat("<", 1000), nil }))
	answer := func(limit int) (got protocol.Result, length int) {
		synctest.Test(t, func(t *testing.T) { // each begins at the same time, so the dates are as long
			data, err := inProcess(fat).Answer(t.Context(), r, nil, limit)
			if err != nil {
				t.Fatal(err)
			}
			if got, err = protocol.DecodeResult(data); err != nil {
				t.Fatal(err)
			}
			length = len(data)
		})
		assertAccounted(t, r, got)
		return got, length
	}
	_, length := answer(0)
	for more, want := range map[int]bool{-1: true, 0: false, 1: false} {
		got, n := answer(length + more)
		if got.Truncated != want || n > length+more || !want && n != length {
			t.Errorf("Answer(limit %d%+d) = %d bytes, truncated %v; want %v", length, more, n, got.Truncated, want)
		}
	}
}

// What a worker had to leave out of its answer is missing from the result too.
func TestAResultSaysOfWhichRegionsAWorkerLeftSomethingOut(t *testing.T) {
	t.Parallel()
	fat := task.NewRegistry(task.New("fat", "a lot in one Region",
		func(_ context.Context, in task.Input[struct{}]) (string, error) {
			if in.Region == "eu-west-1" && in.Target.Name != "target-0" {
				return strings.Repeat("x", protocol.MaxPayloadBytes/2), nil
			}
			return "x", nil
		}))
	for most, want := range map[int]bool{1: false, 2: true, 3: true} { // two of them are too much for one answer
		got, err := inProcess(fat).Run(t.Context(), protocol.Request{
			Task: "fat", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("target-0", "target-1", "target-2", "target-3"),
			MaxTargetsPerInvocation: most,
		})
		if err != nil || got.Truncated != want || got.Regions[0].Truncated || got.Regions[1].Truncated != want {
			t.Errorf("Run in batches of %d = truncated %v (%v, %v), %v; want %v (false, %v)", most,
				got.Truncated, got.Regions[0].Truncated, got.Regions[1].Truncated, err, want, want)
		}
	}
}

// A worker that is missing in a Region is one outcome, at once and without a
// retry, that says what to do.
func TestARegionWithoutAWorkerSaysWhatToDo(t *testing.T) {
	t.Parallel()
	missing := func(context.Context, int, func() ([]byte, error)) ([]byte, error) {
		return nil, &invoke.Error{Name: "Lambda.ResourceNotFoundException", Advice: protocol.HintSetWorker}
	}
	r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3")}
	got, took := run(t, world{"eu-west-1": {way: missing}}, r, 0)
	lost := got.Regions[1]
	if lost.Status != protocol.StatusFailed || lost.Error != "Lambda.ResourceNotFoundException" || len(lost.Attempts) != 1 ||
		lost.ElapsedMs != 0 || lost.Hint != protocol.HintSetWorker || got.Regions[0].Hint != "" {
		t.Errorf("Run = %+v", got.Regions)
	}
	if took != 100*time.Millisecond { // the other Region's
		t.Errorf("Run took %v, want 100ms", took)
	}
}

// A Region has the hint of the error that it shows: that of its worst batch.
func TestARegionsHintIsThatOfItsError(t *testing.T) {
	t.Parallel()
	fails := func(_ context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
		if bytes.Contains(payload, []byte(`"batch":0,`)) {
			return nil, protocol.Attempt{}, &invoke.Error{Name: "Lambda.ENILimitReachedException", Advice: protocol.HintRaiseQuota}
		}
		return nil, protocol.Attempt{}, &invoke.Error{Name: "Lambda.AccessDeniedException", Advice: protocol.HintAllowWorker}
	}
	c := &coordinator.Coordinator{Tasks: world{}.tasks(), Invoker: invokerFunc(fails)}
	got, err := c.Run(t.Context(), protocol.Request{
		Task: "act", Regions: []string{"eu-west-1"}, Targets: protocol.Targets("s3", "sqs"), MaxTargetsPerInvocation: 1,
		Retry: []protocol.Retrier{},
	})
	if r := got.Regions[0]; err != nil || r.Error != "Lambda.ENILimitReachedException" || r.Hint != protocol.HintRaiseQuota {
		t.Errorf("Run = %s with hint %q, %v; want Lambda.ENILimitReachedException with %q", r.Error, r.Hint, err, protocol.HintRaiseQuota)
	}
}

// Neither the engine nor the protocol imports the other, so each has its own
// words; they are the same. Only the protocol's runs go on after an answer.
func TestTheEngineAndTheProtocolUseTheSameWords(t *testing.T) {
	t.Parallel()
	var engine []protocol.Status
	for _, s := range []fanout.Status{
		fanout.Succeeded, fanout.Failed, fanout.TimedOut, fanout.Aborted, fanout.NotStarted, fanout.Skipped,
	} {
		engine = append(engine, protocol.Status(s))
	}
	engine = append(engine, protocol.StatusRunning)
	if diff := cmp.Diff(protocol.Statuses(), engine); diff != "" {
		t.Errorf("statuses (-protocol +engine):\n%s", diff)
	}
	for engine, want := range map[string]string{
		fanout.NameAll:                             protocol.ErrorAll,
		fanout.NameTaskFailed:                      protocol.ErrorTaskFailed,
		fanout.NameTimeout:                         protocol.ErrorTimeout,
		fanout.NameExceedToleratedFailureThreshold: protocol.ErrorExceedToleratedFailureThreshold,
		fanout.NameDataLimitExceeded:               protocol.ErrorDataLimitExceeded,
		fanout.NameRuntime:                         protocol.ErrorRuntime,
	} {
		if engine != want {
			t.Errorf("the engine says %q, the protocol %q", engine, want)
		}
	}
}

// Without retriers of the request's own, a throttled invocation is tried again
// until the run's time is over; the result says how often that was.
func TestThrottlingIsWaitedOut(t *testing.T) {
	t.Parallel()
	r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3"), TimeoutSeconds: 60}
	w := world{"eu-west-1": {way: throttled(10)}}
	got, _ := run(t, w, r, 0)
	if statuses(got) != "SUCCEEDED: SUCCEEDED SUCCEEDED" || got.Summary.Throttled != 10 || len(got.Regions[1].Attempts) != 11 {
		t.Errorf("Run = %s, throttled %d times, %d attempts; want SUCCEEDED, 10, 11",
			statuses(got), got.Summary.Throttled, len(got.Regions[1].Attempts))
	}
	r.Retry = invoke.DefaultRetry()
	if got, _ := run(t, w, r, 0); statuses(got) != "FAILED: SUCCEEDED FAILED" || len(got.Regions[1].Attempts) != 5 {
		t.Errorf("Run with retriers of its own = %s, %d attempts; want FAILED, 5", statuses(got), len(got.Regions[1].Attempts))
	}
}

// With a worker in each Region, what one Region throttles is no limit of another's.
func TestThrottlingInOneRegionSlowsOnlyThatOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := world{"eu-west-1": {way: throttled(2)}, "us-east-1": {target: slowly(time.Second)}}
		c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks(), Regional: true}
		got := runRequest(t, c, protocol.Request{
			Task: "act", Regions: []string{"eu-west-1", "us-east-1"}, Targets: protocol.Targets(numbered(30)...), MaxTargetsPerInvocation: 1, TimeoutSeconds: 600,
		})
		limited, free := got.Regions[0], got.Regions[1]
		if limited.Status != protocol.StatusSucceeded || len(limited.Attempts) <= 30 {
			t.Errorf("the Region that throttles: %s after %d attempts, want SUCCEEDED after more than 30", limited.Status, len(limited.Attempts))
		}
		if free.StartMs != 0 || free.ElapsedMs != 1000 || len(free.Attempts) != 30 {
			t.Errorf("the other Region started at %v ms and took %v ms, %d attempts; want 0, 1000, 30",
				free.StartMs, free.ElapsedMs, len(free.Attempts))
		}
	})
}

// For a task that may not be done twice, an invocation is made again only after an error
// that says that nothing has run, unless the request insists.
func TestWhatMayHaveRunIsNotRunAgain(t *testing.T) {
	t.Parallel()
	sent := &invoke.Error{Name: protocol.ErrorLambdaService, Sent: true}
	unsent := &invoke.Error{Name: protocol.ErrorLambdaSDKClient}
	pending := &invoke.Error{Name: "Lambda.CodeArtifactUserPendingException"}
	failed := &invoke.Error{Name: protocol.ErrorLambdaService, FunctionError: invoke.Unhandled}
	tests := []struct {
		name       string
		idempotent bool
		retry      []protocol.Retrier
		err        error // of the first attempt
		want       string
	}{
		{"a task that may not be done twice", false, nil, sent, "FAILED: FAILED"},
		{"it was not sent", false, nil, unsent, "SUCCEEDED: SUCCEEDED"},
		{"it was refused before a run", false, nil, pending, "SUCCEEDED: SUCCEEDED"},
		{"the function failed", false, nil, failed, "FAILED: FAILED"},
		{"the error does not say", false, nil, named(protocol.ErrorLambdaService), "FAILED: FAILED"},
		{"the request insists", false, invoke.DefaultRetry(), sent, "SUCCEEDED: SUCCEEDED"},
		{"a task that may", true, nil, sent, "SUCCEEDED: SUCCEEDED"},
		{"a task that may, and a function that failed", true, nil, failed, "SUCCEEDED: SUCCEEDED"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := world{"us-east-1": {way: func(_ context.Context, attempt int, invoke func() ([]byte, error)) ([]byte, error) {
				if attempt == 1 {
					return nil, tt.err
				}
				return invoke()
			}}}
			w.idempotent(tt.idempotent)
			got, _ := run(t, w, protocol.Request{
				Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3"), Retry: tt.retry,
			}, 0)
			if statuses(got) != tt.want {
				t.Errorf("Run = %s, want %s", statuses(got), tt.want)
			}
		})
	}
}

// An answer that says FAILED has run, whatever error it names: its invocation is not made
// again when the task may not be done twice.
func TestAWorkerThatAnsweredIsNotAskedAgain(t *testing.T) {
	t.Parallel()
	for idempotent, want := range map[bool]int{false: 1, true: 5} {
		w := world{"us-east-1": {target: fails("Test.Broken"), way: func(_ context.Context, _ int, work func() ([]byte, error)) ([]byte, error) {
			answer, err := work()
			return bytes.Replace(answer, []byte(protocol.ErrorExceedToleratedFailureThreshold), []byte(protocol.ErrorLambdaService), 1), err
		}}}
		w.idempotent(idempotent)
		got, _ := run(t, w, protocol.Request{Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3")}, 0)
		if n := len(got.Regions[0].Attempts); n != want {
			t.Errorf("Run made %d attempts when the task may be done twice: %v; want %d", n, idempotent, want)
		}
	}
}

// A worker that cannot run yet is tried for as long as the run has, and the result says
// what to wait for.
func TestAWorkerThatCannotRunYetIsWaitedFor(t *testing.T) {
	t.Parallel()
	pending := func(until time.Duration) func(context.Context, int, func() ([]byte, error)) ([]byte, error) {
		begin := time.Time{}
		return func(_ context.Context, _ int, invoke func() ([]byte, error)) ([]byte, error) {
			if begin.IsZero() {
				begin = time.Now()
			}
			if time.Since(begin) < until {
				return nil, notYet()
			}
			return invoke()
		}
	}
	r := protocol.Request{Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3"), TimeoutSeconds: 300}
	got, took := run(t, world{"us-east-1": {way: pending(106 * time.Second)}}, r, 0)
	if n := len(got.Regions[0].Attempts); statuses(got) != "SUCCEEDED: SUCCEEDED" || took > 117*time.Second || n < 12 {
		t.Errorf("Run = %s after %v and %d attempts, want SUCCEEDED within 10 s of 106 s", statuses(got), took, n)
	}
	got, took = run(t, world{"us-east-1": {way: pending(time.Hour)}}, r, 0)
	lost := got.Regions[0]
	last := 300*time.Second - protocol.Reserve(300*time.Second) - 10*time.Second // the longest wait would end too late to start
	if statuses(got) != "FAILED: FAILED" || took < last || lost.Error != notYet().Name || lost.Hint != protocol.HintAwaitWorker {
		t.Errorf("Run = %s after %v: %s with hint %q; want FAILED after %v", statuses(got), took, lost.Error, lost.Hint, last)
	}
}

// Each state of a function that passes is waited for, also when the task may not be done
// twice: AWS documents that nothing has run.
func TestEveryStateOfAFunctionThatPassesIsWaitedFor(t *testing.T) {
	t.Parallel()
	for code, status := range map[string]int{
		"CodeArtifactUserPendingException": 409, "ResourceConflictException": 409, "SnapStartNotReadyException": 409,
		"ResourceNotReadyException": 502, "EC2ThrottledException": 502, "ENILimitReachedException": 502,
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c, server := deployed(t, world{}.tasks())
				begin := time.Now()
				server.Decide(func(invoketest.Call) invoketest.Fault {
					if time.Since(begin) < time.Minute {
						return invoketest.Refuse(status, code, "not yet")
					}
					return nil
				})
				got, err := c.Run(t.Context(), protocol.Request{
					Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3"), TimeoutSeconds: 300,
				})
				if err != nil || got.Status != protocol.StatusSucceeded || got.Summary.Cost.Workers.Requests != 2 {
					t.Errorf("Run = %s: %s after %d attempts, %v; want SUCCEEDED, 2 of them billed", got.Status, got.Cause, got.Summary.Attempts, err)
				}
			})
		})
	}
}

// notYet returns the error of a worker that cannot run yet.
func notYet() *invoke.Error {
	return &invoke.Error{
		Name: "Lambda.CodeArtifactUserPendingException", Message: "as the test wants it", Advice: protocol.HintAwaitWorker,
	}
}

func TestASlowInvocationIsHedged(t *testing.T) {
	t.Parallel()
	var called atomic.Bool // the two invocations run at the same time
	straggles := func(ctx context.Context, _ int, invoke func() ([]byte, error)) ([]byte, error) {
		if called.CompareAndSwap(false, true) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		return invoke()
	}
	w := world{"us-east-1": {way: straggles}}
	w.idempotent(true)
	got, took := run(t, w, protocol.Request{
		Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets("s3"),
		Hedge: &protocol.Hedge{AfterSeconds: 1, MaxExtraPercentage: 50},
	}, 0)
	attempts := got.Regions[0].Attempts
	if statuses(got) != "SUCCEEDED: SUCCEEDED SUCCEEDED" || took != 1100*time.Millisecond || len(attempts) != 2 ||
		attempts[0].Error != "" || attempts[0].Cause != "another attempt answered first" || !attempts[1].Hedge {
		t.Errorf("Run = %s after %v: %+v", statuses(got), took, attempts)
	}
	if s := got.Summary; s.Attempts != 3 || s.Hedges != 1 || s.Retries != 0 || s.TargetRetries != 0 {
		t.Errorf("Summary = %+v, want 3 attempts, one of them a hedge, and no retries", s)
	}
	few, _ := run(t, w, protocol.Request{
		Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3"), Hedge: &protocol.Hedge{AfterSeconds: 1},
	}, 0)
	if want := []string{"nothing is hedged: of 1 in all, maxExtraPercentage allows less than one extra invocation"}; !cmp.Equal(few.Notices, want) {
		t.Errorf("Notices = %q, want %q", few.Notices, want)
	}
}

// briefly has workers that end by themselves after ten seconds, as a function's own
// timeout has them.
func briefly(workers invokerFunc) invokerFunc {
	return func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
		ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
		defer cancel()
		return workers(ctx, region, payload)
	}
}

// A worker whose own time was over, in a run that has none, has failed: nothing
// of it was cut by the run's end.
func TestWithoutADeadlineNothingIsCutByTheRunsEnd(t *testing.T) {
	t.Parallel()
	w := world{"us-east-1": {target: slowly(time.Hour)}}
	brief := briefly(w.invoker(t))
	synctest.Test(t, func(t *testing.T) {
		c := &coordinator.Coordinator{Invoker: brief, Tasks: w.tasks()}
		r := protocol.Request{Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Retry: []protocol.Retrier{}}
		got, err := c.Run(t.Context(), r)
		want := "FAILED: TIMED_OUT SUCCEEDED"
		if err != nil || statuses(got) != want || got.Error != protocol.ErrorExceedToleratedFailureThreshold {
			t.Errorf("Run = %s, %s, %v; want %s", statuses(got), got.Error, err, want)
		}
	})
}

// What time is left then is for the run's own answer.
func TestAnAnswerThatComesAfterTheRunsEndIsNotRead(t *testing.T) {
	t.Parallel()
	w := world{}
	inner := w.invoker(t)
	for name, tt := range map[string]struct {
		after time.Duration
		want  string
	}{
		"before": {18900 * time.Millisecond, "SUCCEEDED: SUCCEEDED"},
		"after":  {19100 * time.Millisecond, "TIMED_OUT: TIMED_OUT"},
	} {
		slow := invokerFunc(func(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
			time.Sleep(tt.after - 100*time.Millisecond) // the work takes the rest
			return inner(context.WithoutCancel(ctx), region, payload)
		})
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			c := &coordinator.Coordinator{Invoker: slow, Tasks: w.tasks()}
			begin := time.Now()
			got, err := c.Run(ctx, protocol.Request{Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3")})
			if err != nil || statuses(got) != tt.want || got.Regions[0].RequestID != "us-east-1-0-1" || time.Since(begin) != tt.after {
				t.Errorf("%s: Run = %s of request %q after %v, %v; want %s of us-east-1-0-1 after %v",
					name, statuses(got), got.Regions[0].RequestID, time.Since(begin), err, tt.want, tt.after)
			}
		})
	}
}

// Also of a Region that took several invocations.
func TestASkippedRegionSaysWhy(t *testing.T) {
	t.Parallel()
	for _, most := range []int{0, 1} {
		got, _ := run(t, world{"us-east-1": {target: skips}}, protocol.Request{
			Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3", "sqs"), MaxTargetsPerInvocation: most,
		}, 0)
		if want := "every target was skipped; the first one: not offered here"; got.Cause != want {
			t.Errorf("the run's cause is %q, want %q", got.Cause, want)
		}
		if r, want := got.Regions[0], "every target was skipped"; r.Status != protocol.StatusSkipped || r.Cause != want || r.Error != "" {
			t.Errorf("%d targets in an invocation: %s, error %q, cause %q; want SKIPPED, none, %q", most, r.Status, r.Error, r.Cause, want)
		}
	}
}

// A Region with some batches done and others never started was given
// up, or has timed out when it was the run's time that was over.
func TestARegionThatTheRunsEndLeftHalfDone(t *testing.T) {
	t.Parallel()
	r := protocol.Request{
		Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("dynamodb", "s3"),
		MaxTargetsPerInvocation: 1, MaxConcurrency: 1, TimeoutSeconds: 0.15,
	}
	slow := world{"us-east-1": {target: slowly(120 * time.Millisecond)}}
	got, _ := run(t, slow, r, 0)
	if statuses(got) != "TIMED_OUT: TIMED_OUT" || got.Regions[0].Error != protocol.ErrorTimeout {
		t.Errorf("Run = %s, error %q; want TIMED_OUT: TIMED_OUT", statuses(got), got.Regions[0].Error)
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(150*time.Millisecond, cancel)
		r.TimeoutSeconds = 0
		c := &coordinator.Coordinator{Invoker: slow.invoker(t), Tasks: slow.tasks()}
		if got, err := c.Run(ctx, r); err != nil || statuses(got) != "ABORTED: ABORTED" {
			t.Errorf("Run = %s, %v; want ABORTED: ABORTED", statuses(got), err)
		}
	})
}

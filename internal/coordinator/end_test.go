package coordinator_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// tenTargets returns the targets of a Region that takes a second for each.
func tenTargets() (targets []string) {
	for i := range 10 {
		targets = append(targets, fmt.Sprintf("target-%d", i))
	}
	return targets
}

// counted returns the counts of a Region's targets, without those that are 0.
func counted(r protocol.RegionOutcome) string {
	var c protocol.Counts
	for _, t := range r.Targets {
		c.Add(t.Status)
	}
	var words []string
	for _, of := range []struct {
		name string
		n    int
	}{
		{"succeeded", c.Succeeded},
		{"failed", c.Failed},
		{"timed out", c.TimedOut},
		{"aborted", c.Aborted},
		{"not started", c.NotStarted},
		{"skipped", c.Skipped},
	} {
		if of.n > 0 {
			words = append(words, fmt.Sprint(of.n, " ", of.name))
		}
	}
	return strings.Join(words, ", ")
}

// us-east-1 has ten targets of a second each, one at a time, and the run ends after 3.5 s:
// it is cancelled, or eu-west-1 is done then and that decides it.
func TestAWorkerThatIsToldToStopAnswersWithWhatItHas(t *testing.T) {
	t.Parallel()
	const end = 3500 * time.Millisecond
	second := slowly(time.Second)
	fails3rd := func(ctx context.Context, target string) error {
		if err := second(ctx, target); err != nil || target != "target-2" {
			return err
		}
		return named("Test.Broken")
	}
	lastIgnores := func(ctx context.Context, target string) error {
		if target == "target-3" {
			time.Sleep(time.Minute)
		}
		return second(ctx, target)
	}
	other := func(name string) func(context.Context, string) error {
		wait := slowly(end / 10)
		return func(ctx context.Context, target string) error {
			if err := wait(ctx, target); err != nil || target != "target-9" || name == "" {
				return err
			}
			return named(name)
		}
	}
	never := slowly(time.Hour)
	for _, tt := range []struct {
		name    string
		target  func(context.Context, string) error // of us-east-1
		other   func(context.Context, string) error // of eu-west-1
		edit    func(*protocol.Request)
		cancel  bool
		want    string
		targets string
		cause   string
		took    time.Duration
	}{
		{
			name: "cancelled", target: second, other: other(""), cancel: true,
			want: "ABORTED: ABORTED SUCCEEDED", targets: "3 succeeded, 1 aborted, 6 not started",
			cause: "interrupted; 7 of 10 targets not finished", took: end,
		},
		{
			name: "fail fast", target: second, other: other("Test.Broken"),
			edit: func(r *protocol.Request) { r.FailFast = true },
			want: "FAILED: ABORTED FAILED", targets: "3 succeeded, 1 aborted, 6 not started",
			cause: "1 of 2 failed, 0 tolerated; 7 of 10 targets not finished", took: end,
		},
		{
			name: "enough succeeded", target: second, other: other(""),
			edit: func(r *protocol.Request) { r.MinSuccessful = 1 },
			want: "SUCCEEDED: ABORTED SUCCEEDED", targets: "3 succeeded, 1 aborted, 6 not started",
			cause: "enough succeeded; 7 of 10 targets not finished", took: end,
		},
		{
			name: "not enough can succeed", target: second, other: other("Test.Broken"),
			edit: func(r *protocol.Request) { r.FailFast, r.MinSuccessful = true, 2 },
			want: "FAILED: ABORTED FAILED", targets: "3 succeeded, 1 aborted, 6 not started",
			cause: "1 of 2 failed, 0 tolerated, 2 had to succeed; 7 of 10 targets not finished", took: end,
		},
		{
			name: "a target had failed", target: fails3rd, other: other(""), cancel: true,
			want: "FAILED: FAILED SUCCEEDED", targets: "2 succeeded, 1 failed, 1 aborted, 6 not started",
			cause: "1 of 10 targets failed; target-2: Test.Broken: as the test wants it", took: end,
		},
		{
			name: "a target had failed, and its Region would be invoked again", target: fails3rd, other: other(""), cancel: true,
			edit: func(r *protocol.Request) {
				r.Retry = []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: 1}}
			},
			want: "ABORTED: ABORTED SUCCEEDED", targets: "2 succeeded, 1 failed, 1 aborted, 6 not started",
			cause: "interrupted; last error: 1 of 10 targets failed; target-2: Test.Broken: as the test wants it", took: end,
		},
		{
			name: "a target ignores its context", target: lastIgnores, other: other(""), cancel: true,
			want: "ABORTED: ABORTED SUCCEEDED", targets: "3 succeeded, 1 aborted, 6 not started",
			cause: "interrupted; 7 of 10 targets not finished", took: end + 500*time.Millisecond,
		},
		{
			name: "two Regions", target: second, other: never, cancel: true,
			want: "ABORTED: ABORTED ABORTED", targets: "3 succeeded, 1 aborted, 6 not started",
			cause: "interrupted; 7 of 10 targets not finished", took: end,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				w := world{"us-east-1": {target: tt.target}, "eu-west-1": {target: tt.other}}
				r := protocol.Request{
					Task: "act", Regions: []string{"us-east-1", "eu-west-1"}, Targets: protocol.Targets(tenTargets()...), TargetMaxConcurrency: 1, TimeoutSeconds: 60,
				}
				if tt.edit != nil {
					tt.edit(&r)
				}
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				if tt.cancel {
					time.AfterFunc(end, func() { cancel(errors.New("interrupted")) })
				}
				begin := time.Now()
				c := &coordinator.Coordinator{Invoker: w.invoker(t), Tasks: w.tasks()}
				got, err := c.Run(ctx, r)
				if took := time.Since(begin); err != nil || statuses(got) != tt.want || took != tt.took {
					t.Errorf("Run = %s, %v after %v; want %s after %v", statuses(got), err, took, tt.want, tt.took)
				}
				assertAccounted(t, r, got)
				if region := got.Regions[0]; counted(region) != tt.targets || region.Cause != tt.cause {
					t.Errorf("us-east-1: %s: %s; want %s: %s", counted(region), region.Cause, tt.targets, tt.cause)
				}
				time.Sleep(2 * time.Hour)
			})
		})
	}
}

// A worker keeps a tenth of its time, at most a second, for its answer. A Region that would
// have less than that is not started: workers that the run's end stops make no room for
// others.
func TestNoRegionStartsWithTheTimeThatAWorkerNeedsToAnswer(t *testing.T) {
	t.Parallel()
	regions := []string{"us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3"}
	for _, tt := range []struct {
		name   string
		target func(context.Context, string) error
		edit   func(*protocol.Request)
		limit  time.Duration // of the function
		want   string
		took   time.Duration
	}{
		{
			name: "workers without an end", target: slowly(8 * time.Second), edit: func(r *protocol.Request) { r.TimeoutSeconds = 3 },
			want: "TIMED_OUT: TIMED_OUT TIMED_OUT TIMED_OUT NOT_STARTED NOT_STARTED NOT_STARTED NOT_STARTED", took: 2700 * time.Millisecond,
		},
		{
			name: "a function's deadline", target: slowly(time.Hour), limit: 30 * time.Second,
			want: "TIMED_OUT: TIMED_OUT TIMED_OUT TIMED_OUT NOT_STARTED NOT_STARTED NOT_STARTED NOT_STARTED", took: 28 * time.Second,
		},
		{
			name: "a place just before", target: slowly(2699 * time.Millisecond), edit: func(r *protocol.Request) { r.TimeoutSeconds = 3 },
			want: "TIMED_OUT: SUCCEEDED SUCCEEDED SUCCEEDED TIMED_OUT TIMED_OUT TIMED_OUT NOT_STARTED", took: 2699*time.Millisecond + 301*time.Millisecond*9/10,
		},
		{
			name: "a worker that starts no other target is stopped by the run's end", target: slowly(8992 * time.Millisecond),
			edit: func(r *protocol.Request) {
				r.TimeoutSeconds, r.MaxConcurrency, r.Targets, r.TargetMaxConcurrency = 10, 0, protocol.Targets("s3", "sqs"), 1
			},
			want: "TIMED_OUT: TIMED_OUT TIMED_OUT TIMED_OUT TIMED_OUT TIMED_OUT TIMED_OUT TIMED_OUT", took: 8992 * time.Millisecond,
		},
		{
			name: "a retry that could not start in time", target: fails("Test.Broken"),
			edit: func(r *protocol.Request) {
				r.TimeoutSeconds, r.MaxConcurrency = 3, 0
				r.Retry = []protocol.Retrier{{ErrorEquals: []string{protocol.ErrorAll}, IntervalSeconds: 2.8}}
			},
			want: "FAILED: FAILED FAILED FAILED FAILED FAILED FAILED FAILED",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := world{}
			for _, region := range regions {
				w[region] = happening{target: tt.target}
			}
			r := protocol.Request{Task: "act", Regions: regions, Targets: protocol.Targets("s3"), MaxConcurrency: 3}
			if tt.edit != nil {
				tt.edit(&r)
			}
			got, took := run(t, w, r, tt.limit)
			if statuses(got) != tt.want || took != tt.took {
				t.Errorf("Run = %s after %v, want %s after %v", statuses(got), took, tt.want, tt.took)
			}
			for _, region := range got.Regions {
				if (region.Status == protocol.StatusNotStarted) != (len(region.Attempts) == 0) {
					t.Errorf("%s is %s with attempts %+v", region.Region, region.Status, region.Attempts)
				}
			}
		})
	}
}

// The run ends when us-east-2's invocation is about to be made.
func TestAnAttemptThatWasNotMadeIsNotInTheResult(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancelCause(t.Context())
		w := world{}
		var ended []protocol.Event
		c := &coordinator.Coordinator{
			Invoker: w.invoker(t), Tasks: w.tasks(), Billing: coordinator.Billing{Region: "us-east-1"},
			Events: func(e protocol.Event) {
				switch {
				case e.Type == protocol.EventAttemptStarted && e.Region == "us-east-2":
					cancel(errors.New("interrupted"))
				case e.Type == protocol.EventAttemptEnded:
					ended = append(ended, e)
				}
			},
		}
		got, err := c.Run(ctx, protocol.Request{Task: "act", Regions: []string{"us-east-1", "us-east-2"}, MaxConcurrency: 1})
		if err != nil || statuses(got) != "ABORTED: SUCCEEDED NOT_STARTED" || got.Summary.Attempts != 1 {
			t.Errorf("Run = %s with %d attempts, %v; want ABORTED: SUCCEEDED NOT_STARTED with 1", statuses(got), got.Summary.Attempts, err)
		}
		last := ended[len(ended)-1]
		if want := (protocol.Attempt{StartMs: 100, Cause: "interrupted"}); len(ended) != 2 || !last.NotMade || !cmp.Equal(*last.Attempt, want) {
			t.Errorf("the last of %d ends is %+v, not made %t; want the second, %+v, true", len(ended), last.Attempt, last.NotMade, want)
		}
	})
}

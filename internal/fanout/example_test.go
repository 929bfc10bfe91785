package fanout_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"meridian/internal/fanout"
)

var errNoSuchHost = errors.New("no such host")

// lookUp finds the length of a host's name, the second time it is asked.
func lookUp(_ context.Context, host string, prior []fanout.Attempt) (int, error) {
	switch {
	case host == "":
		return 0, errNoSuchHost
	case len(prior) == 0:
		return 0, context.DeadlineExceeded
	}
	return len(host), nil
}

// One outcome per item, in the order of the items, and a verdict on the whole.
func ExampleMap() {
	policy := fanout.Policy{
		MaxConcurrency: 2,
		Timeout:        time.Second,
		Retry: []fanout.Retrier{{
			ErrorEquals:     []string{fanout.NameTimeout},
			IntervalSeconds: 0.001,
		}},
	}
	hosts := []string{"dynamodb.eu-west-1.amazonaws.com", "", "s3.us-east-1.amazonaws.com"}
	outcomes, verdict := fanout.Map(context.Background(), policy, hosts, lookUp)
	for i, o := range outcomes {
		fmt.Printf("%q: %s after %d attempts: %d, %v\n", hosts[i], o.Status, len(o.Attempts), o.Value, o.Err)
	}
	fmt.Println(verdict.Status, verdict.Err)
	// Output:
	// "dynamodb.eu-west-1.amazonaws.com": SUCCEEDED after 2 attempts: 32, <nil>
	// "": FAILED after 1 attempts: 0, no such host
	// "s3.us-east-1.amazonaws.com": SUCCEEDED after 2 attempts: 26, <nil>
	// FAILED 1 of 3 failed, 0 tolerated
}

// Each outcome as soon as there is one; here the first is enough, and the rest is
// aborted.
func ExampleEach() {
	outcomes, verdict := fanout.Each(context.Background(), fanout.Policy{}, []string{"slow", "quick"},
		func(ctx context.Context, host string, _ []fanout.Attempt) (string, error) {
			if host == "slow" {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "pong", nil
		})
	for i, o := range outcomes {
		fmt.Println(i, o.Status, o.Value)
		break
	}
	fmt.Println(verdict().Status, verdict().Err)
	// Output:
	// 1 SUCCEEDED pong
	// ABORTED the loop over the outcomes was left
}

// Each attempt's start and end, as they happen.
func ExampleWatch() {
	policy := fanout.Policy{
		MaxConcurrency: 1,
		Retry:          []fanout.Retrier{{ErrorEquals: []string{fanout.NameTimeout}, IntervalSeconds: 0.001}},
	}
	outcomes, _ := fanout.Watch(context.Background(), policy, []string{"s3.us-east-1.amazonaws.com"}, lookUp,
		func(e fanout.Event[int]) {
			if e.Ended {
				fmt.Println("attempt", e.Number, "ended:", e.Value, e.Attempt.Name, e.Attempt.Wait)
				return
			}
			fmt.Println("attempt", e.Number, "started")
		})
	for i, o := range outcomes {
		fmt.Println(i, o.Status)
	}
	// Output:
	// attempt 1 started
	// attempt 1 ended: 0 States.Timeout 1ms
	// attempt 2 started
	// attempt 2 ended: 26  0s
	// 0 SUCCEEDED
}

// A busyError has a name, for retriers to match.
type busyError struct{}

func (busyError) Error() string     { return "the queue is full" }
func (busyError) ErrorName() string { return "Queue.Full" }

// The first retrier that matches the error's name decides: three retries for a full
// queue, one for anything else.
func ExampleRetrier() {
	policy := fanout.Policy{Retry: []fanout.Retrier{
		{ErrorEquals: []string{"Queue.Full"}, IntervalSeconds: 0.001, MaxAttempts: new(3), BackoffRate: 1.5},
		{ErrorEquals: []string{fanout.NameAll}, IntervalSeconds: 0.001, MaxAttempts: new(1)},
	}}
	outcomes, _ := fanout.Map(context.Background(), policy, []error{busyError{}, errNoSuchHost},
		func(_ context.Context, err error, _ []fanout.Attempt) (int, error) { return 0, err })
	for _, o := range outcomes {
		fmt.Print(o.Status, " ", o.Err, ", waits:")
		for _, a := range o.Attempts {
			fmt.Print(" ", a.Wait)
		}
		fmt.Println()
	}
	// Output:
	// FAILED the queue is full, waits: 1ms 1.5ms 2.25ms 0s
	// FAILED no such host, waits: 1ms 0s
}

// A slow attempt gets a second one beside it, and the first answer wins. On a busy machine the
// second one may be the first to run.
func ExampleHedge() {
	policy := fanout.Policy{Hedge: fanout.Hedge{After: time.Millisecond, MaxExtraPercentage: 100}}
	var calls atomic.Int32
	outcomes, _ := fanout.Map(context.Background(), policy, []string{"replica"},
		func(ctx context.Context, _ string, _ []fanout.Attempt) (string, error) {
			if calls.Add(1) == 1 {
				<-ctx.Done()
				return "", ctx.Err()
			}
			return "answer", nil
		})
	fmt.Println(outcomes[0].Status, outcomes[0].Value)
	hedges := 0
	for _, a := range outcomes[0].Attempts {
		fmt.Println(a.Err)
		if a.Hedge {
			hedges++
		}
	}
	fmt.Println("hedges:", hedges)
	// Output:
	// SUCCEEDED answer
	// another attempt answered first
	// <nil>
	// hedges: 1
}

// One failure of three is tolerated, two are not.
func ExampleTolerance() {
	policy := fanout.Policy{Tolerance: fanout.Tolerance{FailureCount: new(1)}}
	for _, hosts := range [][]string{{"a", "", "b"}, {"a", "", ""}} {
		_, verdict := fanout.Map(context.Background(), policy, hosts,
			func(_ context.Context, host string, _ []fanout.Attempt) (int, error) {
				if host == "" {
					return 0, errNoSuchHost
				}
				return len(host), nil
			})
		fmt.Println(verdict.Status, verdict.Err)
	}
	// Output:
	// SUCCEEDED <nil>
	// FAILED 2 of 3 failed, 1 tolerated
}

// An other side that throttles sets the pace: throttled attempts wait, and fewer run
// at once, until all have succeeded.
func ExampleAdaptation() {
	policy := fanout.Policy{
		Adaptation: fanout.Adaptation{ErrorEquals: []string{"Queue.Full"}},
		Retry:      []fanout.Retrier{{ErrorEquals: []string{"Queue.Full"}}},
	}
	_, verdict := fanout.Map(context.Background(), policy, []string{"job"},
		func(_ context.Context, _ string, prior []fanout.Attempt) (int, error) {
			if len(prior) == 0 {
				return 0, busyError{}
			}
			return 1, nil
		})
	fmt.Println(verdict.Status, "throttled:", verdict.Throttled)
	// Output:
	// SUCCEEDED throttled: 1
}

// A nothingError says that there is nothing to do, which is no failure.
type nothingError struct{}

func (nothingError) Error() string { return "no such service in this Region" }
func (nothingError) Skip() bool    { return true }

func ExampleSkipError() {
	outcomes, verdict := fanout.Map(context.Background(), fanout.Policy{}, []string{"apprunner"},
		func(context.Context, string, []fanout.Attempt) (int, error) { return 0, nothingError{} })
	fmt.Println(outcomes[0].Status, outcomes[0].Err, verdict.Status)
	// Output:
	// SKIPPED no such service in this Region SUCCEEDED
}

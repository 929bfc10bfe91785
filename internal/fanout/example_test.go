package fanout_test

import (
	"context"
	"errors"
	"fmt"
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

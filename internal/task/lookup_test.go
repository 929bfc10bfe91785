package task_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

const (
	ofTheAccount = `{"query":"length(Vpcs)","input":{"Filters":[{"Name":"owner-id","Values":["{account}"]}]}}`
	identity     = `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`
	noIdentity   = `<ErrorResponse><Error><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`
)

// An identities stands in for an AWS with an STS that answers late in one Region. It counts
// its requests.
type identities struct {
	late   map[string]time.Duration // by Region; negative means never
	refuse string                   // a code

	mu    sync.Mutex
	asked map[string]int // by Region
}

// ServeHTTP implements http.Handler.
func (i *identities) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if !strings.Contains(string(body), "GetCallerIdentity") {
		_, _ = io.WriteString(w, "<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet></DescribeVpcsResponse>")
		return
	}
	region := strings.Split(r.Header.Get("Authorization"), "/")[2]
	i.mu.Lock()
	i.asked[region]++
	i.mu.Unlock()
	if i.late[region] < 0 {
		<-r.Context().Done()
		return
	}
	time.Sleep(i.late[region])
	if i.refuse != "" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, noIdentity, i.refuse)
		return
	}
	_, _ = io.WriteString(w, identity)
}

// requests returns how often STS was asked in a Region.
func (i *identities) requests(region string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.asked[region]
}

// calls makes a call in each Region at once, in virtual time, and returns how long the
// longest took and the errors.
func (i *identities) calls(t *testing.T, tasks *task.Registry, within time.Duration, regions ...string) (took time.Duration, errs []error) {
	t.Helper()
	work := prepare(t, tasks, "call", []byte(ofTheAccount))
	errs = make([]error, len(regions))
	begin := time.Now()
	var wg sync.WaitGroup
	for n, region := range regions {
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), within)
			defer cancel()
			_, errs[n] = work(task.WithRunID(ctx, "run"), region, protocol.Target{Name: "ec2:DescribeVpcs"})
		})
	}
	wg.Wait()
	return time.Since(begin), errs
}

// start returns what calls the identities. Call stop at the end of the test.
func (i *identities) start(t *testing.T, certificate tls.Certificate) (tasks *task.Registry, stop func()) {
	t.Helper()
	i.asked = map[string]int{}
	w := &world{dead: "sa-east-1", handler: i}
	a, end := w.cloud(t, certificate)
	return calling(t, "reads", a), func() {
		time.Sleep(time.Minute) // the look-ups that nothing waits for end
		end()
	}
}

// Regions whose STS is dead or hangs do not delay the account: every Region asks its own,
// at once, and the first answer is for all.
func TestTheFirstAnswerOfSTSIsForEveryRegion(t *testing.T) {
	t.Parallel()
	i := &identities{late: map[string]time.Duration{"eu-west-1": -1, "us-east-1": 200 * time.Millisecond, "us-west-2": 5 * time.Second}}
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		tasks, stop := i.start(t, certificate)
		defer stop()
		took, errs := i.calls(t, tasks, time.Minute, "eu-west-1", "us-west-2", "us-east-1", "eu-west-1", "us-east-1")
		if err := errors.Join(errs...); err != nil || took != 200*time.Millisecond {
			t.Errorf("took %v, %v, want 200ms", took, err)
		}
		for _, region := range []string{"eu-west-1", "us-west-2", "us-east-1"} {
			if n := i.requests(region); n != 1 {
				t.Errorf("STS of %s was asked %d times, want once", region, n)
			}
		}
	})
}

// A caller waits for the account no longer than its own context lasts, and the next one is
// served by the same request.
func TestACallerWaitsForTheAccountOnlyAsLongAsItMay(t *testing.T) {
	t.Parallel()
	i := &identities{late: map[string]time.Duration{"eu-west-1": 3 * time.Second, "eu-west-2": -1}}
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		tasks, stop := i.start(t, certificate)
		defer stop()
		took, errs := i.calls(t, tasks, time.Second, "eu-west-1", "eu-west-2")
		for _, err := range errs {
			if !errors.Is(err, context.DeadlineExceeded) || took != time.Second {
				t.Errorf("took %v, %v, want 1s and the context's error", took, err)
			}
		}
		took, errs = i.calls(t, tasks, time.Minute, "eu-west-1")
		if errs[0] != nil || took != 2*time.Second || i.requests("eu-west-1") != 1 {
			t.Errorf("then took %v, %v, with %d requests, want 2s, and the first request", took, errs[0], i.requests("eu-west-1"))
		}
	})
}

// An STS that never answers is waited for ten seconds. The call may be tried again.
func TestAnSTSThatHangsIsWaitedForTenSeconds(t *testing.T) {
	t.Parallel()
	i := &identities{late: map[string]time.Duration{"eu-west-2": -1}}
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		tasks, stop := i.start(t, certificate)
		defer stop()
		took, errs := i.calls(t, tasks, time.Minute, "eu-west-2")
		failed, ok := errors.AsType[*task.CallError](errs[0])
		if !ok || failed.Name != "Call.Lost" || !failed.Transient() || took != 10*time.Second {
			t.Errorf("took %v, %v, want Call.Lost after 10s", took, errs[0])
		}
	})
}

// A failure is kept for a second: thousands of targets do not ask again each.
func TestAFailureOfSTSIsKeptForASecond(t *testing.T) {
	t.Parallel()
	i := &identities{refuse: "InvalidClientTokenId"}
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		tasks, stop := i.start(t, certificate)
		defer stop()
		for _, test := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {999 * time.Millisecond, 1}, {time.Millisecond, 2}} {
			time.Sleep(test.wait)
			for range 3 {
				_, errs := i.calls(t, tasks, time.Minute, "us-east-1", "us-east-1", "us-east-1")
				for _, err := range errs {
					const want = "no (HTTP 403); the credentials may be wrong or have expired: sign in again"
					if failed, ok := errors.AsType[*task.CallError](err); !ok || failed.Name != "InvalidClientTokenId" || err.Error() != want {
						t.Errorf("error %v, want InvalidClientTokenId: %s", err, want)
					}
				}
			}
			if got := i.requests("us-east-1"); got != test.want {
				t.Errorf("%d requests, want %d", got, test.want)
			}
		}
	})
}

// A throttle is kept for a tenth of that, so that a retry asks again.
func TestAThrottleOfSTSIsKeptForATenthOfASecond(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		i := &identities{refuse: "Throttling"}
		tasks, stop := i.start(t, certificate)
		defer stop()
		for _, test := range []struct {
			wait time.Duration
			want int
		}{{0, 1}, {99 * time.Millisecond, 1}, {time.Millisecond, 2}} {
			time.Sleep(test.wait)
			_, errs := i.calls(t, tasks, time.Minute, "us-east-1", "us-east-1")
			if failed, ok := errors.AsType[*task.CallError](errs[0]); !ok || failed.Name != "Throttling" || i.requests("us-east-1") != test.want {
				t.Errorf("%v after %d requests, want Throttling after %d", errs[0], i.requests("us-east-1"), test.want)
			}
		}
	})
}

// An answer of STS without an account is no account.
func TestAnIdentityWithoutAnAccountFails(t *testing.T) {
	t.Parallel()
	s := &stub{t: t, answers: []answer{{body: `<GetCallerIdentityResponse><GetCallerIdentityResult/></GetCallerIdentityResponse>`}}}
	_, err := call(t, calling(t, "reads", cloud(t, s)), "ec2:DescribeVpcs", ofTheAccount)
	if failed, ok := errors.AsType[*task.CallError](err); !ok || failed.Name != "Call.BadAnswer" {
		t.Errorf("error %v, want Call.BadAnswer", err)
	}
}

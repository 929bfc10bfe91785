package task_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// A role is assumed once for all targets of an account, in the Region of the worker. Every
// account has its own session.
func TestARoleIsAssumedOnceForAnAccount(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		a := &accounts{takes: time.Second}
		w, _, stop := a.start(t, certificate, "none")
		defer stop()
		regions := []string{"eu-west-1", "eu-central-1", "us-west-2", "ap-south-1"}
		var wg sync.WaitGroup
		sessions := make([][]string, 2)
		for i, id := range []string{"222222222222", "333333333333"} {
			wg.Go(func() {
				begin := time.Now()
				sessions[i] = results(describe(t, w, reader(id), regions...))
				if took := time.Since(begin); took != time.Second {
					t.Errorf("took %v, want the second of STS", took)
				}
			})
		}
		wg.Wait()
		for i, all := range sessions {
			if all = slices.Compact(slices.Clone(all)); len(all) != 1 || !strings.HasPrefix(all[0], "session-") || slices.Contains(sessions[1-i], all[0]) {
				t.Errorf("sessions %v, want one for each account", sessions)
			}
		}
		describe(t, w, reader("222222222222"), regions...)
		got := a.requests()
		slices.Sort(got)
		want := []string{
			"us-east-1 arn:aws:iam::222222222222:role/reader meridian-run",
			"us-east-1 arn:aws:iam::333333333333:role/reader meridian-run",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("requests to assume a role (-want +got):\n%s", diff)
		}
	})
}

// The session is renewed five minutes before it expires, beside the calls.
func TestASessionIsRenewedFiveMinutesBeforeItExpires(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		a := &accounts{}
		w, _, stop := a.start(t, certificate, "none")
		defer stop()
		for _, step := range []struct {
			pause time.Duration
			want  string
			asked int
		}{
			{0, "session-1", 1},
			{55*time.Minute - time.Second, "session-1", 1},
			{2 * time.Second, "session-1", 2},
			{time.Second, "session-2", 2},
		} {
			time.Sleep(step.pause)
			got := results(describe(t, w, reader("222222222222"), "eu-west-1"))
			synctest.Wait()
			if got[0] != step.want || len(a.requests()) != step.asked {
				t.Errorf("after another %v: %s, %d requests, want %s, %d", step.pause, got, len(a.requests()), step.want, step.asked)
			}
		}
	})
}

// Throttles of STS are retried as the throttles of every service.
func TestAThrottledSTSIsAskedAgain(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		a := &accounts{refuse: func(n int) string { return map[bool]string{n <= 1: "Throttling"}[true] }}
		w, _, stop := a.start(t, certificate, "none")
		defer stop()
		r := protocol.RegionRequest{
			Version: protocol.Version, RunID: "run", Region: "eu-west-1", Attempt: 1, Task: "call", Targets: []string{"ec2:DescribeVpcs"}, Account: reader("222222222222"),
		}
		r.Policy.Retry = []protocol.Retrier{{ErrorEquals: []string{"Throttling"}}}
		for _, retry := range [][]protocol.Retrier{r.Policy.Retry, nil} {
			r.Policy.Retry = retry
			got := handle(t, w, r).Targets[0]
			if got.Status != protocol.StatusSucceeded || retry != nil && got.Attempts[0].Error != "Throttling" {
				t.Errorf("%+v, want success after Throttling", got)
			}
		}
		throttled := &accounts{refuse: func(int) string { return "Throttling" }}
		w, _, end := throttled.start(t, certificate, "none")
		defer end()
		got := describe(t, w, reader("222222222222"), "eu-west-1").Targets[0]
		if len(got.Attempts) != 3 || got.Error != "Throttling" || !strings.HasPrefix(got.Cause, "assume arn:aws:iam::222222222222:role/reader: refused") {
			t.Errorf("%+v, want three attempts", got)
		}
	})
}

// A dead STS of the worker's Region costs three seconds, once for all accounts.
func TestADeadSTSCostsThreeSecondsOnce(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		a := &accounts{}
		w, _, stop := a.start(t, certificate, "us-east-1")
		defer stop()
		for i, want := range []time.Duration{3 * time.Second, 0} {
			begin := time.Now()
			got := describe(t, w, reader(strings.Repeat(fmt.Sprint(i+2), 12)), "eu-west-1", "eu-west-2")
			if took := time.Since(begin); got.Status != protocol.StatusSucceeded || took != want {
				t.Errorf("%v, %s after %v, want success after %v", results(got), got.Cause, took, want)
			}
		}
		for _, request := range a.requests() {
			if !strings.HasPrefix(request, "eu-west-") {
				t.Errorf("asked: %s, want the Region of a target", request)
			}
		}
	})
}

// A session that a service calls expired is assumed anew, once for all calls that it
// refused.
func TestASessionThatHasExpiredIsAssumedAnew(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	for _, code := range []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"} {
		synctest.Test(t, func(t *testing.T) {
			expired := time.Now().Add(time.Minute)
			a := &accounts{denies: func(_, token string) string {
				return map[bool]string{strings.HasPrefix(token, "session-1 ") && !time.Now().Before(expired): code}[true]
			}}
			w, _, stop := a.start(t, certificate, "none")
			defer stop()
			describe(t, w, reader("222222222222"), "eu-west-1")
			time.Sleep(time.Minute)
			got := describe(t, w, reader("222222222222"), "eu-west-1", "me-south-1", "us-east-1")
			refused := 0
			for _, target := range got.Targets { // one may begin when another has the new session
				if len(target.Attempts) == 2 && target.Attempts[0].Error == code {
					refused++
				} else if len(target.Attempts) != 1 {
					t.Errorf("%+v, want one attempt, or one more after %s", target, code)
				}
				if target.Status != protocol.StatusSucceeded {
					t.Errorf("%+v, want success", target)
				}
			}
			if got := len(a.requests()); got != 2 || refused == 0 {
				t.Errorf("%d sessions, want 2", got)
			}
		})
	}
}

// Credentials of the worker's own that have expired are not asked for anew.
func TestTheWorkersOwnCredentialsAreNotForgotten(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		a := &accounts{denies: func(string, string) string { return "ExpiredToken" }}
		w, _, stop := a.start(t, certificate, "none")
		defer stop()
		got := describe(t, w, nil, "eu-west-1").Targets[0]
		if len(got.Attempts) != 1 || !strings.HasSuffix(got.Cause, "sign in again") {
			t.Errorf("%+v, want one attempt", got)
		}
	})
}

// A role that does not trust the worker fails each of its targets with the trust policy, and
// is asked for once a second.
func TestARoleThatDoesNotTrustTheWorkerIsAskedForOnce(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		a := &accounts{refuse: func(int) string { return "AccessDenied" }}
		w, _, stop := a.start(t, certificate, "none")
		defer stop()
		var log bytes.Buffer
		w.Log = logTo(&log)
		for _, id := range []string{"222222222222", "333333333333"} {
			got := describe(t, w, reader(id), "eu-west-1", "eu-west-2", "me-south-1")
			for _, target := range got.Targets {
				want := "arn:aws:sts::" + own + ":assumed-role/worker/fn may not assume arn:aws:iam::" + id + `:role/reader: there is no such role, or it does not trust the caller, or the caller lacks sts:AssumeRole; the trust policy that is wanted: ` +
					`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + own + `:role/worker"},"Action":"sts:AssumeRole"}]}; STS said: `
				if target.Error != "AccessDenied" || len(target.Attempts) != 1 || !strings.HasPrefix(target.Cause, want) {
					t.Errorf("%+v, want AccessDenied: %s", target, want)
				}
			}
			if text := log.String() + fmt.Sprint(got); strings.Contains(text, "token of the worker") || !strings.Contains(text, "(secret)") {
				t.Errorf("the token is not concealed: %s", text)
			}
		}
		if got := a.requests(); len(got) != 2 || a.sts != 1 {
			t.Errorf("%d requests to assume a role, %d for the identity, want 2, 1", len(got), a.sts)
		}
	})
}

// No answer and no log has a secret of a session, not even of one that was renewed, however
// a service quotes the request.
func TestNoAnswerAndNoLogHasASecret(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		a := &accounts{denies: func(string, string) string {
			return []string{"ExpiredToken", "SignatureDoesNotMatch", "", "UnauthorizedOperation"}[n.Add(1)%4]
		}}
		w, _, stop := a.start(t, certificate, "none")
		defer stop()
		var log bytes.Buffer
		w.Log = logTo(&log)
		for range 5 {
			got := describe(t, w, reader("222222222222"), "eu-west-1", "eu-west-2", "us-east-1")
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			if a.leaks(string(text)) || a.leaks(log.String()) {
				t.Errorf("a secret in the answer, or in the log:\n%s\n%s", text, log.String())
			}
		}
		if !strings.Contains(log.String(), "(secret)") || !strings.Contains(log.String(), `"account":"222222222222"`) {
			t.Errorf("the log has no secret that was concealed, or no account:\n%s", log.String())
		}
	})
}

// Without a role, the worker's own credentials have to be the account's.
func TestAnAccountWithoutARoleHasToBeTheWorkersOwn(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		a := &accounts{}
		w, _, stop := a.start(t, certificate, "us-east-1")
		defer stop()
		if got := describe(t, w, &protocol.Access{Account: own}, "eu-west-1", "eu-west-2"); got.Status != protocol.StatusSucceeded {
			t.Errorf("the worker's account: %+v", got)
		}
		got := describe(t, w, &protocol.Access{Account: "222222222222"}, "eu-west-1", "eu-west-2").Targets[1]
		if want := "the credentials belong to account " + own + ", not to 222222222222: set role"; got.Error != "Account.NoRole" || got.Cause != want {
			t.Errorf("another account: %+v, want Account.NoRole: %s", got, want)
		}
		if a.sts != 1 || len(a.requests()) != 0 {
			t.Errorf("the identity was asked for %d times, want once", a.sts)
		}
	})
}

// A role of another partition than the Region's is an error that says so.
func TestARoleOfAnotherPartitionIsNotAssumed(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		w, _, stop := (&accounts{}).start(t, certificate, "none")
		defer stop()
		got := describe(t, w, reader("222222222222"), "eu-west-1", "cn-north-1")
		if diff := cmp.Diff([]string{"session-1", "Account.Role"}, results(got)); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", got, diff)
		}
	})
}

// What is kept of an access is dropped when its session has expired.
func TestAnAccessThatIsNotUsedIsDropped(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		w, of, stop := (&accounts{}).start(t, certificate, "none")
		defer stop()
		for i, want := range []int{1, 2, 3, 2} { // one for each half an hour
			describe(t, w, reader(strings.Repeat(fmt.Sprint(i+2), 12)), "eu-west-1")
			if got := of.Accounts(); got != want {
				t.Errorf("%d are kept, want %d", got, want)
			}
			time.Sleep(map[bool]time.Duration{true: time.Minute, false: time.Hour - time.Minute}[i < 2])
		}
	})
}

// The credentials of an access are the role's, which is assumed once for a run; the error of a
// role that cannot be assumed has its name.
func TestTheCredentialsOfAnAccessAreThoseOfItsRole(t *testing.T) {
	t.Parallel()
	certificate := certificateOf(t)
	synctest.Test(t, func(t *testing.T) {
		a := &accounts{refuse: func(n int) string {
			if n > 1 {
				return "AccessDenied"
			}
			return ""
		}}
		_, of, stop := a.start(t, certificate, "none")
		defer stop()
		for range 2 {
			keys, err := of.Credentials(reader("222222222222"), "eu-west-1", "run").Retrieve(t.Context())
			if err != nil || keys.AccessKeyID != "ASIA1" {
				t.Errorf("Retrieve = %s, %v, want the keys of the first session", keys.AccessKeyID, err)
			}
		}
		_, err := of.Credentials(reader("333333333333"), "eu-west-1", "run").Retrieve(t.Context())
		var named interface{ ErrorName() string }
		if !errors.As(err, &named) || named.ErrorName() != "AccessDenied" {
			t.Errorf("Retrieve = %v, want AccessDenied", err)
		}
		if got := a.requests(); len(got) != 2 {
			t.Errorf("%d requests to assume a role, want 2", len(got))
		}
	})
}

package account_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/account"
	"meridian/pkg/protocol"
)

const (
	reader = "arn:aws:iam::222222222222:role/reader"
	worker = "arn:aws:sts::111111111111:assumed-role/worker/meridian"
)

// A failure is an error of STS, or of the way to it.
type failure struct {
	name, text string
	transient  bool
}

func (e failure) Error() string { return e.text }

func (e failure) ErrorName() string { return e.name }

func (e failure) Transient() bool { return e.transient }

func (failure) RetryAfter() time.Duration { return 0 }

// An sts answers calls in order; the last answer is for all that follow.
type sts struct {
	answers []error // nil means that it issues a session
	takes   time.Duration
	regions []string
	inputs  []map[string]any
}

// call is a Role's Call.
func (s *sts) call(ctx context.Context, region, operation string, input map[string]any) (map[string]any, error) {
	s.regions, s.inputs = append(s.regions, region), append(s.inputs, input)
	select {
	case <-time.After(s.takes):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := s.answers[min(len(s.regions), len(s.answers))-1]; err != nil {
		return nil, err
	}
	if operation != "sts:AssumeRole" {
		return nil, fmt.Errorf("%s was called", operation)
	}
	return map[string]any{"Credentials": map[string]any{
		"AccessKeyId": "ASIA", "SecretAccessKey": "secret", "SessionToken": "token", "Expiration": "2026-01-02T03:04:05Z",
	}}, nil
}

// role returns a role that asks s.
func (s *sts) role(access protocol.Access) *account.Role {
	return &account.Role{
		Access: access, RunID: "01JDRUN", Home: "us-east-1", Region: "eu-west-1", Call: s.call,
		Caller: func(context.Context) (string, error) { return worker, nil },
	}
}

func TestTheSessionIsThatOfTheAccess(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		access protocol.Access
		want   map[string]any
	}{
		{protocol.Access{Role: reader}, map[string]any{"RoleArn": reader, "RoleSessionName": "meridian-01JDRUN"}},
		{
			protocol.Access{Account: "222222222222", Role: reader, ExternalID: "external-1", SessionName: "audit", SessionTags: true},
			map[string]any{
				"RoleArn": reader, "RoleSessionName": "audit", "ExternalId": "external-1",
				"Tags": []any{map[string]any{"Key": "MeridianRun", "Value": "01JDRUN"}},
			},
		},
	} {
		s := &sts{answers: []error{nil}}
		got, err := s.role(test.access).Retrieve(t.Context())
		if err != nil || got.AccessKeyID != "ASIA" || got.SecretAccessKey != "secret" || got.SessionToken != "token" ||
			got.AccountID != "222222222222" || !got.CanExpire || got.Expires.Format(time.RFC3339) != "2026-01-02T03:04:05Z" {
			t.Errorf("Retrieve = %v, %v, want the session of account 222222222222", got, err)
		}
		if diff := cmp.Diff([]map[string]any{test.want}, s.inputs); diff != "" {
			t.Errorf("inputs (-want +got):\n%s", diff)
		}
	}
}

// An STS that cannot be reached is asked in another Region of the partition. One that
// answers is not.
func TestAnotherSTSIsAskedOnlyWhenOneCannotBeReached(t *testing.T) {
	t.Parallel()
	dead := failure{name: "Call.Connect", text: "no connection within 3s"}
	for _, test := range []struct {
		name         string
		home, region string
		answers      []error
		want         []string
	}{
		{"home answers", "us-east-1", "eu-west-1", []error{nil}, []string{"us-east-1"}},
		{"home is dead", "us-east-1", "eu-west-1", []error{dead, nil}, []string{"us-east-1", "eu-west-1"}},
		{"both are dead", "us-east-1", "eu-west-1", []error{dead, dead, nil}, []string{"us-east-1", "eu-west-1", "ap-northeast-1"}},
		{"home is the item's", "eu-west-1", "eu-west-1", []error{dead, nil}, []string{"eu-west-1", "ap-northeast-1"}},
		{"no home", "", "eu-west-1", []error{nil}, []string{"eu-west-1"}},
		{"STS is not enabled at home", "us-east-1", "eu-west-1", []error{failure{name: "RegionDisabledException"}, nil}, []string{"us-east-1", "eu-west-1"}},
		{"the answer was lost", "us-east-1", "eu-west-1", []error{failure{name: "Call.Lost"}, nil}, []string{"us-east-1", "eu-west-1"}},
		{"home refuses", "us-east-1", "eu-west-1", []error{failure{name: "AccessDenied"}}, []string{"us-east-1"}},
		{"home throttles", "us-east-1", "eu-west-1", []error{failure{name: "Throttling", transient: true}}, []string{"us-east-1"}},
	} {
		s := &sts{answers: test.answers}
		r := s.role(protocol.Access{Role: reader})
		r.Home, r.Region = test.home, test.region
		_, err := r.Retrieve(t.Context())
		if diff := cmp.Diff(test.want, s.regions); diff != "" || (err == nil) != (test.answers[len(test.answers)-1] == nil) {
			t.Errorf("%s: %v, Regions (-want +got):\n%s", test.name, err, diff)
		}
	}
}

// When no STS can be reached, the error comes from the first, and is transient.
func TestAnUnreachableSTSIsATransientError(t *testing.T) {
	t.Parallel()
	s := &sts{answers: []error{failure{name: "Call.Connect", text: "home is dead"}, failure{name: "Call.Connect", text: "dead"}}}
	_, err := s.role(protocol.Access{Role: reader}).Retrieve(t.Context())
	failed, ok := errors.AsType[*account.Error](err)
	if !ok || failed.Name != "Call.Connect" || !failed.Transient() || failed.Text != "assume "+reader+": home is dead" || len(s.regions) != 17 {
		t.Errorf("Retrieve = %v after asking in %v, want a transient Call.Connect after every Region", err, s.regions)
	}
}

// An STS that hangs is left for the next one after half of the time. When none answers, the
// error is transient.
func TestAnSTSThatHangsIsLeftAfterHalfOfTheTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sts{answers: []error{nil}, takes: time.Hour}
		begin := time.Now()
		_, err := s.role(protocol.Access{Role: reader}).Retrieve(t.Context())
		failed, ok := errors.AsType[*account.Error](err)
		if took := time.Since(begin); !ok || failed.Name != account.ErrorUnreachable || !failed.Transient() || took > 10*time.Second || took < 9*time.Second {
			t.Errorf("Retrieve = %v after %v, want a transient %s after 10s", err, took, account.ErrorUnreachable)
		}
		if len(s.regions) < 3 {
			t.Errorf("asked in %v, want more Regions", s.regions)
		}
	})
}

// A failure is kept for a second.
func TestAFailureIsKeptForAMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sts{answers: []error{failure{name: "AccessDenied", text: "no"}}}
		r := s.role(protocol.Access{Role: reader})
		for _, test := range []struct {
			pause time.Duration
			want  int
		}{{0, 1}, {time.Second - 1, 1}, {1, 2}} {
			time.Sleep(test.pause)
			_, err := r.Retrieve(t.Context())
			failed, ok := errors.AsType[*account.Error](err)
			if !ok || failed.Name != "AccessDenied" || failed.Transient() || len(s.regions) != test.want {
				t.Errorf("Retrieve = %v after %d calls, want AccessDenied after %d", err, len(s.regions), test.want)
			}
		}
	})
}

// No attempt fails with the transient error of another attempt: it waits for a tenth of a
// second to pass, and asks again.
func TestATransientFailureIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := &sts{answers: []error{failure{"Throttling", "slow down", true}, nil, failure{"Throttling", "slow down", true}}}
		r := s.role(protocol.Access{Role: reader})
		begin := time.Now()
		for _, test := range []struct {
			succeeds bool
			after    time.Duration
		}{{false, 0}, {true, 100 * time.Millisecond}, {false, 100 * time.Millisecond}} {
			_, err := r.Retrieve(t.Context())
			if after := time.Since(begin); (err == nil) != test.succeeds || after != test.after {
				t.Errorf("Retrieve = %v after %v, want success %v after %v", err, after, test.succeeds, test.after)
			}
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := r.Retrieve(ended); err == nil || err.Error() != "assume "+reader+": slow down" || time.Since(begin) != 100*time.Millisecond {
			t.Errorf("Retrieve with an ended context = %v, want the failure at once", err)
		}
	})
}

func TestARoleThatIsNotTheItemsIsNotAssumed(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		access protocol.Access
		want   string
	}{
		{protocol.Access{Account: "333333333333", Role: reader}, "role " + reader + " is of account 222222222222, not of 333333333333"},
		{protocol.Access{Role: "arn:aws-cn:iam::222222222222:role/reader"}, "role arn:aws-cn:iam::222222222222:role/reader is of partition aws-cn, and eu-west-1 is in aws"},
		{protocol.Access{Role: "reader"}, `role "reader" is no ARN of a role`},
		{protocol.Access{Role: "arn:aws:iam:::role/reader"}, `role "arn:aws:iam:::role/reader" is no ARN of a role`},
	} {
		s := &sts{answers: []error{nil}}
		_, err := s.role(test.access).Retrieve(t.Context())
		failed, ok := errors.AsType[*account.Error](err)
		if !ok || failed.Name != account.ErrorRole || failed.Text != test.want || len(s.regions) != 0 {
			t.Errorf("Retrieve = %v after %d calls, want %s: %s", err, len(s.regions), account.ErrorRole, test.want)
		}
	}
}

func TestASessionWithoutCredentialsIsAnError(t *testing.T) {
	t.Parallel()
	r := (&sts{}).role(protocol.Access{Role: reader})
	r.Call = func(context.Context, string, string, map[string]any) (map[string]any, error) {
		return map[string]any{}, nil
	}
	_, err := r.Retrieve(t.Context())
	if failed, ok := errors.AsType[*account.Error](err); !ok || failed.Name != "Call.BadAnswer" || !strings.Contains(failed.Text, reader) {
		t.Errorf("Retrieve = %v, want Call.BadAnswer", err)
	}
}

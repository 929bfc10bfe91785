package account_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"meridian/internal/account"
	"meridian/pkg/protocol"
)

// The error of a role that does not trust the caller has the trust policy that would, ready
// to paste, with the role of a session and without the external id.
func TestTheErrorOfARoleHasTheTrustPolicyThatIsWanted(t *testing.T) {
	t.Parallel()
	const denied = "User: arn is not authorized to perform: sts:AssumeRole with external-1 (HTTP 403, request id)"
	long := "arn:aws:iam::222222222222:role/" + strings.Repeat("p", 511) + "/" + strings.Repeat("r", 64)
	for _, test := range []struct {
		name   string
		access protocol.Access
		caller string
		want   string
	}{
		{
			"a session of a role",
			protocol.Access{Role: reader},
			worker,
			worker + " may not assume " + reader + ": there is no such role, or it does not trust the caller, or the caller lacks sts:AssumeRole; the trust policy that is wanted: " +
				`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:role/worker"},"Action":"sts:AssumeRole"}]}` +
				"; STS said: " + denied,
		},
		{
			"an external id and tags",
			protocol.Access{Role: reader, ExternalID: "external-1", SessionTags: true},
			"arn:aws-cn:iam::1:user/u",
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws-cn:iam::1:user/u"},"Action":["sts:AssumeRole","sts:TagSession"],` +
				`"Condition":{"StringEquals":{"sts:ExternalId":"EXTERNAL-ID"}}}]}; STS said: ` + strings.ReplaceAll(denied, "external-1", "EXTERNAL-ID"),
		},
		{
			"single sign-on",
			protocol.Access{Role: reader},
			"arn:aws:sts::111111111111:assumed-role/AWSReservedSSO_Admin_0123456789abcdef/ann",
			`"Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"sts:AssumeRole",` +
				`"Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111111111111:role/aws-reserved/sso.amazonaws.com/*AWSReservedSSO_Admin_0123456789abcdef"}}`,
		},
		{
			"long names",
			protocol.Access{Role: long, ExternalID: "external-1", SessionTags: true},
			"arn:aws-us-gov:sts::111111111111:assumed-role/" + strings.Repeat("w", 64) + "/" + strings.Repeat("s", 64),
			" may not assume arn:aws:iam::222222222222:role/…/" + strings.Repeat("r", 64) + ": there is no such role",
		},
	} {
		s := &sts{answers: []error{failure{name: "AccessDenied", text: denied}}}
		r := s.role(test.access)
		r.Caller = func(context.Context) (string, error) { return test.caller, nil }
		_, err := r.Retrieve(t.Context())
		failed, ok := errors.AsType[*account.Error](err)
		if !ok || failed.Name != "AccessDenied" || !strings.Contains(failed.Text, test.want) || len(failed.Text) > protocol.MaxCauseBytes {
			t.Fatalf("%s: %v, want %s", test.name, err, test.want)
		}
		if test.access.ExternalID != "" && strings.Contains(failed.Text, test.access.ExternalID) {
			t.Errorf("%s: %s has the external id", test.name, failed.Text)
		}
		_, policy, _ := strings.Cut(failed.Text, "that is wanted: ")
		if err := json.NewDecoder(strings.NewReader(policy)).Decode(&struct{}{}); err != nil {
			t.Errorf("%s: the policy of %s: %v", test.name, failed.Text, err)
		}
	}
}

// Any other refusal names the role and the caller.
func TestTheErrorOfARoleNamesTheRoleAndTheCaller(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		err    failure
		caller string
		want   string
	}{
		{"refused", failure{name: "PackedPolicyTooLarge", text: "too large"}, worker, "assume " + reader + " as " + worker + ": too large"},
		{"the caller is not known", failure{name: "AccessDenied", text: "no"}, "", "assume " + reader + " as the worker: no"},
		{"throttled", failure{name: "Throttling", text: "slow down", transient: true}, "not asked for", "assume " + reader + ": slow down"},
	} {
		s := &sts{answers: []error{test.err}}
		r := s.role(protocol.Access{Role: reader})
		r.Caller = func(context.Context) (string, error) { return test.caller, nil }
		if _, err := r.Retrieve(t.Context()); err == nil || err.Error() != test.want {
			t.Errorf("%s: %v, want %s", test.name, err, test.want)
		}
	}
}

package task_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// An account answers like AWS: which Regions are enabled, and to everything else that the
// token is not valid.
type account struct {
	listRegions, describeRegions string // the answers; "" means that it is denied
}

func (a account) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	said := ""
	switch {
	case r.URL.Path == "/listRegions":
		said = a.listRegions
	case strings.Contains(string(body), "Action=DescribeRegions"):
		said = a.describeRegions
	default:
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `<Response><Errors><Error><Code>AuthFailure</Code><Message>not valid</Message></Error></Errors></Response>`)
		return
	}
	if said == "" {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message":"denied"}`)
		return
	}
	_, _ = io.WriteString(w, said)
}

const (
	listed = `{"Regions":[{"RegionName":"us-east-1","RegionOptStatus":"ENABLED_BY_DEFAULT"},` +
		`{"RegionName":"me-south-1","RegionOptStatus":"DISABLED"},{"RegionName":"af-south-1","RegionOptStatus":"ENABLED"}]}`
	described = `<DescribeRegionsResponse><regionInfo><item><regionName>us-east-1</regionName><optInStatus>opt-in-not-required</optInStatus></item>` +
		`<item><regionName>me-south-1</regionName><optInStatus>not-opted-in</optInStatus></item></regionInfo></DescribeRegionsResponse>`
)

// The enabled Regions are those that the account service lists, or else EC2.
func TestEnabledRegionsAreAskedOfAWS(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name    string
		account account
		want    string
	}{
		{"account", account{listed, described}, `{"message":"Regions enabled in the account: 2, says account:ListRegions","regions":["af-south-1","us-east-1"],"source":"account:ListRegions"}`},
		{"ec2", account{"", described}, `{"message":"Regions enabled in the account: 1, says ec2:DescribeRegions","regions":["us-east-1"],"source":"ec2:DescribeRegions"}`},
		{"neither", account{"", ""}, "account:ListRegions: denied (HTTP 403); ec2:DescribeRegions: "},
	} {
		work := prepare(t, calling(t, "", cloud(t, test.account)), "enabled-regions", nil)
		output, err := work(t.Context(), "us-east-1", protocol.Target{Name: "enabled"})
		if got := fmt.Sprint(string(output), err); !strings.HasPrefix(strings.TrimSuffix(got, "<nil>"), test.want) {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// A Region that is not enabled is skipped if AWS says so, never because of an error that
// bad credentials give too.
func TestARegionThatIsNotEnabledIsSkippedIfAWSSaysSo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, region string
		account      account
		skipped      string
	}{
		{"not enabled", "me-south-1", account{listed, ""}, "me-south-1 is not enabled in the account, says account:ListRegions"},
		{"enabled", "af-south-1", account{listed, ""}, ""},
		{"enabled by default", "us-east-1", account{listed, ""}, ""},
		{"unknown", "me-south-1", account{"", ""}, ""},
	} {
		work := prepare(t, calling(t, "reads", cloud(t, test.account)), "call", nil)
		_, err := work(t.Context(), test.region, protocol.Target{Name: "ec2:DescribeVpcs"})
		if skip, ok := errors.AsType[*task.SkipError](err); ok != (test.skipped != "") || ok && skip.Reason != test.skipped {
			t.Errorf("%s: %v, want a skip: %q", test.name, err, test.skipped)
		}
		if failed, ok := errors.AsType[*task.CallError](err); test.skipped == "" && (!ok || failed.Name != "AuthFailure") {
			t.Errorf("%s: %v, want AuthFailure", test.name, err)
		}
	}
}

package main

import (
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// useProfiles sets a configuration with profiles, and a server in place of AWS.
func useProfiles(t *testing.T) {
	t.Helper()
	server := httptest.NewServer(lambdaServer(newCoordinators(t)))
	t.Cleanup(server.Close)
	file := filepath.Join(t.TempDir(), "config")
	profiles := "[profile asks]\naws_access_key_id = a\naws_secret_access_key = b\n" +
		"[profile knows]\naws_access_key_id = a\naws_secret_access_key = b\naws_account_id = 111122223333\n" +
		"[profile fails]\ncredential_process = /nonexistent\n" +
		"[profile refused]\naws_access_key_id = a\naws_secret_access_key = b\nregion = us-west-1\n"
	if err := os.WriteFile(file, []byte(profiles), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("AWS_CONFIG_FILE", file)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	t.Setenv("AWS_ENDPOINT_URL_STS", server.URL)
	t.Setenv("AWS_ACCESS_KEY_ID", "other") // a profile has precedence
	t.Setenv("AWS_SECRET_ACCESS_KEY", "other")
	t.Setenv("AWS_PROFILE", "")
	t.Setenv("AWS_REGION", "")
	t.Setenv("AWS_DEFAULT_REGION", "")
}

// The accounts of profiles get their ids: from the profile, or from STS. A profile with
// credentials that cannot be used keeps none.
func TestIdentifyProfiles(t *testing.T) {
	useProfiles(t)
	c := &cli{stderr: io.Discard}
	request := protocol.Request{Accounts: []protocol.Account{
		{Profile: "asks"}, {Profile: "knows"}, {Profile: "fails"}, {Profile: "refused"}, {ID: "222233334444", Profile: "other"}, {ID: "333344445555"},
	}}
	if err := c.identifyProfiles(t.Context(), &runFlags{}, &request); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range request.Accounts {
		got = append(got, a.ID)
	}
	if diff := cmp.Diff([]string{"123456789012", "111122223333", "", "", "222233334444", "333344445555"}, got); diff != "" {
		t.Errorf("identifyProfiles finds other accounts (-want +got):\n%s", diff)
	}
}

// A profile that does not exist is refused, before anything is invoked.
func TestRunRefusesAnUnknownProfile(t *testing.T) {
	useProfiles(t)
	synctest.Test(t, func(t *testing.T) { // or a busy machine says what it waits for
		var stdout, stderr strings.Builder
		args := []string{"run", "--profile", "knows,nosuch"}
		if got := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, nil); got != exitUsage {
			t.Errorf("run(%q) = %d, want %d", args, got, exitUsage)
		}
		want := "meridian: there is no AWS profile \"nosuch\"\nhint: run `aws configure list-profiles` to list the profiles\n"
		if got := stderr.String(); got != want {
			t.Errorf("run(%q) says %q, want %q", args, got, want)
		}
	})
}

// --profile makes an account of each profile, with its name.
func TestProfileFlag(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"a"}, {"a,b"}} {
		f := runFlags{accounts: accountFlags{profiles: args}}
		given := func(flag string) bool { return flag == "profile" }
		request, _, err := (&cli{}).readRequest(t.Context(), &f, given)
		if err != nil {
			t.Fatal(err)
		}
		var want []protocol.Account
		for name := range strings.SplitSeq(args[0], ",") {
			want = append(want, protocol.Account{Profile: name, Name: name})
		}
		if diff := cmp.Diff(want, request.Accounts); diff != "" {
			t.Errorf("--profile %s makes other accounts (-want +got):\n%s", args[0], diff)
		}
		if faults := request.Validate(); faults != nil {
			t.Errorf("--profile %s makes a request with faults: %v", args[0], faults)
		}
	}
}

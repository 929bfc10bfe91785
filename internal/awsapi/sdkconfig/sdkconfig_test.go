package sdkconfig_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"meridian/internal/awsapi/sdkconfig"
)

// What Load loads renews the credentials of a container and of a role five minutes
// before they expire.
func TestLoadRenewsCredentialsBeforeTheyExpire(t *testing.T) {
	for _, test := range []struct {
		name, format string
		set          func(url string)
	}{
		{
			"of a container",
			`{"AccessKeyId":%q,"SecretAccessKey":"secret","Token":"token","Expiration":%q}`,
			func(url string) { t.Setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url) },
		},
		{
			"of a role",
			`<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>` +
				`<AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>` +
				`<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			func(url string) {
				file := filepath.Join(t.TempDir(), "config")
				profile := "[default]\nregion = us-east-1\nrole_arn = arn:aws:iam::123456789012:role/r\nsource_profile = s\n" +
					"[profile s]\naws_access_key_id = a\naws_secret_access_key = b\n"
				if err := os.WriteFile(file, []byte(profile), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("AWS_CONFIG_FILE", file)
				t.Setenv("AWS_ENDPOINT_URL_STS", url)
			},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			var asked atomic.Int32
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				n := asked.Add(1)
				lives := []time.Duration{0, 2 * time.Minute, time.Hour}[min(n, 2)]
				_, _ = fmt.Fprintf(w, test.format, fmt.Sprint("AKID", n), time.Now().Add(lives).UTC().Format(time.RFC3339))
			}))
			t.Cleanup(server.Close)
			for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"} {
				t.Setenv(name, "")
			}
			t.Setenv("AWS_CONFIG_FILE", os.DevNull)
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
			test.set(server.URL)
			cfg, err := sdkconfig.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			retrieve := func() string {
				c, err := cfg.Credentials.Retrieve(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				return c.AccessKeyID
			}
			if first, second := retrieve(), retrieve(); first != "AKID1" || second != "AKID1" {
				t.Errorf("Retrieve = %s, %s; want AKID1 while it is valid", first, second)
			}
			for retrieve() != "AKID2" { // until they have been renewed beside
				runtime.Gosched()
			}
			if got := asked.Load(); got != 2 {
				t.Errorf("asked for credentials %d times, want twice", got)
			}
		})
	}
}

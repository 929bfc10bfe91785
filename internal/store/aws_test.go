package store_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"meridian/internal/awsapi/sdkconfig"
	"meridian/internal/store"
)

// The bucket is in the configuration's Region, at the endpoint that is set for S3.
func TestNewBucket(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		parts := append(strings.Split(scope, "/"), "", "", "", "")
		got = append(got, strings.Join([]string{r.Method, r.URL.Path, string(body), parts[0], parts[2], parts[3]}, " "))
	}))
	defer server.Close()
	for name, value := range map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ENDPOINT_URL_S3": server.URL, "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
		"AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		t.Setenv(name, value)
	}
	cfg, err := sdkconfig.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, err := store.NewBucket(t.Context(), cfg, "kept")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Create(t.Context(), "runs/1/stop", []byte("now")); err != nil {
		t.Error(err)
	}
	if want := "PUT /kept/runs/1/stop now key eu-west-1 s3"; len(got) != 1 || got[0] != want {
		t.Errorf("requests are %q, want %q", got, want)
	}
}

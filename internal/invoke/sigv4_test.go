package invoke_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/invoke"
)

// One signer signs for many credentials, days and payloads, whatever came before.
func TestASignatureIsTheSDKs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		endpoint := rapid.SampledFrom([]string{
			"https://lambda.us-east-1.amazonaws.com", "http://127.0.0.1:8080", "https://[::1]:9443",
			"https://lambda.us-east-1.api.aws:443", "http://localhost:80/a path/", "http://localhost:8080/a%2Fb%20c", "https://localhost:80", "http://localhost:443",
		}).Draw(t, "endpoint")
		region := rapid.StringMatching(`[a-z]{2}(-[a-z]{1,4}){0,2}-[a-z]{4,9}-[1-9]`).Draw(t, "Region")
		function := rapid.StringMatching(
			`[a-zA-Z0-9_-]{1,64}(:[a-zA-Z0-9$_-]{1,10})?|arn:aws:lambda:us-east-1:[0-9]{12}:function:[a-z]{1,9}`).Draw(t, "function")
		remote, err := invoke.NewRemote(t.Context(), endpoint, region, function)
		if err != nil {
			t.Fatal(err)
		}
		traced := context.WithValue(t.Context(), "x-amzn-trace-id", "Root=1") //nolint:revive,staticcheck // aws-lambda-go's key
		credentials := rapid.Custom(func(t *rapid.T) aws.Credentials {
			return aws.Credentials{
				AccessKeyID:     rapid.StringMatching(`[A-Z0-9]{1,2}`).Draw(t, "id"),
				SecretAccessKey: rapid.StringMatching(`[ab]|[A-Za-z0-9/+]{40}`).Draw(t, "secret"), // the same again at times
				SessionToken:    rapid.StringMatching(` ?([A-Za-z0-9/+=]{1,100})? ?`).Draw(t, "token"),
			}
		})
		for range rapid.IntRange(1, 5).Draw(t, "requests") {
			payload, c := rapid.SliceOf(rapid.Byte()).Draw(t, "payload"), credentials.Draw(t, "credentials")
			r := remote.Request(traced, payload)
			now := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "now"), 0).In(time.FixedZone("", rapid.IntRange(-14, 14).Draw(t, "zone")*3600))
			remote.Sign(r, payload[len(payload)/2:], credentials.Draw(t, "credentials before"), now.Add(-time.Minute))
			remote.Sign(r, payload, c, now)
			again := r.Clone(t.Context())
			again.Host = r.URL.Host // the SDK's signer takes a default port off
			for _, name := range []string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
				again.Header.Del(name)
			}
			if err := signAsTheSDK(again, payload, c, region, now); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(again.Header, r.Header); diff != "" || again.Host != r.Host {
				t.Fatalf("signed for %s differs from the SDK's for %s (-SDK +ours):\n%s", r.Host, again.Host, diff)
			}
		}
	})
}

// signAsTheSDK signs r with the SDK's signer.
func signAsTheSDK(r *http.Request, payload []byte, c aws.Credentials, region string, now time.Time) error {
	hash := sha256.Sum256(payload)
	return v4.NewSigner().SignHTTP(r.Context(), c, r, hex.EncodeToString(hash[:]), "lambda", region, now)
}

// At midnight, and when credentials are renewed, some calls still are of the time before.
func TestCallsAtTheSameTimeSignWithKeysOfTheirOwn(t *testing.T) {
	t.Parallel()
	remote, err := invoke.NewRemote(t.Context(), "https://lambda.cn-north-1.amazonaws.com.cn", "cn-north-1", "worker")
	if err != nil {
		t.Fatal(err)
	}
	midnight := time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC)
	var calls sync.WaitGroup
	for i := range 8 {
		c := aws.Credentials{AccessKeyID: "before", SecretAccessKey: "old"}
		if i/2%2 == 1 {
			c = aws.Credentials{AccessKeyID: "after", SecretAccessKey: "new", SessionToken: "token"}
		}
		now := midnight.Add(time.Duration(i%2*2-1) * time.Second)
		payload := bytes.Repeat([]byte{'1'}, i)
		r := remote.Request(t.Context(), payload)
		again := r.Clone(t.Context())
		if err := signAsTheSDK(again, payload, c, "cn-north-1", now); err != nil {
			t.Fatal(err)
		}
		calls.Go(func() {
			for range 2000 {
				remote.Sign(r, payload, c, now)
				if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
					t.Errorf("Sign at %v = %s, want the SDK's %s", now, got, want)
					return
				}
			}
		})
	}
	calls.Wait()
}

// What a signature costs, beside the SDK's.
func BenchmarkSign(b *testing.B) {
	remote, err := invoke.NewRemote(b.Context(), "https://lambda.us-east-1.amazonaws.com", "us-east-1", "worker")
	if err != nil {
		b.Fatal(err)
	}
	credentials := aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example", SessionToken: string(bytes.Repeat([]byte{'t'}, 1100))}
	payload, now := bytes.Repeat([]byte{'1'}, 300), time.Now()
	b.Run("SDK", func(b *testing.B) {
		b.ReportAllocs()
		r, signer := remote.Request(b.Context(), payload), v4.NewSigner()
		for b.Loop() {
			hash := sha256.Sum256(payload)
			if err := signer.SignHTTP(b.Context(), credentials, r, hex.EncodeToString(hash[:]), "lambda", "us-east-1", now); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("Meridian", func(b *testing.B) {
		b.ReportAllocs()
		r := remote.Request(b.Context(), payload)
		for b.Loop() {
			remote.Sign(r, payload, credentials, now)
		}
	})
}

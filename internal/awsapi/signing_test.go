package awsapi_test

import (
	"compress/gzip"
	"context"
	"crypto/md5"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"hash/crc32"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/awsapi"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// capture calls an operation and returns its request and the body.
func capture(t *testing.T, name, input string) (*http.Request, string) {
	t.Helper()
	var sent *http.Request
	var body []byte
	api := awsapi.API{Client: awsapi.New(sendFunc(func(r *http.Request) (*http.Response, error) {
		var err error
		sent = r
		body, err = io.ReadAll(r.Body)
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, err
	}), aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return session("one", time.Time{}), nil }))}
	if _, err := api.Call(t.Context(), lookup(t, name), "eu-west-1", object(t, input)); sent == nil {
		t.Fatalf("%s: nothing was sent: %v", name, err)
	}
	return sent, string(body)
}

// S3 signs the path as it is sent, and wants the body's hash in the header; the others
// sign the path escaped once more.
func TestCallSignsThePathAsTheServiceDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for _, test := range []struct {
			name, input, service string
			s3                   bool
		}{
			{"s3:HeadObject", `{"Bucket":"bucket","Key":"a b/c+d"}`, "s3", true},
			{"s3control:GetJobTagging", `{"AccountId":"123456789012","JobId":"a b"}`, "s3", true},
			{"lambda:GetFunction", `{"FunctionName":"a b"}`, "lambda", false},
		} {
			r, _ := capture(t, test.name, test.input)
			hash := sha256.Sum256(nil)
			text := hex.EncodeToString(hash[:])
			again := r.Clone(t.Context())
			again.Header.Del("Authorization")
			if err := v4.NewSigner().SignHTTP(t.Context(), session("one", time.Time{}), again, text, test.service, "eu-west-1", time.Now(),
				func(o *v4.SignerOptions) { o.DisableURIPathEscaping = test.s3 }); err != nil {
				t.Fatal(err)
			}
			if got, want := r.Header.Get("Authorization"), again.Header.Get("Authorization"); got != want {
				t.Errorf("%s is signed %s, want %s", test.name, got, want)
			}
			if got := r.Header.Get("X-Amz-Content-Sha256"); (got == text) != test.s3 {
				t.Errorf("%s has the hash %q in the header", test.name, got)
			}
		}
	})
}

// What the model wants of a body: a checksum, unless the input has one, or compression.
func TestCallChecksAndCompressesBodies(t *testing.T) {
	t.Parallel()
	crc := func(body string) string {
		return base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE([]byte(body))))
	}
	md := func(body string) string {
		sum := md5.Sum([]byte(body))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	none := func(string) string { return "" }
	for _, test := range []struct {
		name, input, header string
		want                func(body string) string
	}{
		{"s3:PutBucketTagging", `{"Bucket":"bucket","Tagging":{"TagSet":[]}}`, "X-Amz-Checksum-Crc32", crc},
		{"s3:PutBucketTagging", `{"Bucket":"bucket","Tagging":{"TagSet":[]}}`, "Content-Md5", none},
		{"s3:PutObject", `{"Bucket":"bucket","Key":"k","Body":"eA=="}`, "X-Amz-Checksum-Crc32", none},
		{"s3:PutObject", `{"Bucket":"bucket","Key":"k","Body":"eA==","ChecksumAlgorithm":"CRC32"}`, "X-Amz-Checksum-Crc32", crc},
		{"s3:PutObject", `{"Bucket":"bucket","Key":"k","Body":"eA==","ChecksumAlgorithm":"CRC32","ChecksumCRC32":"own"}`, "X-Amz-Checksum-Crc32", func(string) string { return "own" }},
		{"s3control:PutBucketPolicy", `{"AccountId":"123456789012","Bucket":"b","Policy":"{}"}`, "Content-Md5", md},
		{"s3control:PutBucketPolicy", `{"AccountId":"123456789012","Bucket":"b","Policy":"{}"}`, "X-Amz-Checksum-Crc32", none},
		{"cloudwatch:PutMetricData", `{"Namespace":"n"}`, "Content-Encoding", func(string) string { return "gzip" }},
		{"apigateway:GetRestApis", `{}`, "Accept", func(string) string { return "application/json" }},
		{"apigateway:GetExport", `{"restApiId":"a","stageName":"s","exportType":"swagger","accepts":"application/yaml"}`, "Accept", func(string) string { return "application/yaml" }},
	} {
		r, body := capture(t, test.name, test.input)
		if got, want := r.Header.Get(test.header), test.want(body); got != want {
			t.Errorf("%s %s: %s is %q, want %q", test.name, test.input, test.header, got, want)
		}
		if test.header == "Content-Encoding" {
			unzip, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if plain, err := io.ReadAll(unzip); err != nil || string(plain) != `{"Namespace":"n"}` {
				t.Errorf("%s has the body %s, %v", test.name, plain, err)
			}
		}
	}
}

// A structure that is not there leaves no body behind.
func TestCallSendsNoBodyForAStructureThatIsNotThere(t *testing.T) {
	t.Parallel()
	r, body := capture(t, "s3:CreateBucket", `{"Bucket":"bucket"}`)
	if body != "" || r.Header.Get("Content-Type") != "" || r.ContentLength != 0 {
		t.Errorf("body %q of the type %q", body, r.Header.Get("Content-Type"))
	}
}

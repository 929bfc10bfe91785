package invoke

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go/encoding/httpbinding"
)

// A sigV4 signs the invocations of one function with Signature Version 4, exactly as
// the SDK's signer does. That one works for any request, and sorts, joins and copies
// for each what here is always the same: it takes three times the CPU time and twenty
// times the memory (go test -bench Sign ./internal/invoke).
//
// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type sigV4 struct {
	region string
	path   string // escaped twice
	host   string

	key atomic.Pointer[signingKey] // the last one used
}

func newSigV4(u *url.URL, region string) *sigV4 {
	host := u.Host
	if port := u.Port(); port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		host = strings.TrimSuffix(host, ":"+port) // as servers see it
	}
	return &sigV4{region: region, path: httpbinding.EscapePath(u.EscapedPath(), false), host: host}
}

// A signingKey is what one day's signatures with the same secret share.
type signingKey struct {
	secret string
	day    string
	scope  string
	desks  sync.Pool // of *desk
}

// A desk is what one signature is made on.
type desk struct {
	mac  hash.Hash // with the signing key
	text []byte
}

const (
	sigV4Algorithm = "AWS4-HMAC-SHA256"
	sigV4Time      = "20060102T150405Z"
	sigV4Day       = len("20060102")
)

// sign sets the headers of r that say when it was signed and with what. Its body is
// payload, and its other headers are those of an invocation.
func (s *sigV4) sign(r *http.Request, payload []byte, credentials aws.Credentials, now time.Time) {
	date := now.UTC().Format(sigV4Time)
	key := s.keyFor(credentials.SecretAccessKey, date[:sigV4Day])
	d, _ := key.desks.Get().(*desk)
	defer key.desks.Put(d)

	d.text = s.canonical(d.text[:0], payload, date, credentials.SessionToken)
	sum := sha256.Sum256(d.text)
	d.text = append(d.text[:0], sigV4Algorithm+"\n"...)
	d.text = append(append(d.text, date...), '\n')
	d.text = append(append(d.text, key.scope...), '\n')
	d.text = hex.AppendEncode(d.text, sum[:])
	d.mac.Reset()
	d.mac.Write(d.text)
	signature := d.mac.Sum(sum[:0])

	d.text = append(d.text[:0], sigV4Algorithm+" Credential="...)
	d.text = append(append(d.text, credentials.AccessKeyID...), '/')
	d.text = append(append(d.text, key.scope...), ", SignedHeaders="...)
	d.text = appendSigned(d.text, payload, credentials.SessionToken)
	d.text = hex.AppendEncode(append(d.text, ", Signature="...), signature)
	r.Header["Authorization"] = []string{string(d.text)}
	r.Header["X-Amz-Date"] = []string{date}
	if credentials.SessionToken != "" {
		r.Header["X-Amz-Security-Token"] = []string{credentials.SessionToken}
	} else {
		delete(r.Header, "X-Amz-Security-Token") // of the time before
	}
}

// canonical appends the canonical request.
func (s *sigV4) canonical(b, payload []byte, date, token string) []byte {
	b = append(append(append(b, method+"\n"...), s.path...), "\n\n"...) // there is no query
	if len(payload) > 0 {
		b = append(strconv.AppendInt(append(b, "content-length:"...), int64(len(payload)), 10), '\n')
	}
	b = append(b, "content-type:"+contentType+"\nhost:"...)
	b = append(append(b, s.host...), "\nx-amz-date:"...)
	b = append(append(b, date...), "\nx-amz-invocation-type:"+invocationType+"\nx-amz-log-type:"+logType+"\n"...)
	if token != "" {
		b = append(append(append(b, "x-amz-security-token:"...), strings.TrimSpace(token)...), '\n')
	}
	b = append(appendSigned(append(b, '\n'), payload, token), '\n')
	sum := sha256.Sum256(payload)
	return hex.AppendEncode(b, sum[:])
}

// appendSigned appends the names of the headers that are signed.
func appendSigned(b, payload []byte, token string) []byte {
	if len(payload) > 0 {
		b = append(b, "content-length;"...)
	}
	b = append(b, "content-type;host;x-amz-date;x-amz-invocation-type;x-amz-log-type"...)
	if token != "" {
		b = append(b, ";x-amz-security-token"...)
	}
	return b
}

// keyFor returns the key of a secret for a day, which is worked out once.
func (s *sigV4) keyFor(secret, day string) *signingKey {
	key := s.key.Load()
	if key == nil || key.day != day || key.secret != secret {
		key = newSigningKey(secret, day, s.region)
		s.key.Store(key)
	}
	return key
}

func newSigningKey(secret, day, region string) *signingKey {
	b := []byte("AWS4" + secret)
	for _, part := range []string{day, region, "lambda", "aws4_request"} {
		mac := hmac.New(sha256.New, b)
		mac.Write([]byte(part))
		b = mac.Sum(nil)
	}
	return &signingKey{
		secret: secret, day: day, scope: day + "/" + region + "/lambda/aws4_request",
		desks: sync.Pool{New: func() any { return &desk{mac: hmac.New(sha256.New, b)} }},
	}
}

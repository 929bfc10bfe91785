//go:build e2e

package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go/encoding/cbor"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// TestOperations compares the requests of AWS's operations with botocore's own: each
// operation with its required members, and with all members, with random values. E2E_SEED
// sets their seed. E2E_FULL=1 compares all 20,000 operations; without it every tenth.
func TestOperations(t *testing.T) {
	part(t, "operations", "python3")
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{repo: repo, dir: filepath.Join(repo, "e2e"), env: os.Environ()}
	s.machine(t.Context(), t, "make", "build/botocore/pin")
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 25*time.Minute)
	defer cancel()
	nth := "10"
	if full() {
		nth = "1"
	}
	seed := cmp.Or(os.Getenv("E2E_SEED"), strconv.FormatUint(rand.Uint64(), 10))
	t.Logf("E2E_SEED=%s", seed)
	lines := s.must(ctx, t, filepath.Join(repo, "build", "botocore", "bin", "python"), filepath.Join("testdata", "operations.py"), nth, regions(t), seed).stdout
	compared, refused, unsent := map[string]int{}, map[string]int{}, 0
	for line := range strings.Lines(lines) {
		var want botocoreRequest
		if err := json.Unmarshal([]byte(line), &want); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		op, err := model.Lookup(want.Service, want.Operation)
		if err != nil {
			t.Error(err)
			continue
		}
		if reason := op.Refused(); reason != "" {
			refused[reason]++
			continue
		}
		if want.Error != "" {
			unsent++
			t.Logf("%s:%s: botocore sends nothing: %s", want.Service, want.Operation, want.Error)
			continue
		}
		err = want.compare(ctx, op)
		if refusal, ok := errors.AsType[awsapi.RefusedError](err); ok {
			refused[refusal.Reason]++
			continue
		}
		if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok && strings.Contains(invalid.Faults[0].Detail, "a host of its own") {
			refused[invalid.Faults[0].Detail]++
			continue
		}
		compared[op.Protocol().ID().Name]++
		if err != nil {
			t.Errorf("%s:%s, all members %v: %v", want.Service, want.Operation, want.Whole, err)
		}
	}
	requests := 0
	for protocol, count := range compared {
		t.Logf("%s: %d requests", protocol, count)
		requests += count
	}
	t.Logf("%d requests compared, %d not, because botocore does not send them", requests, unsent)
	for reason, count := range refused {
		t.Logf("%d refused: %s", count, reason)
	}
	if requests < 3500 || len(compared) < 7 { // JSON has two versions
		t.Errorf("only %d requests of %d protocols were compared", requests, len(compared))
	}
}

// regions writes the Region to call each service in, and returns the file's name.
func regions(t *testing.T) string {
	t.Helper()
	region := map[string]string{}
	for _, service := range model.Services() {
		region[service] = "us-west-2"
		if listed := endpoints.RegionsOf(service); len(listed) > 0 && !slices.ContainsFunc(listed, func(r endpoints.Region) bool { return r.Name == "us-west-2" }) {
			region[service] = listed[0].Name
		}
	}
	content, err := json.Marshal(region)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "regions.json")
	if err := os.WriteFile(name, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// A botocoreRequest is a line of operations.py.
type botocoreRequest struct {
	Service   string            `json:"service"`
	Operation string            `json:"operation"`
	Region    string            `json:"region"`
	Whole     bool              `json:"whole"`
	Input     map[string]any    `json:"input"`
	Error     string            `json:"error"`
	Method    string            `json:"method"`
	URL       string            `json:"url"`
	Headers   map[string]string `json:"headers"`
	Body      []byte            `json:"body"`
}

// compare makes the same call, and returns what its request differs in.
func (want *botocoreRequest) compare(ctx context.Context, op *model.Operation) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	var got *http.Request
	var body []byte
	api := &awsapi.API{Client: awsapi.New(sendFunc(func(r *http.Request) (*http.Response, error) {
		got = r
		body, err = io.ReadAll(r.Body)
		return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, err
	}), credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""))}
	if _, err := api.Call(ctx, op, want.Region, want.Input); got == nil {
		return fmt.Errorf("nothing was sent: %w", err)
	}
	headers := map[string]string{}
	for name, value := range want.Headers {
		headers[http.CanonicalHeaderKey(name)] = value
	}
	want.Headers = headers
	for _, way := range ways {
		if ok, _ := path.Match(way.name, op.Service+":"+op.Name); ok {
			way.apply(want, got, &body)
		}
	}
	u, err := url.Parse(want.URL)
	if err != nil {
		return err
	}
	errs := []error{difference("host", u.Host, got.URL.Host), difference("scope", scope(want.Headers["Authorization"]), scope(got.Header.Get("Authorization")))}
	errs = append(errs,
		difference("method", want.Method, got.Method),
		difference("path", u.EscapedPath(), got.URL.EscapedPath()),
		difference("query", parameters(u.RawQuery), parameters(got.URL.RawQuery)),
		difference("header", want.header(), header(got.Header)),
		difference("body", canonical(want.Headers["Content-Type"], want.Body), canonical(got.Header.Get("Content-Type"), body)))
	return errors.Join(errs...)
}

// ways are where the requests differ on purpose: what is taken from botocore's request
// and from ours before they are compared.
var ways = [...]struct {
	name, reason string
	apply        func(want *botocoreRequest, got *http.Request, body *[]byte)
}{
	{"*:*", "botocore leaves out the type of a body that is XML or bytes; the other SDKs send it", func(want *botocoreRequest, got *http.Request, _ *[]byte) {
		if want.Headers["Content-Type"] == "" {
			got.Header.Del("Content-Type")
		}
	}},
	{"*:*", "botocore sends no body for an input without members; the other SDKs send an empty element", func(want *botocoreRequest, _ *http.Request, body *[]byte) {
		if len(want.Body) == 0 && strings.HasSuffix(string(*body), "Request>") && strings.Count(string(*body), "<") == 2 {
			*body = nil
		}
	}},
	{"s3:*", "the checksum of an answer is not asked for", func(want *botocoreRequest, _ *http.Request, _ *[]byte) {
		if !want.Whole {
			delete(want.Headers, "X-Amz-Checksum-Mode")
		}
	}},
	{"s3:List*", "keys are as they are: botocore asks for escaped ones, and takes the escapes back", func(want *botocoreRequest, _ *http.Request, _ *[]byte) {
		if !want.Whole {
			want.URL = strings.NewReplacer("&encoding-type=url", "", "encoding-type=url&", "", "encoding-type=url", "").Replace(want.URL)
		}
	}},
	{"s3:*", "a checksum is of the body as it is sent, which has blanks and attributes in other places", func(want *botocoreRequest, got *http.Request, body *[]byte) {
		const header = "X-Amz-Checksum-Crc32"
		sum := base64.StdEncoding.EncodeToString(binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(*body)))
		if want.Headers[header] != "" && got.Header.Get(header) == sum {
			want.Headers[header] = sum
		}
	}},
	{"s3:*", "a checksum is in the header; botocore sends a body of bytes in chunks, with the checksum after it", func(want *botocoreRequest, got *http.Request, body *[]byte) {
		if want.Headers["X-Amz-Trailer"] == "x-amz-checksum-crc32" {
			for _, name := range []string{"Transfer-Encoding", "X-Amz-Decoded-Content-Length", "X-Amz-Trailer"} {
				delete(want.Headers, name)
			}
			if want.Headers["Content-Encoding"] = strings.Trim(strings.ReplaceAll(want.Headers["Content-Encoding"], "aws-chunked", ""), ","); want.Headers["Content-Encoding"] == "" {
				delete(want.Headers, "Content-Encoding")
			}
			got.Header.Del("X-Amz-Checksum-Crc32")
			want.Body = *body
		}
	}},
	{"s3control:*", "where there is no choice of checksums it is MD5, as in the Go SDK; botocore sends CRC32", func(want *botocoreRequest, got *http.Request, _ *[]byte) {
		for name := range want.Headers {
			if got.Header.Get("Content-Md5") != "" && strings.EqualFold(name, "X-Amz-Checksum-Crc32") {
				delete(want.Headers, name)
				got.Header.Del("Content-Md5")
			}
		}
	}},
}

// scope returns the Region and the service that a request is signed for.
func scope(authorization string) string {
	found := regexp.MustCompile(`Credential=[^/]*/\d*/([^/]*/[^/]*)/`).FindStringSubmatch(authorization)
	if found == nil {
		return authorization
	}
	return found[1]
}

// ownHeaders are those that each client sends in its own way.
var ownHeaders = []string{
	"Accept-Encoding", "Amz-Sdk-Invocation-Id", "Amz-Sdk-Request", "Authorization", "Content-Length", "Expect", "User-Agent",
	"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Api-Version",
}

// header returns the rest of a header as a value.
func header(h http.Header) map[string]string {
	rest := map[string]string{}
	for name, values := range h {
		if name = http.CanonicalHeaderKey(name); !slices.Contains(ownHeaders, name) {
			rest[name] = strings.TrimSuffix(strings.Join(values, ","), "; charset=utf-8")
		}
	}
	return rest
}

// header is the same of botocore's header.
func (want *botocoreRequest) header() map[string]string {
	h := http.Header{}
	for name, value := range want.Headers {
		h.Set(name, value)
	}
	return header(h)
}

// canonical returns a body as its content type reads it.
func canonical(contentType string, body []byte) any {
	if unzip, err := gzip.NewReader(bytes.NewReader(body)); err == nil {
		body, _ = io.ReadAll(unzip)
	}
	var value any
	switch {
	case contentType == "application/cbor":
		decoded, err := cbor.Decode(body)
		return []any{seconds(decoded), err}
	case json.Unmarshal(body, &value) == nil:
		return value
	case strings.HasPrefix(contentType, "application/x-www-form-urlencoded"):
		return parameters(string(body))
	case xml.Unmarshal(body, new(struct{})) == nil:
		return tree(body, false)
	}
	return string(body)
}

// seconds returns a value with the times in it as floating-point numbers: whole seconds may
// be integers too.
func seconds(value cbor.Value) cbor.Value {
	switch v := value.(type) {
	case cbor.Map:
		for key := range v {
			v[key] = seconds(v[key])
		}
	case cbor.List:
		for i := range v {
			v[i] = seconds(v[i])
		}
	case *cbor.Tag:
		if n, ok := v.Value.(cbor.Uint); ok && v.ID == 1 {
			v.Value = cbor.Float64(n)
		}
	}
	return value
}

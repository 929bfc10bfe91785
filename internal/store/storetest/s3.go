package storetest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// A Fault is what a server does to one request instead of serving it.
type Fault int

// The faults. Those that cut end the connection without a whole answer.
const (
	None      Fault = iota
	Internal        // 500, before anything is done
	Late            // 500, after it was done
	SlowDown        // 503
	Throttled       // 429
	Conflict        // 409, as for writes that are made at once
	Timeout         // 400 RequestTimeout
	Cut             // before anything is done
	Lost            // after it was done
	Torn            // in the middle of the answer
	Page            // 200 with the page of a proxy, for a list
	Silent          // no answer
	Mute            // no answer, after it was done
)

// An S3 is a server that speaks S3's protocol, as far as a store needs it, and makes faults.
type S3 struct {
	// Fault says what happens to a request. Nil means nothing.
	Fault func(r *http.Request) Fault

	// Objects has the objects, by bucket and key, with a slash between them.
	Objects map[string][]byte

	// Lag is how many of the newest objects lists do not have.
	Lag int

	// Requests has the method, the URL and the content type of each request.
	Requests []string

	t       *testing.T
	mu      sync.Mutex
	created []string // in order
}

// NewS3 returns a server.
func NewS3(t *testing.T) *S3 {
	t.Helper()
	return &S3{t: t, Objects: map[string][]byte{}}
}

// Script makes the next requests have faults, in order.
func (s *S3) Script(faults ...Fault) {
	s.Fault = func(*http.Request) Fault {
		if len(faults) == 0 {
			return None
		}
		next := faults[0]
		faults = faults[1:]
		return next
	}
}

// ServeHTTP implements http.Handler.
func (s *S3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f := s.note(r, body)
	answer := httptest.NewRecorder()
	switch f {
	case Internal:
		refuse(answer, http.StatusInternalServerError, "InternalError")
	case SlowDown:
		refuse(answer, http.StatusServiceUnavailable, "SlowDown")
	case Throttled:
		refuse(answer, http.StatusTooManyRequests, "TooManyRequestsException")
	case Conflict:
		refuse(answer, http.StatusConflict, "ConditionalRequestConflict")
	case Timeout:
		refuse(answer, http.StatusBadRequest, "RequestTimeout")
	case Cut:
		panic(http.ErrAbortHandler)
	case Silent:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Page:
		_, _ = io.WriteString(answer, "<html><body>Log in</body></html>")
	default:
		s.serve(answer, r, body)
	}
	switch f {
	case Lost:
		panic(http.ErrAbortHandler)
	case Mute:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Late:
		answer = httptest.NewRecorder()
		refuse(answer, http.StatusInternalServerError, "InternalError")
	default:
	}
	data := answer.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(answer.Code)
	if f == Torn {
		_, _ = w.Write(data[:len(data)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(data)
}

// note notes a request, checks its signature's parts, and returns its fault.
func (s *S3) note(r *http.Request, body []byte) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Requests = append(s.Requests, strings.TrimSpace(r.Method+" "+r.Host+r.URL.RequestURI()+" "+r.Header.Get("Content-Type")))
	sum := sha256.Sum256(body)
	if got := r.Header.Get("X-Amz-Content-Sha256"); got != hex.EncodeToString(sum[:]) {
		s.t.Errorf("the hash of the body is %q", got)
	}
	if got := r.Header.Get("Authorization"); !strings.Contains(got, "/eu-west-1/s3/aws4_request") {
		s.t.Errorf("the signature is %q", got)
	}
	if s.Fault == nil {
		return None
	}
	return s.Fault(r)
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header+"<Error><Code>"+code+"</Code><Message>the message</Message></Error>")
}

// serve does what a request asks for.
func (s *S3) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	if bucket, _, ok := strings.Cut(r.Host, ".s3."); ok {
		name = bucket + "/" + name
	}
	data, exists := s.Objects[name]
	switch {
	case strings.HasPrefix(name, "no-bucket/"):
		refuse(w, http.StatusNotFound, "NoSuchBucket")
	case strings.HasPrefix(name, "forbidden/"):
		refuse(w, http.StatusForbidden, "AccessDenied")
	case r.Method == http.MethodPut && r.Header.Get("If-None-Match") != "*":
		s.t.Errorf("a write without a condition: %v", r.Header)
	case r.Method == http.MethodPut && exists:
		refuse(w, http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Method == http.MethodPut:
		s.Objects[name] = body
		s.created = append(s.created, name)
	case r.Method == http.MethodDelete:
		delete(s.Objects, name)
		w.WriteHeader(http.StatusNoContent)
	case r.URL.Query().Get("list-type") == "2":
		s.list(w, strings.TrimSuffix(name, "/")+"/", r)
	case !exists:
		refuse(w, http.StatusNotFound, "NoSuchKey")
	default:
		_, _ = w.Write(data)
	}
}

// A listBucketResult is what ListObjectsV2 answers.
type listBucketResult struct {
	XMLName     xml.Name  `xml:"ListBucketResult"`
	IsTruncated bool      `xml:"IsTruncated"`
	Contents    []content `xml:"Contents"`
}

// A content is one object of it.
type content struct {
	Key  string `xml:"Key"`
	Size int    `xml:"Size"`
}

// list answers with keys, at most three at once, which is less than S3 has to.
func (s *S3) list(w http.ResponseWriter, bucket string, r *http.Request) {
	query := r.URL.Query()
	limit, _ := strconv.Atoi(query.Get("max-keys"))
	var found listBucketResult
	var keys []string
	for name := range s.Objects {
		key, ok := strings.CutPrefix(name, bucket)
		newest := slices.Contains(s.created[max(0, len(s.created)-s.Lag):], name)
		if ok && !newest && strings.HasPrefix(key, query.Get("prefix")) && key > query.Get("start-after") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	limit = min(limit, 3, len(keys))
	found.IsTruncated = len(keys) > limit
	for _, key := range keys[:limit] {
		found.Contents = append(found.Contents, content{key, len(s.Objects[bucket+key])})
	}
	_ = xml.NewEncoder(w).Encode(found)
}

// A Memory sends requests to a server without a network, in virtual time.
type Memory struct{ Server *S3 }

// Send implements awsapi.Sender.
func (m Memory) Send(ctx context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	if err := errors.Join(ready(r), ctx.Err()); err != nil {
		return nil, err
	}
	arrived := r.Clone(ctx)
	arrived.Host = r.URL.Host
	answer, whole := m.serve(arrived)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	response := answer.Result()
	if !whole && answer.Body.Len() == 0 {
		return nil, io.ErrUnexpectedEOF
	}
	if !whole {
		response.Body = io.NopCloser(io.MultiReader(response.Body, brokenReader{}))
	}
	return response, nil
}

// serve serves a request, and reports whether the answer is whole.
func (m Memory) serve(r *http.Request) (answer *httptest.ResponseRecorder, whole bool) {
	answer = httptest.NewRecorder()
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			panic(v)
		} else if v != nil {
			whole = false
		}
	}()
	m.Server.ServeHTTP(answer, r)
	return answer, true
}

// A brokenReader is a connection that breaks.
type brokenReader struct{}

// Read implements io.Reader.
func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

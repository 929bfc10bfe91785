package store_test

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

// A fault is what a server does to one request instead of serving it.
type fault int

// The faults. Those that cut end the connection without a whole answer.
const (
	none      fault = iota
	internal        // 500, before anything is done
	late            // 500, after it was done
	slowDown        // 503
	throttled       // 429
	conflict        // 409, as for writes that are made at once
	timeout         // 400 RequestTimeout
	cut             // before anything is done
	lost            // after it was done
	torn            // in the middle of the answer
	page            // 200 with the page of a proxy, for a list
	silent          // no answer
	mute            // no answer, after it was done
)

// A server speaks S3's protocol, as far as a store needs it, and makes faults.
type server struct {
	t     *testing.T
	fault func(r *http.Request) fault // what happens to a request; nil means nothing

	mu       sync.Mutex
	objects  map[string][]byte // by bucket and key, with a slash between them
	created  []string          // in order
	lag      int               // how many of the newest objects lists do not have
	requests []string          // the method, the URL and the content type of each
}

// newServer returns a server.
func newServer(t *testing.T) *server {
	t.Helper()
	return &server{t: t, objects: map[string][]byte{}}
}

// script makes the next requests have faults, in order.
func (s *server) script(faults ...fault) {
	s.fault = func(*http.Request) fault {
		if len(faults) == 0 {
			return none
		}
		next := faults[0]
		faults = faults[1:]
		return next
	}
}

// ServeHTTP implements http.Handler.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	f := s.note(r, body)
	answer := httptest.NewRecorder()
	switch f {
	case internal:
		refuse(answer, http.StatusInternalServerError, "InternalError")
	case slowDown:
		refuse(answer, http.StatusServiceUnavailable, "SlowDown")
	case throttled:
		refuse(answer, http.StatusTooManyRequests, "TooManyRequestsException")
	case conflict:
		refuse(answer, http.StatusConflict, "ConditionalRequestConflict")
	case timeout:
		refuse(answer, http.StatusBadRequest, "RequestTimeout")
	case cut:
		panic(http.ErrAbortHandler)
	case silent:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case page:
		_, _ = io.WriteString(answer, "<html><body>Log in</body></html>")
	default:
		s.serve(answer, r, body)
	}
	switch f {
	case lost:
		panic(http.ErrAbortHandler)
	case mute:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case late:
		answer = httptest.NewRecorder()
		refuse(answer, http.StatusInternalServerError, "InternalError")
	default:
	}
	data := answer.Body.Bytes()
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(answer.Code)
	if f == torn {
		_, _ = w.Write(data[:len(data)/2])
		panic(http.ErrAbortHandler)
	}
	_, _ = w.Write(data)
}

// note notes a request, checks its signature's parts, and returns its fault.
func (s *server) note(r *http.Request, body []byte) fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, strings.TrimSpace(r.Method+" "+r.Host+r.URL.RequestURI()+" "+r.Header.Get("Content-Type")))
	sum := sha256.Sum256(body)
	if got := r.Header.Get("X-Amz-Content-Sha256"); got != hex.EncodeToString(sum[:]) {
		s.t.Errorf("the hash of the body is %q", got)
	}
	if got := r.Header.Get("Authorization"); !strings.Contains(got, "/eu-west-1/s3/aws4_request") {
		s.t.Errorf("the signature is %q", got)
	}
	if s.fault == nil {
		return none
	}
	return s.fault(r)
}

// refuse answers with an error.
func refuse(w http.ResponseWriter, status int, code string) {
	w.WriteHeader(status)
	_, _ = io.WriteString(w, xml.Header+"<Error><Code>"+code+"</Code><Message>the message</Message></Error>")
}

// serve does what a request asks for.
func (s *server) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	name := strings.TrimPrefix(r.URL.Path, "/")
	if bucket, _, ok := strings.Cut(r.Host, ".s3."); ok {
		name = bucket + "/" + name
	}
	data, exists := s.objects[name]
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
		s.objects[name] = body
		s.created = append(s.created, name)
	case r.Method == http.MethodDelete:
		delete(s.objects, name)
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
func (s *server) list(w http.ResponseWriter, bucket string, r *http.Request) {
	query := r.URL.Query()
	limit, _ := strconv.Atoi(query.Get("max-keys"))
	var found listBucketResult
	var keys []string
	for name := range s.objects {
		key, ok := strings.CutPrefix(name, bucket)
		newest := slices.Contains(s.created[max(0, len(s.created)-s.lag):], name)
		if ok && !newest && strings.HasPrefix(key, query.Get("prefix")) && key > query.Get("start-after") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	limit = min(limit, 3, len(keys))
	found.IsTruncated = len(keys) > limit
	for _, key := range keys[:limit] {
		found.Contents = append(found.Contents, content{key, len(s.objects[bucket+key])})
	}
	_ = xml.NewEncoder(w).Encode(found)
}

// A memory sends requests to a server without a network, in virtual time.
type memory struct{ server *server }

// Send implements awsapi.Sender.
func (m memory) Send(r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	if err := errors.Join(ready(r), r.Context().Err()); err != nil {
		return nil, err
	}
	arrived := r.Clone(r.Context())
	arrived.Host = r.URL.Host
	answer, whole := m.serve(arrived)
	if err := context.Cause(r.Context()); err != nil {
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
func (m memory) serve(r *http.Request) (answer *httptest.ResponseRecorder, whole bool) {
	answer = httptest.NewRecorder()
	defer func() {
		if v := recover(); v != nil && v != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			panic(v)
		} else if v != nil {
			whole = false
		}
	}()
	m.server.ServeHTTP(answer, r)
	return answer, true
}

// A brokenReader is a connection that breaks.
type brokenReader struct{}

// Read implements io.Reader.
func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

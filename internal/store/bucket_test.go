package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/awsapi"
	"meridian/internal/store"
	"meridian/internal/store/storetest"
	"meridian/internal/wire"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"pgregory.net/rapid"
)

// keys are credentials.
func keys() credentials.StaticCredentialsProvider {
	return credentials.NewStaticCredentialsProvider("key", "secret", "")
}

// far returns a Bucket at AWS's endpoint, which is s without a network.
func far(s *storetest.S3) *store.Bucket {
	return &store.Bucket{Name: "kept", Region: "eu-west-1", Client: awsapi.New(storetest.Memory{Server: s}, keys())}
}

// near returns a Bucket on a server on the loopback interface.
func near(t *testing.T, s *storetest.S3) *store.Bucket {
	t.Helper()
	listening := httptest.NewServer(s)
	pool := wire.New(wire.Config{})
	t.Cleanup(func() {
		pool.Close()
		listening.Close()
	})
	return &store.Bucket{
		Name: "kept", Region: "eu-west-1", Client: awsapi.New(pool, keys()),
		Endpoints: awsapi.Endpoints{URL: func(context.Context, string) (string, error) { return listening.URL, nil }},
	}
}

func TestBucketPassesTheSuite(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(t *testing.T) (one, other storetest.Store){
		"over the loopback interface": func(t *testing.T) (one, other storetest.Store) {
			t.Helper()
			s := storetest.NewS3(t)
			return near(t, s), near(t, s)
		},
		"without a network": func(t *testing.T) (one, other storetest.Store) {
			t.Helper()
			s := storetest.NewS3(t)
			return far(s), far(s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Run(t, start)
		})
	}
}

// Faults change nothing but the time, as long as a call has no more than five.
func TestAnyCallsUnderFaultsDoWhatTheyDoToAMap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		rapid.SyncTest(r, func(r *rapid.T) {
			s := storetest.NewS3(t)
			inARow := 0
			s.Fault = func(q *http.Request) storetest.Fault {
				faults := []storetest.Fault{storetest.None, storetest.None, storetest.Internal, storetest.Late, storetest.SlowDown, storetest.Throttled, storetest.Conflict, storetest.Timeout, storetest.Cut, storetest.Lost, storetest.Silent, storetest.Mute}
				if q.Method == http.MethodGet {
					faults = append(faults, storetest.Torn)
				}
				f := rapid.SampledFrom(faults).Draw(r, "fault")
				if inARow++; f == storetest.None || inARow > 5 {
					inARow, f = 0, storetest.None
				}
				return f
			}
			storetest.Model(r, far(s), far(s))
		})
	})
}

// A list that lags leaves out new keys, and changes nothing for Create and Read.
func TestAListThatLags(t *testing.T) {
	t.Parallel()
	s := storetest.NewS3(t)
	s.Lag = 2
	b := far(s)
	for _, key := range []string{"a", "b", "c"} {
		if err := b.Create(t.Context(), key, nil); err != nil {
			t.Error(err)
		}
		if err := b.Create(t.Context(), key, nil); !errors.Is(err, store.ErrExists) {
			t.Errorf("Create again = %v, want that it exists", err)
		}
		if _, err := b.Read(t.Context(), key, most); err != nil {
			t.Error(err)
		}
	}
	if got, err := b.List(t.Context(), "", "", 0); err != nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("List = %q, %v, want the oldest key", got, err)
	}
}

// Create says what became of the key, whatever happened on the way.
func TestCreateAfterFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		there  string // what another writer has created before
		faults []storetest.Fault
		want   string // nothing, "exists", or "fails"
		writes int
		reads  int
	}{
		{"none", "", nil, "", 1, 0},
		{"a lost reply", "", []storetest.Fault{storetest.Lost}, "", 2, 1},
		{"an error after the write", "", []storetest.Fault{storetest.Late}, "", 2, 1},
		{"a lost reply, and others while it is read back", "", []storetest.Fault{storetest.Lost, storetest.None, storetest.SlowDown, storetest.Torn}, "", 2, 3},
		{"a lost reply, and another's bytes", "other", []storetest.Fault{storetest.Lost}, "exists", 2, 1},
		{"a lost reply, and another's bytes of the same length", "ours!", []storetest.Fault{storetest.Lost}, "exists", 2, 1},
		{"a lost reply, and the same bytes of another", "bytes", []storetest.Fault{storetest.Lost}, "", 2, 1},
		{"conflicts", "", []storetest.Fault{storetest.Conflict, storetest.Conflict}, "", 3, 0},
		{"conflicts with the same bytes of another", "bytes", []storetest.Fault{storetest.Conflict, storetest.SlowDown, storetest.None}, "", 3, 1},
		{"a conflict with the same bytes of another", "bytes", []storetest.Fault{storetest.Conflict}, "exists", 2, 0},
		{"as many as are repeated", "", []storetest.Fault{storetest.Cut, storetest.Internal, storetest.SlowDown, storetest.Throttled, storetest.Conflict}, "", 6, 0},
		{"one more", "", []storetest.Fault{storetest.Cut, storetest.Internal, storetest.SlowDown, storetest.Throttled, storetest.Conflict, storetest.Timeout}, "fails", 6, 0},
		{"silence", "", []storetest.Fault{storetest.Silent, storetest.Mute}, "", 3, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := storetest.NewS3(t)
				if test.there != "" {
					s.Objects["kept/keys/1"] = []byte(test.there)
				}
				s.Script(test.faults...)
				b := far(s)
				err := b.Create(t.Context(), "keys/1", []byte("bytes"))
				got := ""
				if errors.Is(err, store.ErrExists) {
					got = "exists"
				} else if err != nil {
					got = "fails"
				}
				if got != test.want {
					t.Errorf("Create = %v, which is %q, want %q", err, got, test.want)
				}
				all := strings.Join(s.Requests, "\n")
				if writes, reads := strings.Count(all, "PUT "), strings.Count(all, "GET "); writes != test.writes || reads != test.reads {
					t.Errorf("requests are\n%s\nwant %d writes and %d reads", all, test.writes, test.reads)
				}
				if got := string(s.Objects["kept/keys/1"]); test.want == "" && got != "bytes" {
					t.Errorf("the object is %q", got)
				}
			})
		})
	}
}

// Waits grow, each to twice the one before, and are at least half as long.
func TestWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storetest.NewS3(t)
		s.Fault = func(*http.Request) storetest.Fault { return storetest.SlowDown }
		begin := time.Now()
		_, err := far(s).Read(t.Context(), "a", most)
		if took := time.Since(begin); took < 1550*time.Millisecond || took > 3100*time.Millisecond {
			t.Errorf("Read took %v, want 1.55s to 3.1s", took)
		}
		if len(s.Requests) != 6 || err == nil || !strings.Contains(err.Error(), "SlowDown") {
			t.Errorf("Read = %v after %d requests, want a SlowDown after 6", err, len(s.Requests))
		}
	})
}

// A request is given up after ten seconds of silence, and later the more it sends.
func TestSilence(t *testing.T) {
	t.Parallel()
	for size, want := range map[int]time.Duration{10: 10 * time.Second, 1 << 20: 26 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := storetest.NewS3(t)
			s.Script(storetest.Silent)
			begin := time.Now()
			err := far(s).Create(t.Context(), "a", make([]byte, size))
			if took := time.Since(begin); err != nil || took < want+50*time.Millisecond || took > want+100*time.Millisecond {
				t.Errorf("Create of %d bytes = %v after %v, want %v and a short wait", size, err, took, want)
			}
		})
	}
}

// A slow sender's answers arrive a few bytes at a time.
type slow struct{ storetest.Memory }

// Send implements awsapi.Sender.
func (s slow) Send(ctx context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	response, err := s.Memory.Send(ctx, r, ready)
	if err == nil {
		response.Body = slowBody{response.Body, r.Context()}
	}
	return response, err
}

// A slowBody is the body of such an answer.
type slowBody struct {
	io.ReadCloser

	ctx context.Context
}

// Read implements io.Reader.
func (b slowBody) Read(p []byte) (int, error) {
	select {
	case <-time.After(6 * time.Second):
	case <-b.ctx.Done():
		return 0, context.Cause(b.ctx)
	}
	return b.ReadCloser.Read(p[:min(len(p), 4)])
}

// An answer that keeps arriving is not given up, however long it takes.
func TestASlowAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storetest.NewS3(t)
		s.Objects["kept/a"] = []byte("0123456789abcdef")
		b := far(s)
		b.Client = awsapi.New(slow{storetest.Memory{Server: s}}, keys())
		begin := time.Now()
		got, err := b.Read(t.Context(), "a", most)
		if took := time.Since(begin); err != nil || string(got) != "0123456789abcdef" || took != 24*time.Second || len(s.Requests) != 1 {
			t.Errorf("Read = %q, %v after %v and %d requests, want all of it after 24s and one", got, err, took, len(s.Requests))
		}
	})
}

// The end of the context ends a request and a wait, and the last error stays beside it.
func TestTheEndOfTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		why := errors.New("the run has ended")
		for f, text := range map[storetest.Fault]string{storetest.Silent: why.Error(), storetest.SlowDown: why.Error() + ", after: "} {
			s := storetest.NewS3(t)
			s.Fault = func(*http.Request) storetest.Fault { return f }
			ctx, cancel := context.WithTimeoutCause(t.Context(), 500*time.Millisecond, why)
			begin := time.Now()
			err := far(s).Create(ctx, "a", nil)
			if took := time.Since(begin); !errors.Is(err, why) || !strings.Contains(err.Error(), text) || took != 500*time.Millisecond {
				t.Errorf("Create = %v after %v, want %q after 500ms", err, took, text)
			}
			cancel()
		}
	})
}

// Connections that break over a network are what they are without one.
func TestBrokenConnections(t *testing.T) {
	t.Parallel()
	s := storetest.NewS3(t)
	s.Script(storetest.Lost, storetest.None, storetest.None, storetest.Torn, storetest.None, storetest.Torn, storetest.None, storetest.Cut)
	b := near(t, s)
	data := []byte(strings.Repeat("0123456789", 100_000))
	if err := b.Create(t.Context(), "a", data); err != nil {
		t.Error(err)
	}
	if got, err := b.Read(t.Context(), "a", most); err != nil || string(got) != string(data) {
		t.Errorf("Read = %d bytes, %v, want %d", len(got), err, len(data))
	}
	if got, err := b.List(t.Context(), "", "", 0); err != nil || !slices.Equal(got, []string{"a"}) {
		t.Errorf("List = %q, %v, want one key", got, err)
	}
	if err := b.Delete(t.Context(), "a"); err != nil {
		t.Error(err)
	}
	if len(s.Requests) != 9 {
		t.Errorf("requests = %q, want nine", s.Requests)
	}
}

// What S3 refuses for good is not repeated, and a missing bucket is no missing key.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for bucket, code := range map[string]string{"no-bucket": "NoSuchBucket", "forbidden": "AccessDenied"} {
		s := storetest.NewS3(t)
		b := far(s)
		b.Name = bucket
		_, read := b.Read(t.Context(), "a", most)
		_, list := b.List(t.Context(), "", "", 0)
		for _, err := range []error{read, list, b.Create(t.Context(), "a", nil), b.Delete(t.Context(), "a")} {
			if err == nil || errors.Is(err, store.ErrNotFound) || !strings.Contains(err.Error(), code) || !strings.Contains(err.Error(), bucket) {
				t.Errorf("error = %v, want a %s of %s", err, code, bucket)
			}
		}
		if len(s.Requests) != 4 {
			t.Errorf("requests = %q, want four", s.Requests)
		}
	}
}

// A Bucket without credentials, or with settings that cannot be right, sends nothing and
// does not wait.
func TestNothingIsSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := storetest.NewS3(t)
		begin := time.Now()
		for _, b := range []*store.Bucket{
			{Name: "kept", Region: "eu-west-1", Client: awsapi.New(storetest.Memory{Server: s}, nil)},
			{Name: "../kept", Region: "eu-west-1", Client: awsapi.New(storetest.Memory{Server: s}, keys())},
			{Name: "kept", Region: "nowhere", Client: awsapi.New(storetest.Memory{Server: s}, keys())},
		} {
			err := b.Create(t.Context(), "a", nil)
			if took := time.Since(begin); err == nil || len(s.Requests) > 0 || took > 0 {
				t.Errorf("Create in %s = %v after %v and %d requests, want an error at once", b.Name, err, took, len(s.Requests))
			}
		}
	})
}

// The bucket's name is in AWS's host, where it can be, and in the path of an endpoint that
// is set.
func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, endpoint, want string }{
		{"kept", "", "kept.s3.eu-west-1.amazonaws.com"},
		{"k.ept", "", "s3.eu-west-1.amazonaws.com/k.ept"},
		{"Kept", "", "s3.eu-west-1.amazonaws.com/Kept"},
		{"kept", "http://s3.example:9000/at", "s3.example:9000/at/kept"},
	} {
		s := storetest.NewS3(t)
		b := far(s)
		b.Name = test.name
		b.Endpoints.URL = func(context.Context, string) (string, error) { return test.endpoint, nil }
		if err := b.Create(t.Context(), "names/a:b+c@%3D/1.json", nil); err != nil {
			t.Error(err)
		}
		_, err := b.List(t.Context(), "names/a:b+c@%3D", "b", 0)
		want := []string{
			fmt.Sprintf("PUT %s/names/a%%3Ab%%2Bc%%40%%253D/1.json application/json", test.want),
			fmt.Sprintf("GET %s%s?list-type=2&max-keys=1000&prefix=names%%2Fa%%3Ab%%2Bc%%40%%253D&start-after=b", test.want,
				map[bool]string{true: "/"}[strings.HasPrefix(test.want, "kept.")]),
		}
		if err != nil || !slices.Equal(s.Requests, want) {
			t.Errorf("requests = %q, %v, want %q", s.Requests, err, want)
		}
	}
}

package runs_test

import (
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"pgregory.net/rapid"

	"meridian/internal/awsapi"
	"meridian/internal/record"
	"meridian/internal/store"
	"meridian/internal/store/storetest"
	"meridian/pkg/protocol"
)

// twenty is a request of 20 items: 10 Regions with two invocations each.
func twenty() protocol.Request {
	return protocol.Request{
		Key: "twenty", Name: "test", Task: "act", MaxTargetsPerInvocation: 1, MaxConcurrency: 4, Targets: protocol.Targets("a", "b"),
		Regions: []string{
			"us-east-1", "us-east-2", "us-west-1", "us-west-2", "eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "sa-east-1", "ca-central-1",
		},
		ToleratedFailurePercentage: new(100.0),
	}
}

// A coordinator that dies before or after any call of the store, with work that may be done twice
// and with work that may not, on both stores: the run ends, and every item has one true outcome.
func TestDeathAtEveryCallOfTheStore(t *testing.T) {
	t.Parallel()
	for name, open := range stores() {
		for _, idempotent := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, idempotent %t", name, idempotent), func(t *testing.T) {
				t.Parallel()
				for dies := 1; ; dies++ {
					ended := false
					for _, after := range []bool{false, true} {
						synctest.Test(t, func(t *testing.T) {
							w := &world{store: open(t), idempotent: idempotent, takes: time.Second, ran: map[string]int{}}
							ended = w.survives(t, dies, after)
						})
					}
					if ended || t.Failed() {
						t.Logf("a run makes %d calls of the store", dies-1)
						return
					}
				}
			})
		}
	}
}

// survives starts a run in a process that dies at a call of the store, and has others carry it
// on. It reports whether the process had ended before that.
func (w *world) survives(t *testing.T, dies int, after bool) (ended bool) {
	t.Helper()
	p, k, ctx := w.keeper(dies, after)
	result, err := k.Run(ctx, twenty(), nil, 0)
	p.kill()
	ended = p.calls < dies
	for n := 0; err != nil || result.Status == protocol.StatusRunning; n++ {
		if n > 5 {
			t.Fatalf("death at call %d: the run does not end: %v", dies, err)
		}
		time.Sleep(2 * time.Minute)
		p, k, ctx := w.keeper(0, false)
		result, err = k.Run(ctx, twenty(), nil, 0)
		p.kill()
	}
	w.check(t, twenty(), result)
	p, k, ctx = w.keeper(0, false)
	kept, err := k.Result(ctx, result.RunID)
	p.kill()
	if err != nil || kept.Status != result.Status || kept.Summary.Regions != result.Summary.Regions {
		t.Errorf("death at call %d: the store has %s, %+v, %v; want %s, %+v", dies, kept.Status, kept.Summary.Regions, err, result.Status, result.Summary.Regions)
	}
	if n := len(w.ends); n > 1 || ended && n == 0 {
		t.Errorf("death at call %d: Ended was called %d times", dies, n)
	}
	time.Sleep(time.Minute) // its workers, and what it has left running, end
	if t.Failed() {
		t.Logf("death at call %d, after %t", dies, after)
	}
	return ended
}

// stores returns the two stores, each empty.
func stores() map[string]func(t *testing.T) record.Store {
	return map[string]func(t *testing.T) record.Store{
		"directory": func(t *testing.T) record.Store { t.Helper(); return &store.Dir{Path: t.TempDir()} },
		"bucket":    func(t *testing.T) record.Store { t.Helper(); return bucket(storetest.NewS3(t)) },
	}
}

// bucket returns a bucket on a server, without a network.
func bucket(s *storetest.S3) *store.Bucket {
	return &store.Bucket{
		Name: "kept", Region: "eu-west-1",
		Client: awsapi.New(storetest.Memory{Server: s}, credentials.NewStaticCredentialsProvider("key", "secret", "")),
	}
}

// Faults of S3 cost time, and change nothing else: neither who holds a run nor what becomes of it.
func TestFaultsOfTheStoreLoseNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		rapid.SyncTest(r, func(r *rapid.T) {
			s := storetest.NewS3(t)
			inARow := map[string]int{} // by what is asked for: a call is repeated five times
			s.Fault = func(q *http.Request) storetest.Fault {
				f := rapid.SampledFrom([]storetest.Fault{
					storetest.None, storetest.None, storetest.None, storetest.Internal, storetest.Late, storetest.SlowDown, storetest.Conflict,
					storetest.Cut, storetest.Lost,
				}).Draw(r, "fault")
				of := q.Method + q.URL.RequestURI()
				if inARow[of]++; f == storetest.None || inARow[of] > 4 {
					inARow[of], f = 0, storetest.None
				}
				return f
			}
			w := newWorld()
			w.store, w.idempotent = bucket(s), rapid.Bool().Draw(r, "idempotent")
			p, k, ctx := w.keeper(0, false)
			result, err := k.Run(ctx, twenty(), nil, 0)
			p.kill()
			if err != nil || result.Status != protocol.StatusSucceeded {
				r.Fatalf("Run = %s, %v", result.Status, err)
			}
			w.check(r, twenty(), result)
			time.Sleep(time.Minute)
		})
	})
}

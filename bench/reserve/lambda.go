package reserve

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"meridian/bench/meridian"
	"meridian/bench/rig"
)

// A way decides when the workers answer. It gets the number of a call and its budget,
// and returns the delay, and whether the worker answers at all.
type way struct {
	name   string
	answer func(number int, budget time.Duration) (after time.Duration, answers bool)
}

func ways() []way {
	return []way{
		{"nothing", func(int, time.Duration) (time.Duration, bool) { return 0, false }},
		{"half", func(number int, budget time.Duration) (time.Duration, bool) { return budget / 4, number%2 == 0 }},
		// Like workers that use their whole budget, but keep no reserve.
		{"last", func(_ int, budget time.Duration) (time.Duration, bool) { return budget - 50*time.Millisecond, true }},
	}
}

// A lambda is Lambda as a coordinator sees it.
type lambda struct {
	*rig.Lambda
	way   atomic.Pointer[way]
	calls atomic.Int64
	now   atomic.Int64 // calls in flight
	peak  atomic.Int64 // and the most of them
}

// newLambda starts one on the loopback interface.
func newLambda(ctx context.Context, directory string) (l *lambda, err error) {
	l = new(lambda)
	l.Lambda, err = rig.NewLambda(ctx, &http.Server{Handler: l}, directory, nil) //nolint:gosec // it sets the timeout
	return l, err
}

// ServeHTTP answers an invocation when the way says so.
func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var q meridian.RegionRequest
	if err := json.Unmarshal(payload, &q); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	call := l.calls.Add(1)
	l.peak.Store(max(l.peak.Load(), l.now.Add(1)))
	defer l.now.Add(-1)
	budget := time.Duration(q.BudgetMs * float64(time.Millisecond))
	after, answers := l.way.Load().answer(int(call), budget)
	if !answers {
		<-r.Context().Done()
		return
	}
	if rig.Wait(r.Context(), after) {
		rig.Respond(w, r, call, rig.Work(payload, 0.5, message))
	}
}

// message writes an output.
func message(answer *bytes.Buffer, _, _ []byte) {
	const head, foot = `{"message":"`, `"}`
	answer.WriteString(head + strings.Repeat("x", output-len(head+foot)) + foot)
}

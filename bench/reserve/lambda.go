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

// A way decides how long the workers take, by their budget.
type way struct {
	name  string
	takes func(budget time.Duration) time.Duration
}

func ways() []way {
	return []way{
		{"nothing", func(budget time.Duration) time.Duration { return 2 * budget }},
		// Like workers that use their whole budget, but keep no reserve.
		{"last", func(budget time.Duration) time.Duration { return budget - 50*time.Millisecond }},
	}
}

// A lambda is Lambda as a coordinator sees it.
type lambda struct {
	*rig.Lambda
	way   atomic.Pointer[way]
	calls atomic.Int64
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
	budget := time.Duration(q.BudgetMs * float64(time.Millisecond))
	if rig.Wait(r.Context(), l.way.Load().takes(budget)) {
		rig.Respond(w, r, l.calls.Add(1), rig.Work(payload, 0.5, message))
	}
}

// message writes an output.
func message(answer *bytes.Buffer, _, _ []byte) {
	const head, foot = `{"message":"`, `"}`
	answer.WriteString(head + strings.Repeat("x", output-len(head+foot)) + foot)
}

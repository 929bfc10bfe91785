package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"meridian/bench/rig"
	"meridian/pkg/protocol"
)

// A way is when the workers answer, of which each gets a number: after how long
// with such a budget, and whether at all.
type way struct {
	name   string
	answer func(number int, budget time.Duration) (after time.Duration, answers bool)
}

func ways() []way {
	return []way{
		{"nothing", func(int, time.Duration) (time.Duration, bool) { return 0, false }},
		{"half", func(number int, budget time.Duration) (time.Duration, bool) { return budget / 4, number%2 == 0 }},
		// As workers do that are cut by their budget, but without any reserve.
		{"last", func(_ int, budget time.Duration) (time.Duration, bool) { return budget - 50*time.Millisecond, true }},
	}
}

// A lambda is Lambda as a coordinator sees it, over HTTP/2 and TLS.
type lambda struct {
	server http.Server
	url    string
	way    atomic.Pointer[way]
	output atomic.Int64 // bytes of each target's
	calls  atomic.Int64
	peak   atomic.Int64
	now    atomic.Int64
}

// newLambda starts one on the loopback interface, and writes its certificate to a
// file.
func newLambda(ctx context.Context, file string) (*lambda, error) {
	config, err := rig.NewCertificate(file, nil)
	if err != nil {
		return nil, err
	}
	l := new(lambda)
	l.server = http.Server{Handler: l, TLSConfig: config, HTTP2: &http.HTTP2Config{MaxConcurrentStreams: rig.Streams}}
	l.url, err = rig.Start(ctx, &l.server)
	return l, err
}

// ServeHTTP answers an invocation, when the way says so.
func (l *lambda) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	var q protocol.RegionRequest
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
		rig.Respond(w, r, call, nil, rig.Work(payload, 0.5, l.message))
	}
}

// message writes an output of so many bytes.
func (l *lambda) message(answer *bytes.Buffer, _, _ []byte) {
	const head, foot = `{"message":"`, `"}`
	answer.WriteString(head + strings.Repeat("x", max(0, int(l.output.Load())-len(head+foot))) + foot)
}

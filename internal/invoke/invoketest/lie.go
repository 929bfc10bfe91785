package invoketest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"time"

	"meridian/pkg/protocol"
)

// Change answers what edit makes of the function's answer. A function error
// stays as it is.
func Change(edit func(ctx context.Context, answer []byte) []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request, work http.Handler) {
		answer := answerOf(r, work)
		maps.Copy(w.Header(), answer.Header())
		body := answer.Body.Bytes()
		if answer.Code == http.StatusOK && answer.Header().Get("X-Amz-Function-Error") == "" {
			body = edit(r.Context(), bytes.Clone(body))
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(answer.Code)
		_, _ = w.Write(body)
	}
}

// answerOf returns what the function would have answered.
func answerOf(r *http.Request, work http.Handler) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	work.ServeHTTP(answer, r)
	return answer
}

// Lie is Change for a worker's result.
func Lie(edit func(*protocol.RegionResult)) Fault {
	return Change(func(_ context.Context, answer []byte) []byte {
		result, err := protocol.DecodeRegionResult(answer)
		if err != nil {
			panic("invoketest: " + err.Error())
		}
		edit(&result)
		lie, err := json.Marshal(result)
		if err != nil {
			panic("invoketest: " + err.Error())
		}
		return lie
	})
}

// Truncated answers with the first half of the function's answer, as if it was
// all.
func Truncated() Fault {
	return Change(func(_ context.Context, answer []byte) []byte { return answer[:len(answer)/2] })
}

// Previous answers each call with the answer to the call before, the first one
// with its own.
func Previous() Fault {
	var mu sync.Mutex
	var before []byte
	return Change(func(_ context.Context, answer []byte) []byte {
		mu.Lock()
		defer mu.Unlock()
		given := before
		before = answer
		if given == nil {
			return answer
		}
		return given
	})
}

// Exchange gives each two calls each other's answers. A call without a partner
// waits for one until its client is gone.
func Exchange() Fault {
	type party struct{ own, other chan []byte }
	var mu sync.Mutex
	var waiting *party
	return Change(func(ctx context.Context, answer []byte) []byte {
		mu.Lock()
		partner := waiting
		if partner != nil {
			waiting = nil
			mu.Unlock()
			partner.other <- answer
			return <-partner.own
		}
		self := &party{own: make(chan []byte, 1), other: make(chan []byte, 1)}
		self.own <- answer
		waiting = self
		mu.Unlock()
		select {
		case other := <-self.other:
			return other
		case <-ctx.Done():
		}
		mu.Lock()
		defer mu.Unlock()
		if waiting == self {
			waiting = nil
		}
		return answer // which nobody reads
	})
}

// Twice sends the function's answer twice, so that the second one is there before
// the connection's next request.
func Twice(w http.ResponseWriter, r *http.Request, work http.Handler) {
	const patience = time.Second // for the next request
	answer := answerOf(r, work).Body.Bytes()
	conn := hijack(w)
	message := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
	_ = conn.SetDeadline(time.Now().Add(patience))
	_, _ = conn.Write(bytes.Repeat(message, 2))
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
}

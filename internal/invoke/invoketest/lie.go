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

// Change edits the function's answer. A function error is not edited.
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

// answerOf runs the function and returns its answer.
func answerOf(r *http.Request, work http.Handler) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	work.ServeHTTP(answer, r)
	return answer
}

// Lie edits the worker's result.
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

// Truncated answers with the first half of the function's answer, and its length.
func Truncated() Fault {
	return Change(func(_ context.Context, answer []byte) []byte { return answer[:len(answer)/2] })
}

// Previous answers each call with the answer to the previous call, and the first with
// its own.
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

// Exchange swaps the answers of two calls. A call without a partner waits for one
// until its client disconnects.
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
		return answer // to a client that has disconnected
	})
}

// Twice sends the function's answer twice, so that the second arrives before the
// connection's next request.
func Twice(w http.ResponseWriter, r *http.Request, work http.Handler) {
	const timeout = time.Second // for the next request
	answer := answerOf(r, work).Body.Bytes()
	conn := hijack(w)
	message := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(answer), answer)
	_ = conn.SetDeadline(time.Now().Add(timeout))
	_, _ = conn.Write(bytes.Repeat(message, 2))
	_, _ = io.Copy(io.Discard, conn)
	_ = conn.Close()
}

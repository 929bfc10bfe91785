package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A runtimeAPI is Lambda as the process of a function sees it: it hands out one
// invocation, and takes the answer.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	address  string
	server   http.Server
	next     chan invocation
	answered chan answer
}

// An invocation is what the function is asked, and its deadline.
type invocation struct {
	payload  []byte
	deadline time.Time
}

// An answer is what came back, and when it was all there.
type answer struct {
	at   time.Time
	body []byte
	err  error
}

// newRuntimeAPI starts one on the loopback interface.
func newRuntimeAPI(ctx context.Context) (*runtimeAPI, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	a := &runtimeAPI{address: listener.Addr().String(), next: make(chan invocation), answered: make(chan answer, 2)}
	a.server = http.Server{Handler: a, ReadHeaderTimeout: time.Minute}
	go func() { _ = a.server.Serve(listener) }()
	return a, nil
}

// ServeHTTP answers the function.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/invocation/next"):
		select {
		case <-r.Context().Done():
		case i := <-a.next:
			h := w.Header()
			h.Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000")
			h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:coordinator")
			_, _ = w.Write(i.payload)
		}
	default:
		body, err := io.ReadAll(r.Body)
		at := time.Now()
		w.WriteHeader(http.StatusAccepted)
		if err == nil && !strings.HasSuffix(path, "/response") {
			err = fmt.Errorf("the function reported %s", body)
		}
		a.answered <- answer{at, body, err}
	}
}

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

// The ARN that the functions are told they have.
const functionARN = "arn:aws:lambda:us-east-1:000000000000:function:meridian-cold"

// A runtimeAPI is Lambda as one process of a function sees it: it hands out
// invocations one after the other, and takes the answers.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type runtimeAPI struct {
	listener net.Listener
	server   http.Server
	invoke   chan []byte    // to the function
	asked    chan time.Time // when the function asked for one
	given    chan time.Time // when it was handed out
	answered chan answer
}

// An answer is what came back of an invocation, and when.
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
	a := &runtimeAPI{
		listener: listener, invoke: make(chan []byte),
		asked: make(chan time.Time, 8), given: make(chan time.Time, 8), answered: make(chan answer, 8),
	}
	a.server = http.Server{Handler: a, ReadHeaderTimeout: time.Minute}
	go func() { _ = a.server.Serve(listener) }()
	return a, nil
}

// ServeHTTP answers the function.
func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	const prefix = "/2018-06-01/runtime/"
	switch path := strings.TrimPrefix(r.URL.Path, prefix); {
	case path == "invocation/next":
		a.asked <- time.Now()
		a.next(w, r)
	case path == "init/error", strings.HasSuffix(path, "/error"):
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		a.answered <- answer{time.Now(), nil, fmt.Errorf("the function reported %s", body)}
	case strings.HasSuffix(path, "/response"):
		body, err := io.ReadAll(r.Body)
		at := time.Now()
		w.WriteHeader(http.StatusAccepted)
		a.answered <- answer{at, body, err}
	default:
		http.NotFound(w, r)
	}
}

// next hands out an invocation when there is one.
func (a *runtimeAPI) next(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case payload := <-a.invoke:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", "00000000-0000-4000-8000-000000000000")
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(timeout).UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", functionARN)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0")
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(payload)))
		a.given <- time.Now()
		_, _ = w.Write(payload)
	}
}

// close ends it, and what the function waits for.
func (a *runtimeAPI) close() { _ = a.server.Close() }

package rig

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// A Runtime is Lambda's Runtime API for one process of a function: it hands out
// invocations, one after the other, and takes the answers. Use [NewRuntime].
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
type Runtime struct {
	// Address is its host and port, for AWS_LAMBDA_RUNTIME_API.
	Address string

	server      http.Server
	asked       chan time.Time
	invocations chan invocation
	answers     chan Answer
}

// An invocation is what is handed to the function.
type invocation struct {
	payload  []byte
	deadline time.Time
	given    chan<- time.Time
}

// An Answer is the function's answer to an invocation.
type Answer struct {
	Given time.Time // when the invocation was handed out
	At    time.Time // when the last byte of the answer was read
	Body  []byte

	err error
}

// NewRuntime starts one on the loopback interface. Close ends it.
func NewRuntime(ctx context.Context) (*Runtime, error) {
	a := &Runtime{asked: make(chan time.Time), invocations: make(chan invocation), answers: make(chan Answer)}
	a.server.Handler = a
	url, err := Start(ctx, &a.server)
	a.Address = strings.TrimPrefix(url, "http://")
	return a, err
}

// Close ends it, and the function's request for an invocation.
func (a *Runtime) Close() { _ = a.server.Close() }

// Next waits until the function asks for an invocation, and returns the time of that.
// The error is the one that the function reported instead, or the cause of ctx's end.
func (a *Runtime) Next(ctx context.Context) (asked time.Time, err error) {
	select {
	case asked = <-a.asked:
		return asked, nil
	case early := <-a.answers:
		if early.err == nil {
			early.err = fmt.Errorf("the function answered %.300q before it was asked", early.Body)
		}
		return asked, early.err
	case <-ctx.Done():
		return asked, context.Cause(ctx)
	}
}

// Invoke hands an invocation to the function, which must have asked for it (see
// [Runtime.Next]), and waits for the answer. The error is the one that the function
// reported instead, or the cause of ctx's end.
func (a *Runtime) Invoke(ctx context.Context, payload []byte, deadline time.Time) (Answer, error) {
	given := make(chan time.Time, 1)
	select {
	case a.invocations <- invocation{payload, deadline, given}:
	case <-ctx.Done():
		return Answer{}, context.Cause(ctx)
	}
	select {
	case answer := <-a.answers:
		answer.Given = <-given
		return answer, answer.err
	case <-ctx.Done():
		return Answer{}, context.Cause(ctx)
	}
}

// ServeHTTP answers the function's requests.
func (a *Runtime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	asked := time.Now()
	switch path := strings.TrimPrefix(r.URL.Path, "/2018-06-01/runtime/"); {
	case path == "invocation/next":
		select {
		case a.asked <- asked:
			a.handOut(w, r)
		case <-r.Context().Done():
		}
	case strings.HasSuffix(path, "/response"), strings.HasSuffix(path, "/error"):
		body, err := io.ReadAll(r.Body)
		at := time.Now()
		if err == nil && strings.HasSuffix(path, "/error") {
			err = fmt.Errorf("the function reported %s", body)
		}
		w.WriteHeader(http.StatusAccepted)
		select {
		case a.answers <- Answer{At: at, Body: body, err: err}:
		case <-r.Context().Done():
		}
	default:
		http.NotFound(w, r)
	}
}

// handOut waits for an invocation and sends it.
func (a *Runtime) handOut(w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case i := <-a.invocations:
		h := w.Header()
		h.Set("Lambda-Runtime-Aws-Request-Id", RequestID(0))
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(i.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:000000000000:function:"+functionName)
		h.Set("Lambda-Runtime-Trace-Id", "Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=0")
		h.Set("Content-Type", "application/json")
		h.Set("Content-Length", strconv.Itoa(len(i.payload)))
		i.given <- time.Now()
		_, _ = w.Write(i.payload)
	}
}

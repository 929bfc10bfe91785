package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/regionworker"
	"meridian/internal/store/storetest"
	"meridian/internal/task"
)

// TestMain runs the tests, or the function when a test starts it.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" { //nolint:forbidigo // this is main here
		m.Run()
		return
	}
	main()
}

// An invocation is one of the coordinator's function.
type invocation struct{ payload, trace string }

// A cloud is what Lambda is to one environment of the coordinator: its runtime API, and the API that invokes functions.
type cloud struct {
	*httptest.Server
	invocations chan invocation
	answers     chan string

	mu     sync.Mutex
	called []string // each call of a function: its name and its trace
}

// newCloud returns a cloud for the life of a test.
func newCloud(t *testing.T) *cloud {
	t.Helper()
	c := &cloud{invocations: make(chan invocation, 8), answers: make(chan string, 8)}
	worker := &regionworker.Worker{Tasks: task.Builtin()}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		select {
		case next := <-c.invocations:
			w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
			w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10))
			w.Header().Set("Lambda-Runtime-Trace-Id", next.trace)
			_, _ = io.WriteString(w, next.payload)
		case <-r.Context().Done():
		}
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/{end}", func(w http.ResponseWriter, r *http.Request) {
		answer, _ := io.ReadAll(r.Body)
		w.WriteHeader(http.StatusAccepted)
		c.answers <- string(answer)
	})
	mux.HandleFunc("POST /2015-03-31/functions/{function}/invocations", func(w http.ResponseWriter, r *http.Request) {
		payload, _ := io.ReadAll(r.Body)
		name, trace := r.PathValue("function"), r.Header.Get("X-Amzn-Trace-Id")
		c.mu.Lock()
		c.called = append(c.called, name+" with "+trace)
		c.mu.Unlock()
		switch name {
		case "worker":
			if answer, err := worker.Handle(r.Context(), payload); err == nil {
				payload = answer
			}
		case "coordinator": // Lambda goes on with the trace, under a segment of its own
			w.WriteHeader(http.StatusAccepted)
			c.invocations <- invocation{string(payload), strings.ReplaceAll(trace, "Parent=3", "Parent=4")}
			return
		}
		_, _ = w.Write(payload)
	})
	mux.Handle("/", storetest.NewS3(t))
	c.Server = httptest.NewServer(mux)
	t.Cleanup(c.Close)
	return c
}

// start starts the coordinator's function. It ends with the test.
func (c *cloud) start(t *testing.T) {
	t.Helper()
	process := exec.CommandContext(t.Context(), os.Args[0])
	process.Env = []string{
		"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(c.URL, "http://"), "AWS_ENDPOINT_URL=" + c.URL, "AWS_REGION=eu-west-1",
		"AWS_ACCESS_KEY_ID=AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY=secret", "AWS_EC2_METADATA_DISABLED=true",
		"AWS_LAMBDA_FUNCTION_NAME=coordinator", "WORKER_FUNCTION=worker", "WORKER_FUNCTIONS=my-check", "STORE_BUCKET=kept",
	}
	process.Stderr = os.Stderr
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.Wait() }) // the end of the test kills it
}

// trace returns a header as Lambda gives it to a function: Parent is the function's own segment.
func trace(n, parent, sampled int) string {
	return fmt.Sprintf("Root=1-6352a70e-%024d;Parent=%d%015d;Sampled=%d", n, parent, n, sampled)
}

// The trace of an invocation goes on into the workers, the callers' functions and the next generation of a kept run: each call
// has the header of the invocation that makes it, and not that of an earlier one of the environment.
func TestTheTraceOfAnInvocationGoesOn(t *testing.T) {
	t.Parallel()
	c := newCloud(t)
	c.start(t)
	request := func(rest string) string {
		return `{"regions":["eu-west-1","us-east-1"],"targets":["dynamodb"]` + rest + `}`
	}
	for _, test := range []struct {
		name, payload, trace string
		answers              int
		want                 []string
	}{
		{"workers", request(""), trace(1, 3, 1), 1, []string{"worker with " + trace(1, 3, 1), "worker with " + trace(1, 3, 1)}},
		{
			"a caller's function, not sampled", request(`,"worker":{"function":"my-check"}`), trace(2, 3, 0), 1,
			[]string{"my-check with " + trace(2, 3, 0), "my-check with " + trace(2, 3, 0)},
		},
		{
			"the next generation", `{"command":"start","request":` + request("") + `}`, trace(3, 3, 1), 2,
			[]string{"coordinator with " + trace(3, 3, 1), "worker with " + trace(3, 4, 1), "worker with " + trace(3, 4, 1)},
		},
		{"no trace", request(""), "", 1, []string{"worker with ", "worker with "}},
	} {
		c.invocations <- invocation{test.payload, test.trace}
		for range test.answers {
			if answer := <-c.answers; strings.Contains(answer, `"errorMessage"`) || strings.Contains(answer, `"FAILED"`) {
				t.Errorf("%s: the coordinator answers %s", test.name, answer)
			}
		}
		c.mu.Lock()
		got := slices.Clone(c.called)
		c.called = nil
		c.mu.Unlock()
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: calls (-want +got):\n%s", test.name, diff)
		}
	}
}

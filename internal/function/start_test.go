package function_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"meridian/internal/function"
)

// TestMain runs the tests, or the function when a test starts it.
func TestMain(m *testing.M) {
	if os.Getenv("AWS_LAMBDA_RUNTIME_API") == "" { //nolint:forbidigo // this is main here
		m.Run()
		return
	}
	function.Start(context.Background(), func(ctx context.Context, _ []byte) ([]byte, error) {
		os.Stdout.WriteString("started\n") //nolint:errcheck // the test notices
		<-ctx.Done()
		return []byte(`"what there is"`), nil
	})
}

// A runtimeAPI is Lambda's runtime API: it hands out a number of invocations and
// receives the answers.
type runtimeAPI struct {
	*httptest.Server
	idle    chan struct{} // closed when the function asks for one more than there are
	answers chan string
}

func newRuntimeAPI(t *testing.T, invocations int) *runtimeAPI {
	t.Helper()
	api := &runtimeAPI{idle: make(chan struct{}), answers: make(chan string, 1)}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		if invocations--; invocations < 0 {
			close(api.idle)
			<-r.Context().Done()
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10))
		_, _ = io.WriteString(w, "{}")
	})
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/1/response", func(w http.ResponseWriter, r *http.Request) {
		answer, _ := io.ReadAll(r.Body)
		api.answers <- string(answer)
		w.WriteHeader(http.StatusAccepted)
	})
	api.Server = httptest.NewServer(mux)
	t.Cleanup(api.Close)
	return api
}

// start starts the function in its own process.
func (api *runtimeAPI) start(t *testing.T) (process *exec.Cmd, stdout io.Reader) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("no signals")
	}
	process = exec.CommandContext(t.Context(), os.Args[0])
	process.Env = []string{"AWS_LAMBDA_RUNTIME_API=" + strings.TrimPrefix(api.URL, "http://")}
	stdout, err := process.StdoutPipe()
	if err == nil {
		err = process.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	return process, stdout
}

func TestASIGTERMCancelsTheRunningInvocationAndItAnswers(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(t, 1)
	process, stdout := api.start(t)
	if _, err := io.ReadFull(stdout, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got, want := <-api.answers, `"what there is"`; got != want {
		t.Errorf("answer = %s, want %s", got, want)
	}
	<-api.idle
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = process.Wait() // the second one has ended it
}

func TestASIGTERMEndsAnIdleFunction(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(t, 0)
	process, _ := api.start(t)
	<-api.idle
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("the function ended with %v, want status 0", err)
	}
}

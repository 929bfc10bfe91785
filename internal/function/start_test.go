package function_test

import (
	"context"
	"encoding/json"
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
	function.Start(context.Background(), func(ctx context.Context, payload []byte) ([]byte, error) {
		os.Stdout.WriteString("started\n") //nolint:errcheck // the test notices
		if string(payload) == "{}" {
			<-ctx.Done()
		}
		if string(payload) == `"why"` {
			<-ctx.Done()
			return json.Marshal(context.Cause(ctx).Error())
		}
		if string(payload) == `"deaf"` {
			select {}
		}
		if ctx.Err() == nil {
			return []byte(`"all of it"`), nil
		}
		return []byte(`"what there is"`), nil
	})
}

// A runtimeAPI is Lambda's runtime API: it hands out invocations with the given payloads
// and receives the answers. The payloads "{}" and "why" last until their context ends.
type runtimeAPI struct {
	*httptest.Server
	idle    chan struct{} // closed when the function asks for one more than there are
	answers chan string
}

func newRuntimeAPI(t *testing.T, payloads ...string) *runtimeAPI {
	t.Helper()
	api := &runtimeAPI{idle: make(chan struct{}), answers: make(chan string, len(payloads))}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", func(w http.ResponseWriter, r *http.Request) {
		if len(payloads) == 0 {
			close(api.idle)
			<-r.Context().Done()
			return
		}
		w.Header().Set("Lambda-Runtime-Aws-Request-Id", "1")
		w.Header().Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(time.Hour).UnixMilli(), 10))
		_, _ = io.WriteString(w, payloads[0])
		payloads = payloads[1:]
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

func TestASIGTERMCancelsTheRunningInvocationWhichAnswersAndTheProcessEnds(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(t, "{}")
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
	if err := process.Wait(); err != nil {
		t.Errorf("the function ended with %v, want status 0", err)
	}
}

func TestTheCauseOfTheEndIsTheSignal(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(t, `"why"`)
	process, stdout := api.start(t)
	if _, err := io.ReadFull(stdout, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got, want := <-api.answers, `"terminated signal received"`; got != want {
		t.Errorf("cause = %s, want %s", got, want)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("the function ended with %v, want status 0", err)
	}
}

func TestALaterInvocationIsNotTouchedByTheSIGTERM(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(t, "{}", `"short"`, `"short"`)
	process, stdout := api.start(t)
	if _, err := io.ReadFull(stdout, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"what there is"`, `"all of it"`, `"all of it"`} {
		if got := <-api.answers; got != want {
			t.Errorf("answer = %s, want %s", got, want)
		}
	}
	if err := process.Wait(); err != nil {
		t.Errorf("the function ended with %v, want status 0", err)
	}
}

func TestASecondSIGTERMEndsAnInvocationThatIgnoresTheFirst(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(t, `"deaf"`)
	process, stdout := api.start(t)
	if _, err := io.ReadFull(stdout, make([]byte, len("started\n"))); err != nil {
		t.Fatal(err)
	}
	// Whichever of them is heard first, there comes a second.
	ended := make(chan struct{})
	go func() {
		_ = process.Wait() // by the signal
		close(ended)
	}()
	for {
		_ = process.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			return
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestASIGTERMEndsAnIdleFunction(t *testing.T) {
	t.Parallel()
	api := newRuntimeAPI(t)
	process, _ := api.start(t)
	<-api.idle
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("the function ended with %v, want status 0", err)
	}
}

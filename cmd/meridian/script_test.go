package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/rogpeppe/go-internal/testscript"

	"meridian/internal/coordinator"
	"meridian/internal/difference"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

var update = flag.Bool("update", false, "rewrite the expected outputs of the scripts")

// TestMain runs the tests, or a program when a script starts it.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"meridian": func() {
			patienceWithoutView = time.Hour // a busy machine is late
			slowerThanLast = difference.Slower{By: time.Hour}
			main()
		},
		"terminal": terminal,
	})
}

// terminal runs its arguments as a command with a terminal, and prints what they write to
// /dev/tty, all of it. Testscript's ttyin closes the terminal before it has read everything.
func terminal() {
	command := exec.CommandContext(context.Background(), os.Args[1], os.Args[2:]...)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	screen, err := pty.Start(command)
	if err != nil {
		log.Fatal(err)
	}
	_, _ = io.Copy(os.Stdout, screen) // on Linux it ends with EIO
	if err := command.Wait(); err != nil {
		log.Fatal(err)
	}
}

// Each file of testdata/script is one behavior of the command line. The scripts
// run the real program, and lambdaServer in place of AWS.
func TestScripts(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(lambdaServer(newCoordinators(t)))
	t.Cleanup(server.Close)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(e *testscript.Env) error {
			state := filepath.Join(e.WorkDir, ".state")
			for _, name := range []string{"HOME", "XDG_STATE_HOME", "LOCALAPPDATA"} {
				e.Setenv(name, state)
			}
			e.Setenv("RUNS", filepath.Join(state, "meridian", "runs")) // exists, or the first run would say where it is
			if err := os.MkdirAll(filepath.Join(state, "meridian", "runs"), 0o700); err != nil {
				return fmt.Errorf("make the state directory: %w", err)
			}
			e.Setenv("LAMBDA", server.URL)
			e.Setenv("AWS_EC2_METADATA_DISABLED", "true")
			e.Setenv("GORACE", "atexit_sleep_ms=0") // without this, -race delays the exit by a second
			return nil
		},
		Condition: func(condition string) (bool, error) {
			return condition == "hangup" && !signal.Ignored(syscall.SIGHUP), nil // as under nohup
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"await": await},
	})
}

// await waits until a file matches a pattern: "await file pattern".
func await(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: await file pattern")
	}
	pattern := regexp.MustCompile(args[1])
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	giveUp := time.After(30 * time.Second)
	for {
		select {
		case <-tick.C:
			data, err := os.ReadFile(ts.MkAbs(args[0]))
			if err == nil && pattern.Match(data) {
				return
			}
		case <-giveUp:
			ts.Fatalf("%s does not match %s after 30 s", args[0], args[1])
		}
	}
}

// lambdaServer answers like Lambda's Invoke API. Its function "coordinator" runs
// requests, and those whose names begin with "keeper-" keep runs; each of the others fails in
// its own way. Its buckets "my-bucket" and "history-bucket" answer like S3.
func lambdaServer(kept *coordinators) http.Handler {
	functions := map[string]http.HandlerFunc{
		"coordinator": coordinate,
		"refused":     apiError(http.StatusForbidden, "AccessDeniedException", "User: me is not authorized to perform: lambda:InvokeFunction"),
		"expired":     apiError(http.StatusForbidden, "ExpiredTokenException", "The security token included in the request is expired"),
		"late":        apiError(http.StatusForbidden, "InvalidSignatureException", "Signature expired: 20000101T000000Z is now earlier than …"),
		"pending":     apiError(http.StatusConflict, "ResourceConflictException", "The function is currently in the following state: Pending"),
		"throttled":   apiError(http.StatusTooManyRequests, "TooManyRequestsException", "Rate Exceeded."),
		"previous":    functionError(protocol.ErrorInvalidRequest, `task: "probe": is not a task; known are resolve, sleep`),
		"crashing":    functionError("Runtime.ExitError", "RequestId: 1 Error: Runtime exited with error: exit status 2"),
		"slow":        functionError("Sandbox.Timedout", "RequestId: 1 Error: Task timed out after 3.00 seconds"),
		"unmarked":    lost(functionError("KeyError", "'regions'")),
		"show":        show,
		"worker":      work,
		"answer":      answerOfAccounts,
		"busy":        answerOfRunning,
		"echo":        func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) },
		"cut":         func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"silent": func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // else the server does not notice that the caller has gone
			<-r.Context().Done()
		},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /2015-03-31/functions/{function}/invocations", func(w http.ResponseWriter, r *http.Request) {
		name := r.PathValue("function")
		name = name[strings.LastIndex(name, ":")+1:] // of an ARN
		answer, ok := functions[name]
		if strings.HasPrefix(name, "keeper-") {
			answer, ok = kept.ServeHTTP, true
		}
		if !ok {
			answer = apiError(http.StatusNotFound, "ResourceNotFoundException", "Function not found")
		}
		answer(w, r)
	})
	mux.HandleFunc("/{$}", answerCall)
	for _, name := range []string{"my-bucket", "history-bucket"} { // a script's last run is its own
		bucket := &bucketServer{objects: map[string][]byte{}}
		mux.Handle("/"+name, bucket)
		mux.Handle("/"+name+"/{key...}", bucket)
	}
	// The metadata service of a machine without a role: the SDK would log a warning.
	mux.Handle("/latest/", apiError(http.StatusForbidden, "Forbidden", "no metadata"))
	return mux
}

// coordinate runs a request with workers in this process.
func coordinate(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	worker := &regionworker.Worker{Tasks: task.Builtin()}
	c := &coordinator.Coordinator{
		Invoker: invoke.InProcess{Handle: worker.Handle}, Tasks: task.Builtin(),
		MemoryMB: 256, Billing: coordinator.Billing{Region: "eu-west-1", Architecture: "arm64"},
	}
	handler := &trigger.Handler{Runner: c}
	answer, err := handler.Handle(context.WithoutCancel(r.Context()), payload)
	if err != nil {
		functionError(protocol.ErrorInvalidRequest, err.Error())(w, r)
		return
	}
	_, _ = w.Write(answer)
}

// work is a worker with a task that takes a while, and fails for one target.
func work(w http.ResponseWriter, r *http.Request) {
	payload, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	worker := &regionworker.Worker{Tasks: task.NewRegistry(task.New("wait", "wait", func(ctx context.Context, in task.Input[struct{}]) (string, error) {
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return "", context.Cause(ctx)
		}
		if in.Target.Name == "broken" {
			return "", errors.New("it is broken")
		}
		return in.Region, nil
	}))}
	answer, _, err := invoke.InProcess{Handle: worker.Handle}.Invoke(context.WithoutCancel(r.Context()), "", payload)
	if failed, ok := errors.AsType[*invoke.Error](err); ok {
		functionError(failed.Name, failed.Message)(w, r)
		return
	}
	_, _ = w.Write(answer)
}

// show refuses every request, and repeats it: so a script sees what the flags make of it.
func show(w http.ResponseWriter, r *http.Request) {
	payload, _ := io.ReadAll(r.Body)
	functionError(protocol.ErrorInvalidRequest, string(payload))(w, r)
}

// answerOfRunning answers with a result of a kept run that continues. It refuses a request
// that is not to be kept.
func answerOfRunning(w http.ResponseWriter, r *http.Request) {
	var request protocol.Request
	if err := json.NewDecoder(r.Body).Decode(&request); err != nil || request.Key == "" || !request.Keep {
		functionError(protocol.ErrorInvalidRequest, "keep: missing")(w, r)
		return
	}
	_ = json.NewEncoder(w).Encode(protocol.Result{
		RunID: "01JDCX4T9Q8Z6W3M5K7N2P0RSV", Status: protocol.StatusRunning, Message: "870.000 seconds so far", ElapsedMs: 870_000, Generations: 2,
		Summary: protocol.Summary{Regions: protocol.Counts{Total: 1, Running: 1}, Targets: protocol.Counts{Total: 1, Running: 1}, Attempts: 1},
		Regions: []protocol.RegionOutcome{{
			Region: "eu-west-1", Status: protocol.StatusRunning, ElapsedMs: 870_000, Attempts: []protocol.Attempt{{ElapsedMs: 870_000}},
			Targets: []protocol.TargetOutcome{{Target: "dynamodb", Status: protocol.StatusRunning}},
		}},
	})
}

// answerOfAccounts answers with a result of two accounts, whatever the request.
func answerOfAccounts(w http.ResponseWriter, _ *http.Request) {
	outcome := func(id, name, region, cause string) protocol.RegionOutcome {
		status, output := protocol.StatusSucceeded, json.RawMessage(`{"host":"`+region+`.example"}`)
		failure := ""
		if cause != "" {
			status, failure, output = protocol.StatusFailed, "AccessDenied", nil
		}
		return protocol.RegionOutcome{
			Account: id, AccountName: name, Region: region, Status: status, Error: failure, Cause: cause,
			Targets: []protocol.TargetOutcome{{Target: "dynamodb", Status: status, Error: failure, Cause: cause, Output: output}},
		}
	}
	_ = json.NewEncoder(w).Encode(protocol.Result{
		Status: protocol.StatusSucceeded, Message: "That took 0.001 seconds", ElapsedMs: 1,
		Summary: protocol.Summary{
			Regions: protocol.Counts{Total: 4, Succeeded: 2, Failed: 2}, Accounts: &protocol.Counts{Total: 2, Succeeded: 1, Failed: 1},
			Targets: protocol.Counts{Total: 4, Succeeded: 2, Failed: 2},
		},
		Regions: []protocol.RegionOutcome{
			outcome("111122223333", "payments", "eu-west-1", ""), outcome("111122223333", "payments", "eu-west-2", ""),
			outcome("222233334444", "archive", "eu-west-1", "no trust in eu-west-1"), outcome("222233334444", "archive", "eu-west-2", "no trust in eu-west-2"),
		},
	})
}

func apiError(status int, name, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amzn-Errortype", name)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"Message": message})
	}
}

// lost answers without the header that marks a function error, as some proxies and
// emulators do.
func lost(answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		recorded := httptest.NewRecorder()
		answer(recorded, r)
		_, _ = w.Write(recorded.Body.Bytes())
	}
}

func functionError(name, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Function-Error", "Unhandled")
		_ = json.NewEncoder(w).Encode(map[string]string{"errorType": name, "errorMessage": message})
	}
}

//go:build linux

package faults_test

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"

	"meridian/internal/coordinator"
	"meridian/internal/function"
	"meridian/internal/invoke"
	"meridian/internal/race"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

var loadName = flag.String("load", "", "the `name` of a load: carry it out in this process")

// A load is a run whose requests, answers or outputs are many times the memory of the
// process that is measured, which has 256 MB.
type load struct {
	name string

	// request is the run's.
	request func() protocol.Request

	// answer answers a call of a worker, once as many are in flight as there are when
	// nothing bounds them. Nil means that the process measured is the worker's.
	answer   func(w http.ResponseWriter, r *http.Request, payload []byte)
	inFlight int

	// outputs is how many are in the answer at least, and notice what it says.
	outputs int
	notice  string
}

// loadMemoryMB is the memory of both functions by default.
const loadMemoryMB = 256

func loads() []load {
	const regions = "us-east-1,us-east-2,us-west-1,us-west-2,ca-central-1,sa-east-1,eu-west-1,eu-west-2,eu-west-3,eu-central-1," +
		"eu-north-1,ap-south-1,ap-southeast-1,ap-southeast-2,ap-northeast-1,ap-northeast-2,ap-northeast-3"
	spread := func(targets, maxTargets int) func() protocol.Request {
		return func() protocol.Request {
			return protocol.Request{
				Task: "tell", Regions: strings.Split(regions, ","), Targets: protocol.Targets(numbered(targets)...), MaxTargetsPerInvocation: maxTargets,
			}
		}
	}
	return []load{
		{
			name: "one worker, 500 outputs of 1 MB",
			request: func() protocol.Request {
				return protocol.Request{Task: "fill", Targets: protocol.Targets(numbered(500)...)}
			},
			outputs: 5,
		},
		{
			name: "68 answers of 6 MB at once", request: spread(4, 1), inFlight: 68, outputs: 1,
			answer: respondWith(6_200_000, true), notice: "to be read",
		},
		{
			name: "68 answers of 6 MB of no announced length", request: spread(4, 1), inFlight: 68, outputs: 1,
			answer: respondWith(6_200_000, false), notice: "to be read",
		},
		{
			name: "680 answers of 500 KB at once", request: spread(40, 1), inFlight: 680, outputs: 12,
			answer: respondWith(500_000, true), notice: "to be read",
		},
		{
			name: "204 requests with 0.9 MB of error names",
			request: func() protocol.Request {
				r := spread(12, 1)()
				for range protocol.MaxRetriers {
					names := make([]string, protocol.MaxErrorNames)
					for i := range names {
						names[i] = strings.Repeat("E", 90)
					}
					r.TargetRetry = append(r.TargetRetry, protocol.Retrier{ErrorEquals: names})
				}
				return r
			},
			inFlight: 36, answer: respondWith(100, true), outputs: 204, notice: "maxConcurrency is 36 here",
		},
	}
}

func numbered(n int) []string {
	targets := make([]string, n)
	for i := range targets {
		targets[i] = "t" + strconv.Itoa(i)
	}
	return targets
}

// respondWith returns what answers a request as a worker does, with an output of so many
// bytes for each target.
func respondWith(length int, announced bool) func(w http.ResponseWriter, r *http.Request, payload []byte) {
	output := json.RawMessage(`"` + strings.Repeat("x", length-2) + `"`)
	return func(w http.ResponseWriter, _ *http.Request, payload []byte) {
		var request protocol.RegionRequest
		if err := json.Unmarshal(payload, &request); err != nil { // a worker's own way takes longer
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		head, err := json.Marshal(protocol.RegionResult{
			Version: request.Version, RunID: request.RunID, Region: request.Region, Batch: request.Batch, Status: protocol.StatusSucceeded,
			Targets: []protocol.TargetOutcome{{Target: request.Targets[0], Status: protocol.StatusSucceeded, Output: json.RawMessage(`0`)}},
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		before, after, _ := bytes.Cut(head, []byte(`"output":0`))
		before = append(before, `"output":`...)
		if announced {
			w.Header().Set("Content-Length", strconv.Itoa(len(before)+len(output)+len(after)))
		}
		for _, part := range [][]byte{before, output, after} { // the output is shared by all answers
			_, _ = w.Write(part)
		}
	}
}

// A process of 256 MB carries out every load within that memory, and its answer says what
// was dropped and what waited.
func TestEveryLoadFitsIntoTheMemory(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector takes many times the memory")
	}
	if *loadName != "" {
		carryOutLoad(t, *loadName, *crowdURL, *crowdRoots)
		return
	}
	tab := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(tab, "load\tsucceeded\tattempts\toutputs\trun\tpeak\t")
	for _, l := range loads() {
		t.Run(l.name, func(t *testing.T) {
			got := l.run(t)
			_, _ = fmt.Fprintf(tab, "%s\t%d\t%d\t%d\t%s\t%.0f of %d MB\t\n", l.name, got.Succeeded, got.Attempts, got.Outputs, got.Status, got.PeakMiB, loadMemoryMB)
			t.Logf("%+v", got)
			if r := l.request(); got.Status != protocol.StatusSucceeded || got.Succeeded != max(len(r.Regions), 1)*len(r.Targets) || got.Outputs < l.outputs {
				t.Errorf("the run is %s, %d targets succeeded, %d outputs, want at least %d", got.Status, got.Succeeded, got.Outputs, l.outputs)
			}
			if notices := strings.Join(got.Notices, "; "); !strings.Contains(notices, l.notice) {
				t.Errorf("notices are %q, want %q", notices, l.notice)
			}
			if got.PeakMiB > loadMemoryMB {
				t.Errorf("the process took %.0f MiB, want at most %d", got.PeakMiB, loadMemoryMB)
			}
		})
	}
	if *loopback {
		_ = tab.Flush()
	}
}

// run carries out the load in a process of its own.
func (l load) run(t *testing.T) census {
	t.Helper()
	const test = "TestEveryLoadFitsIntoTheMemory"
	if l.answer == nil {
		return runProcess(t, test, nil, "-load", l.name)
	}
	var mu sync.Mutex
	calls, full := 0, make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		payload, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		mu.Lock()
		if calls++; calls == l.inFlight {
			close(full)
		}
		mu.Unlock()
		select {
		case <-full:
			l.answer(w, r, payload)
		case <-r.Context().Done():
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	return runProcess(t, test, server, "-load", l.name)
}

// carryOutLoad carries out a load in this process, as a function of 256 MB does, and
// prints a census.
func carryOutLoad(t *testing.T, name, url, roots string) {
	t.Helper()
	function.Tune(func(name string) string {
		return map[string]string{"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(loadMemoryMB)}[name]
	})
	for _, l := range loads() {
		if l.name != name {
			continue
		}
		if l.answer == nil {
			printCensus(t, workOf(t, l.request()))
			return
		}
		c := &coordinator.Coordinator{Invoker: workersAt(t, url, roots, loadMemoryMB), Tasks: tasks(), MemoryMB: loadMemoryMB}
		printCensus(t, answerOf(t, c, l.request()))
	}
}

// workOf has a worker do a request in one Region, and returns its answer in the form of a
// run's.
func workOf(t *testing.T, r protocol.Request) protocol.Result {
	t.Helper()
	const each = 1_000_000
	worker := &regionworker.Worker{Tasks: task.NewRegistry(task.New("fill", "return 1 MB",
		func(context.Context, task.Input[struct{}]) (string, error) { return strings.Repeat("x", each), nil }))}
	request := protocol.RegionRequest{
		Version: protocol.Version, RunID: "run", Region: "us-east-1", Attempt: 1, Task: r.Task, Targets: protocol.TargetNames(r.Targets),
	}
	payload, err := request.Encode()
	if err != nil {
		t.Fatal(err)
	}
	answer, report, err := invoke.InProcess{Handle: worker.Handle}.Invoke(t.Context(), request.Region, payload)
	if err != nil {
		t.Fatal(err)
	}
	got, err := protocol.DecodeRegionResult(answer)
	if err != nil {
		t.Fatal(err)
	}
	result := protocol.Result{Status: got.Status, Regions: []protocol.RegionOutcome{{Targets: got.Targets, Attempts: []protocol.Attempt{report}}}}
	result.Summary.Attempts = 1
	for _, target := range got.Targets {
		result.Summary.Targets.Add(target.Status)
	}
	return result
}

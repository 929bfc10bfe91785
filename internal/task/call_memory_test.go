package task_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"meridian/internal/race"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// Three calls at once, with the longest answers that a worker of 128 MB reads, take no more
// than it has beside its own 32 MB: they wait for each other. The measure is the live heap
// of a process that collects while nothing else runs, because what is made during a
// collection counts as live until the next.
func TestLongAnswersAreHeldWithinTheMemory(t *testing.T) {
	t.Parallel()
	race.Skip(t, "measures memory")
	const alone = "GODEBUG=gcstoptheworld=1"
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^"+t.Name()+"$", "-test.v")
	if !slices.Contains(command.Environ(), alone) {
		command.Env = append(command.Environ(), alone)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Errorf("%v: %v", command, err)
		}
		t.Logf("%s", out)
		return
	}
	const calls, memoryMB = 3, 128
	for _, test := range []struct {
		name, target, query, item, before, after string
		bytes                                    int
	}{
		{
			"JSON of short items", "logs:DescribeLogGroups", "length(logGroups)", `{"arn":"aws:1","storedBytes":2},`,
			`{"logGroups":[`, `{}]}`, 3 << 19,
		},
		{
			"XML of short items", "ec2:DescribeInstances", "length(Reservations)", "<item><ownerId/></item>",
			"<DescribeInstancesResponse><reservationSet>", "<item/></reservationSet></DescribeInstancesResponse>", 3 << 20,
		},
	} {
		items := (test.bytes - 200) / len(test.item)
		body := test.before + strings.Repeat(test.item, items) + test.after
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
		before := live()
		work := prepare(t, calling(t, "reads", cloudWithin(t, memoryMB, handler)), "call", json.RawMessage(parametersOf(t, test.query)))
		var wg sync.WaitGroup
		for range calls {
			wg.Go(func() {
				out, err := work(task.WithRunID(t.Context(), "run"), "eu-west-1", protocol.Target{Name: test.target})
				if want := fmt.Sprintf(`{"result":%d,"pages":1}`, items+1); err != nil || string(out) != want {
					t.Errorf("%s: call = %s, %v; want %s", test.name, out, err, want)
				}
			})
		}
		done := make(chan struct{})
		go func() { defer close(done); wg.Wait() }()
		most := 0
		for over := false; !over; {
			select {
			case <-done:
				over = true
			default:
				most = max(most, live()-before)
			}
		}
		t.Logf("%s: %d answers of %d bytes: at most %d MiB of live heap", test.name, calls, len(body), most>>20)
		if limit := (memoryMB - 32) << 20; most > limit {
			t.Errorf("%s: %d answers of %d bytes took %d MiB, want at most %d", test.name, calls, len(body), most>>20, limit>>20)
		}
	}
}

// Answers of some hundred kilobytes, of several pages, do not wait for each other: each
// takes a small room.
func TestAnswersBelowTheSmallRoomAreReadAtOnce(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ memoryMB, calls int }{{128, 4}, {256, 4}, {0, 34}} {
		var second atomic.Int32
		all := make(chan struct{})
		handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			names, next := strings.Repeat(`"`+strings.Repeat("n", 97)+`",`, 700)+`""`, `,"LastEvaluatedTableName":"n"`
			if body, _ := io.ReadAll(r.Body); strings.Contains(string(body), "ExclusiveStart") {
				next = ""
				if int(second.Add(1)) == test.calls {
					close(all)
				}
				select {
				case <-all:
				case <-r.Context().Done():
				}
			}
			_, _ = io.WriteString(w, `{"TableNames":[`+names+`]`+next+`}`)
		})
		work := prepare(t, calling(t, "reads", cloudWithin(t, test.memoryMB, handler)), "call", json.RawMessage(`{"query":"length(TableNames)"}`))
		var wg sync.WaitGroup
		for range test.calls {
			wg.Go(func() {
				out, err := work(task.WithRunID(t.Context(), "run"), "eu-west-1", protocol.Target{Name: "dynamodb:ListTables"})
				if want := `{"result":1402,"pages":2}`; err != nil || string(out) != want {
					t.Errorf("%d MB: call = %s, %v; want %s", test.memoryMB, out, err, want)
				}
			})
		}
		wg.Wait()
	}
}

// What an answer may have follows from the worker's memory, and the output says so when it
// was less than what was asked for.
func TestTheMemoryLimitsWhatAnAnswerMayHave(t *testing.T) {
	t.Parallel()
	page := func(next string) answer {
		return answer{body: `{"TableNames":["` + strings.Repeat("n", 1<<20-100) + `"],"LastEvaluatedTableName":"` + next + `"}`}
	}
	first, second, third := page("a"), page("b"), page("c")
	for _, test := range []struct {
		name, parameters string
		memoryMB         int
		answers          []answer
		want             string
	}{
		{"default", `{"query":"length(TableNames)"}`, 192, []answer{first, second, third}, `{"result":2,"pages":2,"cut":"2621440 bytes reached, as much as the worker's memory allows"}<nil>`},
		{"more than the memory", `{"query":"length(TableNames)","maxBytes":67108864}`, 192, []answer{first, second, third}, `{"result":2,"pages":2,"cut":"2621440 bytes reached, as much as the worker's memory allows"}<nil>`},
		{"less than the memory", `{"query":"length(TableNames)","maxBytes":1500000}`, 192, []answer{first, second}, `{"result":1,"pages":1,"cut":"maxBytes 1500000 reached"}<nil>`},
		{"the first page", `{}`, 32, []answer{first}, `the first page is longer than 262144 bytes: give the worker more memory, or ask for less with the input, such as a limit for a page`},
		{"the first page by maxBytes", `{"maxBytes":1000}`, 32, []answer{first}, `the first page is longer than 1000 bytes: raise maxBytes, or ask for less with the input, such as a limit for a page`},
	} {
		out, err := call(t, calling(t, "reads", cloudWithin(t, test.memoryMB, &stub{t: t, answers: test.answers})), "dynamodb:ListTables", test.parameters)
		if got := fmt.Sprint(string(out), err); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}

// live returns the bytes of the live heap.
func live() int {
	runtime.GC()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(sample)
	return int(sample[0].Value.Uint64())
}

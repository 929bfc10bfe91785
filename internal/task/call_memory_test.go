package task_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"meridian/internal/task"
)

// Sixteen calls at once, with answers of 4 MB each, take no more than half of what a worker of
// 128 MB has: they wait for each other. The measure is the live heap of the whole process,
// so nothing runs beside it.
//
//nolint:paralleltest // see above
func TestLongAnswersAreHeldWithinTheMemory(t *testing.T) {
	const calls, groups, memoryMB = 16, 20_000, 128
	var b strings.Builder
	for i := range groups {
		_, _ = fmt.Fprintf(&b, `,{"logGroupName":"/aws/lambda/function-%d","arn":"%s","storedBytes":%d}`, i, strings.Repeat("a", 120), i)
	}
	body := `{"logGroups":[` + b.String()[1:] + `]}`
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	before := live()
	work := prepare(t, calling(t, "reads", cloudWithin(t, memoryMB, handler)), "call", json.RawMessage(`{"query":"length(logGroups)"}`))
	var wg sync.WaitGroup
	for range calls {
		wg.Go(func() {
			out, err := work(task.WithRunID(t.Context(), "run"), "eu-west-1", "logs:DescribeLogGroups")
			if want := fmt.Sprintf(`{"result":%d,"pages":1}`, groups); err != nil || string(out) != want {
				t.Errorf("call = %s, %v; want %s", out, err, want)
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
	t.Logf("%d answers of %d bytes: at most %d MiB of live heap", calls, len(body), most>>20)
	if limit := memoryMB << 20 / 2; most > limit {
		t.Errorf("%d answers of %d bytes took %d MiB, want at most %d", calls, len(body), most>>20, limit>>20)
	}
}

// live returns the bytes of the live heap.
func live() int {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc)
}

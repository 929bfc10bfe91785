package invoke_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/internal/wire"
	"meridian/pkg/protocol"
)

// inMemory returns an invoker of a server in memory, for a bubble.
func inMemory(t *testing.T) (*invoketest.Server, *invoke.Lambda) {
	t.Helper()
	server := invoketest.NewMemoryServer(t, echo)
	return server, newLambda(t, server.Config(), invoke.Settings{Dial: server.Dial})
}

// calls makes calls at once and returns how many failed with each error name,
// "" for those that did not, and how long all of them took.
func calls(t *testing.T, invoker *invoke.Lambda, n int) (names map[string]int, took time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var done sync.WaitGroup
	names = map[string]int{}
	begin := time.Now()
	for range n {
		done.Go(func() {
			_, _, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(`{}`))
			mu.Lock()
			defer mu.Unlock()
			names[name(err)]++
		})
	}
	done.Wait()
	return names, time.Since(begin)
}

func TestServerTakesTheTimeThatAFaultSays(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, invoker := inMemory(t)
		server.Script(invoketest.After(invoketest.Fixed(7*time.Second), nil))
		if _, took := calls(t, invoker, 1); took != 7*time.Second {
			t.Errorf("a call after 7s took %v", took)
		}
	})
}

func TestServerThrottlesAsAnAccountDoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, invoker := inMemory(t)
		server.Limit(10)
		server.ColdStart(time.Second)
		names, _ := calls(t, invoker, 25)
		if diff := cmp.Diff(map[string]int{"": 10, protocol.ErrorLambdaThrottled: 15}, names); diff != "" {
			t.Errorf("25 calls of an account with 10 (-want +got):\n%s", diff)
		}
		want := invoketest.Counts{Calls: 25, Peak: 10, Throttled: 15, Environments: 10}
		if got := server.Counts(); got != want {
			t.Errorf("Counts() = %+v, want %+v", got, want)
		}
	})
}

func TestServerStartsEachEnvironmentCold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, invoker := inMemory(t)
		server.ColdStart(300 * time.Millisecond)
		for i, want := range []time.Duration{300 * time.Millisecond, 0} {
			if _, took := calls(t, invoker, 5); took != want {
				t.Errorf("round %d took %v, want %v", i, took, want)
			}
		}
		if got := server.Counts().Environments; got != 5 {
			t.Errorf("Counts().Environments = %d, want 5", got)
		}
	})
}

func TestServerConnectsOrDoesNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, invoker := inMemory(t)
		server.DecideConnections(func(_ string, number int) invoketest.ConnectionFault {
			return []invoketest.ConnectionFault{invoketest.Refused, invoketest.Unanswered, invoketest.Connects}[number-1]
		})
		for i, want := range []time.Duration{0, wire.ConnectTimeout, 0} {
			names, took := calls(t, invoker, 1)
			if took != want || (names[""] == 1) != (i == 2) {
				t.Errorf("call %d took %v and failed with %v; want %v, and only the last to succeed", i, took, names, want)
			}
		}
		want := invoketest.Counts{Calls: 1, Peak: 1, Environments: 1, Refused: 1, Unanswered: 1}
		if got := server.Counts(); got != want {
			t.Errorf("Counts() = %+v, want %+v", got, want)
		}
	})
}

func TestServerCountsTheAttemptsAtEachUnit(t *testing.T) {
	t.Parallel()
	server := invoketest.NewServer(t, echo)
	invoker := newLambda(t, server.Config(), invoke.Settings{})
	var seen []int
	server.Decide(func(c invoketest.Call) invoketest.Fault {
		seen = append(seen, c.Attempt)
		return invoketest.CutAfterRequest
	})
	for batch := range 2 {
		payload, err := protocol.RegionRequest{
			Version: protocol.Version, RunID: "run", Region: "eu-west-1", Batch: batch, Task: "resolve", Targets: []string{"s3"},
		}.Encode()
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			_, _, _ = invoker.Invoke(t.Context(), "eu-west-1", payload)
		}
	}
	want := map[invoketest.Unit]int{{RunID: "run", Region: "eu-west-1"}: 2, {RunID: "run", Region: "eu-west-1", Batch: 1}: 2}
	if diff := cmp.Diff(want, server.Attempts()); diff != "" {
		t.Errorf("Attempts() (-want +got):\n%s", diff)
	}
	if want := []int{1, 2, 1, 2}; !slices.Equal(seen, want) {
		t.Errorf("Decide saw attempts %v, want %v", seen, want)
	}
}

func TestServerGivesEachOthersAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server, invoker := inMemory(t)
		exchange := invoketest.Exchange()
		server.Script(exchange, exchange)
		var got [2]string
		var done sync.WaitGroup
		for i, payload := range []string{`1`, `2`} {
			done.Go(func() {
				answer, _, err := invoker.Invoke(t.Context(), "eu-west-1", []byte(payload))
				if err != nil {
					t.Error(err)
				}
				got[i] = string(answer)
			})
		}
		done.Wait()
		if want := [2]string{`2`, `1`}; got != want {
			t.Errorf("two exchanged answers = %v, want %v", got, want)
		}
	})
}

// An endless answer is read up to Lambda's limit.
func TestLambdaStopsReadingAtTheLongestAnswer(t *testing.T) {
	t.Parallel()
	server := invoketest.NewServer(t, echo)
	server.Script(invoketest.Endless)
	_, _, err := newLambda(t, server.Config(), invoke.Settings{}).Invoke(t.Context(), "eu-west-1", []byte(`{}`))
	if name(err) != protocol.ErrorResponseSizeTooLarge {
		t.Errorf("Invoke of an endless answer = %v, want %s", err, protocol.ErrorResponseSizeTooLarge)
	}
	if _, _, err := newLambda(t, server.Config(), invoke.Settings{}).Invoke(context.Background(), "eu-west-1", []byte(`{}`)); err != nil {
		t.Errorf("Invoke after it = %v", err)
	}
}

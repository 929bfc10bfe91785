package rig_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"meridian/bench/rig"
)

// newRuntime starts a Runtime that ends with the test, and a function in this process
// that posts to its paths.
func newRuntime(t *testing.T, function func(post func(path, body string) string)) *rig.Runtime {
	t.Helper()
	a, err := rig.NewRuntime(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.Close)
	var running sync.WaitGroup
	t.Cleanup(running.Wait)
	running.Go(func() {
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		function(func(path, body string) string {
			// The test may end before the receipt of the last answer arrives.
			answer, _ := call(t.Context(), client, "http://"+a.Address+"/2018-06-01/runtime/"+path, body)
			return answer
		})
	})
	return a
}

func TestTheRuntimeHandsOutInvocationsInTurnAndTakesTheAnswers(t *testing.T) {
	t.Parallel()
	a := newRuntime(t, func(post func(path, body string) string) {
		for range 2 {
			payload := post("invocation/next", "")
			post("invocation/1/response", strings.ToUpper(payload))
		}
	})
	for _, payload := range []string{"the first", "the second"} {
		asked, err := a.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := a.Invoke(t.Context(), []byte(payload), time.Now().Add(time.Minute))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := string(answer.Body), strings.ToUpper(payload); got != want {
			t.Errorf("Invoke(%q) = %q, want %q", payload, got, want)
		}
		if answer.Given.Before(asked) || answer.At.Before(answer.Given) {
			t.Errorf("Invoke(%q): asked %v, given %v, answered %v, want these in order", payload, asked, answer.Given, answer.At)
		}
	}
}

func TestTheErrorIsTheOneThatTheFunctionReported(t *testing.T) {
	t.Parallel()
	a := newRuntime(t, func(post func(path, body string) string) {
		post("init/error", "no settings")
		post("invocation/next", "")
		post("invocation/1/error", "no work")
	})
	const wantInit, wantWork = "the function reported no settings", "the function reported no work"
	if _, err := a.Next(t.Context()); err == nil || err.Error() != wantInit {
		t.Errorf("Next() = %v, want %s", err, wantInit)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Invoke(t.Context(), nil, time.Now()); err == nil || err.Error() != wantWork {
		t.Errorf("Invoke() = %v, want %s", err, wantWork)
	}
}

func TestTheErrorIsTheCauseOfTheContextsEnd(t *testing.T) {
	t.Parallel()
	a := newRuntime(t, func(func(path, body string) string) {})
	late := errors.New("late")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(late)
	if _, err := a.Next(ctx); !errors.Is(err, late) {
		t.Errorf("Next() = %v, want %v", err, late)
	}
	if _, err := a.Invoke(ctx, nil, time.Now()); !errors.Is(err, late) {
		t.Errorf("Invoke() = %v, want %v", err, late)
	}
}

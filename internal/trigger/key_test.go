package trigger_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"meridian/internal/trigger"
)

// A repeated invocation has the same key, and so attaches to the run of the first one.
func TestAnInvocationThatLambdaCanRepeatHasAKey(t *testing.T) {
	t.Parallel()
	event := func(fields string) string {
		return `{"detail-type":"Run","source":"ops",` + fields + `}`
	}
	const id = `"id":"6a7e8feb-b491-4cf7-a9f1-bf3703467718"`
	for _, tt := range []struct {
		name, payload string
		want          string
	}{
		{"a direct invoke", `{}`, ""},
		{"a direct invoke that is kept", `{"keep":true}`, "request-5d6f"},
		{"a direct invoke with a key", `{"keep":true,"key":"own"}`, "own"},
		{"an EventBridge event", event(id + `,"detail":{}`), "event-6a7e8feb-b491-4cf7-a9f1-bf3703467718"},
		{"an EventBridge event with a key", event(id + `,"detail":{"key":"own"}`), "own"},
		{"a replay", event(id + `,"replay-name":"again","detail":{}`), "event-6a7e8feb-b491-4cf7-a9f1-bf3703467718-again"},
		{"an EventBridge event without an id", event(`"detail":{}`), "request-5d6f"},
		{"an EventBridge event whose id is no key", event(`"id":"a b","detail":{}`), "request-5d6f"},
		{"an EventBridge event whose id is too long", event(`"id":"` + strings.Repeat("a", 120) + `","detail":{}`), "request-5d6f"},
		{"a schedule without an input", `{"id":"1","detail-type":"Scheduled Event","source":"aws.scheduler","detail":"{}"}`, "event-1"},
		{"an HTTP API event", string(marshal(t, post(`{"keep":true}`))), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "5d6f"})
			r := &runner{answer: []byte(`{}`)}
			if _, err := (&trigger.Handler{Runner: r, Keeper: &keeper{}}).Handle(ctx, []byte(tt.payload)); err != nil || len(r.asked) != 1 {
				t.Fatalf("Handle = %v, asked %v", err, r.asked)
			}
			if got := r.asked[0].Key; got != tt.want {
				t.Errorf("key %q, want %q", got, tt.want)
			}
		})
	}
}

// With FailedRunIsError a direct invoke is kept too.
func TestADirectInvokeThatCanEndAsAnErrorHasAKey(t *testing.T) {
	t.Parallel()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "5d6f"})
	for payload, want := range map[string]string{`{}`: "request-5d6f", string(marshal(t, post(`{}`))): ""} {
		r := &runner{answer: []byte(`{}`)}
		h := &trigger.Handler{Runner: r, Keeper: &keeper{}, FailedRunIsError: true}
		if _, err := h.Handle(ctx, []byte(payload)); err != nil || len(r.asked) != 1 || r.asked[0].Key != want {
			t.Errorf("Handle(%s) = %v, asked %+v, want the key %q", payload, err, r.asked, want)
		}
	}
}

func TestARunThatIsStartedIsKeptWithTheKeyOfItsInvocation(t *testing.T) {
	t.Parallel()
	ctx := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "5d6f"})
	for request, want := range map[string]string{`{}`: "request-5d6f", `{"key":"own"}`: "own"} {
		k := &keeper{}
		if _, err := (&trigger.Handler{Keeper: k}).Handle(ctx, []byte(`{"command":"start","request":`+request+`}`)); err != nil {
			t.Fatal(err)
		}
		if !k.started.Keep || k.started.Key != want {
			t.Errorf("started %+v, want it kept with the key %s", k.started, want)
		}
	}
}

// Without a store, and outside of Lambda, a run has only its own key.
func TestThereIsNoKeyWithoutAStoreOrARequestID(t *testing.T) {
	t.Parallel()
	inLambda := lambdacontext.NewContext(t.Context(), &lambdacontext.LambdaContext{AwsRequestID: "5d6f"})
	for _, tt := range []struct {
		name    string
		ctx     context.Context
		keeper  trigger.Keeper
		payload string
	}{
		{"no store", inLambda, nil, `{"detail-type":"Run","source":"ops","id":"1","detail":{}}`},
		{"outside of Lambda", t.Context(), &keeper{}, `{"keep":true}`},
	} {
		r := &runner{answer: []byte(`{}`)}
		_, err := (&trigger.Handler{Runner: r, Keeper: tt.keeper}).Handle(tt.ctx, []byte(tt.payload))
		if err != nil || len(r.asked) != 1 || r.asked[0].Key != "" {
			t.Errorf("%s: Handle = %v, asked %+v, want no key", tt.name, err, r.asked)
		}
	}
}

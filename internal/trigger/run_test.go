package trigger_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"meridian/internal/runs"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// posted returns an HTTP API event for POST /runs with headers.
func posted(body string, headers ...string) events.APIGatewayV2HTTPRequest {
	r := request("POST /runs", headers...)
	r.Body = body
	return r
}

func TestTheKeyOfARunCanBeInAHeader(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, header, body, want string }{
		{"plain", "a/b-1", `{}`, "a/b-1"},
		{"in quotes", `"8e03978e-40d5-43e8-bc93-6894a57f9324"`, `{}`, "8e03978e-40d5-43e8-bc93-6894a57f9324"},
		{"the same as in the body", `"k"`, `{"key":"k"}`, "k"},
		{"only in the body", "", `{"key":"k"}`, "k"},
		{"in neither", "", `{}`, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &runner{answer: []byte(`{}`)}
			got := handle(t, &trigger.Handler{Runner: r, Keeper: &keeper{}}, posted(tt.body, "idempotency-key", tt.header))
			if got.StatusCode != 200 || len(r.asked) != 1 || r.asked[0].Key != tt.want {
				t.Errorf("answer %+v, asked %+v, want the key %q", got, r.asked, tt.want)
			}
		})
	}
}

func TestAHeaderThatIsNoKeyIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	const alphabet = "want 1 to 120 of A-Z a-z 0-9 ._-:+=@/"
	for _, tt := range []struct{ name, header, body, want string }{
		{"another key than in the body", "a", `{"key":"b"}`, `{"path":"Idempotency-Key","value":"\"a\"","detail":"the body has another key; send one of them"}`},
		{"a blank", "a b", `{}`, `{"path":"Idempotency-Key","value":"\"a b\"","detail":"` + alphabet + `"}`},
		{"nothing in quotes", `""`, `{}`, `{"path":"Idempotency-Key","value":"\"\"","detail":"` + alphabet + `"}`},
		{"one quote", `"`, `{}`, alphabet},
		{"a quote at the start", `"a`, `{}`, alphabet},
		{"sent twice", `a,b`, `{}`, alphabet},
		{"too long", strings.Repeat("a", 121), `{}`, alphabet},
		{"beside other faults", "a b", `{"task":1}`, `{"path":"task","value":"1","detail":"want a string, got a number"},{"path":"Idempotency-Key"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r, k := &runner{}, &keeper{}
			for _, prefer := range []string{"", "respond-async"} {
				got := handle(t, &trigger.Handler{Runner: r, Keeper: k}, posted(tt.body, "idempotency-key", tt.header, "prefer", prefer))
				if got.StatusCode != 400 || !strings.Contains(got.Body, tt.want) || len(r.asked) > 0 {
					t.Errorf("answer %d %s, want 400 with %s", got.StatusCode, got.Body, tt.want)
				}
			}
			checkCalls(t, k)
		})
	}
}

func TestARunIsStartedIfTheCallerPrefersThat(t *testing.T) {
	t.Parallel()
	for prefer, async := range map[string]bool{
		"respond-async": true, "Respond-Async; x=y": true, `x="a, b", respond-async`: true, "wait=5, respond-async": true,
		"respond-async=no": false, `x="respond-async"`: false, "wait=5": false, "": false,
	} {
		r, k := &runner{answer: []byte(`{}`)}, &keeper{state: state(protocol.StatusRunning)}
		got := handle(t, &trigger.Handler{Runner: r, Keeper: k}, posted(`{"name":"n"}`, "prefer", prefer))
		if !async {
			if got.StatusCode != 200 || len(r.asked) != 1 || k.calls != nil {
				t.Errorf("prefer %s: answer %+v, want that the run is waited for", prefer, got)
			}
			continue
		}
		if got.StatusCode != 202 || got.Headers["location"] != ofRun || got.Headers["preference-applied"] != "respond-async" ||
			got.Body != string(marshal(t, k.state)) || len(r.asked) > 0 || k.started.Name != "n" {
			t.Errorf("prefer %s: answer %+v, want that the run is started", prefer, got)
		}
	}
}

// Without a store the preference is ignored, as RFC 7240 allows, and the limits are those of
// a run that is waited for.
func TestWithoutAStoreThePreferenceToStartARunIsIgnored(t *testing.T) {
	t.Parallel()
	r := &runner{answer: []byte(`{}`)}
	if got := do(t, r, posted(`{}`, "prefer", "respond-async")); got.StatusCode != 200 || len(r.asked) != 1 || got.Headers["preference-applied"] != "" {
		t.Errorf("answer %+v, want 200", got)
	}
	if got := do(t, r, posted(`{"timeoutSeconds":60}`, "prefer", "respond-async")); got.StatusCode != 400 {
		t.Errorf("answer %+v, want 400", got)
	}
}

func TestWithoutAStoreARequestForAKeptRunIsRefused(t *testing.T) {
	t.Parallel()
	for _, request := range []events.APIGatewayV2HTTPRequest{posted(`{"keep":true}`), posted(`{"key":"k"}`), posted(`{}`, "idempotency-key", "k")} {
		r := &runner{}
		if got := do(t, r, request); got.StatusCode != 400 || !strings.Contains(got.Body, "store=ENABLED") || len(r.asked) > 0 {
			t.Errorf("answer %+v, want 400", got)
		}
	}
}

// A kept run goes on after the API has stopped waiting, and so can take longer.
func TestARunThatGoesOnCanTakeLongerThanTheAPIWaits(t *testing.T) {
	t.Parallel()
	for _, request := range []events.APIGatewayV2HTTPRequest{
		posted(`{"timeoutSeconds":600,"keep":true}`), posted(`{"timeoutSeconds":600,"key":"k"}`),
		posted(`{"timeoutSeconds":600}`, "idempotency-key", "k"), posted(`{"timeoutSeconds":600}`, "prefer", "respond-async"),
	} {
		r, k := &runner{answer: []byte(`{}`)}, &keeper{state: state(protocol.StatusRunning)}
		if got := handle(t, &trigger.Handler{Runner: r, Keeper: k}, request); got.StatusCode >= 300 || len(r.asked)+len(k.calls) != 1 {
			t.Errorf("answer %+v to %+v, want that it is run", got, request)
		}
	}
}

func TestAKeptRunThatHasNotEndedIsAnswered202WithItsLocation(t *testing.T) {
	t.Parallel()
	const running = `{"runId":"` + runID + `","status":"RUNNING","startedAt":"2026-11-30T09:00:00Z","elapsedMs":1,"message":"",` +
		`"summary":{"regions":{}},"regions":[{"status":"FAILED"}]}`
	for _, tt := range []struct {
		name, body, answer string
		status             int
	}{
		{"a kept run that goes on", `{"keep":true}`, running, 202},
		{"a kept run that has ended", `{"keep":true}`, `{"runId":"` + runID + `","status":"FAILED","regions":[{"status":"RUNNING"}]}`, 200},
		{"a run that is not kept", `{}`, running, 200},
		{"an answer without a status", `{"keep":true}`, `{"regions":[]}`, 200},
		{"an answer that is no object", `{"keep":true}`, ``, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := &runner{answer: []byte(tt.answer)}
			h := &trigger.Handler{Runner: r, Keeper: &keeper{}}
			data, err := h.Handle(t.Context(), marshal(t, posted(tt.body)))
			if err != nil {
				t.Fatal(err)
			}
			got := response(t, data)
			location := ""
			if tt.status == 202 {
				location = ofRun
			}
			if got.StatusCode != tt.status || got.Body != tt.answer || got.Headers["location"] != location {
				t.Errorf("answer %+v, want %d with %s", got, tt.status, tt.answer)
			}
		})
	}
}

func TestAKeyOfAnotherRequestIsAConflictThatNamesTheRun(t *testing.T) {
	t.Parallel()
	conflict := &runs.ConflictError{Key: "k", RunID: runID}
	for _, prefer := range []string{"", "respond-async"} {
		h := &trigger.Handler{Runner: &runner{err: conflict}, Keeper: &keeper{err: conflict}}
		got := handle(t, h, posted(`{"key":"k"}`, "prefer", prefer))
		if want := `"runId":"` + runID + `"`; got.StatusCode != 409 || !strings.Contains(got.Body, want) {
			t.Errorf("answer %+v, want 409 with %s", got, want)
		}
	}
}

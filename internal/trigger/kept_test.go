package trigger_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/race"
	"meridian/internal/runs"
	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// request returns an HTTP API event for a method and a path, which may have a query.
func request(methodAndPath string, headers ...string) events.APIGatewayV2HTTPRequest {
	method, path, _ := strings.Cut(methodAndPath, " ")
	r := post("")
	r.RequestContext.HTTP.Method = method
	r.RawPath, r.RawQueryString, _ = strings.Cut(path, "?")
	for i := 0; i < len(headers); i += 2 {
		r.Headers[headers[i]] = headers[i+1]
	}
	return r
}

const ofRun = "/runs/" + runID

func TestEachRouteAnswersAsTheKeeperSays(t *testing.T) {
	t.Parallel()
	ended := state(protocol.StatusSucceeded)
	running := state(protocol.StatusRunning)
	inJSON := func(more ...string) map[string]string {
		headers := map[string]string{"content-type": "application/json"}
		for i := 0; i < len(more); i += 2 {
			headers[more[i]] = more[i+1]
		}
		return headers
	}
	for _, tt := range []struct {
		name    string
		request events.APIGatewayV2HTTPRequest
		body    string
		keeper  keeper
		call    string
		status  int
		headers map[string]string
		answer  string
	}{
		{
			name: "show", request: request("GET " + ofRun), keeper: keeper{state: ended}, call: "show " + runID + " 0s", status: 200,
			headers: inJSON("etag", `"SUCCEEDED-7-0"`), answer: string(marshal(t, ended)),
		},
		{
			name: "stop", request: request("POST " + ofRun + "/stop"), keeper: keeper{state: running}, call: "stop " + runID, status: 202,
			headers: inJSON("location", ofRun), answer: string(marshal(t, running)),
		},
		{
			name: "stop of a run that has ended", request: request("POST " + ofRun + "/stop"), keeper: keeper{state: ended}, call: "stop " + runID,
			status: 200, headers: inJSON(), answer: string(marshal(t, ended)),
		},
		{
			name: "resume", request: request("POST " + ofRun + "/resume"), body: `{}`, keeper: keeper{state: running}, call: "resume " + runID,
			status: 202, headers: inJSON("location", ofRun), answer: string(marshal(t, running)),
		},
		{
			name: "resume by a client that sends the type of a form", keeper: keeper{state: running}, call: "resume " + runID,
			request: request("POST "+ofRun+"/resume", "content-type", "application/x-www-form-urlencoded"),
			status:  202, headers: inJSON("location", ofRun), answer: string(marshal(t, running)),
		},
		{
			name: "redrive", request: request("POST " + ofRun + "/redrive"), keeper: keeper{state: running}, call: "redrive " + runID + " {}",
			status: 202, headers: inJSON("location", ofRun), answer: string(marshal(t, running)),
		},
		{
			name: "redrive of a part", request: request("POST " + ofRun + "/redrive"), body: `{"regions":["eu-west-1"],"timeoutSeconds":600}`,
			keeper: keeper{state: running}, call: "redrive " + runID + ` {"regions":["eu-west-1"],"timeoutSeconds":600}`,
			status: 202, headers: inJSON("location", ofRun), answer: string(marshal(t, running)),
		},
		{
			name: "list", request: request("GET /runs"), keeper: keeper{list: protocol.RunPage{Runs: []protocol.RunState{ended}, Next: runID}},
			call:   "list name= status= since=0001-01-01T00:00:00Z limit=0 next=",
			status: 200, headers: inJSON(), answer: `{"runs":[` + string(marshal(t, ended)) + `],"next":"` + runID + `"}`,
		},
		{
			name: "list by a query", request: request("GET /runs?name=a%2Bb&status=FAILED&since=2026-11-30T09:00:00%2B01:00&limit=5&next=" + runID),
			call:   "list name=a+b status=FAILED since=2026-11-30T09:00:00+01:00 limit=5 next=" + runID,
			status: 200, headers: inJSON(), answer: `{"runs":[]}`,
		},
		{
			name: "list by an empty query", request: request("GET /runs?name=&limit="),
			call:   "list name= status= since=0001-01-01T00:00:00Z limit=0 next=",
			status: 200, headers: inJSON(), answer: `{"runs":[]}`,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.request.Body = tt.body
			r := &runner{}
			got := handle(t, &trigger.Handler{Runner: r, Keeper: &tt.keeper}, tt.request)
			if got.StatusCode != tt.status || got.Body != tt.answer || len(r.asked) > 0 {
				t.Errorf("answer %d %s\nwant %d %s", got.StatusCode, got.Body, tt.status, tt.answer)
			}
			if diff := cmp.Diff(tt.headers, got.Headers); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
			checkCalls(t, &tt.keeper, tt.call)
		})
	}
}

// The caller follows the location: it has what the caller's path has before it.
func TestALocationHasTheStageOfTheRequest(t *testing.T) {
	t.Parallel()
	for stage, want := range map[string]string{"$default": ofRun, "prod": "/prod" + ofRun} {
		r := request("POST " + ofRun + "/resume")
		if stage != "$default" {
			r.RawPath = "/" + stage + r.RawPath
		}
		r.RequestContext.Stage = stage
		got := handle(t, &trigger.Handler{Keeper: &keeper{state: state(protocol.StatusRunning)}}, r)
		if got.Headers["location"] != want {
			t.Errorf("location %s, want %s", got.Headers["location"], want)
		}
	}
}

// Events are lines, and link to the next ones until the last ones of the run.
func TestEventsAreLinesWithALinkToTheNext(t *testing.T) {
	t.Parallel()
	two := []json.RawMessage{[]byte(`{"sequence":4}`), []byte(`{"sequence":5}`)}
	for _, tt := range []struct {
		name, path string
		page       protocol.EventPage
		call       string
		body, link string
	}{
		{
			"some", ofRun + "/events?after=3",
			protocol.EventPage{Events: two, After: 5},
			"events " + runID + " 3",
			"{\"sequence\":4}\n{\"sequence\":5}\n", "<" + ofRun + `/events?after=5>; rel="next"`,
		},
		{
			"none yet", ofRun + "/events?after=5",
			protocol.EventPage{After: 5},
			"events " + runID + " 5",
			"", "<" + ofRun + `/events?after=5>; rel="next"`,
		},
		{
			"none, by a Keeper that does not repeat the sequence", ofRun + "/events?after=5",
			protocol.EventPage{},
			"events " + runID + " 5",
			"", "<" + ofRun + `/events?after=5>; rel="next"`,
		},
		{
			"the last ones", ofRun + "/events",
			protocol.EventPage{Events: two, After: 5, Ended: true},
			"events " + runID + " 0",
			"{\"sequence\":4}\n{\"sequence\":5}\n", "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := &keeper{page: tt.page}
			got := handle(t, &trigger.Handler{Keeper: k}, request("GET "+tt.path))
			if got.StatusCode != 200 || got.Body != tt.body || got.Headers["link"] != tt.link || got.Headers["content-type"] != "application/jsonl" {
				t.Errorf("answer %+v, want 200, %q and the link %s", got, tt.body, tt.link)
			}
			checkCalls(t, k, tt.call)
		})
	}
}

// A tag changes with whatever a caller wants to know. While a run goes on its elapsed time
// does not count, and the tag is weak.
func TestTheTagOfARunChangesWhenSomethingHasHappened(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(*protocol.RunState){
		`W/"RUNNING-7-0"`:             func(s *protocol.RunState) { s.ElapsedMs++ },
		`W/"RUNNING-8-0"`:             func(s *protocol.RunState) { s.Events++ },
		`W/"RUNNING-7-1"`:             func(s *protocol.RunState) { s.Redrives++ },
		`W/"RUNNING-7-0-interrupted"`: func(s *protocol.RunState) { s.Interrupted = true },
		`W/"RUNNING-7-0-stopping"`:    func(s *protocol.RunState) { s.Stopping = true },
		`"ABORTED-7-0"`:               func(s *protocol.RunState) { s.Status = protocol.StatusAborted },
	} {
		k := &keeper{state: state(protocol.StatusRunning)}
		edit(&k.state)
		if got := handle(t, &trigger.Handler{Keeper: k}, request("GET "+ofRun)); got.Headers["etag"] != want {
			t.Errorf("etag %s, want %s", got.Headers["etag"], want)
		}
	}
}

func TestARunThatHasNotChangedIsAnswered304(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]int{
		`W/"RUNNING-7-0"`: 304, `"RUNNING-7-0"`: 304, `"a,b", W/"RUNNING-7-0"`: 304, `*`: 304,
		`"RUNNING-6-0"`: 200, `RUNNING-7-0`: 200, `"a, "RUNNING-7-0"`: 200, ``: 200,
	} {
		k := &keeper{state: state(protocol.StatusRunning)}
		got := handle(t, &trigger.Handler{Keeper: k}, request("GET "+ofRun, "if-none-match", header))
		if got.StatusCode != want || (got.Body == "") != (want == 304) || got.Headers["etag"] != `W/"RUNNING-7-0"` {
			t.Errorf("if-none-match %s: answer %+v, want %d", header, got, want)
		}
	}
}

func TestShowWaitsAsLongAsTheCallerPrefersUpTo20Seconds(t *testing.T) {
	t.Parallel()
	for prefer, want := range map[string]string{
		"wait=5": "5s", "wait=20": "20s", "wait=21": "20s", "wait=99999999999": "0s", `Wait = "7"`: "7s", "respond-async, wait=5;x=y": "5s",
		"wait=5, wait=6": "5s", `x="a,wait=9", wait=2`: "2s", "wait": "0s", "wait=-1": "0s", "wait=1.5": "0s", "wait=0": "0s", "": "0s",
	} {
		k := &keeper{state: state(protocol.StatusRunning)}
		got := handle(t, &trigger.Handler{Keeper: k}, request("GET "+ofRun, "prefer", prefer))
		checkCalls(t, k, "show "+runID+" "+want)
		applied := ""
		if want != "0s" {
			applied = "wait=" + strings.TrimSuffix(want, "s")
		}
		if got.Headers["preference-applied"] != applied {
			t.Errorf("prefer %s: applied %q, want %q", prefer, got.Headers["preference-applied"], applied)
		}
	}
}

// A function with a short timeout answers before it, in both ways of calling it.
func TestAWaitLeavesTimeForTheAnswer(t *testing.T) {
	t.Parallel()
	for _, payload := range []string{
		`{"command":"show","runId":"` + runID + `","waitSeconds":20}`, string(marshal(t, request("GET "+ofRun, "prefer", "wait=20"))),
	} {
		synctest.Test(t, func(t *testing.T) {
			for timeout, want := range map[time.Duration]string{time.Minute: "20s", 11 * time.Second: "10s", 5 * time.Second: "4.5s", 0: "0s"} {
				ctx, cancel := context.WithTimeout(t.Context(), timeout)
				k := &keeper{}
				if _, err := (&trigger.Handler{Keeper: k}).Handle(ctx, []byte(payload)); err != nil {
					t.Error(err)
				}
				cancel()
				checkCalls(t, k, "show "+runID+" "+want)
			}
		})
	}
}

// A refused request reaches no Keeper.
func TestARouteRefusesWhatIsNotValid(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, request, body string
		status              int
		want                string // in the answer
	}{
		{"another method of a run", "DELETE " + ofRun, "", 405, "DELETE is not allowed; use GET"},
		{"another method of an action", "GET " + ofRun + "/stop", "", 405, "GET is not allowed; use POST"},
		{"another action", "POST " + ofRun + "/pause", "", 404, "is unknown; start a run with POST /runs"},
		{"more of a path", "GET " + ofRun + "/events/1", "", 404, "is unknown"},
		{"a slash at the end", "GET " + ofRun + "/", "", 404, "is unknown"},
		{"no id", "GET /runs/", "", 404, "there is no run"},
		{"a short id", "GET /runs/1", "", 404, `there is no run \"1\": an id has 26 of 0-9 A-Z without I L O U`},
		{"an id in lower case", "GET " + strings.ToLower(ofRun), "", 404, "there is no run"},
		{"an id with an escape", "GET /runs/" + runID[:23] + "%2F", "", 404, "there is no run"},
		{"an id of dots", "POST /runs/../stop", "", 404, "there is no run"},
		{"a parameter of show", "GET " + ofRun + "?wait=5", "", 400, `{"path":"wait","value":"\"5\"","detail":"unknown parameter; there are none here"}`},
		{"a parameter of stop", "POST " + ofRun + "/stop?now=1", "", 400, `"path":"now"`},
		{"a parameter of redrive", "POST " + ofRun + "/redrive?now=1", "", 400, `"path":"now"`},
		{
			"another parameter of list", "GET /runs?states=x", "", 400,
			`{"path":"states","value":"\"x\"","detail":"unknown parameter; known are name, status, since, limit, next"}`,
		},
		{"a parameter twice", "GET /runs?limit=1&limit=2", "", 400, `{"path":"limit","value":"\"1\"","detail":"given twice"}`},
		{"a bad escape", "GET /runs?name=%zz", "", 400, "the query string is not valid; write % as %25"},
		{"a name", "GET /runs?name=a%20b", "", 400, `"path":"name"`},
		{"a status", "GET /runs?status=DONE", "", 400, `"path":"status"`},
		{"a time", "GET /runs?since=yesterday", "", 400, `{"path":"since","value":"\"yesterday\"","detail":"want a time such as 2026-11-30T09:00:00Z"}`},
		{"a limit that is no number", "GET /runs?limit=ten", "", 400, `{"path":"limit","value":"\"ten\"","detail":"want a whole number"}`},
		{"a limit that is too large", "GET /runs?limit=101", "", 400, `"path":"limit"`},
		{"a limit below 0", "GET /runs?limit=-1", "", 400, `"path":"limit"`},
		{"a next that is none", "GET /runs?next=../x", "", 400, `"path":"next"`},
		{"two faults", "GET /runs?limit=x&status=y", "", 400, `"path":"status"`},
		{"after that is no number", "GET " + ofRun + "/events?after=x", "", 400, `"path":"after"`},
		{"after below 0", "GET " + ofRun + "/events?after=-1", "", 400, `{"path":"after","value":"-1","detail":"want 0 or more (0 means all events)"}`},
		{"a body of stop", "POST " + ofRun + "/stop", `{"now":true}`, 400, `"path":"now"`},
		{"a body of resume", "POST " + ofRun + "/resume", `x`, 400, "not JSON"},
		{"an unknown field of redrive", "POST " + ofRun + "/redrive", `{"region":["eu-west-1"]}`, 400, `did you mean \"regions\"?`},
		{"a value of redrive", "POST " + ofRun + "/redrive", `{"timeoutSeconds":-1}`, 400, `"path":"timeoutSeconds"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := &keeper{}
			r := request(tt.request)
			r.Body = tt.body
			got := handle(t, &trigger.Handler{Keeper: k}, r)
			if got.StatusCode != tt.status || !strings.Contains(got.Body, tt.want) || got.Headers["content-type"] != "application/problem+json" {
				t.Errorf("answer %d %s\nwant %d with %s", got.StatusCode, got.Body, tt.status, tt.want)
			}
			if (got.Headers["allow"] != "") != (tt.status == 405) {
				t.Errorf("answer %d allows %q", got.StatusCode, got.Headers["allow"])
			}
			checkCalls(t, k)
		})
	}
}

// keptRoutes are the routes that need a store.
var keptRoutes = []string{
	"GET /runs", "GET " + ofRun, "GET " + ofRun + "/events", "POST " + ofRun + "/stop", "POST " + ofRun + "/resume", "POST " + ofRun + "/redrive",
}

func TestWithoutAStoreARouteOfKeptRunsSaysWhichParameterToSet(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	h := &trigger.Handler{Log: slog.New(slog.NewJSONHandler(&log, nil))}
	for _, route := range keptRoutes {
		got := handle(t, h, request(route))
		if got.StatusCode != 501 || !strings.Contains(got.Body, "deploy it with store=ENABLED") {
			t.Errorf("%s: answer %d %s, want 501", route, got.StatusCode, got.Body)
		}
	}
	if strings.Contains(log.String(), "answer lost") {
		t.Errorf("log %s, want that the requests were refused", &log)
	}
}

func TestEachErrorOfAKeeperIsAProblem(t *testing.T) {
	t.Parallel()
	for _, route := range keptRoutes {
		for _, tt := range []struct {
			err    error
			status int
			want   string
		}{
			{&runs.NotFoundError{RunID: runID}, 404, `"instance":"id","runId":"` + runID + `"`},
			{&runs.StateError{RunID: runID, Cause: "has ended"}, 409, `"detail":"run ` + runID + ` has ended","instance":"id","runId":"` + runID + `"`},
			{protocol.Faults{{Path: "next", Detail: "is gone"}}.Err(), 400, `"faults":[{"path":"next","detail":"is gone"}]`},
			{errors.New("the bucket is gone"), 500, "the bucket is gone"},
		} {
			if strings.HasPrefix(route, "GET") && tt.status == 409 || route == keptRoutes[0] && tt.status == 404 {
				continue // nothing is changed, and all runs are asked for
			}
			got := handle(t, &trigger.Handler{Keeper: &keeper{err: tt.err}}, request(route))
			if got.StatusCode != tt.status || !strings.Contains(got.Body, tt.want) {
				t.Errorf("%s, %v: answer %d %s, want %d with %s", route, tt.err, got.StatusCode, got.Body, tt.status, tt.want)
			}
		}
	}
}

// A state with its result, and a page of events, fit into an HTTP answer if the Keeper keeps
// to its limit, even as base64. What a Keeper answers beyond it is a problem.
func TestTheLargestAnswerOfARouteFitsIntoAnHTTPAnswer(t *testing.T) {
	race.Skip(t, "takes long, on one goroutine")
	t.Parallel()
	k := &keeper{state: state(protocol.StatusFailed)}
	check := func(path string, status int) {
		data, err := (&trigger.Handler{Keeper: k}).Handle(t.Context(), marshal(t, request("GET "+path)))
		var answer events.APIGatewayV2HTTPResponse
		if err := errors.Join(err, json.Unmarshal(data, &answer)); err != nil {
			t.Fatal(err)
		}
		if len(data) > protocol.MaxPayloadBytes || answer.StatusCode != status {
			t.Errorf("%s: %d with %d bytes, want %d with at most %d", path, answer.StatusCode, len(data), status, protocol.MaxPayloadBytes)
		}
	}
	check(ofRun, 200) // to learn the limit
	k.state.Cause = strings.Repeat("<", protocol.MaxCauseBytes)
	k.state.Result = &protocol.Result{Notices: []string{""}}
	k.state.Result.Notices[0] = strings.Repeat(`"`, (k.limit-len(marshal(t, k.state.Result)))/2)
	check(ofRun, 200)
	k.state.Result.Notices[0] += strings.Repeat("x", 100_000)
	check(ofRun, 500)

	check(ofRun+"/events", 200)
	event := marshal(t, protocol.Event{Version: 1, RunID: "1", Sequence: 1, Type: protocol.EventNotice})
	for range k.limit / (len(event) + 1) {
		k.page.Events = append(k.page.Events, event)
	}
	check(ofRun+"/events", 200)
	k.page.Events = append(k.page.Events, event)
	check(ofRun+"/events", 500)
}

package protocol_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// Every constant of a command is in CommandNames, each once, and a golden file has it.
func TestCommandNamesReturnsEveryCommandThereIs(t *testing.T) {
	t.Parallel()
	var golden []protocol.CommandName
	for _, value := range commandGoldens() {
		if c, ok := value.(protocol.Command); ok {
			golden = append(golden, c.Command)
		}
	}
	names := slices.Clone(protocol.CommandNames())
	slices.Sort(golden)
	slices.Sort(names)
	if diff := cmp.Diff(names, golden); diff != "" || len(names) != len(constants(t, "Command")) {
		t.Errorf("CommandNames() has %d entries for %d constants (-listed +golden):\n%s", len(names), len(constants(t, "Command")), diff)
	}
}

func TestEveryBadFormOfACommandIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	const id = `"runId":"` + runID + `"`
	const known = "known are start, show, events, list, stop, resume, redrive, continue, sweep"
	const anID = "want the id of a run: 26 of 0-9 A-Z without I L O U"
	for _, tt := range []struct{ name, in, want string }{
		{"start", `{"command":"start","request":{}}`, ""},
		{"a start of a bad request, which is not looked into", `{"command":"start","request":{"colour":"red"}}`, ""},
		{"a start of nothing", `{"command":"start"}`, `request: missing or empty; start needs it`},
		{"a start of a list", `{"command":"start","request":[]}`, `request: []: want an object, got an array`},
		{"a start of a run", `{"command":"start","request":{},` + id + `}`, `runId: is not for start, which takes request`},
		{"show", `{"command":"show",` + id + `}`, ""},
		{"a show of nothing", `{"command":"show"}`, `runId: missing or empty; show needs it`},
		{"a show of no id", `{"command":"show","runId":""}`, `runId: missing or empty; show needs it`},
		{"a show of a path", `{"command":"show","runId":"../x"}`, `runId: "../x": ` + anID},
		{"a show of an id in lower case", `{"command":"show","runId":"` + strings.ToLower(runID) + `"}`, `runId: "` + strings.ToLower(runID) + `": ` + anID},
		{"a show of a number", `{"command":"show","runId":1}`, `runId: 1: want a string, got a number`},
		{"a wait at its limit", `{"command":"show",` + id + `,"waitSeconds":20}`, ""},
		{"a wait above its limit", `{"command":"show",` + id + `,"waitSeconds":20.5}`, `waitSeconds: 20.5: out of range; want 0 to 20`},
		{"a wait below 0", `{"command":"show",` + id + `,"waitSeconds":-1}`, `waitSeconds: -1: out of range; want 0 to 20`},
		{"a wait of a stop", `{"command":"stop",` + id + `,"waitSeconds":1}`, `waitSeconds: is not for stop, which takes runId`},
		{"a bad wait of a stop is one fault", `{"command":"stop",` + id + `,"waitSeconds":-1}`, `waitSeconds: is not for stop, which takes runId`},
		{"events", `{"command":"events",` + id + `,"after":9}`, ""},
		{"events after less than none", `{"command":"events",` + id + `,"after":-1}`, `after: -1: out of range; want 0 or more (0 means all events)`},
		{"events after a half", `{"command":"events",` + id + `,"after":0.5}`, `after: 0.5: want a whole number, without fraction or exponent`},
		{"list", `{"command":"list"}`, ""},
		{"a list of one run", `{"command":"list",` + id + `}`, `runId: is not for list, which takes name, status, since, limit, next`},
		{"a list of a name", `{"command":"list","name":"a/b"}`, `name: "a/b": want 1 to 80 of A-Z a-z 0-9 . _ - : +`},
		{"a list of a status", `{"command":"list","status":"FAILD"}`, `status: "FAILD": is not a status; did you mean "FAILED"?`},
		{"a list since a day", `{"command":"list","since":"2026-11-30"}`, `since: "2026-11-30": want a time such as "2026-11-30T09:00:00Z"`},
		{"a list since a number", `{"command":"list","since":7}`, `since: 7: want a time such as "2026-11-30T09:00:00Z"`},
		{"a list at its limit", `{"command":"list","limit":100}`, ""},
		{"a list above its limit", `{"command":"list","limit":101}`, `limit: 101: out of range; want 0 to 100 (0 means 20)`},
		{"a list below its limit", `{"command":"list","limit":-1}`, `limit: -1: out of range; want 0 to 100 (0 means 20)`},
		{"a list after nothing of ours", `{"command":"list","next":"x"}`, `next: "x": want the next of the page before`},
		{"redrive", `{"command":"redrive",` + id + `}`, ""},
		{"a redrive with a fault", `{"command":"redrive",` + id + `,"redrive":{"regions":[],"maxConcurrency":-1}}`, "redrive.regions: []: is empty; leave it out for any Region\n" +
			"redrive.maxConcurrency: -1: out of range; want 0 to 2147483647 (0 means as many as there are)"},
		{"a redrive of an unknown field", `{"command":"redrive",` + id + `,"redrive":{"region":["a"]}}`, `redrive.region: ["a"]: unknown field; did you mean "regions"?`},
		{"a resume with a redrive", `{"command":"resume",` + id + `,"redrive":{}}`, `redrive: is not for resume, which takes runId`},
		{"continue", `{"command":"continue"}`, `runId: missing or empty; continue needs it`},
		{"a sweep of a run", `{"command":"sweep",` + id + `}`, `runId: is not for sweep, which takes nothing else`},
		{"no command", `{"runId":"x"}`, "command: missing or empty; " + known + "\n" + `runId: "x": ` + anID},
		{"a misspelt command", `{"command":"srart","request":{}}`, `command: "srart": is not a command; did you mean "start"?`},
		{"a null", `{"command":null}`, `command: null: null is not allowed; leave the field out`},
		{"an unknown field", `{"command":"stop",` + id + `,"runID":"x"}`, `runID: "x": unknown field; did you mean "runId"?`},
		{"the embedded query by its name", `{"command":"list","RunQuery":{}}`, `RunQuery: {}: unknown field; known are command, runId, request, redrive, after, waitSeconds, name, status, since, limit, next`},
		{"no object", `"show"`, `"show": want an object, got a string`},
		{"not JSON", `{`, "{: not JSON at line 1, column 1"},
		{"too large", `{"command":"` + strings.Repeat("x", 1<<20) + `"}`, `1048590 bytes are too many; at most 1048576 (1 MiB)`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, faults := protocol.DecodeCommand([]byte(tt.in))
			if got := faultText(withoutHabitsIn(faults)); got != tt.want {
				t.Errorf("DecodeCommand(%.200s) = %s, want %s", tt.in, got, tt.want)
			}
		})
	}
}

// With faults DecodeCommand also returns what it could read.
func TestDecodeCommandReturnsWhatItCouldRead(t *testing.T) {
	t.Parallel()
	got, faults := protocol.DecodeCommand([]byte(`{"command":"list","since":"2026-11-30T09:00:00+01:00","limit":5,"name":7}`))
	want := protocol.Command{Command: protocol.CommandList, RunQuery: protocol.RunQuery{
		Since: time.Date(2026, 11, 30, 8, 0, 0, 0, time.UTC), Limit: 5,
	}}
	if diff := cmp.Diff(want, got); diff != "" || len(faults) != 1 {
		t.Errorf("DecodeCommand = %d faults, want 1 (-want +got):\n%s", len(faults), diff)
	}
}

// The payload of a function error is a FunctionError, and another message is an error.
func TestAnswersToCommandsAreReadAsResultsAre(t *testing.T) {
	t.Parallel()
	for name, decode := range map[string]func([]byte) error{
		"run state":  func(data []byte) error { _, err := protocol.DecodeRunState(data); return err },
		"run page":   func(data []byte) error { _, err := protocol.DecodeRunPage(data); return err },
		"event page": func(data []byte) error { _, err := protocol.DecodeEventPage(data); return err },
	} {
		for in, want := range map[string]string{
			map[string]string{"run state": `{"runId":"1","later":1}`, "run page": `{"runs":[],"later":1}`, "event page": `{"events":[],"later":1}`}[name]: "",
			`{"later":1}`: name + ": it is another message",
			`{"errorType":"Runtime.ExitError","errorMessage":"exit status 1"}`: "the function failed: Runtime.ExitError: exit status 1",
			`[]`: name + ": want a JSON object, got []",
		} {
			got := ""
			if err := decode([]byte(in)); err != nil {
				got = err.Error()
			}
			if got != want {
				t.Errorf("decode %s of a %s: error %q, want %q", in, name, got, want)
			}
		}
	}
}

// A command is accepted or refused with faults, never a panic.
func FuzzDecodeCommand(f *testing.F) {
	seed(f, protocol.Command{}, `{"command":"list","since":"2026-11-30T09:00:00.5+01:00","next":"x"}`, `{"command":"redrive","redrive":{"retry":[{}]}}`)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, faults := protocol.DecodeCommand(data)
		checkFaults(t, faults)
		if faults == nil && len(data) < protocol.MaxRequestBytes/6 { // an escape takes six bytes
			if got.RunID != "" && !protocol.ValidRunID(got.RunID) {
				t.Errorf("%s is accepted with the run id %q", data, got.RunID)
			}
			checkAccepted(t, data, got, func(data []byte) (protocol.Command, error) {
				c, faults := protocol.DecodeCommand(data)
				return c, faults.Err()
			})
		}
	})
}

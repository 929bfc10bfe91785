package protocol_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/pkg/protocol"
)

func TestEveryBadFormOfATargetIsRefusedByItsField(t *testing.T) {
	t.Parallel()
	const kinds = "want a target's name, or an object with name and input, got "
	for _, tt := range []struct {
		name, in string
		want     protocol.Faults
	}{
		{"no list", `{"targets":{"name":"a"}}`, faults("targets", `{"name":"a"}`, "want an array, got an object")},
		{"lists of wrong kinds", `{"targets":[1,null,true,["a"],"b"]}`, faults(
			"targets[0]", "1", kinds+"a number", "targets[1]", "null", "null is not allowed; leave the field out",
			"targets[2]", "true", kinds+"true or false", "targets[3]", `["a"]`, kinds+"an array")},
		{"without a name", `{"targets":[{},{"input":1}]}`, faults("targets[0].name", `""`, "is blank", "targets[1].name", `""`, "is blank")},
		{"a name that is a number", `{"targets":[{"name":5},{"name":5,"input":1}]}`, faults(
			"targets[0].name", "5", "want a string, got a number", "targets[1].name", "5", "want a string, got a number")},
		{"a blank name", `{"targets":[{"name":" ","input":1}]}`, faults("targets[0].name", `" "`, "is blank")},
		{"a name too long", `{"targets":[{"name":"` + strings.Repeat("x", 2049) + `","input":1}]}`, faults(
			"targets[0].name", `"`+strings.Repeat("x", 79)+"…", "has 2049 bytes; at most 2048")},
		{"an unknown member", `{"targets":["a",{"name":"b","inputs":1}]}`, faults("targets[1].inputs", "1", `unknown field; did you mean "input"?`)},
		{"a member twice", `{"targets":[{"name":"b","name":"c"}]}`, faults("targets[0].name", `"c"`, "given twice")},
		{"an input of null", `{"targets":[{"name":"b","input":null}]}`, faults("targets[0].input", "null", "null is not allowed; leave the field out")},
		{"twice, with an input and without", `{"targets":["a",{"name":"a","input":1},{"name":"a"}]}`, faults(
			"targets[1]", `"a"`, "is listed twice, first as targets[0]", "targets[2]", `"a"`, "is listed twice, first as targets[0]")},
		{"twice, with different inputs", `{"targets":[{"name":"a","input":1},{"name":"a","input":2}]}`, faults(
			"targets[1]", `"a"`, "is listed twice, first as targets[0]")},
		{"too many", `{"targets":[` + times(`{"name":"a"}`, 10_001) + `]}`, faults("targets", "", "has 10001 entries; at most 10000")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, got := protocol.DecodeRequest([]byte(tt.in))
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("DecodeRequest(%.200s) faults (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

// The JSON of a target without an input is its name, as it was before targets had inputs.
func TestATargetIsItsNameOrAnObject(t *testing.T) {
	t.Parallel()
	const in = `{"task":"any","targets":["s3",{"name":"sqs","input":{"a":[1,null]}},{"name":"sns","input":false}]}`
	got, faults := protocol.DecodeRequest([]byte(in))
	want := []protocol.Target{{Name: "s3"}, {Name: "sqs", Input: json.RawMessage(`{"a":[1,null]}`)}, {Name: "sns", Input: json.RawMessage(`false`)}}
	if diff := cmp.Diff(want, got.Targets); faults != nil || diff != "" {
		t.Errorf("DecodeRequest(%s) = %v (-want +got):\n%s", in, faults, diff)
	}
	if text := string(encode(t, got)); text != in {
		t.Errorf("json.Marshal = %s, want %s", text, in)
	}
	short, faults := protocol.DecodeRequest([]byte(`{"targets":["a",{"name":"b"}]}`))
	if text := string(encode(t, short)); faults != nil || text != `{"targets":["a","b"]}` {
		t.Errorf("json.Marshal = %s, %v; want names alone", text, faults)
	}
}

// Old requests are unchanged: those whose targets are strings are encoded to the bytes that a
// list of strings has.
func TestOldRequestsAreUnchanged(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOf(rapid.String()).Draw(t, "names")
		old, err := json.Marshal(struct {
			Task    string   `json:"task"`
			Targets []string `json:"targets"`
		}{"sleep", names})
		if err != nil {
			t.Fatal(err)
		}
		now, err := json.Marshal(protocol.Request{Task: "sleep", Targets: protocol.Targets(names...)})
		if err != nil || string(now) != string(old) {
			t.Fatalf("json.Marshal = %s, %v; want %s", now, err, old)
		}
		var read protocol.Request
		if err := json.Unmarshal(old, &read); err != nil {
			t.Fatal(err)
		}
		if again, err := json.Marshal(read); err != nil || string(again) != string(old) {
			t.Fatalf("%s is read and written as %s, %v", old, again, err)
		}
	})
}

// Targets keep their names and inputs as JSON, and as names and inputs.
func TestTargetsAreTheirNamesAndInputs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfDistinct(rapid.String(), rapid.ID).Draw(t, "names")
		targets := protocol.Targets(names...)
		for i := range targets {
			targets[i].Input = json.RawMessage(rapid.SampledFrom([]string{"", `{}`, `[1,"a b"]`, `"<&>\u2028"`, `0`}).Draw(t, "input"))
			if len(targets[i].Input) == 0 {
				targets[i].Input = nil
			}
		}
		text, err := json.Marshal(targets)
		if err != nil {
			t.Fatal(err)
		}
		var got []protocol.Target
		if err := json.Unmarshal(text, &got); err != nil {
			t.Fatalf("json.Unmarshal(%s) = %v", text, err)
		}
		if diff := cmp.Diff(targets, got, sameJSON()); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", text, diff)
		}
		inputs := protocol.InputsOf(targets)
		for i, name := range protocol.TargetNames(targets) {
			input, ok := inputs[name]
			if name != names[i] || ok != (targets[i].Input != nil) || string(input) != string(targets[i].Input) {
				t.Fatalf("target %d is %q with input %s, want %q with %s", i, name, input, names[i], targets[i].Input)
			}
		}
	})
	if protocol.TargetNames(nil) != nil || protocol.InputsOf(protocol.Targets("a")) != nil {
		t.Error("nil has names, or targets without inputs have some")
	}
}

func TestInputsOfSomeWork(t *testing.T) {
	t.Parallel()
	one, two := json.RawMessage(`1`), json.RawMessage(`2`)
	all := protocol.Inputs{"a": one, "b": two}
	work := func(targets ...string) protocol.RegionTargets { return protocol.RegionTargets{Targets: targets} }
	for _, tt := range []struct {
		name   string
		inputs protocol.Inputs
		work   []protocol.RegionTargets
		want   protocol.Inputs
	}{
		{"all of them", all, []protocol.RegionTargets{work("b", "a")}, all},
		{"one", all, []protocol.RegionTargets{work("b", "c")}, protocol.Inputs{"b": two}},
		{"of several Regions", all, []protocol.RegionTargets{work("c"), work("b"), work("b", "a")}, all},
		{"none", all, []protocol.RegionTargets{work("c")}, nil},
		{"of none", nil, []protocol.RegionTargets{work("a")}, nil},
	} {
		if diff := cmp.Diff(tt.want, tt.inputs.Of(tt.work)); diff != "" {
			t.Errorf("%s: Of (-want +got):\n%s", tt.name, diff)
		}
	}
}

// A worker takes any JSON for an input, and none for a target that it was not sent.
func TestTheInputsOfARegionRequest(t *testing.T) {
	t.Parallel()
	const head = `{"version":4,"runId":"r","attempt":1,"task":"t",`
	const one, several = head + `"region":"a","targets":["x","y"],`, head + `"region":"","regions":[{"region":"a","targets":["x"]},{"region":"b","targets":["y"]}],`
	for _, tt := range []struct{ in, want string }{
		{one + `"inputs":{}}`, ""},
		{one + `"inputs":{"y":[null]}}`, ""},
		{several + `"inputs":{"y":"s","x":1}}`, ""},
		{one + `"inputs":[]}`, "inputs: want an object, got an array"},
		{one + `"inputs":null}`, "inputs: null: null is not allowed; leave the field out"},
		{one + `"inputs":{"x":1,"z":2,"zz":3}}`, `inputs: "z": is none of the targets`},
		{several + `"inputs":{"z":1}}`, `inputs: "z": is none of the targets`},
	} {
		got, err := protocol.DecodeRegionRequest([]byte(tt.in))
		if (err == nil) != (tt.want == "") || err != nil && err.Error() != tt.want {
			t.Errorf("DecodeRegionRequest(%s) = %v, want %q", tt.in, err, tt.want)
		}
		if err == nil && got.Inputs == nil {
			t.Errorf("DecodeRegionRequest(%s) has no inputs", tt.in)
		}
	}
}

func TestARequestWithInputsNeedsVersion4(t *testing.T) {
	t.Parallel()
	inputs := protocol.Inputs{"a": json.RawMessage(`1`)}
	for _, tt := range []struct {
		r    protocol.RegionRequest
		want int
	}{
		{protocol.RegionRequest{Task: "mine"}, 1},
		{protocol.RegionRequest{Task: "mine", Inputs: inputs}, 4},
		{protocol.RegionRequest{Task: "call", Inputs: inputs, Account: &protocol.Access{}}, 4},
		{protocol.RegionRequest{Task: "mine", Account: &protocol.Access{}}, 3},
	} {
		if got := tt.r.Needs(); got != tt.want {
			t.Errorf("Needs() of %+v = %d, want %d", tt.r, got, tt.want)
		}
	}
}

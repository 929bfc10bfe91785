package protocol_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"time"

	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

// mode is a string type of a task's own.
type mode string

// taskParameters is a struct as a task may have one for its parameters.
type taskParameters struct {
	Port   int             `json:"port,omitzero" zero:"leave it out for the default, 443"`
	Mode   mode            `json:"mode"`
	Rate   *float64        `json:"rate" zero:"want more"`
	Nested []nested        `json:"nested"`
	Free   json.RawMessage `json:"free"`
	Hidden string          `json:"-"`
	NoTag  string
	own    string //nolint:unused // a field without a JSON name is part of the test
}

type nested struct {
	On   *bool   `json:"on"`
	Grid [][]int `json:"grid"`
}

// Tasks read their parameters with DecodeStrict: everything wrong is returned
// and what is right is stored.
func TestDecodeStrictStoresWhatIsRight(t *testing.T) {
	t.Parallel()
	const known = "; known are port, mode, rate, nested, free"
	tests := []struct {
		name, in string
		want     taskParameters
		faults   protocol.Faults
	}{
		{"nothing", `{}`, taskParameters{}, nil},
		{
			"everything", `{"port":80,"mode":"fast","rate":1e-3,"nested":[{"on":false,"grid":[[1],[],[2,3]]}],"free":{"x":null}}`,
			taskParameters{
				Port: 80, Mode: "fast", Rate: new(0.001), Free: json.RawMessage(`{"x":null}`),
				Nested: []nested{{On: new(false), Grid: [][]int{{1}, {}, {2, 3}}}},
			},
			nil,
		},
		{
			"explicit zeros that stand for a default", `{"port":0,"mode":"fast","rate":0.0}`,
			taskParameters{Mode: "fast", Rate: new(0.0)},
			faults("port", "0", "out of range; leave it out for the default, 443", "rate", "0.0", "out of range; want more"),
		},
		{
			"wrong types beside right ones", `{"port":"80","mode":"fast","nested":[{"on":1,"grid":[[1,"2",3]]}],"free":[]}`,
			taskParameters{Mode: "fast", Nested: []nested{{On: new(false), Grid: [][]int{{1, 0, 3}}}}},
			faults("port", `"80"`, "want a whole number, got a string", "nested[0].on", "1", "want true or false, got a number",
				"nested[0].grid[0][1]", `"2"`, "want a whole number, got a string", "free", "[]", "want an object, got an array"),
		},
		{
			"a field given twice: the first counts", `{"mode":"slow","mode":"fast"}`,
			taskParameters{Mode: "slow"},
			faults("mode", `"fast"`, "given twice"),
		},
		{
			"fields without a JSON name are not known", `{"-":"a","NoTag":"b","own":"c","Hidden":"d"}`,
			taskParameters{},
			faults("-", `"a"`, "unknown field"+known, "NoTag", `"b"`, "unknown field"+known,
				"own", `"c"`, "unknown field"+known, "Hidden", `"d"`, "unknown field"+known),
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got taskParameters
			if diff := cmp.Diff(tt.faults, protocol.DecodeStrict([]byte(tt.in), &got)); diff != "" {
				t.Errorf("DecodeStrict(%s) faults (-want +got):\n%s", tt.in, diff)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(taskParameters{})); diff != "" {
				t.Errorf("DecodeStrict(%s) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}

// A level is a number or a word. It reads itself.
type level int

// UnmarshalJSON implements json.Unmarshaler.
func (l *level) UnmarshalJSON(data []byte) error {
	switch string(data) {
	case `"high"`:
		*l = 9
	case `"secret"`:
		return errors.New("want a level")
	case `[1]`:
		return protocol.Faults{protocol.NewFault("[0]", 1, "want a word")}.Err()
	default:
		return json.Unmarshal(data, (*int)(l))
	}
	return nil
}

// The fault of a value that reads itself does not repeat the value, and keeps the paths
// of its own faults.
func TestDecodeStrictLetsAValueReadItself(t *testing.T) {
	t.Parallel()
	type leveled struct {
		Level level   `json:"level"`
		More  []level `json:"more"`
	}
	if err := protocol.CheckStrict(reflect.TypeFor[leveled]()); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		in     string
		want   leveled
		faults protocol.Faults
	}{
		{`{"level":"high","more":[1,"high"]}`, leveled{9, []level{1, 9}}, nil},
		{`{"level":"secret","more":[1, [1]]}`, leveled{0, []level{1, 0}}, protocol.Faults{
			{Path: "level", Detail: "want a level"}, {Path: "more[1][0]", Value: "1", Detail: "want a word"},
		}},
		{`{"level":null}`, leveled{}, faults("level", "null", "null is not allowed; leave the field out")},
	}
	for _, tt := range tests {
		var got leveled
		if diff := cmp.Diff(tt.faults, protocol.DecodeStrict([]byte(tt.in), &got)); diff != "" || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("DecodeStrict(%s) = %v, want %v; faults (-want +got):\n%s", tt.in, got, tt.want, diff)
		}
	}
}

// The fields of an embedded struct are the struct's own, and a time is one that JSON has.
func TestDecodeStrictReadsEmbeddedFieldsAndTimes(t *testing.T) {
	t.Parallel()
	type Window struct {
		Since time.Time `json:"since"`
		Days  int       `json:"days"`
	}
	type query struct {
		Name string `json:"name"`
		Window
		Last bool `json:"last"`
	}
	if err := protocol.CheckStrict(reflect.TypeFor[query]()); err != nil {
		t.Fatal(err)
	}
	const aTime = `want a time such as "2026-11-30T09:00:00Z"`
	at := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	tests := []struct {
		in     string
		want   query
		faults protocol.Faults
	}{
		{`{"days":2,"last":true,"since":"2026-11-30T09:00:00Z","name":"a"}`, query{"a", Window{at, 2}, true}, nil},
		{`{"since":"today","days":"2"}`, query{}, faults("since", `"today"`, aTime, "days", `"2"`, "want a whole number, got a string")},
		{`{"since":1}`, query{}, faults("since", "1", aTime)},
		{`{"days":1,"days":2}`, query{Window: Window{Days: 1}}, faults("days", "2", "given twice")},
		{`{"Window":{}}`, query{}, faults("Window", "{}", "unknown field; known are name, since, days, last")},
	}
	for _, tt := range tests {
		var got query
		if diff := cmp.Diff(tt.faults, protocol.DecodeStrict([]byte(tt.in), &got)); diff != "" || !cmp.Equal(got, tt.want) {
			t.Errorf("DecodeStrict(%s) = %+v, want %+v; faults (-want +got):\n%s", tt.in, got, tt.want, diff)
		}
	}
}

// A task without parameters has no field to suggest.
func TestDecodeStrictSaysThatThereAreNoFields(t *testing.T) {
	t.Parallel()
	want := faults("seconds", "1", "unknown field; there are none here")
	if diff := cmp.Diff(want, protocol.DecodeStrict([]byte(`{"seconds":1}`), new(struct{}))); diff != "" {
		t.Errorf("DecodeStrict into struct{} (-want +got):\n%s", diff)
	}
}

// A field of a type that has no strict form is a programming mistake.
func TestDecodeStrictPanicsAtAFieldOfAnotherType(t *testing.T) {
	t.Parallel()
	defer func() {
		if got, want := recover(), "protocol: DecodeStrict cannot read a map[string]int"; got != want {
			t.Errorf("DecodeStrict panicked with %v, want %s", got, want)
		}
	}()
	var v struct {
		Map map[string]int `json:"map"`
	}
	protocol.DecodeStrict([]byte(`{"map":{}}`), &v)
}

// What DecodeStrict panics at is found before there is a document.
func TestCheckStrictFindsWhatDecodeStrictPanicsAt(t *testing.T) {
	t.Parallel()
	type tree struct {
		Leaves []tree `json:"leaves"`
	}
	tests := []struct {
		name string
		of   reflect.Type
		want string // "" for nothing
	}{
		{"a task's parameters", reflect.TypeFor[taskParameters](), ""},
		{"a request", reflect.TypeFor[protocol.Request](), ""},
		{"a worker's request", reflect.TypeFor[protocol.RegionRequest](), ""},
		{"nothing", reflect.TypeFor[struct{}](), ""},
		{"one in itself", reflect.TypeFor[tree](), ""},
		{"no struct", reflect.TypeFor[map[string]int](), "map[string]int is not a struct"},
		{
			"a time", reflect.TypeFor[struct {
				Wait time.Duration `json:"wait"`
			}](), "wait: want a string, bool, int, float64, struct, or a slice of or pointer to these, got time.Duration",
		},
		{
			"bytes below", reflect.TypeFor[struct {
				In []struct {
					Data []byte `json:"data"`
				} `json:"in"`
			}](), "in.data: want a string, bool, int, float64, struct, or a slice of or pointer to these, got uint8",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := ""
			if err := protocol.CheckStrict(tt.of); err != nil {
				got = err.Error()
			}
			if got != tt.want {
				t.Errorf("CheckStrict(%v) = %q, want %q", tt.of, got, tt.want)
			}
		})
	}
}

package protocol_test

import (
	"encoding/json"
	"math"
	"regexp"
	"strings"
	"testing"
	"time"

	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// Results pass over unknown fields, at every depth, so that the two functions
// can be deployed one after the other.
func TestUnknownFieldsOfResultsArePassedOver(t *testing.T) {
	t.Parallel()
	const news = `{"news":[1,{"a":null}],`
	for name, value := range goldens() {
		switch value.(type) {
		case protocol.Result, protocol.RegionResult:
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				data := strings.ReplaceAll(string(encode(t, value)), `{"`, news+`"`)
				got, err := decode([]byte(data), value)
				if err != nil {
					t.Fatalf("decode %s: %v", data, err)
				}
				// What a task returned keeps all its fields, the news too.
				if diff := cmp.Diff(value, got, cmpopts.IgnoreTypes(json.RawMessage{})); diff != "" {
					t.Errorf("decode %s (-want +got):\n%s", name, diff)
				}
			})
		}
	}
}

// A wrong type names its field; what is no answer at all is shown.
func TestResultsRefuseWrongTypes(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"empty", ``, "want a JSON object, got nothing"},
		{"white space", " \n", "want a JSON object, got nothing"},
		{"null", `null`, "want a JSON object, got null"},
		{"an array", `[]`, "want a JSON object, got []"},
		{"a string", `"Endpoint request timed out"`, `want a JSON object, got "Endpoint request timed out"`},
		{"HTML", "<html>\n<body>502", "want a JSON object, got <html>·<body>502"},
		{"invalid UTF-8", "{\"error\":\"\xff\"}", "not UTF-8"},
		{"cut off", `{"status":"SUCC`, `{"status":"SUCC: not JSON at line 1, column 15`},
		{"two answers", `{}{}`, `{}{}: not JSON at line 1, column 3`},
		{"a number for a string", `{"status":1}`, "status: want a string, got "},
		{"a string for a number", `{"elapsedMs":"1"}`, "elapsedMs: want a number, got "},
		{"an object for an array", `{"targets":{}}`, "targets: want an array, got "},
		{"a fraction for a whole number", `{"batch":1.5}`, "batch: want a whole number, got "},
		{"a string for true or false", `{"truncated":"yes"}`, "truncated: want true or false, got "},
		{"further down", `{"targets":[{"attempts":[{"startMs":[]}]}]}`, "targets.attempts.startMs: want a number, got "},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := protocol.DecodeRegionResult([]byte(tt.in))
			if want := "region result: " + tt.want; err == nil || !strings.HasPrefix(withoutHabits(err.Error()), want) {
				t.Errorf("DecodeRegionResult(%s) error = %v, want %s", tt.in, err, want)
			}
		})
	}
	_, err := protocol.DecodeResult([]byte(`{"summary":{"regions":[]}}`))
	if want := "result: summary.regions: want an object, got "; err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("DecodeResult error = %v, want %s", err, want)
	}
	_, err = protocol.DecodeResult([]byte(`{"startedAt":"yesterday"}`))
	if err == nil || !strings.HasPrefix(err.Error(), "result: ") {
		t.Errorf("DecodeResult error = %v, want one about startedAt", err)
	}
}

// withoutHabits returns an error's text without what differs between releases of
// encoding/json: the words for a syntax error, and indexes in the path of a wrong type.
func withoutHabits(text string) string {
	text = regexp.MustCompile(`not JSON: .+ at line`).ReplaceAllString(text, "not JSON at line")
	return regexp.MustCompile(`\.\d+\.`).ReplaceAllString(text, ".")
}

// withoutHabitsIn is withoutHabits for the details of faults.
func withoutHabitsIn(faults protocol.Faults) protocol.Faults {
	for i := range faults {
		faults[i].Detail = withoutHabits(faults[i].Detail)
	}
	return faults
}

// A duration is a number with fractions, rounded to the nearest microsecond.
func TestMilliseconds(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		d    time.Duration
		want float64
	}{
		{"none", 0, 0},
		{"one", time.Millisecond, 1},
		{"a second and a bit", 1014902114 * time.Nanosecond, 1014.902},
		{"less than a microsecond, down", 499, 0},
		{"half a microsecond, up", 500, 0.001},
		{"negative", -1500 * time.Microsecond, -1.5},
		{"15 minutes", 15 * time.Minute, 900_000},
		{"the longest", math.MaxInt64, 9223372036854.775},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := protocol.Milliseconds(tt.d); got != tt.want {
				t.Errorf("Milliseconds(%v) = %v, want %v", tt.d, got, tt.want)
			}
		})
	}
}

// What was rounded is within half a microsecond.
func TestMillisecondsIsToTheMicrosecond(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := time.Duration(rapid.Int64Range(-int64(24*time.Hour), int64(24*time.Hour)).Draw(t, "d"))
		ms := protocol.Milliseconds(d)
		if us := math.Round(ms * 1000); us != math.Round(float64(d)/1000) || us/1000 != ms {
			t.Errorf("Milliseconds(%d ns) = %v, want whole microseconds, the nearest", d, ms)
		}
	})
}

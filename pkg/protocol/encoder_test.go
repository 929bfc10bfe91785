package protocol_test

import (
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

// draw fills v, whatever it is, with values that are written in a way of their own.
func draw(t *rapid.T, v reflect.Value) {
	switch at := v.Addr().Interface().(type) {
	case *json.RawMessage:
		*at = rapid.SampledFrom([]json.RawMessage{
			nil, []byte(`null`), []byte(`"a"`), []byte(` {"a b" : [ 1 , "\" \\" , {} ] }`), []byte(`["<&>", " \u003c"]`),
			[]byte("[\t\"\u2028 \u2029 \u2030\", \n\"\xe2\"]"), []byte(`{"message":"it is fine"}`), []byte("-0.5e+3"),
		}).Draw(t, "output")
		return
	case *time.Time:
		*at = time.Date(2026, 11, 24, 1, 2, 3, rapid.IntRange(0, 2).Draw(t, "ns")*500, time.UTC)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		for _, field := range v.Fields() {
			draw(t, field)
		}
	case reflect.Pointer:
		if rapid.Bool().Draw(t, "there") {
			v.Set(reflect.New(v.Type().Elem()))
			draw(t, v.Elem())
		}
	case reflect.Slice:
		if n := rapid.IntRange(-1, 2).Draw(t, "length"); n >= 0 {
			v.Set(reflect.MakeSlice(v.Type(), n, n))
		}
		for i := range v.Len() {
			draw(t, v.Index(i))
		}
	case reflect.String:
		v.SetString(rapid.SampledFrom([]string{"", "", "a", "é", "<a&b>", "\"\\\n\x01\x7f", "\xff", "\u2028"}).Draw(t, "text"))
	case reflect.Float64:
		v.SetFloat(rapid.SampledFrom([]float64{0, 0, 1, -1.5, 123.456, 1e-6, 9e-7, 1e20, 1e21, -1e300, 1. / 3}).Draw(t, "number"))
	case reflect.Int:
		v.SetInt(int64(rapid.SampledFrom([]int{0, 0, 1, -1, 1 << 40}).Draw(t, "integer")))
	case reflect.Bool:
		v.SetBool(rapid.Bool().Draw(t, "truth"))
	default:
		t.Fatalf("draw(%s): no such thing is in a result", v.Type())
	}
}

// Every field there is, also one that is new, is written as its tag says.
func TestFitWritesWhatEncodingJSONWrites(t *testing.T) {
	t.Parallel()
	t.Run("a result", rapid.MakeCheck(func(t *rapid.T) {
		var r protocol.Result
		draw(t, reflect.ValueOf(&r).Elem())
		got, err := protocol.Fit(&r, 0)
		compare(t, &r, got, err)
	}))
	t.Run("a worker's", rapid.MakeCheck(func(t *rapid.T) {
		var r protocol.RegionResult
		draw(t, reflect.ValueOf(&r).Elem())
		got, err := protocol.Fit(&r, 0)
		compare(t, &r, got, err)
	}))
}

func compare(t *rapid.T, v any, got []byte, err error) {
	want, wrong := json.Marshal(v)
	if err != nil || wrong != nil {
		t.Fatalf("Fit = %v, encoding/json says %v", err, wrong)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("Fit (-encoding/json +got):\n%s", diff)
	}
}

func TestFitReturnsTheErrorOfWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	for name, output := range map[string]json.RawMessage{
		"nothing": {}, "half": []byte(`{"a":`), "two": []byte(`1 2`), "a word": []byte(`undefined`),
	} {
		r := protocol.RegionResult{Targets: []protocol.TargetOutcome{{Output: output}}}
		if got, err := protocol.Fit(&r, 0); err == nil {
			t.Errorf("Fit of an output that is %s = %s, want an error", name, got)
		}
	}
}

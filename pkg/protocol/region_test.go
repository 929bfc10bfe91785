package protocol_test

import (
	"bytes"
	"encoding/json"
	"math"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/pkg/protocol"
)

// Envelope.Encode says the same as Encode, in as many bytes, and neither escapes
// anything for HTML.
func TestEncodeOfARequestAndOfItsEnvelopeSayTheSame(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"dynamodb", "<a&b>", "\u2028", `"\`, "\x00\x7f", "é"}))
		r := protocol.RegionRequest{
			Version: rapid.Int().Draw(t, "version"), RunID: text.Draw(t, "runID"), Region: text.Draw(t, "region"),
			Batch: rapid.Int().Draw(t, "batch"), Attempt: rapid.Int().Draw(t, "attempt"), Task: text.Draw(t, "task"),
			BudgetMs: rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, -1, 0.001, 1e-7, 900_000.001, 1e21})).Draw(t, "budget"),
		}
		if rapid.Bool().Draw(t, "targets") {
			r.Targets = rapid.SliceOf(text).Draw(t, "target")
		}
		if rapid.Bool().Draw(t, "inputs") {
			r.Inputs = protocol.Inputs{text.Draw(t, "input"): json.RawMessage(`{"a":["<&>",null]}`)}
		}
		if rapid.Bool().Draw(t, "regions") {
			r.Regions = []protocol.RegionTargets{{Region: text.Draw(t, "one"), Targets: []string{text.Draw(t, "of it")}}}
		}
		if rapid.Bool().Draw(t, "account") {
			r.Account = &protocol.Access{Account: text.Draw(t, "account id")}
		}
		if rapid.Bool().Draw(t, "parameters") {
			r.Parameters = json.RawMessage(rapid.SampledFrom([]string{`{}`, `{"seconds":1}`, `{"a":["<&>",null]}`}).Draw(t, "parameter"))
		}
		if rapid.Bool().Draw(t, "policy") {
			r.Policy.MaxConcurrency = rapid.Int().Draw(t, "concurrency")
			r.Policy.TimeoutSeconds = rapid.Float64().Draw(t, "timeout")
			r.Policy.Retry = []protocol.Retrier{{ErrorEquals: []string{text.Draw(t, "error")}}}
		}
		e, err := protocol.EnvelopeOf(r)
		if err != nil {
			t.Fatal(err)
		}
		alone, err := r.Encode()
		if err != nil || bytes.Contains(alone, []byte(`\u003c`)) {
			t.Fatalf("Encode() = %s, %v", alone, err)
		}
		enclosed, err := e.Encode(&r)
		if err != nil || len(enclosed) != len(alone) {
			t.Fatalf("Envelope.Encode() = %s, %v; want as long as %s", enclosed, err, alone)
		}
		if data, err := (protocol.Envelope{}).Encode(&r); err != nil || !bytes.Equal(data, alone) {
			t.Fatalf("Envelope{}.Encode() = %s, %v; want %s", data, err, alone)
		}
		for _, data := range [][]byte{alone, enclosed} {
			var got protocol.RegionRequest
			if err := json.Unmarshal(data, &got); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(r, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", data, diff)
			}
		}
	})
}

func TestAnEnvelopeEncodesEveryField(t *testing.T) {
	t.Parallel()
	r := protocol.RegionRequest{
		Version: 2, RunID: "run", Region: "eu-west-1", Batch: 3, Attempt: 4, Task: "probe", Parameters: json.RawMessage(`{"a":1}`),
		Targets: []string{"a"}, Inputs: protocol.Inputs{"a": json.RawMessage(`1`)},
		Regions: []protocol.RegionTargets{{Region: "eu-west-2", Targets: []string{"b"}}}, Account: &protocol.Access{Account: "111122223333"},
		Policy: protocol.TargetPolicy{MaxConcurrency: 5}, BudgetMs: 6,
	}
	v := reflect.ValueOf(r)
	for field, value := range v.Fields() {
		if value.IsZero() {
			t.Errorf("%s is not set", field.Name)
		}
	}
	e, err := protocol.EnvelopeOf(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := e.Encode(&r)
	if err != nil {
		t.Fatal(err)
	}
	var got protocol.RegionRequest
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", data, diff)
	}
}

func TestEncodeRefusesWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]protocol.RegionRequest{
		"parameters": {Parameters: json.RawMessage(`{"a":`)},
		"budget":     {BudgetMs: math.Inf(1)},
		"timeout":    {Policy: protocol.TargetPolicy{TimeoutSeconds: math.NaN()}},
	} {
		if got, err := r.Encode(); err == nil {
			t.Errorf("%s: Encode() = %s, want an error", name, got)
		}
	}
}

package protocol_test

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/pkg/protocol"
)

func TestEncodeWritesWhatEncodingJSONWould(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"dynamodb", "<a&b>", "\u2028", `"\`, "\x00\x7f", "\xff", "é"}))
		r := protocol.RegionRequest{
			Version: rapid.Int().Draw(t, "version"), RunID: text.Draw(t, "runID"), Region: text.Draw(t, "region"),
			Batch: rapid.Int().Draw(t, "batch"), Attempt: rapid.Int().Draw(t, "attempt"), Task: text.Draw(t, "task"),
			BudgetMs: rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{0, -1, 0.001, 1e-7, 900_000.001, 1e21})).Draw(t, "budget"),
		}
		if rapid.Bool().Draw(t, "targets") {
			r.Targets = rapid.SliceOf(text).Draw(t, "target")
		}
		if rapid.Bool().Draw(t, "parameters") {
			r.Parameters = json.RawMessage(rapid.SampledFrom([]string{`{}`, `{"seconds":1}`, `{"a":["<&>",null]}`, "{ \"a\" :\t\"b c\",\n\"d\": [ ] } "}).Draw(t, "parameter"))
		}
		if rapid.Bool().Draw(t, "policy") {
			r.Policy.MaxConcurrency = rapid.Int().Draw(t, "concurrency")
			r.Policy.TimeoutSeconds = rapid.Float64().Draw(t, "timeout")
			r.Policy.Retry = []protocol.Retrier{{ErrorEquals: []string{text.Draw(t, "error")}}}
		}
		var want bytes.Buffer
		encoder := json.NewEncoder(&want)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(r); err != nil {
			t.Fatal(err)
		}
		got, err := r.Encode()
		if diff := cmp.Diff(string(bytes.TrimRight(want.Bytes(), "\n")), string(got)); err != nil || diff != "" {
			t.Errorf("Encode() = %v (-encoding/json +got):\n%s", err, diff)
		}
	})
}

// Time that has passed is taken off the budget, and nothing else changes.
func TestLessBudget(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		request string
		passed  time.Duration
		want    string
	}{
		{`{"version":1,"budgetMs":10000}`, 3 * time.Second, `{"version":1,"budgetMs":7000}`},
		{`{"version":1,"budgetMs":10000.125}`, 125 * time.Microsecond, `{"version":1,"budgetMs":10000}`},
		{`{"version":1,"budgetMs":10000}`, 0, `{"version":1,"budgetMs":10000}`},
		{`{"version":1,"budgetMs":10000}`, 10 * time.Second, `{"version":1,"budgetMs":0.001}`},
		{`{"version":1,"budgetMs":10000}`, time.Hour, `{"version":1,"budgetMs":0.001}`},
		{`{"version":1,"targets":["s3"]}`, time.Second, `{"version":1,"targets":["s3"]}`},
		{`{"parameters":{"a":1,"budgetMs":5000},"targets":["s3"]}`, time.Second, `{"parameters":{"a":1,"budgetMs":5000},"targets":["s3"]}`},
		{`{"parameters":{"a":1,"budgetMs":5000}}`, time.Second, `{"parameters":{"a":1,"budgetMs":5000}}`},
		{`{"version":1,"budgetMs":1e30}`, time.Second, `{"version":1,"budgetMs":1e30}`},
		{`{"version":1,"budgetMs":-5}`, time.Second, `{"version":1,"budgetMs":-5}`},
		{`{}`, time.Second, `{}`},
		{`}`, time.Second, `}`},
		{``, time.Second, ``},
	} {
		if got := string(protocol.LessBudget([]byte(test.request), test.passed)); got != test.want {
			t.Errorf("LessBudget(%s, %v) = %s, want %s", test.request, test.passed, got, test.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		r := protocol.RegionRequest{
			Version: 1, RunID: rapid.String().Draw(t, "run"), Targets: rapid.SliceOf(rapid.String()).Draw(t, "targets"),
			BudgetMs: float64(rapid.Int64Range(2, protocol.MaxSeconds*1_000_000).Draw(t, "budget")) / 1000,
		}
		before, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		untouched := bytes.Clone(before)
		us := rapid.Int64Range(0, int64(r.BudgetMs*1000)-1).Draw(t, "passed")
		r.BudgetMs = protocol.Milliseconds(time.Duration(r.BudgetMs*float64(time.Millisecond)) - time.Duration(us)*time.Microsecond)
		want, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if got := protocol.LessBudget(before, time.Duration(us)*time.Microsecond); !bytes.Equal(got, want) || !bytes.Equal(before, untouched) {
			t.Errorf("LessBudget(%s, %dµs) = %s, want %s", untouched, us, got, want)
		}
	})
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

// An answer as a worker writes it, whatever became of its targets, is read
// without encoding/json, and means the same.
func TestAnswersAreReadQuickly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", "dynamodb", "<a&b>\n", `"\`, "é"}))
		ms := rapid.Custom(func(t *rapid.T) float64 { return float64(rapid.IntRange(0, 900_000_000).Draw(t, "us")) / 1000 })
		attempt := rapid.Custom(func(t *rapid.T) protocol.Attempt {
			return protocol.Attempt{
				StartMs: ms.Draw(t, "start"), ElapsedMs: ms.Draw(t, "elapsed"), WaitMs: ms.Draw(t, "wait"),
				Error: text.Draw(t, "error"), Cause: text.Draw(t, "cause"), Abandoned: rapid.Bool().Draw(t, "abandoned"),
			}
		})
		target := rapid.Custom(func(t *rapid.T) protocol.TargetOutcome {
			o := protocol.TargetOutcome{
				Target: text.Draw(t, "target"), Status: rapid.SampledFrom(protocol.Statuses()).Draw(t, "status"),
				Error: text.Draw(t, "error"), Cause: text.Draw(t, "cause"), ElapsedMs: ms.Draw(t, "elapsed"),
				Attempts: rapid.SliceOfN(attempt, 1, 3).Draw(t, "attempts"),
			}
			if output := rapid.SampledFrom([]string{"", `{"a":[1,{"b":"],}"}],"c":"\""}`, `"x"`, `-1.5e3`, `null`, `[]`}).Draw(t, "output"); output != "" {
				o.Output = json.RawMessage(output)
			}
			return o
		})
		want := protocol.RegionResult{
			Version: rapid.IntRange(0, 9).Draw(t, "version"), RunID: text.Draw(t, "runID"), Region: text.Draw(t, "region"),
			Batch: rapid.IntRange(0, 9999).Draw(t, "batch"), Status: rapid.SampledFrom(protocol.Statuses()).Draw(t, "status"),
			Error: text.Draw(t, "error"), Cause: text.Draw(t, "cause"), ElapsedMs: ms.Draw(t, "elapsed"),
			Truncated: rapid.Bool().Draw(t, "truncated"), Targets: rapid.SliceOfN(target, 0, 3).Draw(t, "targets"),
		}
		data, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}
		if !protocol.ReadsQuickly(data) {
			t.Errorf("%s is not read quickly", data)
		}
		var plain protocol.RegionResult
		if err := json.Unmarshal(data, &plain); err != nil {
			t.Fatal(err)
		}
		got, err := protocol.DecodeRegionResult(data)
		if diff := cmp.Diff(plain, got); err != nil || diff != "" {
			t.Errorf("DecodeRegionResult(%s) = %v (-encoding/json +got):\n%s", data, err, diff)
		}
	})
}

// What looks nearly like an answer is left to encoding/json, which knows best.
func TestEverythingElseIsNotReadQuickly(t *testing.T) {
	t.Parallel()
	for _, data := range []string{
		``, `{`, `{}x`, ` {}`, `{"batch":01}`, `{"batch":1.0}`, `{"batch":-1}`, `{"elapsedMs":.5}`, `{"elapsedMs":1.}`,
		`{"elapsedMs":1e3}`, `{"elapsedMs":00}`, `{"Batch":1}`, `{"news":1}`, `{"targets":[]`, `{"targets":[{}],"targets":[]}`,
		`{"targets":[{"output":{]}]}`, `{"targets":[{"output":}]}`, `{"targets":[{"output":"}]}`, `{"cause":"a`, `{"cause":"a\`,
		`{"cause":"\x"}`, "{\"cause\":\"\n\"}", `{"truncated":yes}`, `{"status":null}`, `{"status":"S\u0055"}`, `{,}`, `{"batch":1,}`,
		`{"targets":[{"output":{"a":"\`, `{"batch"`, `{"batch":`,
		`{"targets":[{"output": 1}]}`, "{\"targets\":[{\"output\":1\n}]}",
		`{"targets":[{"output":` + strings.Repeat("[", 9_998) + strings.Repeat("]", 9_998) + `}]}`,
	} {
		if protocol.ReadsQuickly([]byte(data)) {
			t.Errorf("%s is read quickly", data)
		}
	}
}

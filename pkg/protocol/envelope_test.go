package protocol_test

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/pkg/protocol"
)

// longest is how long a request is when everything that changes from one attempt
// to the next is at its longest.
func longest(t interface{ Fatal(args ...any) }, r protocol.RegionRequest, region string, batch int, targets []string) int {
	r.Region, r.Batch, r.Targets = region, batch, targets
	r.Attempt, r.BudgetMs = math.MaxInt32, protocol.MaxBudgetMs-0.001
	data, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return len(data)
}

// envelope returns a request and its Envelope.
func envelope(t interface{ Fatal(args ...any) }) (protocol.RegionRequest, protocol.Envelope) {
	r := protocol.RegionRequest{
		Version: protocol.Version, RunID: runID, Task: "probe", Parameters: json.RawMessage(`{ "path": "/<ping>" }`),
		Region: "not counted", Batch: 123, Attempt: 7, BudgetMs: 1, Targets: []string{"not counted either"},
		Policy: protocol.TargetPolicy{TimeoutSeconds: 1.5, Retry: []protocol.Retrier{{
			ErrorEquals: []string{protocol.ErrorLambdaService, protocol.ErrorLambdaThrottled}, IntervalSeconds: 0.2, MaxAttempts: new(4),
			BackoffRate: 2, MaxDelaySeconds: 5, JitterStrategy: protocol.JitterFull,
		}}},
	}
	e, err := protocol.EnvelopeOf(r)
	if err != nil {
		t.Fatal(err)
	}
	return r, e
}

// drawTargets draws targets, also such as are not valid.
func drawTargets(t *rapid.T) []string {
	letters := rapid.SampledFrom([]rune("abc\"\\<&é😀\u2028\u2029\u007f\n\x01"))
	target := rapid.OneOf(rapid.StringOfN(letters, 0, 20, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 20), func(b []byte) string { return string(b) }))
	return rapid.SliceOfN(target, 1, 40).Draw(t, "targets")
}

// To the byte, whatever is in the targets.
func TestBytesIsHowLongARequestCanBe(t *testing.T) {
	t.Parallel()
	r, e := envelope(t)
	every := make([]string, 256)
	for b := range every {
		every[b] = string([]byte{byte(b)})
	}
	if got, want := e.Bytes("us-east-1", 0, every), longest(t, r, "us-east-1", 0, every); got != want {
		t.Errorf("Bytes(every byte) = %d, want %d", got, want)
	}
	rapid.Check(t, func(t *rapid.T) {
		targets := drawTargets(t)
		batch := rapid.IntRange(0, 10_000).Draw(t, "batch")
		want := longest(t, r, "eu-west-1", batch, targets)
		if got := e.Bytes("eu-west-1", batch, targets); got != want {
			t.Errorf("Bytes(batch %d, %q) = %d, want %d", batch, targets, got, want)
		}
		r := r
		r.Region, r.Batch, r.Targets = "eu-west-1", batch, targets
		r.Attempt = rapid.IntRange(1, math.MaxInt32).Draw(t, "attempt")
		r.BudgetMs = float64(rapid.Int64Range(1, protocol.MaxSeconds*1_000_000).Draw(t, "budget")) / 1000
		if data, err := r.Encode(); err != nil || len(data) > want {
			t.Errorf("Encode(attempt %d, budget %v) = %d bytes, %v; want at most %d", r.Attempt, r.BudgetMs, len(data), err, want)
		}
	})
}

// Every target is in exactly one batch, in order; every request fits, unless it
// is of one target that never does; and no batch could have taken the next one.
func TestDivideTakesAsManyTargetsAsMostAndLimitAllow(t *testing.T) {
	t.Parallel()
	r, e := envelope(t)
	const region = "ap-southeast-2"
	rapid.Check(t, func(t *rapid.T) {
		targets := drawTargets(t)
		most := rapid.IntRange(1, 30).Draw(t, "most")
		least := longest(t, r, region, 0, []string{""})
		limit := rapid.IntRange(least-1, least+1500).Draw(t, "limit")
		batches, over := e.Divide(region, targets, most, limit)
		if got := slices.Concat(batches...); !slices.Equal(got, targets) {
			t.Fatalf("Divide(%q) = %q", targets, batches)
		}
		at, tooLong := 0, 0
		for i, batch := range batches {
			bytes := longest(t, r, region, i, batch)
			switch {
			case len(batch) == 0 || len(batch) > most:
				t.Fatalf("batch %d has %d targets, want 1 to %d", i, len(batch), most)
			case bytes > limit && len(batch) > 1:
				t.Fatalf("batch %d of %d targets has %d bytes, limit %d", i, len(batch), bytes, limit)
			case bytes > limit:
				tooLong = max(tooLong, bytes)
			}
			if end := at + len(batch); end < len(targets) && len(batch) < most && bytes <= limit {
				if more := longest(t, r, region, i, targets[at:end+1]); more <= limit {
					t.Fatalf("batch %d has %d targets, and one more would make %d bytes, limit %d", i, len(batch), more, limit)
				}
			}
			at += len(batch)
		}
		if over != tooLong {
			t.Fatalf("over = %d, want %d", over, tooLong)
		}
	})
}

// drawInputs draws inputs of some of the targets, of valid UTF-8 as those of a request are.
func drawInputs(t *rapid.T, targets []string) protocol.Inputs {
	inputs := protocol.Inputs{}
	for _, target := range targets {
		if utf8.ValidString(target) && rapid.Bool().Draw(t, "has an input") {
			input := rapid.SampledFrom([]string{`{}`, `0`, `"<&>\u2028 \""`, `{"a":[1,"é",null]}`, `{ "spaced" : [ 1 , 2 ] }`}).Draw(t, "input")
			inputs[target] = json.RawMessage(input)
		}
	}
	return inputs
}

// Bytes and BytesOfAll are an upper bound of what Encode returns, inputs included, and Divide
// keeps to it.
func TestBytesBoundsARequestWithInputs(t *testing.T) {
	t.Parallel()
	r, _ := envelope(t)
	const region = "eu-west-1"
	rapid.Check(t, func(t *rapid.T) {
		targets := drawTargets(t)
		inputs := drawInputs(t, targets)
		r := r
		r.Inputs = inputs
		e, err := protocol.EnvelopeOf(r)
		if err != nil {
			t.Fatal(err)
		}
		encoded := func(r protocol.RegionRequest, work ...protocol.RegionTargets) int {
			r.Attempt, r.BudgetMs, r.Inputs = math.MaxInt32, protocol.MaxBudgetMs-0.001, inputs.Of(work)
			data, err := e.Encode(&r)
			if err != nil {
				t.Fatal(err)
			}
			return len(data)
		}
		of := func(batch int, targets []string) int {
			r.Region, r.Batch, r.Targets, r.Regions = region, batch, targets, nil
			return encoded(r, protocol.RegionTargets{Region: region, Targets: targets})
		}
		if got, most := of(12, targets), e.Bytes(region, 12, targets); got > most {
			t.Fatalf("Encode(%q with %s) = %d bytes, Bytes = %d", targets, inputs, got, most)
		}
		regions := []protocol.RegionTargets{{Region: region, Targets: targets}, {Region: "us-east-1", Targets: targets[:1]}}
		r.Region, r.Batch, r.Targets, r.Regions = "", 0, nil, regions
		if got, most := encoded(r, regions...), e.BytesOfAll(regions); got > most {
			t.Fatalf("Encode(%q with %s) = %d bytes, BytesOfAll = %d", regions, inputs, got, most)
		}
		limit := e.Bytes(region, 0, targets[:1]) + rapid.IntRange(-10, 1000).Draw(t, "room")
		batches, over := e.Divide(region, targets, 30, limit)
		if got := slices.Concat(batches...); !slices.Equal(got, targets) {
			t.Fatalf("Divide(%q) = %q", targets, batches)
		}
		for i, batch := range batches {
			if got := of(i, batch); got > limit && (len(batch) > 1 || got > over) {
				t.Fatalf("batch %d of %d targets has %d bytes, limit %d, over %d", i, len(batch), got, limit, over)
			}
		}
	})
}

// With compact inputs of different targets it is off by no more than the comma of the last input.
func TestBytesIsCloseWithInputs(t *testing.T) {
	t.Parallel()
	r, _ := envelope(t)
	r.Inputs = protocol.Inputs{"a": json.RawMessage(`{"n":1}`), `"b"`: json.RawMessage(`[1,2]`), "é": json.RawMessage(`""`)}
	e, err := protocol.EnvelopeOf(r)
	if err != nil {
		t.Fatal(err)
	}
	targets := []string{"a", `"b"`, "é", "without"}
	if got, want := e.Bytes("eu-west-1", 3, targets), longest(t, r, "eu-west-1", 3, targets); got != want+len(",") {
		t.Errorf("Bytes(%q) = %d, want %d and one", targets, got, want)
	}
}

// At exactly the limit they go together, at a byte less they do not.
func TestDivideAtTheLimit(t *testing.T) {
	t.Parallel()
	r, e := envelope(t)
	targets := []string{`"quoted"`, "plain", "\u2028"}
	exactly := longest(t, r, "us-east-1", 0, targets)
	for limit, want := range map[int]int{exactly - 1: 2, exactly: 1, exactly + 1: 1} {
		if got, over := e.Divide("us-east-1", targets, 10, limit); len(got) != want || over != 0 {
			t.Errorf("Divide(limit %d) = %q, %d; want %d batches", limit, got, over, want)
		}
	}
	one := longest(t, r, "us-east-1", 0, targets[:1])
	if got, over := e.Divide("us-east-1", targets[:1], 10, one-1); len(got) != 1 || over != one {
		t.Errorf("Divide(limit %d) = %q, %d; want one batch, %d", one-1, got, over, one)
	}
}

// Parameters and policy are encoded once, by EnvelopeOf.
func TestEncodeTakesParametersAndPolicyFromTheEnvelope(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]protocol.RegionRequest{
		"full": regionRequestFull(), "minimal": regionRequestMinimal(),
		"inputs": workerGoldens()["region_request_inputs"].(protocol.RegionRequest), //nolint:forcetypeassert // it is one
	} {
		e, err := protocol.EnvelopeOf(want)
		if err != nil {
			t.Fatal(err)
		}
		bare := want
		bare.Parameters, bare.Policy = nil, protocol.TargetPolicy{}
		for e, r := range map[*protocol.Envelope]protocol.RegionRequest{&e: bare, {}: want} {
			data, err := e.Encode(&r)
			if err != nil {
				t.Fatalf("Encode(%s) = %v", name, err)
			}
			got, err := protocol.DecodeRegionRequest(data)
			if diff := cmp.Diff(want, got, sameJSON()); err != nil || diff != "" {
				t.Errorf("Encode(%s) = %s, %v (-want +got):\n%s", name, data, err, diff)
			}
		}
	}
}

func TestEnvelopeOfWhatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	if _, err := protocol.EnvelopeOf(protocol.RegionRequest{Parameters: json.RawMessage(`{`)}); err == nil {
		t.Error("EnvelopeOf(half an object) = nil, want an error")
	}
	if _, err := protocol.EnvelopeOf(protocol.RegionRequest{Task: strings.Repeat("x", 10)}); err != nil {
		t.Errorf("EnvelopeOf = %v", err)
	}
}

func TestAnEnvelopeOfAnotherAccountIsAsLongAsItsOwn(t *testing.T) {
	t.Parallel()
	for _, parameters := range []string{"", `{"maxRows":1}`} {
		r := protocol.RegionRequest{Version: 1, RunID: "run", Task: "call", Parameters: json.RawMessage(parameters), Account: &protocol.Access{Account: "111122223333"}}
		if parameters == "" {
			r.Parameters = nil
		}
		first, err := protocol.EnvelopeOf(r)
		if err != nil {
			t.Fatal(err)
		}
		r.Account = &protocol.Access{Account: "444455556666", Role: "arn:aws:iam::444455556666:role/reader"}
		of, err := first.Of(r)
		if err != nil {
			t.Fatal(err)
		}
		own, err := protocol.EnvelopeOf(r)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := of.Bytes("eu-west-1", 0, []string{"a"}), own.Bytes("eu-west-1", 0, []string{"a"}); got != want {
			t.Errorf("with parameters %q: %d bytes, want %d", parameters, got, want)
		}
	}
}

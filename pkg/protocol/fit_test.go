package protocol_test

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"meridian/internal/race"
	"meridian/pkg/protocol"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// outputsOf returns a Result with one Region for each list of outputs, a target
// for each of them.
func outputsOf(outputs ...[]string) *protocol.Result {
	r := &protocol.Result{}
	for i, list := range outputs {
		region := protocol.RegionOutcome{Region: fmt.Sprintf("r%d", i), Attempts: []protocol.Attempt{}}
		for j, output := range list {
			region.Targets = append(region.Targets, protocol.TargetOutcome{
				Target: fmt.Sprintf("t%d", j), Output: json.RawMessage(output),
			})
		}
		r.Regions = append(r.Regions, region)
	}
	return r
}

// fit returns what Fit encodes and checks it against the limit.
func fit(t *testing.T, r *protocol.Result, limit int) []byte {
	t.Helper()
	data, err := protocol.Fit(r, limit)
	if err != nil {
		t.Fatalf("Fit(limit %d) error = %v", limit, err)
	}
	if len(data) > limit {
		t.Fatalf("Fit(limit %d) = %d bytes", limit, len(data))
	}
	return data
}

// At exactly the limit nothing is lost.
func TestFitChangesNothingThatFits(t *testing.T) {
	t.Parallel()
	want := encode(t, outputsOf([]string{`"a"`}))
	for _, limit := range []int{0, len(want), len(want) + 1, math.MaxInt} {
		r := outputsOf([]string{`"a"`})
		got, err := protocol.Fit(r, limit)
		if err != nil || !bytes.Equal(want, got) || r.Truncated {
			t.Errorf("Fit(limit %d) = %s, %v; want %s", limit, got, err, want)
		}
	}
}

// At one byte less than it takes, the largest output goes, and no other does; and so on,
// one at a time and only as far as needed.
func TestFitDropsTheLargestOutputsFirst(t *testing.T) {
	t.Parallel()
	outputs := [][]string{
		{text(40)},
		{text(100), `{"html": "` + strings.Repeat("<&>", 30) + `"}`}, // 540 bytes when encoded
		{text(60)},
		{text(200) + strings.Repeat(" ", 300)}, // white space that is not encoded
		{text(150), text(101)},
	}
	order := []string{"r1/t1", "r3/t0", "r4/t0", "r4/t1", "r1/t0", "r2/t0", "r0/t0"}
	most := 0
	for limit := len(encode(t, outputsOf(outputs...))) - 1; most < len(order); limit-- {
		r := outputsOf(outputs...)
		fit(t, r, limit)
		lost := dropped(r)
		if len(lost) < most || len(lost) > most+1 {
			t.Fatalf("Fit(limit %d) drops %d outputs, at a byte more %d", limit, len(lost), most)
		}
		if want := slices.Sorted(slices.Values(order[:len(lost)])); !r.Truncated || !slices.Equal(want, lost) {
			t.Fatalf("Fit(limit %d) drops %v, truncated %v; want %v", limit, lost, r.Truncated, want)
		}
		if len(lost) > most { // with the last one it would not have fitted
			full := outputsOf(outputs...)
			last := order[most]
			i, j := int(last[1]-'0'), int(last[4]-'0')
			r.Regions[i].Targets[j] = full.Regions[i].Targets[j]
			r.Regions[i].Truncated = slices.ContainsFunc(order[:most], func(o string) bool { return o[:2] == last[:2] })
			r.Truncated = most > 0
			if n := len(encode(t, r)); n <= limit {
				t.Errorf("Fit(limit %d) drops %s, but %d bytes fit", limit, last, n)
			}
		}
		most = len(lost)
	}
}

// dropped returns which targets say that their output was dropped, in order.
func dropped(r *protocol.Result) (names []string) {
	for _, region := range r.Regions {
		for _, target := range region.Targets {
			if target.DroppedOutputBytes > 0 {
				names = append(names, region.Region+"/"+target.Target)
			}
		}
	}
	return names
}

// What does not fit goes one by one, not all at once: outputs, causes and attempts, of
// one Region as of many.
func TestFitRemovesNoMoreThanItMust(t *testing.T) {
	t.Parallel()
	answer := func(n int, target protocol.TargetOutcome) *protocol.RegionResult {
		r := &protocol.RegionResult{Targets: slices.Repeat([]protocol.TargetOutcome{target}, n)}
		for i := range r.Targets {
			r.Targets[i].Target = fmt.Sprint(1000 + i)
		}
		return r
	}
	tests := []struct {
		name    string
		answer  *protocol.RegionResult
		isThere func(protocol.TargetOutcome) bool
	}{
		{
			"500 outputs of 12.5 KiB", answer(500, protocol.TargetOutcome{Output: json.RawMessage(text(12_800))}),
			func(t protocol.TargetOutcome) bool { return t.Output != nil },
		},
		{
			"7,000 causes of 1 KiB", answer(7000, protocol.TargetOutcome{Cause: strings.Repeat("c", 1024)}),
			func(t protocol.TargetOutcome) bool { return t.Cause != "" },
		},
		{
			"1,000 records of 300 attempts", answer(1000, protocol.TargetOutcome{Attempts: make([]protocol.Attempt, 300)}),
			func(t protocol.TargetOutcome) bool { return t.Attempts != nil },
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			each := len(encode(t, tt.answer)) / len(tt.answer.Targets)
			data, err := protocol.Fit(tt.answer, protocol.MaxPayloadBytes)
			if spare := protocol.MaxPayloadBytes - len(data); err != nil || spare < 0 || spare > each {
				t.Errorf("Fit leaves %d bytes, %v; one detail has %d", spare, err, each)
			}
			for i, target := range tt.answer.Targets { // of equal ones the last go first
				if i > 0 && tt.isThere(target) && !tt.isThere(tt.answer.Targets[i-1]) {
					t.Errorf("target %d has what target %d lost", i, i-1)
				}
			}
		})
	}
}

// text returns a JSON string of n bytes.
func text(n int) string { return `"` + strings.Repeat("x", n-2) + `"` }

// laden returns a Region with something of everything that Fit may take.
func laden(name string) protocol.RegionOutcome {
	attempts := []protocol.Attempt{
		{Error: protocol.ErrorLambdaThrottled, Cause: strings.Repeat("r", 200), WaitMs: 100, RequestID: "1"},
		{StartMs: 1, Metrics: &protocol.Metrics{BilledDurationMs: 12, MemorySizeMB: 256}},
	}
	target := protocol.TargetOutcome{
		Target: "s3", Status: protocol.StatusFailed, Output: json.RawMessage(text(400)), Error: "E", Cause: strings.Repeat("c", 300),
		Attempts: []protocol.Attempt{{Error: "E", WaitMs: 1}, {StartMs: 2}},
	}
	return protocol.RegionOutcome{
		Region: name, Status: protocol.StatusFailed, Error: "E", Cause: strings.Repeat("C", 100), RequestID: "1",
		Usage:    &protocol.Usage{Requests: 1, BilledDurationMs: 12, MemorySizeMB: 256, GBSeconds: 0.003, USD: 2.4e-07},
		Attempts: attempts, Targets: []protocol.TargetOutcome{target},
	}
}

// What is lost first is outputs, then causes, then the records of attempts, then the
// lengths of the outputs; statuses, error names of a usual length, a Region's own cause
// and what it took stay.
func TestFitTakesOutputsThenCausesThenAttempts(t *testing.T) {
	t.Parallel()
	losses := []func(*protocol.RegionOutcome){
		func(r *protocol.RegionOutcome) { r.Targets[0].Output, r.Targets[0].DroppedOutputBytes = nil, 400 },
		func(r *protocol.RegionOutcome) { r.Targets[0].Cause = "" },
		func(r *protocol.RegionOutcome) { r.Attempts[0].Cause = "" },
		func(r *protocol.RegionOutcome) { r.Attempts = []protocol.Attempt{} },
		func(r *protocol.RegionOutcome) { r.Targets[0].Attempts = nil },
		func(r *protocol.RegionOutcome) { r.Targets[0].DroppedOutputBytes = 0 },
	}
	stage := func(n int) *protocol.Result {
		r := &protocol.Result{Status: protocol.StatusFailed, Truncated: n > 0, Regions: []protocol.RegionOutcome{laden("r0")}}
		r.Regions[0].Truncated = n > 0
		for _, lose := range losses[:n] {
			lose(&r.Regions[0])
		}
		return r
	}
	for n := range 1 + len(losses) {
		for _, limit := range []int{len(encode(t, stage(n))), len(encode(t, stage(max(n-1, 0)))) - min(n, 1)} {
			got := stage(0)
			data := fit(t, got, limit)
			if diff := gocmp.Diff(stage(n), got); diff != "" {
				t.Errorf("Fit(limit %d) at stage %d (-want +got):\n%s", limit, n, diff)
			}
			if want := encode(t, got); !bytes.Equal(want, data) {
				t.Errorf("Fit(limit %d) = %s, want what it left of its argument: %s", limit, data, want)
			}
		}
	}
	least := len(encode(t, stage(len(losses))))
	got := stage(0)
	_, err := protocol.Fit(got, least-1)
	tooLarge, ok := errors.AsType[*protocol.TooLargeError](err)
	if !ok {
		t.Fatalf("Fit(limit %d) error = %v, want a TooLargeError", least-1, err)
	}
	if want := (protocol.TooLargeError{Bytes: least, Limit: least - 1}); *tooLarge != want {
		t.Errorf("Fit(limit %d) error = %+v, want %+v", least-1, *tooLarge, want)
	}
	if tooLarge.ErrorName() != protocol.ErrorDataLimitExceeded || !strings.Contains(err.Error(), "ask for fewer Regions or targets") {
		t.Errorf("TooLargeError is %s: %s; want %s and the way out", tooLarge.ErrorName(), err, protocol.ErrorDataLimitExceeded)
	}
}

// Error names are cut when nothing else is left, to 48 bytes of JSON at the end of
// a character, and one that is not longer stays.
func TestFitCutsErrorNamesLast(t *testing.T) {
	t.Parallel()
	result := func(first, second, third string) *protocol.Result {
		return &protocol.Result{Truncated: true, Regions: []protocol.RegionOutcome{{
			Region: "r0", Error: first, Truncated: true, Attempts: []protocol.Attempt{},
			Targets: []protocol.TargetOutcome{{Target: "t0", Error: second}, {Target: "t1", Error: third}},
		}}}
	}
	long, html, usual := strings.Repeat("é", 100), strings.Repeat("<", 20), strings.Repeat("x", 48)
	want := result(strings.Repeat("é", 22)+"…", "<<<…", usual)
	got := result(long, html, usual)
	limit := len(encode(t, want))
	got.Regions[0].Targets[0].Cause, got.Regions[0].Targets[0].Attempts = "lost before", make([]protocol.Attempt, 1)
	fit(t, got, limit)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("Fit(limit %d) (-want +got):\n%s", limit, diff)
	}
	answer := &protocol.RegionResult{Error: long, Targets: []protocol.TargetOutcome{{Target: "t0", Error: usual}}}
	data, err := protocol.Fit(answer, len(encode(t, answer))-1)
	if err != nil || !answer.Truncated || answer.Error != want.Regions[0].Error || answer.Targets[0].Error != usual {
		t.Errorf("Fit(RegionResult) = %s, %v; want %q cut to %q", data, err, long, want.Regions[0].Error)
	}
}

// A worker's answer is fitted like a Region.
func TestFitTakesFromARegionResult(t *testing.T) {
	t.Parallel()
	answer := func() *protocol.RegionResult {
		return &protocol.RegionResult{RunID: "r", Targets: append(laden("a").Targets, laden("b").Targets...)}
	}
	full := len(encode(t, answer()))
	got := answer()
	data, err := protocol.Fit(got, full-1)
	if err != nil || len(data) >= full {
		t.Fatalf("Fit(limit %d) = %d bytes, %v", full-1, len(data), err)
	}
	want := answer()
	want.Truncated, want.Targets[1].Output, want.Targets[1].DroppedOutputBytes = true, nil, 400
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("Fit(limit %d) (-want +got):\n%s", full-1, diff)
	}
	decoded, err := protocol.DecodeRegionResult(data)
	if diff := gocmp.Diff(*want, decoded); err != nil || diff != "" {
		t.Errorf("DecodeRegionResult(Fit) error = %v (-want +got):\n%s", err, diff)
	}
}

// The guard of Lambda's response, to the byte, for a coordinator's answer and a
// worker's: at the limit and a byte below it all is there, a byte above it an
// output goes, and all outcomes stay.
func TestFitAtLambdasLimitAndAByteEitherSide(t *testing.T) {
	race.Skip(t, "takes long, on one goroutine")
	t.Parallel()
	const limit = protocol.MaxPayloadBytes
	region := func(fill int) *protocol.RegionResult {
		return &protocol.RegionResult{RunID: "r", Targets: []protocol.TargetOutcome{
			{Target: "a", Output: json.RawMessage(text(100))}, {Target: "b", Output: json.RawMessage(text(fill))},
		}}
	}
	for _, more := range []int{-1, 0, 1} {
		result := outputsOf([]string{text(100)}, []string{text(2)})
		fill := limit - len(encode(t, result)) + 2 + more
		result = outputsOf([]string{text(100)}, []string{text(fill)})
		answer := region(limit - len(encode(t, region(2))) + 2 + more)
		for _, tt := range []struct {
			name      string
			fit       func() ([]byte, error)
			truncated *bool
			outcomes  func() int
		}{
			{
				"a coordinator's", func() ([]byte, error) { return protocol.Fit(result, limit) },
				&result.Truncated, func() int { return len(result.Regions[0].Targets) + len(result.Regions[1].Targets) },
			},
			{
				"a worker's", func() ([]byte, error) { return protocol.Fit(answer, limit) },
				&answer.Truncated, func() int { return len(answer.Targets) },
			},
		} {
			data, err := tt.fit()
			if err != nil || *tt.truncated != (more > 0) || tt.outcomes() != 2 || len(data) > limit || more <= 0 && len(data) != limit+more {
				t.Errorf("%s answer of limit%+d bytes: Fit = %d bytes, truncated %v, %d outcomes, %v",
					tt.name, more, len(data), *tt.truncated, tt.outcomes(), err)
			}
		}
	}
}

// 500 outcomes of 10 KiB each, a batch of the default size, fit into one answer.
func TestABatchOfTheDefaultSizeFitsIntoOneAnswer(t *testing.T) {
	t.Parallel()
	answer := &protocol.RegionResult{}
	for i := range protocol.DefaultMaxTargetsPerInvocation {
		answer.Targets = append(answer.Targets, protocol.TargetOutcome{
			Target: fmt.Sprint(i), Output: json.RawMessage(text(10 << 10)), Attempts: make([]protocol.Attempt, 1),
		})
	}
	if _, err := protocol.Fit(answer, protocol.MaxPayloadBytes); err != nil || answer.Truncated {
		t.Errorf("Fit(500 outcomes of 10 KiB) error = %v, truncated %v; want all of it", err, answer.Truncated)
	}
}

// Readers may range over every list: one that is nil is written as [].
func TestFitWritesEmptyListsForNilOnes(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		fit  func() ([]byte, error)
		want string
	}{
		{"an answer", func() ([]byte, error) { return protocol.Fit(&protocol.RegionResult{}, 0) }, `"targets":[]}`},
		{"a result", func() ([]byte, error) { return protocol.Fit(&protocol.Result{}, 0) }, `"regions":[]}`},
		{
			"a Region",
			func() ([]byte, error) {
				return protocol.Fit(&protocol.Result{Regions: make([]protocol.RegionOutcome, 1)}, 0)
			},
			`"attempts":[],"targets":[]}]}`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			data, err := tt.fit()
			if err != nil || !bytes.HasSuffix(data, []byte(tt.want)) {
				t.Errorf("Fit = %s, %v; want %s at its end", data, err, tt.want)
			}
		})
	}
}

// What JSON cannot hold is an error, not an answer without it.
func TestFitReturnsWhatCannotBeEncoded(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*protocol.Result{
		"a number": {ElapsedMs: math.NaN()},
		"half":     outputsOf([]string{`{"a":`}),
		"two":      outputsOf([]string{`1 2`}),
		"a word":   outputsOf([]string{`undefined`}),
		"nothing":  outputsOf([]string{``}),
	} {
		if data, err := protocol.Fit(r, 10); err == nil || !strings.HasPrefix(err.Error(), "encode: ") {
			t.Errorf("Fit(%s) = %s, %v; want an error", name, data, err)
		}
	}
}

// A run may bring many times what fits: what is lost is no more than need
// be, and the time it takes is that of what fits, see BenchmarkFit.
func TestFitTakesFromManyTimesTheLimitWhatItWouldTakeFromLess(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		output := rapid.OneOf(
			rapid.Map(rapid.StringOfN(rapid.SampledFrom([]rune("x<>& \\\"\n\té\u2027\u2028\u2029\u202a")), 0, 300, -1), func(s string) string {
				data, err := json.Marshal(s)
				if err != nil {
					panic(err)
				}
				return string(data)
			}),
			rapid.SampledFrom([]string{
				` { "a b" : [ 1 , "c\t" ] } `, "\"<&  ‰>\"", `"\\"`, `"\\\" "`, `{"\"": " \u003c "}`, " [\n\t\r] ", `null`, `""`,
			}),
		)
		outputs := rapid.SliceOfN(rapid.SliceOfN(output, 1, 4), 1, 8).Draw(t, "outputs")
		before := len(encodeAny(outputsOf(outputs...)))
		bare := outputsOf(outputs...)
		for i := range bare.Regions {
			for j := range bare.Regions[i].Targets {
				bare.Regions[i].Targets[j].Output = json.RawMessage(`"12345678901234"`) // as long as the field in its place
			}
		}
		least := len(encodeAny(bare)) + 20*(1+len(bare.Regions)) // with all the marks
		limit := rapid.IntRange(least, max(least, before)).Draw(t, "limit")
		got := outputsOf(outputs...)
		data, err := protocol.Fit(got, limit)
		if err != nil || len(data) > limit || !bytes.Equal(data, encodeAny(got)) {
			t.Fatalf("Fit(limit %d) = %d bytes, %v", limit, len(data), err)
		}
		want := outputsOf(outputs...)
		type place struct{ region, target, saved int }
		var order []place
		for i, region := range want.Regions {
			for j, target := range region.Targets {
				saved := len(`"output":`) + len(encodeAny(target.Output)) - len(fmt.Sprintf(`"droppedOutputBytes":%d`, len(target.Output)))
				order = append(order, place{i, j, saved})
			}
		}
		slices.SortFunc(order, func(a, b place) int {
			return cmp.Or(b.saved-a.saved, b.region-a.region, b.target-a.target)
		})
		for _, at := range order {
			if len(encodeAny(want)) <= limit {
				break
			}
			if at.saved > 0 {
				target := &want.Regions[at.region].Targets[at.target]
				target.Output, target.DroppedOutputBytes = nil, len(target.Output)
				want.Regions[at.region].Truncated, want.Truncated = true, true
			}
		}
		if diff := gocmp.Diff(dropped(want), dropped(got)); diff != "" {
			t.Errorf("Fit(limit %d) drops other outputs than it must (-want +got):\n%s", limit, diff)
		}
	})
}

// encodeAny is encode for values that always can be.
func encodeAny(v any) []byte {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return data
}

// Whatever a result holds, it fits or is too large, every outcome is still
// there, and the marks say where something was lost and nowhere else.
func TestFitNeverLosesAnOutcome(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		before := drawResult(t)
		full, err := json.Marshal(before)
		if err != nil {
			t.Fatal(err)
		}
		limit := rapid.IntRange(len(full)/4, len(full)+1).Draw(t, "limit")
		var after protocol.Result
		if err := json.Unmarshal(full, &after); err != nil {
			t.Fatal(err)
		}
		data, err := protocol.Fit(&after, limit)
		if tooLarge, ok := errors.AsType[*protocol.TooLargeError](err); ok {
			if tooLarge.Limit != limit || tooLarge.Bytes <= limit {
				t.Fatalf("Fit(limit %d) error = %+v", limit, tooLarge)
			}
		} else if err != nil || len(data) > limit {
			t.Fatalf("Fit(limit %d) = %d bytes, %v", limit, len(data), err)
		}
		if err == nil && limit >= len(full) && !bytes.Equal(data, full) {
			t.Fatalf("Fit(limit %d) changed %d bytes that fit", limit, len(full))
		}
		if diff := gocmp.Diff(accounting(before), accounting(after)); diff != "" {
			t.Fatalf("Fit(limit %d) (-want +got):\n%s", limit, diff)
		}
		whole := before.Truncated
		for i, region := range after.Regions {
			marked := region.Truncated && !before.Regions[i].Truncated
			region.Truncated = before.Regions[i].Truncated
			if lost := !gocmp.Equal(before.Regions[i], region, sameJSON()); lost && !marked && !region.Truncated || marked && !lost {
				t.Fatalf("Fit(limit %d): Region %d lost something: %v, marked: %v", limit, i, lost, marked)
			}
			whole = whole || after.Regions[i].Truncated
		}
		if whole != after.Truncated {
			t.Fatalf("Fit(limit %d): Truncated = %v, want %v", limit, after.Truncated, whole)
		}
	})
}

// accounting is r without what Fit may take and the marks that it took it.
func accounting(r protocol.Result) protocol.Result {
	r.Truncated = false
	r.Regions = slices.Clone(r.Regions)
	for i := range r.Regions {
		region := &r.Regions[i]
		region.Truncated, region.Attempts, region.Error = false, nil, nameOf(region.Error)
		region.Targets = slices.Clone(region.Targets)
		for j := range region.Targets {
			target := &region.Targets[j]
			target.Output, target.DroppedOutputBytes, target.Cause, target.Attempts, target.Error = nil, 0, "", nil, nameOf(target.Error)
		}
	}
	return r
}

// nameOf is an error name without what Fit may take of it: it leaves at least two
// bytes of one that it cuts.
func nameOf(name string) string { return strings.ToValidUTF8(name[:min(len(name), 2)], "") }

func drawResult(t *rapid.T) protocol.Result {
	status := rapid.SampledFrom(protocol.Statuses())
	words := rapid.StringOfN(rapid.SampledFrom([]rune("ab <&\"\u2028é\x01")), 0, 40, -1)
	ms := rapid.Float64Range(0, 1e6)
	output := rapid.SampledFrom([]json.RawMessage{
		nil, []byte("1"), []byte(` {"a" : "<b>" }`), []byte(`"` + strings.Repeat("o", 200) + `"`), []byte("null"),
	})
	metrics := rapid.Custom(func(t *rapid.T) protocol.Metrics {
		return protocol.Metrics{BilledDurationMs: ms.Draw(t, "billed"), MemorySizeMB: 256, Estimated: rapid.Bool().Draw(t, "estimated")}
	})
	usage := rapid.Custom(func(t *rapid.T) protocol.Usage {
		return protocol.Usage{Requests: 1, BilledDurationMs: ms.Draw(t, "billed"), USD: ms.Draw(t, "usd")}
	})
	attempt := rapid.Custom(func(t *rapid.T) protocol.Attempt {
		return protocol.Attempt{
			StartMs: ms.Draw(t, "start"), Error: words.Draw(t, "error"), Cause: words.Draw(t, "cause"),
			Metrics: rapid.Ptr(metrics, true).Draw(t, "metrics"),
		}
	})
	target := rapid.Custom(func(t *rapid.T) protocol.TargetOutcome {
		return protocol.TargetOutcome{
			Target: words.Draw(t, "target"), Status: status.Draw(t, "status"), Output: output.Draw(t, "output"),
			Error: words.Draw(t, "error"), Cause: words.Draw(t, "cause"), ElapsedMs: ms.Draw(t, "elapsed"),
			Attempts: rapid.SliceOfN(attempt, 0, 3).Draw(t, "attempts"),
		}
	})
	region := rapid.Custom(func(t *rapid.T) protocol.RegionOutcome {
		return protocol.RegionOutcome{
			Region: words.Draw(t, "region"), Status: status.Draw(t, "status"), Error: words.Draw(t, "error"),
			Cause: words.Draw(t, "cause"), Truncated: rapid.IntRange(0, 5).Draw(t, "truncated") == 0,
			Usage:    rapid.Ptr(usage, true).Draw(t, "usage"),
			Attempts: rapid.SliceOfN(attempt, 0, 3).Draw(t, "attempts"),
			Targets:  rapid.SliceOfN(target, 0, 4).Draw(t, "targets"),
		}
	})
	r := protocol.Result{
		Status: status.Draw(t, "status"), Cause: words.Draw(t, "cause"),
		Regions: rapid.SliceOfN(region, 0, 6).Draw(t, "regions"),
	}
	for _, region := range r.Regions {
		r.Truncated = r.Truncated || region.Truncated
	}
	return r
}

// Regions with the same targets mostly share one list, which is measured once.
func TestLeastResultBytesCountsAListThatIsShared(t *testing.T) {
	t.Parallel()
	shared, other := []string{"a", `b"<`}, []string{"a long name"}
	lists := [][]string{shared, shared, other, shared[:1], shared, {}, nil, shared}
	var own [][]string
	for _, list := range lists {
		own = append(own, append([]string(nil), list...))
	}
	if got, want := protocol.LeastResultBytes(lists), protocol.LeastResultBytes(own); got != want {
		t.Errorf("LeastResultBytes = %d, want %d as of lists of their own", got, want)
	}
}

// A run is not started when the least that its result can be does not fit, so
// that its answer cannot be lost.
func TestLeastResultBytesIsAnUpperBound(t *testing.T) {
	race.Skip(t, "takes long, on one goroutine")
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		targets := rapid.SliceOfN(rapid.StringOfN(rapid.SampledFrom([]rune("ab<é😀\u2028")), 1, 20, -1), 1, 20).Draw(t, "targets")
		regions := rapid.IntRange(1, 40).Draw(t, "regions")
		cause := strings.Repeat(rapid.SampledFrom([]string{"x", "<", "\x01", "\xff", "\u2028"}).Draw(t, "cause"), 1024)
		cause = protocol.CutCause(cause)
		name := strings.Repeat(rapid.SampledFrom([]string{"E", "<", "é", "\x01"}).Draw(t, "name"), rapid.SampledFrom([]int{48, 256}).Draw(t, "length"))
		most := protocol.Usage{
			Requests: 10_000_000, Estimated: 10_000_000, ColdStarts: 10_000_000, BilledDurationMs: 9e12 + 1,
			MemorySizeMB: 10_240, MaxMemoryUsedMB: 10_240, GBSeconds: 90_000_000_000.123456, USD: 1_234_567.123456789,
		}
		r := protocol.Result{
			RunID: runID, Name: strings.Repeat("n", 80), Status: protocol.StatusFailed,
			Error: protocol.ErrorExceedToleratedFailureThreshold, Cause: cause, StartedAt: started(), ElapsedMs: 900_000.123,
			Message: "That took 900.000 seconds",
			Summary: protocol.Summary{Cost: &protocol.Cost{
				USD: most.USD, Workers: most, Coordinator: most, Region: "us-northwest-southeast-10",
				WorkerRegion: "us-northwest-southeast-10", Architecture: "x86_64",
				PriceDate: "2026-11-23", Note: cause,
			}},
			Regions: slices.Repeat([]protocol.RegionOutcome{{
				Region: "us-northwest-southeast-10", Status: protocol.StatusNotStarted,
				Error: name, Cause: cause, StartMs: 900_000.123, ElapsedMs: 900_000.123,
				RequestID: strings.Repeat("i", 36), Attempts: []protocol.Attempt{{Cause: cause}}, Usage: &most,
				Hint: protocol.Hint(strings.Repeat("h", 200)), WorkerRegion: strings.Repeat("w", 32),
			}}, regions),
		}
		for i := range r.Regions {
			for _, target := range targets {
				r.Regions[i].Targets = append(r.Regions[i].Targets, protocol.TargetOutcome{
					Target: target, Status: protocol.StatusNotStarted, Error: name, Cause: cause,
					Output: json.RawMessage(text(1000)), ElapsedMs: 900_000.123,
				})
			}
		}
		least := protocol.LeastResultBytes(slices.Repeat([][]string{targets}, regions))
		if data, err := protocol.Fit(&r, least); err != nil {
			t.Errorf("Fit(limit LeastResultBytes(%d, %d targets) = %d) = %d bytes, %v", regions, len(targets), least, len(data), err)
		}
	})
}

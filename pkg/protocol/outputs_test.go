package protocol_test

import (
	"cmp"
	"encoding/json"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/pkg/protocol"
)

// keptOf keeps outputs of these lengths, in this order, and returns which of them are
// still there.
func keptOf(limit int, lengths []int) (still []int) {
	outputs := protocol.NewOutputs(limit)
	kept := make([]*protocol.Output, len(lengths))
	for i, n := range lengths {
		kept[i] = outputs.Keep(json.RawMessage(text(n)))
	}
	for i, n := range lengths {
		var t protocol.TargetOutcome
		kept[i].PutInto(&t)
		switch {
		case len(t.Output) == n && t.DroppedOutputBytes == 0:
			still = append(still, i)
		case t.Output != nil || t.DroppedOutputBytes != n:
			panic("an output is neither there nor dropped")
		}
	}
	return still
}

func TestOutputsDropTheLargest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		limit   int
		lengths []int
		want    []int
	}{
		{"all fit", 60, []int{10, 20, 30}, []int{0, 1, 2}},
		{"one too many", 59, []int{10, 30, 20}, []int{0, 2}},
		{"one that is longer than the limit", 59, []int{10, 600, 20}, []int{0, 2}},
		{"more than one for a small one", 12, []int{6, 4, 5, 3, 2}, []int{1, 3, 4}},
		{"of equal ones the latest", 30, []int{10, 10, 10, 10, 10}, []int{0, 1, 2}},
		{"no limit", 0, []int{10, 600, 20}, []int{0, 1, 2}},
	} {
		if got := keptOf(tt.limit, tt.lengths); !slices.Equal(got, tt.want) {
			t.Errorf("%s: of %v Outputs of %d bytes keep %v, want %v", tt.name, tt.lengths, tt.limit, got, tt.want)
		}
	}
	var nothing protocol.TargetOutcome
	protocol.NewOutputs(10).Keep(nil).PutInto(&nothing)
	if nothing.Output != nil || nothing.DroppedOutputBytes != 0 {
		t.Errorf("nil is kept as %+v", nothing)
	}
}

// Which outputs are dropped does not depend on the order in which they come: those of
// any length that do not fit beside all that are shorter.
func TestOutputsDropNoneThatAnAnswerHasRoomFor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lengths := rapid.SliceOfNDistinct(rapid.IntRange(2, 200), 1, 30, rapid.ID[int]).Draw(t, "lengths")
		limit := rapid.IntRange(1, 2000).Draw(t, "limit")
		var want []int
		bytes := 0
		for _, n := range slices.Sorted(slices.Values(lengths)) {
			if bytes += n; bytes > limit {
				break
			}
			want = append(want, n)
		}
		var got []int
		for _, i := range keptOf(limit, lengths) {
			got = append(got, lengths[i])
		}
		slices.SortFunc(got, cmp.Compare)
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Errorf("of %v Outputs of %d bytes keep (-want +got):\n%s", lengths, limit, diff)
		}
	})
}

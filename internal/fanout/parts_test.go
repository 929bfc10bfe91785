package fanout_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meridian/internal/fanout"
)

// Tolerance counts the parts of an item one by one, whatever became of the item.
func TestThePartsOfAnItemCountOneByOne(t *testing.T) {
	t.Parallel()
	of := func(done string, tolerance fanout.Tolerance) fanout.Tolerance {
		parts := strings.Fields(done)
		tolerance.Groups, tolerance.Parts = make([]int, len(parts)), make([]int, len(parts))
		for i, p := range parts {
			tolerance.Groups[i], tolerance.Parts[i] = 7*i, len(p)
		}
		tolerance.Done = func(i int, ended bool) (succeeded, skipped, interrupted int) {
			if ended {
				interrupted = strings.Count(parts[i], "i")
			}
			return strings.Count(parts[i], "s"), strings.Count(parts[i], "k"), interrupted
		}
		return tolerance
	}
	// What is done of the parts of each item: s, k, i, or - for what the item is.
	checkTolerance(t, []toleranceTest{
		{name: "a part fails", items: "sfs", tolerance: of("s s- s", fanout.Tolerance{FailureCount: new(1)}), verdict: "SUCCEEDED"},
		{name: "two parts fail", items: "sfs", tolerance: of("s -- s", fanout.Tolerance{FailureCount: new(1)}), verdict: "FAILED (2 of 4 failed, 1 tolerated)"},
		{name: "a percentage of the parts", items: "fs", tolerance: of("sss- s", fanout.Tolerance{FailurePercentage: new(20.0)}), verdict: "SUCCEEDED"},
		{name: "a higher one", items: "fs", tolerance: of("ss-- s", fanout.Tolerance{FailurePercentage: new(20.0)}), verdict: "FAILED (2 of 5 failed, 1 tolerated)"},
		{
			name: "fail fast", items: "sfss", tolerance: of("s s- s s", fanout.Tolerance{FailFast: true}), limit: 1, want: "sfnn",
			verdict: "FAILED (1 of 5 failed, 0 tolerated)", after: time.Second,
		},
		{name: "enough parts", items: "sfs", tolerance: of("s s- s", fanout.Tolerance{MinSuccessful: 2}), limit: 1, want: "sfn", verdict: "SUCCEEDED", after: time.Second},
		{name: "too few parts", items: "ff", tolerance: of("s- -s", fanout.Tolerance{MinSuccessful: 3}), verdict: "FAILED (2 of 4 failed, 1 tolerated, 3 had to succeed)"},
		{name: "skipped parts", items: "ss", tolerance: of("sk ks", fanout.Tolerance{MinSuccessful: 2}), verdict: "SUCCEEDED"},
		{name: "a part is cut off", items: "sh", tolerance: of("s ss-", fanout.Tolerance{FailureCount: new(1)}), deadline: 5 * time.Second, want: "st", verdict: "SUCCEEDED", after: 5 * time.Second},
		{name: "two are", items: "sh", tolerance: of("s s--", fanout.Tolerance{FailureCount: new(1)}), deadline: 5 * time.Second, want: "st", verdict: "TIMED_OUT (context deadline exceeded)", after: 5 * time.Second},
	})
}

func TestAPolicyWithPartsIsChecked(t *testing.T) {
	t.Parallel()
	for want, tolerance := range map[string]fanout.Tolerance{
		"tolerance Groups has 1 entries for 2 items":                  {Groups: []int{0}},
		"tolerance Groups[1] is -1; want 0 or more":                   {Groups: []int{0, -1}},
		"tolerance Parts[0] is 0; want 1 or more":                     {Parts: []int{0, 1}},
		"tolerance Done is nil; want it for items with several parts": {Parts: []int{1, 2}},
		"tolerance Parts has 3 entries for 2 items":                   {Parts: []int{1, 1, 1}},
	} {
		if err := (fanout.Policy{Tolerance: tolerance}).Validate(2); fmt.Sprint(err) != want {
			t.Errorf("Validate = %v, want %s", err, want)
		}
	}
}

// Judge is the verdict on counts.
func TestJudgeSaysWhetherTooManyHaveFailed(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		tolerance fanout.Tolerance
		failed    int
		want      string
	}{
		{fanout.Tolerance{}, 0, "<nil>"},
		{fanout.Tolerance{}, 1, "1 of 10 failed, 0 tolerated"},
		{fanout.Tolerance{FailureCount: new(2)}, 2, "<nil>"},
		{fanout.Tolerance{FailureCount: new(2)}, 3, "3 of 10 failed, 2 tolerated"},
		{fanout.Tolerance{FailurePercentage: new(30.0)}, 3, "<nil>"},
		{fanout.Tolerance{FailurePercentage: new(30.0)}, 4, "4 of 10 failed, 3 tolerated"},
	} {
		if err := tt.tolerance.Judge(tt.failed, 1, 10); fmt.Sprint(err) != tt.want {
			t.Errorf("Judge(%d) = %v, want %s", tt.failed, err, tt.want)
		}
	}
}

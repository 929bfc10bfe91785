package fanout_test

import (
	"math"
	"testing"

	"meridian/internal/fanout"
)

func TestAnInvalidPolicyPanics(t *testing.T) {
	t.Parallel()
	retrier := func(r fanout.Retrier) fanout.Policy {
		return fanout.Policy{Retry: []fanout.Retrier{on("B"), r}}
	}
	tolerance := func(t fanout.Tolerance) fanout.Policy { return fanout.Policy{Tolerance: t} }
	a := []string{"A"}
	for _, test := range []struct {
		name   string
		policy fanout.Policy // for three items
		want   string
	}{
		{"MaxConcurrency", fanout.Policy{MaxConcurrency: -1}, "MaxConcurrency is -1; want 0 or more"},
		{"GroupConcurrency", fanout.Policy{GroupConcurrency: -1, Groups: []int{0, 0, 1}}, "GroupConcurrency is -1; want 0 or more"},
		{"GroupConcurrency without Groups", fanout.Policy{GroupConcurrency: 2}, "GroupConcurrency is 2 without Groups; want 0"},
		{"Timeout", fanout.Policy{Timeout: -1}, "attempt Timeout is -1ns; want 0 or more"},
		{"Grace", fanout.Policy{Grace: -1}, "attempt Grace is -1ns; want 0 or more"},
		{"ErrorEquals", retrier(fanout.Retrier{}), "policy Retry[1]: ErrorEquals is empty"},
		{"IntervalSeconds", retrier(fanout.Retrier{ErrorEquals: a, IntervalSeconds: -1}), "policy Retry[1]: IntervalSeconds is -1; want 0 or more"},
		{"IntervalSeconds NaN", retrier(fanout.Retrier{ErrorEquals: a, IntervalSeconds: math.NaN()}), "policy Retry[1]: IntervalSeconds is NaN; want 0 or more"},
		{"MaxAttempts", retrier(fanout.Retrier{ErrorEquals: a, MaxAttempts: new(-1)}), "policy Retry[1]: MaxAttempts is -1; want 0 or more"},
		{"BackoffRate", retrier(fanout.Retrier{ErrorEquals: a, BackoffRate: 0.5}), "policy Retry[1]: BackoffRate is 0.5; want at least 1"},
		{"BackoffRate NaN", retrier(fanout.Retrier{ErrorEquals: a, BackoffRate: math.NaN()}), "policy Retry[1]: BackoffRate is NaN; want at least 1"},
		{"MaxDelaySeconds", retrier(fanout.Retrier{ErrorEquals: a, MaxDelaySeconds: -1}), "policy Retry[1]: MaxDelaySeconds is -1; want 0 or more"},
		{"MaxDelaySeconds NaN", retrier(fanout.Retrier{ErrorEquals: a, MaxDelaySeconds: math.NaN()}), "policy Retry[1]: MaxDelaySeconds is NaN; want 0 or more"},
		{"JitterStrategy", retrier(fanout.Retrier{ErrorEquals: a, JitterStrategy: "full"}), `policy Retry[1]: JitterStrategy is "full"; want NONE or FULL`},
		{"FailureCount", tolerance(fanout.Tolerance{FailureCount: new(-1)}), "FailureCount is -1; want 0 or more"},
		{"FailurePercentage", tolerance(fanout.Tolerance{FailurePercentage: new(-0.1)}), "FailurePercentage is -0.1; want 0 to 100"},
		{"FailurePercentage too much", tolerance(fanout.Tolerance{FailurePercentage: new(100.1)}), "FailurePercentage is 100.1; want 0 to 100"},
		{"FailurePercentage NaN", tolerance(fanout.Tolerance{FailurePercentage: new(math.NaN())}), "FailurePercentage is NaN; want 0 to 100"},
		{"MinSuccessful", tolerance(fanout.Tolerance{MinSuccessful: -1}), "MinSuccessful is -1; want 0 or more"},
		{"Groups too few", fanout.Policy{Groups: []int{0, 1}}, "policy Groups has 2 entries for 3 items"},
		{"Groups too many", fanout.Policy{Groups: []int{0, 1, 2, 3}}, "policy Groups has 4 entries for 3 items"},
		{"Groups empty", fanout.Policy{Groups: []int{}}, "policy Groups has 0 entries for 3 items"},
		{"Groups negative", fanout.Policy{Groups: []int{0, -1, 0}}, "policy Groups[1] is -1; want 0 or more"},
		{"Prior too few", fanout.Policy{Prior: []fanout.Prior{{}}}, "policy Prior has 1 entries for 3 items"},
		{"Prior empty", fanout.Policy{Prior: []fanout.Prior{}}, "policy Prior has 0 entries for 3 items"},
		{"Prior Uncounted", fanout.Policy{Prior: []fanout.Prior{{}, {Uncounted: 1}, {}}}, "policy Prior[1]: Uncounted is 1; want 0 to 0"},
		{"Prior Uncounted negative", fanout.Policy{Prior: []fanout.Prior{{}, {}, {Uncounted: -1}}}, "policy Prior[2]: Uncounted is -1; want 0 to 0"},
		{"Prior Status", fanout.Policy{Prior: []fanout.Prior{{Status: "RUNNING"}, {}, {}}}, `policy Prior[0]: Status is "RUNNING"; want that of an item, or none`},
		{"several", fanout.Policy{Timeout: -1, Grace: -1}, "attempt Timeout is -1ns; want 0 or more\nattempt Grace is -1ns; want 0 or more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			items := []item{explode, explode, explode} // would be told apart
			if err := test.policy.Validate(len(items)); err == nil || err.Error() != test.want {
				t.Errorf("Validate(3) = %v, want %s", err, test.want)
			}
			want := "fanout: " + test.want
			if got := panicOf(func() { fanout.Map(t.Context(), test.policy, items, play) }); got != want {
				t.Errorf("Map panicked with %q, want %q", got, want)
			}
			if got := panicOf(func() { fanout.Each(t.Context(), test.policy, items, play) }); got != want {
				t.Errorf("Each panicked with %q, want %q", got, want)
			}
		})
	}
}

func TestAValidPolicy(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name   string
		policy fanout.Policy
	}{
		{"the zero Policy", fanout.Policy{}},
		{"all at their bounds", fanout.Policy{
			MaxConcurrency: math.MaxInt, GroupConcurrency: math.MaxInt, Groups: []int{2, 0, 0}, Timeout: math.MaxInt64, Grace: math.MaxInt64,
			Retry: []fanout.Retrier{{
				ErrorEquals: []string{"A"}, IntervalSeconds: math.Inf(1), MaxAttempts: new(math.MaxInt),
				BackoffRate: math.Inf(1), MaxDelaySeconds: math.Inf(1), JitterStrategy: "FULL",
			}},
			Tolerance: fanout.Tolerance{
				FailureCount: new(math.MaxInt), FailurePercentage: new(100.0), MinSuccessful: math.MaxInt,
			},
		}},
		{"just valid", fanout.Policy{
			Prior: []fanout.Prior{{Attempts: make([]fanout.Attempt, 1), Uncounted: 1}, {}, {}},
			Retry: []fanout.Retrier{{ErrorEquals: []string{"A"}, MaxAttempts: new(0), BackoffRate: 1, JitterStrategy: "NONE"}},
			Tolerance: fanout.Tolerance{
				FailureCount: new(0), FailurePercentage: new(0.0),
			},
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if err := test.policy.Validate(3); err != nil {
				t.Errorf("Validate(3) = %v, want nil", err)
			}
			items := []item{ok(1, "a"), ok(1, "b"), ok(1, "c")}
			outcomes, _ := fanout.Map(t.Context(), test.policy, items, play)
			if got := lettersOf(outcomes); got != "sss" {
				t.Errorf("statuses = %s, want sss", got)
			}
		})
	}
}

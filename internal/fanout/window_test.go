package fanout_test

import (
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/fanout"
)

// again makes a run on an account after an earlier one, starting with what that one has
// shown.
func again(t *testing.T, earlier fanout.Verdict, a *account, items int) (fanout.Verdict, time.Duration) {
	t.Helper()
	p := adapting()
	p.Adaptation.RoundTrip = func(int) (time.Duration, bool) { return a.refuse, true }
	p.Adaptation.FirstBurst = func(lane int) int {
		if lane < len(earlier.Windows) {
			return earlier.Windows[lane]
		}
		return 0
	}
	begin := time.Now()
	_, v := fanout.Map(t.Context(), p, make([]int, items), a.call)
	return v, time.Since(begin)
}

func TestALaneStartsWithWhatAnEarlierRunHasShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(400)
		first, _ := again(t, fanout.Verdict{}, a, 400)
		if len(first.Windows) != 1 || first.Windows[0] != 400 {
			t.Fatalf("400 items that meet no limit show windows of %v, want 400", first.Windows)
		}
		second, took := again(t, first, a, 400)
		if took != a.answer {
			t.Errorf("the second run took %v, want one burst of %v", took, a.answer)
		}
		if second.Windows[0] != 0 {
			t.Errorf("a run that only repeats what was known shows windows of %v, want 0", second.Windows)
		}
	})
}

func TestARememberedWindowOfALowLimitSparesThrottles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(10)
		first, _ := again(t, fanout.Verdict{}, a, 36)
		if w := first.Windows[0]; w < 9 || w > 11 {
			t.Fatalf("an account with 10 at once shows a window of %d", w)
		}
		refused := a.refused
		again(t, first, a, 36)
		if more := a.refused - refused; more >= refused {
			t.Errorf("the second run was refused %d calls, the first %d; want fewer", more, refused)
		}
	})
}

func TestARememberedWindowIsNoCap(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(500) // it was 10
		v, took := again(t, fanout.Verdict{Windows: []int{10}}, a, 500)
		if most := a.answer + 6*(a.refuse+20*time.Millisecond); took > most || v.Windows[0] < 450 {
			t.Errorf("took %v and shows a window of %d; want at most %v, and about 500", took, v.Windows[0], most)
		}
	})
}

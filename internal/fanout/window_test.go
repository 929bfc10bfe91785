package fanout_test

import (
	"context"
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
	p.Adaptation.FirstBurst = func(lane int) fanout.Window {
		if lane < len(earlier.Windows) {
			return earlier.Windows[lane]
		}
		return fanout.Window{}
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
		if len(first.Windows) != 1 || first.Windows[0] != (fanout.Window{AtOnce: 400}) {
			t.Fatalf("400 items that meet no limit show windows of %v, want 400", first.Windows)
		}
		second, took := again(t, first, a, 400)
		if took != a.answer {
			t.Errorf("the second run took %v, want one burst of %v", took, a.answer)
		}
		if second.Windows[0] != (fanout.Window{}) {
			t.Errorf("a run that only repeats what was known shows windows of %v, want 0", second.Windows)
		}
	})
}

func TestARememberedWindowOfALowLimitSparesThrottles(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		a := newAccount(10)
		first, _ := again(t, fanout.Verdict{}, a, 36)
		if w := first.Windows[0]; w.AtOnce < 9 || w.AtOnce > 11 || !w.Limit {
			t.Fatalf("an account with 10 at once shows a window of %+v", w)
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
		v, took := again(t, fanout.Verdict{Windows: []fanout.Window{{AtOnce: 10, Limit: true}}}, a, 500)
		if most := a.answer + 6*(a.refuse+20*time.Millisecond); took > most || v.Windows[0].AtOnce < 450 {
			t.Errorf("took %v and shows a window of %+v; want at most %v, and about 500", took, v.Windows[0], most)
		}
	})
}

// Attempts that all failed have shown nothing, and a small window without a limit does not
// slow a large run.
func TestAWindowIsRememberedOnlyForWhatItHasShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		p := adapting()
		_, v := fanout.Map(t.Context(), p, make([]int, 400), func(context.Context, int, []fanout.Attempt) (int, error) {
			time.Sleep(time.Second)
			return 0, named("Test.NoConnection")
		})
		if v.Windows[0] != (fanout.Window{}) {
			t.Errorf("attempts that failed show %+v, want nothing", v.Windows)
		}
		a := newAccount(5000)
		_, cold := again(t, fanout.Verdict{}, a, 5000)
		_, warm := again(t, fanout.Verdict{Windows: []fanout.Window{{AtOnce: 40}}}, a, 5000)
		if warm > cold {
			t.Errorf("a run that starts with 40 took %v, want no more than the %v of one that knows nothing", warm, cold)
		}
		fallen := newAccount(1000) // it was 5,000
		again(t, fanout.Verdict{Windows: []fanout.Window{{AtOnce: 5000}}}, fallen, 5000)
		if fallen.refused > 1250 {
			t.Errorf("a limit that has fallen refused %d of 5,000 calls, want no more than a quarter", fallen.refused)
		}
	})
}

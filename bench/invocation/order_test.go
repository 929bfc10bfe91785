package invocation

import (
	"slices"
	"testing"
)

func TestEachWayFollowsEachOtherWayEquallyOften(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 6; n++ {
		follows := map[[2]int]int{}
		for round := range 2 * n {
			turns := order(n, round)
			for i := 1; i < n; i++ {
				follows[[2]int{turns[i-1], turns[i]}]++
			}
			slices.Sort(turns)
			for i, turn := range turns {
				if turn != i {
					t.Fatalf("order(%d, %d) has %v, want each way once", n, round, turns)
				}
			}
		}
		for before := range n {
			for after := range n {
				if got := follows[[2]int{before, after}]; before != after && got != 2 {
					t.Errorf("of %d ways, %d follows %d %d times in %d rounds, want 2", n, after, before, got, 2*n)
				}
			}
		}
	}
}

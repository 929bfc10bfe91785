package invocation

import "slices"

// order returns the order in which n ways take their turns in a round. Over n rounds, or
// 2n if n is odd, each way follows each other way equally often, so that what one leaves
// behind affects all the others alike.
//
// Source: E. J. Williams, Experimental designs balanced for the estimation of
// residual effects of treatments, 1949.
func order(n, round int) []int {
	turns := make([]int, n)
	for i := range turns {
		turn := (i + 1) / 2 // 0, 1, n-1, 2, n-2, ...
		if i%2 == 0 {
			turn = n - turn
		}
		turns[i] = (turn + round) % n
	}
	if n%2 == 1 && round/n%2 == 1 {
		slices.Reverse(turns)
	}
	return turns
}

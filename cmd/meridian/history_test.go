package main

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The results of a history come in the order of its runs, however long each takes to read, and no more than a few are
// read or wait at a time.
func TestInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		items := make([]int, 30)
		for i := range items {
			items[i] = i
		}
		var mu sync.Mutex
		held, most := 0, 0 // results that are read or wait
		var got []int
		begin := time.Now()
		for v := range inOrder(items, historyReads, func(i int) int {
			mu.Lock()
			held++
			most = max(most, held)
			mu.Unlock()
			time.Sleep(time.Duration(1+i%3) * time.Second)
			return i
		}) {
			got = append(got, v)
			mu.Lock()
			held--
			mu.Unlock()
		}
		if !slices.Equal(got, items) {
			t.Errorf("inOrder = %v, want the order of the items", got)
		}
		if most > historyReads+1 || most < historyReads {
			t.Errorf("%d results are read or wait at once, want %d, and the one that is taken", most, historyReads)
		}
		if took := time.Since(begin); took > 12*time.Second { // 60 s one after the other
			t.Errorf("it took %v, want them read at once", took)
		}
		for v := range inOrder(items, historyReads, func(i int) int { return i }) {
			if v == 3 {
				break // leaves nothing running: else the bubble does not end
			}
		}
	})
}

package main

import (
	"slices"
	"sync/atomic"
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
		var reading, waiting, most atomic.Int64
		var got []int
		begin := time.Now()
		for v := range inOrder(items, historyReads, func(i int) int {
			most.Store(max(most.Load(), reading.Add(1)+waiting.Load()))
			time.Sleep(time.Duration(1+i%3) * time.Second)
			reading.Add(-1)
			waiting.Add(1)
			return i
		}) {
			got = append(got, v)
			waiting.Add(-1)
		}
		if !slices.Equal(got, items) {
			t.Errorf("inOrder = %v, want the order of the items", got)
		}
		if most.Load() > historyReads+1 || most.Load() < historyReads {
			t.Errorf("%d results are read or wait at once, want %d, and the one that is taken", most.Load(), historyReads)
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

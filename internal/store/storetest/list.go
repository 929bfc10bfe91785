package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func testOrder(t *testing.T, start starter) {
	t.Helper()
	s, _ := start(t)
	wantList(t, s, "", "")
	keys := []string{ // characters before and after the slash
		"a%/x", "a+", "a-b", "a.b/c", "a/B", "a/b/c", "a/b/c-d/e", "a0", "a:b", "aB", "a_", "aa", "b/1", "b/10", "b/2",
	}
	if !slices.IsSorted(keys) {
		t.Fatal("the keys are not in order")
	}
	backward := slices.Clone(keys)
	slices.Reverse(backward)
	create(t, s, backward...)
	wantList(t, s, "", "", keys...)
	for _, prefix := range []string{"a", "a/", "a/b", "a/b/", "a/b/c", "a/b/c-", "b/1", "b/1/", "c", "c/d/e", "a-b/"} {
		var want []string
		for _, key := range keys {
			if strings.HasPrefix(key, prefix) {
				want = append(want, key)
			}
		}
		wantList(t, s, prefix, "", want...)
	}
	for _, after := range []string{"a", "a-b", "a/", "a/b", "a/b/c-d/e", "a/b0", "b/1", "b/2", "zzz"} {
		i, found := slices.BinarySearch(keys, after)
		if found {
			i++
		}
		wantList(t, s, "", after, keys[i:]...)
	}
	wantList(t, s, "a/b", "b")
	wantList(t, s, "b", "a", "b/1", "b/10", "b/2")
}

func testPages(t *testing.T, start starter) {
	t.Helper()
	s, _ := start(t)
	var keys []string
	for i := range 25 {
		keys = append(keys, fmt.Sprintf("days/2026-11-%02d/%d", i/3, i))
	}
	slices.Sort(keys)
	create(t, s, keys...)
	for _, limit := range []int{1, 7, 24, 25, 26} {
		var got []string
		for after := ""; ; after = got[len(got)-1] {
			page, err := s.List(t.Context(), "days/", after, limit)
			if err != nil || len(page) > limit {
				t.Fatalf("List = %d keys, %v, want at most %d", len(page), err, limit)
			}
			if got = append(got, page...); len(page) < limit {
				break
			}
		}
		if !slices.Equal(got, keys) {
			t.Errorf("pages of %d keys = %q, want %q", limit, got, keys)
		}
	}
}

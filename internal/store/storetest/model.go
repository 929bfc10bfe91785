package storetest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"meridian/internal/store"

	"pgregory.net/rapid"
)

func testModel(t *testing.T, start starter) {
	t.Helper()
	rapid.Check(t, func(r *rapid.T) {
		one, other := start(t)
		Model(r, one, other)
	})
}

// Model makes calls that rapid draws to two stores with the same objects, and checks that
// each does what it would do to a map. No two objects have the same bytes.
func Model(r *rapid.T, one, other Store) {
	r.Helper()
	keys := []string{"runs/1/plan.json", "runs/1/stop", "runs/2/plan.json", "runs/2-3", "names/Day/1", "names/day/1", "days/a:b/1", "z"}
	prefixes := []string{"", "r", "runs/", "runs/1/", "runs/2", "names/", "names/d", "days/a:", "z", "z/"}
	model, n := map[string]string{}, 0
	draw := func() (s Store, key string) {
		if s = one; rapid.Bool().Draw(r, "other") {
			s = other
		}
		return s, rapid.SampledFrom(keys).Draw(r, "key")
	}
	r.Repeat(map[string]func(*rapid.T){
		"create": func(r *rapid.T) {
			s, key := draw()
			data := fmt.Sprint(n, strings.Repeat(" data", rapid.SampledFrom([]int{0, 1, 1000}).Draw(r, "data")))
			n++
			err := s.Create(r.Context(), key, []byte(data))
			if _, exists := model[key]; exists != errors.Is(err, store.ErrExists) || !exists && err != nil {
				r.Fatalf("Create(%s) = %v; it exists: %t", key, err, exists)
			} else if !exists {
				model[key] = data
			}
		},
		"read": func(r *rapid.T) {
			s, key := draw()
			got, err := s.Read(r.Context(), key, most)
			if want, exists := model[key]; exists == errors.Is(err, store.ErrNotFound) || exists && err != nil || string(got) != want {
				r.Fatalf("Read(%s) = %.9q, %v, want %.9q; it exists: %t", key, got, err, want, exists)
			}
		},
		"list": func(r *rapid.T) {
			s, after := draw()
			prefix, limit := rapid.SampledFrom(prefixes).Draw(r, "prefix"), rapid.IntRange(1, 9).Draw(r, "limit")
			var want []string
			for _, key := range slices.Sorted(maps.Keys(model)) {
				if strings.HasPrefix(key, prefix) && key > after && len(want) < limit {
					want = append(want, key)
				}
			}
			if got, err := s.List(r.Context(), prefix, after, limit); err != nil || !slices.Equal(got, want) {
				r.Fatalf("List(%q, %q, %d) = %q, %v, want %q", prefix, after, limit, got, err, want)
			}
		},
		"delete": func(r *rapid.T) {
			s, key := draw()
			if err := s.Delete(r.Context(), key); err != nil {
				r.Fatal(err)
			}
			delete(model, key)
		},
	})
}

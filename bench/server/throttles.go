package main

import (
	"hash/fnv"
	"sync"

	"meridian/bench/rig"
)

// throttles decide which calls are throttled: for each Region and target the same
// attempts, so that every way to call meets the same.
type throttles struct {
	mu       sync.Mutex
	attempts map[string]byte
}

// next reports whether the next attempt at what a request asks for is throttled,
// as so many of a hundred are.
func (t *throttles) next(request []byte, percent int) bool {
	key := string(rig.Field(request, "region", ',')) + string(rig.Field(request, "targets", ']'))
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.attempts == nil {
		t.attempts = map[string]byte{}
	}
	t.attempts[key]++
	hash := fnv.New32a()
	_, _ = hash.Write(append([]byte(key), t.attempts[key]))
	return int(hash.Sum32()>>8%100) < percent
}

// forget makes the next attempts the first.
func (t *throttles) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts = nil
}

package server

import (
	"hash/fnv"
	"sync"

	"meridian/bench/rig"
)

// throttles decide which calls are throttled. It is always the same attempts at each
// Region and target, so that all ways of calling get the same throttles.
type throttles struct {
	mu       sync.Mutex
	attempts map[string]byte
}

// next reports whether the next attempt at a request is throttled, for a percentage
// of all attempts.
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

// forget resets the numbers of the attempts.
func (t *throttles) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.attempts = nil
}

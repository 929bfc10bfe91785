package protocol_test

import (
	"testing"

	"meridian/pkg/protocol"
)

// Every hint constant is in Hints, each once.
func TestHintsReturnsEveryHintThereIs(t *testing.T) {
	t.Parallel()
	listed := map[string]bool{}
	for _, h := range protocol.Hints() {
		listed[string(h)] = true
	}
	declared := constants(t, "Hint")
	for name, value := range declared {
		if !listed[value] {
			t.Errorf("Hints() lacks %s", name)
		}
	}
	if len(declared) != len(protocol.Hints()) || len(declared) != len(listed) {
		t.Errorf("Hints() has %d entries, %d of them different, for %d constants", len(protocol.Hints()), len(listed), len(declared))
	}
}

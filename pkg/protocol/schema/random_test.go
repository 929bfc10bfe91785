package schema_test

import (
	"encoding/json"
	"testing"

	"pgregory.net/rapid"

	"meridian/pkg/protocol"
)

// each is how many documents each check draws: 500 with rapid's 100 checks, and 10,000 with
// -rapid.checks=2000.
const each = 5

func TestWhatDecodeRequestAcceptsTheSchemaAccepts(t *testing.T) {
	t.Parallel()
	compiled := compile(t, "request")
	rapid.Check(t, func(t *rapid.T) {
		for range each {
			text := encode(t, requests().Draw(t, "request"))
			if _, faults := protocol.DecodeRequest(text); faults != nil {
				t.Fatalf("%s is refused: %v", text, faults)
			}
			if err := compiled.Validate(instance(t, text)); err != nil {
				t.Fatalf("%s is accepted by DecodeRequest only: %v", text, err)
			}
		}
	})
}

// A schema that refuses more than the program would be in the way.
func TestWhatTheSchemaRefusesDecodeRequestRefuses(t *testing.T) {
	t.Parallel()
	compiled := compile(t, "request")
	mutants, refused, bySchema := 0, 0, 0
	rapid.Check(t, func(t *rapid.T) {
		for range 2 * each {
			var document any
			if err := json.Unmarshal(encode(t, requests().Draw(t, "request")), &document); err != nil {
				t.Fatal(err)
			}
			text := encode(t, mutant(t, document))
			_, faults := protocol.DecodeRequest(text)
			err := compiled.Validate(instance(t, text))
			if err != nil && faults == nil {
				t.Fatalf("%s is refused by the schema only: %v", text, err)
			}
			mutants++
			if faults != nil {
				refused++
			}
			if err != nil {
				bySchema++
			}
		}
	})
	t.Logf("of %d mutants DecodeRequest refuses %d, the schema %d", mutants, refused, bySchema)
	if bySchema < refused*9/10 {
		t.Errorf("the schema refuses %d of the %d mutants that DecodeRequest refuses, want nine of ten", bySchema, refused)
	}
}

// The same for what a worker reads.
func TestWhatTheSchemaOfARegionRequestRefusesDecodeRegionRequestRefuses(t *testing.T) {
	t.Parallel()
	compiled := compile(t, "region-request")
	rapid.Check(t, func(t *rapid.T) {
		for range each {
			text := encode(t, regionRequests().Draw(t, "request"))
			if _, err := protocol.DecodeRegionRequest(text); err != nil {
				t.Fatalf("%s is refused: %v", text, err)
			}
			if err := compiled.Validate(instance(t, text)); err != nil {
				t.Fatalf("%s is accepted by DecodeRegionRequest only: %v", text, err)
			}
			var document any
			if err := json.Unmarshal(text, &document); err != nil {
				t.Fatal(err)
			}
			text = encode(t, mutant(t, document))
			if err := compiled.Validate(instance(t, text)); err != nil {
				if _, decoded := protocol.DecodeRegionRequest(text); decoded == nil {
					t.Fatalf("%s is refused by the schema only: %v", text, err)
				}
			}
		}
	})
}

func encode(t *rapid.T, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

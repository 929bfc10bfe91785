package protocol_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

// seed adds the goldens of like's type and the given documents to the corpus.
func seed(f *testing.F, like any, documents ...string) {
	f.Helper()
	for _, value := range goldens() {
		if reflect.TypeOf(value) == reflect.TypeOf(like) {
			f.Add(encode(f, value))
		}
	}
	for _, document := range documents {
		f.Add([]byte(document))
	}
}

// checkFaults checks what holds for all faults.
func checkFaults(t *testing.T, faults protocol.Faults) {
	t.Helper()
	if len(faults) > 101 {
		t.Errorf("%d faults, want 100 and one that says that there are more", len(faults))
	}
	for _, fault := range faults {
		if text := fault.String(); fault.Detail == "" || strings.ContainsFunc(text, isLineBreak) {
			t.Errorf("fault %+v, want one line with a detail", fault)
		}
		if utf8.RuneCountInString(fault.Value) > 81 || utf8.RuneCountInString(fault.Path) > 200 {
			t.Errorf("fault %+v, want a path and a value short enough for a line", fault)
		}
	}
}

func isLineBreak(r rune) bool { return r == '\n' || r == '\r' }

// checkAccepted checks what holds for all documents that are accepted: that
// encoding/json reads them as the same value, and that this value, encoded,
// decodes to itself.
func checkAccepted[T any](t *testing.T, data []byte, got T, decode func([]byte) (T, error)) {
	t.Helper()
	var plain T
	if err := json.Unmarshal(data, &plain); err != nil {
		t.Fatalf("%s is accepted, but not by encoding/json: %v", data, err)
	}
	if diff := cmp.Diff(plain, got, sameJSON()); diff != "" {
		t.Fatalf("%s (-encoding/json +got):\n%s", data, diff)
	}
	encoded := encode(t, got)
	again, err := decode(encoded)
	if err != nil {
		t.Fatalf("%s becomes %s, which is refused: %v", data, encoded, err)
	}
	if diff := cmp.Diff(got, again, sameJSON()); diff != "" {
		t.Fatalf("%s becomes %s (-first +again):\n%s", data, encoded, diff)
	}
	if twice := encode(t, again); !bytes.Equal(encoded, twice) {
		t.Fatalf("%s becomes %s, then %s", data, encoded, twice)
	}
}

// A request is accepted or refused with faults, never a panic.
func FuzzDecodeRequest(f *testing.F) {
	seed(f, protocol.Request{},
		`{"regions":["*",null],"x":1,"Retry":[]}`, `{"maxConcurrency":1e2,"minSuccessful":-0,"timeoutSeconds":1e400}`,
		`{"retry":[{"errorEquals":["States.ALL"],"backoffRate":0},{}],"name":"a","name":"b"}`,
		"{\"a\\nb\":\"\xff\"}", "\ufeff{}", `{"targets":["\ud800","\u0000","é"]}`, `[`, ``,
		`{"targets":[{"name":"a","input":{"a":1}},{"name":"a"},{"input":null},7,[]]}`, `{"worker":{"function":"f:1","payload":[],"placement":"x"},"task":"a"}`)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, faults := protocol.DecodeRequest(data)
		checkFaults(t, faults)
		if faults == nil && len(data) < protocol.MaxRequestBytes/6 { // an escape takes six bytes
			checkAccepted(t, data, got, func(data []byte) (protocol.Request, error) {
				r, faults := protocol.DecodeRequest(data)
				return r, faults.Err()
			})
		}
	})
}

// A version that is unknown is never accepted.
func FuzzDecodeRegionRequest(f *testing.F) {
	seed(f, protocol.RegionRequest{},
		`{}`, `{"version":3}`, `{"version":"1"}`, `{"Version":1}`, `{"version":1,"version":3}`, `{"version":1,"policy":{"retry":[null]}}`,
		`{"version":4,"runId":"r","region":"a","attempt":1,"task":"t","targets":["x"],"inputs":{"x":null,"x":1,"y":[]}}`)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := protocol.DecodeRegionRequest(data)
		invalid, isInvalid := errors.AsType[*protocol.InvalidRequestError](err)
		unsupported, isUnsupported := errors.AsType[*protocol.UnsupportedVersionError](err)
		switch {
		case err == nil:
			if got.Version < 1 || got.Version > protocol.Version {
				t.Errorf("%s is accepted with version %d", data, got.Version)
			}
			checkAccepted(t, data, got, protocol.DecodeRegionRequest)
		case isInvalid:
			checkFaults(t, invalid.Faults)
			if len(invalid.Faults) == 0 {
				t.Errorf("%s is refused without a fault", data)
			}
		case !isUnsupported || 1 <= unsupported.Got && unsupported.Got <= protocol.Version:
			t.Errorf("%s is refused with %v", data, err)
		}
	})
}

// What a broken worker may answer is an error or a value.
func FuzzDecodeRegionResult(f *testing.F) {
	seed(f, protocol.RegionResult{}, `{}`, `null`, `{"targets":[null],"TARGETS":[{"output":null}]}`, `{"elapsedMs":1e999}`,
		`{"targets":[{"output": 1 ,"output":{"a" : -0}}]}`, `{"elapsedMs":-0,"cause":"\ud800\udc00\ud800"}`, `{"targets":[],"targets":null}`)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := protocol.DecodeRegionResult(data)
		if err == nil {
			checkAccepted(t, data, got, protocol.DecodeRegionResult)
			checkFit(t, &got, protocol.DecodeRegionResult)
		} else if text := err.Error(); !strings.HasPrefix(text, "region result: ") {
			t.Errorf("DecodeRegionResult(%s) error = %s, want it to say of what", data, text)
		}
	})
}

// What a broken coordinator may answer is an error or a value.
func FuzzDecodeResult(f *testing.F) {
	seed(f, protocol.Result{}, `{}`, `[]`, `{"startedAt":"2026-02-30T25:00:00+99:00"}`, `{"startedAt":null,"regions":[{}]}`)
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := protocol.DecodeResult(data)
		if err == nil {
			checkAccepted(t, data, got, protocol.DecodeResult)
			checkFit(t, &got, protocol.DecodeResult)
		} else if text := err.Error(); !strings.HasPrefix(text, "result: ") {
			t.Errorf("DecodeResult(%s) error = %s, want it to say of what", data, text)
		}
	})
}

// checkFit checks that what Fit encodes within half the bytes, if it can, is
// short enough and decodes to what Fit made of r.
func checkFit[T any](t *testing.T, r *T, decode func([]byte) (T, error)) {
	t.Helper()
	limit := len(encode(t, r)) / 2
	var data []byte
	var err error
	switch r := any(r).(type) {
	case *protocol.Result:
		data, err = protocol.Fit(r, limit)
	case *protocol.RegionResult:
		data, err = protocol.Fit(r, limit)
	}
	if _, ok := errors.AsType[*protocol.TooLargeError](err); ok {
		return
	}
	if err != nil || len(data) > limit {
		t.Fatalf("Fit(limit %d) = %d bytes, %v", limit, len(data), err)
	}
	again, err := decode(data)
	if diff := cmp.Diff(*r, again, sameJSON()); err != nil || diff != "" {
		t.Fatalf("Fit encodes %s, decoded with error %v (-Fit's +decoded):\n%s", data, err, diff)
	}
}

// A task's parameters are read as encoding/json reads them, or refused.
func FuzzDecodeStrict(f *testing.F) {
	seed(f, nil, `{"port":80,"mode":"fast","rate":1e-3,"nested":[{"on":false,"grid":[[1],[],[2,3]]}],"free":{"x":null}}`,
		`{"port":0,"rate":-0}`, `{"nested":[{"grid":[null,[1.0]]}]}`, `{"Port":1,"NoTag":"x"}`)
	f.Fuzz(func(t *testing.T, data []byte) {
		var got taskParameters
		faults := protocol.DecodeStrict(data, &got)
		checkFaults(t, faults)
		if faults == nil {
			var plain taskParameters
			err := json.Unmarshal(data, &plain) //nolint:musttag // a field without a tag is part of the test
			if diff := cmp.Diff(plain, got, sameJSON(), cmp.AllowUnexported(taskParameters{})); err != nil || diff != "" {
				t.Fatalf("%s is accepted; encoding/json says %v (-encoding/json +got):\n%s", data, err, diff)
			}
		}
	})
}

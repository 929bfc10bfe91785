package protocol_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files that do not exist yet; an existing one is never changed")

const goldenDir = "testdata/v1"

// A released golden is never edited: what a released version sent decodes for
// ever, to the same value, and is sent in the same form.
func TestGoldensDecodeForEver(t *testing.T) {
	t.Parallel()
	for name, value := range goldens() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := goldenFile(t, name, value)
			decoded, err := decode(file, value)
			if err != nil {
				t.Fatalf("decode %s: %v", name, err)
			}
			if diff := cmp.Diff(value, decoded, sameJSON()); diff != "" {
				t.Errorf("decode %s (-want +got):\n%s", name, diff)
			}
			var canonical bytes.Buffer
			if err := json.Compact(&canonical, file); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(canonical.String(), string(encode(t, value))); diff != "" {
				t.Errorf("encode %s (-want +got):\n%s", name, diff)
			}
			var fitted []byte
			switch r := value.(type) {
			case protocol.Result:
				fitted, err = protocol.Fit(&r, 0)
			case protocol.RegionResult:
				fitted, err = protocol.Fit(&r, 0)
			default:
				return
			}
			if diff := cmp.Diff(canonical.String(), string(fitted)); err != nil || diff != "" {
				t.Errorf("Fit %s = %v (-want +got):\n%s", name, err, diff)
			}
		})
	}
}

// Every file under testdata/v1 is decoded by the test above.
func TestNoGoldenIsForgotten(t *testing.T) {
	t.Parallel()
	if *update {
		t.Skip("files are being written")
	}
	files, err := filepath.Glob(goldenDir + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(filepath.Base(file), ".json")
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(goldens())), files); diff != "" {
		t.Errorf("files under %s (-with a value +found):\n%s", goldenDir, diff)
	}
}

// goldenFile returns the golden's bytes, having written the file if there was
// none and that was asked for.
func goldenFile(t *testing.T, name string, value any) []byte {
	t.Helper()
	path := filepath.Join(goldenDir, name+".json")
	file, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && *update {
		if file, err = json.MarshalIndent(value, "", "  "); err == nil {
			err = os.WriteFile(path, append(file, '\n'), 0o600)
		}
	}
	if err != nil {
		t.Fatalf("%v (a new golden is written with -update)", err)
	}
	return file
}

// decode reads data as a message of the same type as like, with that type's
// decoder.
func decode(data []byte, like any) (any, error) {
	switch like.(type) {
	case protocol.Request:
		r, faults := protocol.DecodeRequest(data)
		return r, faults.Err()
	case protocol.RegionRequest:
		return protocol.DecodeRegionRequest(data)
	case protocol.RegionResult:
		return protocol.DecodeRegionResult(data)
	case protocol.Result:
		return protocol.DecodeResult(data)
	case protocol.Event:
		return protocol.DecodeEvent(data)
	case protocol.Command:
		c, faults := protocol.DecodeCommand(data)
		return c, faults.Err()
	case protocol.RunState:
		return protocol.DecodeRunState(data)
	case protocol.RunPage:
		return protocol.DecodeRunPage(data)
	case protocol.EventPage:
		return protocol.DecodeEventPage(data)
	case protocol.RunRecord, protocol.KeyRecord, protocol.LogHeader, protocol.ResultRecord:
		v := reflect.New(reflect.TypeOf(like))
		err := json.Unmarshal(data, v.Interface())
		return v.Elem().Interface(), err
	}
	return nil, errors.New("no message")
}

func encode(tb testing.TB, v any) []byte {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatalf("json.Marshal: %v", err)
	}
	return data
}

// sameJSON compares raw JSON but for its white space and the escapes of < > &.
func sameJSON() cmp.Option {
	return cmp.Comparer(func(a, b json.RawMessage) bool {
		canonicalA, errA := json.Marshal(a)
		canonicalB, errB := json.Marshal(b)
		return errA == nil && errB == nil && (a == nil) == (b == nil) && bytes.Equal(canonicalA, canonicalB)
	})
}

package schema_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"meridian/pkg/protocol/schema"
)

// compile returns the schema with a name. Like the validators that people use, it asserts
// formats too.
func compile(tb testing.TB, name string) *jsonschema.Schema {
	tb.Helper()
	text, err := schema.Read(name)
	if err != nil {
		tb.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.AssertFormat()
	if err := compiler.AddResource(name, instance(tb, text)); err != nil {
		tb.Fatal(err)
	}
	compiled, err := compiler.Compile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return compiled
}

// instance returns a document as the validator reads it.
func instance(tb interface {
	Fatalf(format string, args ...any)
}, text []byte,
) any {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return value
}

func TestEveryGoldenIsValid(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../testdata/v1/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d goldens, %v", len(files), err)
	}
	schemas := map[string]*jsonschema.Schema{}
	for _, name := range schema.Names() {
		if name != "openapi" {
			schemas[name] = compile(t, name)
		}
	}
	of := regexp.MustCompile(`^(region_request|region_result|request|result|event_page|event|command|run_state|run_page)[_.]`)
	seen := map[string]bool{}
	for _, file := range files {
		if strings.HasPrefix(filepath.Base(file), "record_") {
			continue // objects in a store have no schema: nobody else reads them
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		m := of.FindStringSubmatch(filepath.Base(file))
		if m == nil {
			t.Errorf("%s is no message by its name", file)
			continue
		}
		name := strings.ReplaceAll(m[1], "_", "-")
		seen[name] = true
		if err := schemas[name].Validate(instance(t, text)); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
	for name := range schemas {
		if !seen[name] {
			t.Errorf("no golden is a %s", name)
		}
	}
}

// A newer coordinator has fields that an older reader passes over; a request has none.
func TestOnlyRequestsRefuseUnknownFields(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, document string
		valid          bool
	}{
		{"request", `{"new":1}`, false},
		{"request", `{"hedge":{"afterSeconds":1,"new":1}}`, false},
		{"request", `{"parameters":{"new":1}}`, true},
		{"region-request", `{"version":1,"runId":"r","region":"eu-west-1","attempt":1,"task":"t","targets":["x"],"new":1}`, false},
		{"region-result", `{"version":1,"runId":"r","region":"","batch":0,"status":"FAILED","elapsedMs":1,"targets":[],"new":1}`, true},
		{"event", `{"version":1,"runId":"r","sequence":1,"time":"2026-11-29T20:00:00Z","type":"NEW","new":1}`, true},
	} {
		if err := compile(t, tt.name).Validate(instance(t, []byte(tt.document))); (err == nil) != tt.valid {
			t.Errorf("%s: Validate(%s) = %v, want valid %t", tt.name, tt.document, err, tt.valid)
		}
	}
}

func TestNamesListsEveryDocument(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, name := range schema.Names() {
		want = append(want, name+".json")
	}
	if slices.Sort(want); !slices.Equal(files, want) {
		t.Errorf("documents %v, want %v", files, want)
	}
	if _, err := schema.Read("nosuch"); err == nil {
		t.Error("Read(nosuch) has no error")
	}
}

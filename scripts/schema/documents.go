package main

import (
	"bytes"
	_ "embed" // the form of the OpenAPI document
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"text/template"

	"meridian/internal/trigger"
	"meridian/pkg/protocol"
)

// directory is where the documents are.
const directory = "pkg/protocol/schema"

// documents returns all documents, by name, for the repository at root.
func documents(root string) (map[string][]byte, error) {
	s, err := read(filepath.Join(root, "pkg/protocol"), filepath.Join(root, "internal/trigger"))
	if err != nil {
		return nil, err
	}
	all := map[string][]byte{}
	for _, m := range []struct {
		name   string
		of     reflect.Type
		strict bool
	}{
		{"request", reflect.TypeFor[protocol.Request](), true},
		{"region-request", reflect.TypeFor[protocol.RegionRequest](), true},
		{"region-result", reflect.TypeFor[protocol.RegionResult](), false},
		{"result", reflect.TypeFor[protocol.Result](), false},
		{"event", reflect.TypeFor[protocol.Event](), false},
		{"command", reflect.TypeFor[protocol.Command](), true},
		{"run-state", reflect.TypeFor[protocol.RunState](), false},
		{"run-page", reflect.TypeFor[protocol.RunPage](), false},
		{"event-page", reflect.TypeFor[protocol.EventPage](), false},
	} {
		o, err := message(s, m.of, m.name, m.strict)
		if err == nil {
			all[m.name], err = o.MarshalJSON()
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
	}
	if all["openapi"], err = openAPI(s); err != nil {
		return nil, fmt.Errorf("openapi: %w", err)
	}
	for name := range all {
		if all[name], err = indented(all[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return all, nil
}

// indented returns a document as it is written.
func indented(text []byte) ([]byte, error) {
	var b bytes.Buffer
	err := json.Indent(&b, text, "", "  ")
	b.WriteByte('\n')
	return b.Bytes(), err
}

//go:embed openapi.json.tmpl
var openAPIForm string

// openAPI returns the description of the HTTP API, as package trigger answers it.
func openAPI(s *source) ([]byte, error) {
	b := &builder{source: s, refs: "#/components/schemas/", strict: true, defs: map[string]object{}}
	b.define(reflect.TypeFor[protocol.Request]())
	b.define(reflect.TypeFor[protocol.Redrive]())
	b.strict = false
	b.define(reflect.TypeFor[protocol.Result]())
	b.define(reflect.TypeFor[protocol.RunState]())
	b.define(reflect.TypeFor[protocol.RunPage]())
	b.define(reflect.TypeFor[trigger.Problem]())
	schemas, err := json.Marshal(b.defs)
	if err := errors.Join(err, b.err()); err != nil {
		return nil, err
	}
	form, err := template.New("openapi").Parse(openAPIForm)
	if err != nil {
		return nil, err
	}
	var text bytes.Buffer
	err = form.Execute(&text, map[string]any{
		"Version": protocol.Version, "MaxBytes": thousands(protocol.MaxRequestBytes), "Schemas": string(schemas),
		"MaxName": protocol.MaxNameLength, "MaxPage": protocol.MaxRunPage, "Page": protocol.DefaultRunPage, "MaxWait": 20, // protocol.MaxWaitSeconds
		"RunID":       `{"type": "string", "pattern": "^[0-7][0-9A-HJKMNP-TV-Z]{25}$"}`,
		"WaitSeconds": trigger.APITimeout.Seconds(), "MaxSeconds": trigger.MaxAPISeconds(),
		"Problem": `"content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}`,
	})
	return text.Bytes(), err
}

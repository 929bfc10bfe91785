package mcp

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/google/jsonschema-go/jsonschema"

	"meridian/pkg/protocol"
)

// schemaOf returns the JSON Schema of a Go type. It panics if the type has none.
func schemaOf[T any]() *jsonschema.Schema {
	object := &jsonschema.Schema{Type: "object"}
	s, err := jsonschema.For[T](&jsonschema.ForOptions{TypeSchemas: map[reflect.Type]*jsonschema.Schema{
		reflect.TypeFor[json.RawMessage](): object,
		reflect.TypeFor[protocol.Target](): {AnyOf: []*jsonschema.Schema{
			{Type: "string"},
			{Type: "object", Properties: map[string]*jsonschema.Schema{"name": {Type: "string"}, "input": object}, Required: []string{"name"}},
		}},
	}})
	if err != nil {
		panic(fmt.Sprintf("mcp: %v", err))
	}
	withoutNull(s)
	return s
}

// withoutNull removes null from the types in a schema: arguments that are null are refused, and
// answers have none.
func withoutNull(s *jsonschema.Schema) {
	if s == nil {
		return
	}
	if i := slices.Index(s.Types, "null"); i >= 0 && len(s.Types) == 2 {
		s.Type, s.Types = s.Types[1-i], nil
	}
	withoutNull(s.Items)
	withoutNull(s.AdditionalProperties)
	for _, property := range s.Properties {
		withoutNull(property)
	}
}

package model

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
	"github.com/aws/smithy-go/traits"
)

// A Value is the input or the output of an operation. It serializes and deserializes
// itself by the operation's model.
type Value struct {
	shape *shape
	value any

	// decode has the members of an answer that are texts of something else, see exception.
	decode map[string]func(string) any
}

// Input returns an input to serialize. [Operation.Check] finds no fault in it.
func (op *Operation) Input(input map[string]any) *Value {
	changed := maps.Clone(input)
	op.each(func(e *exception) {
		for _, name := range e.lastPart {
			if text, ok := input[name].(string); ok {
				changed[name] = text[strings.LastIndexByte(text, '/')+1:]
			}
		}
		if text, ok := input[e.inBase64].(string); ok {
			changed[e.inBase64] = base64.StdEncoding.EncodeToString([]byte(text))
		}
	})
	return &Value{shape: op.input, value: changed}
}

// Output returns an output to deserialize into.
func (op *Operation) Output() *Value {
	v := &Value{shape: op.output, value: map[string]any{}}
	op.each(func(e *exception) {
		for _, name := range e.decoded {
			if v.decode == nil {
				v.decode = map[string]func(string) any{}
			}
			v.decode[name] = e.decode
		}
	})
	return v
}

// Any returns the value. That of an output is a map[string]any.
func (v *Value) Any() any { return v.value }

// Serialize implements smithy.Serializable.
func (v *Value) Serialize(s smithy.ShapeSerializer) {
	if v.shape != nil {
		write(&writer{s, v.shape.epoch}, v.shape, v.shape.schema, v.value)
	}
}

// A writer writes values.
type writer struct {
	smithy.ShapeSerializer

	epoch bool // whether a timestamp without a format is seconds since 1970
}

// write writes a value that was checked. The schema is that of the member, or of the
// root, that has the shape.
func write(s *writer, t *shape, schema *smithy.Schema, v any) {
	t.members() // before the protocol looks at the schema's
	switch t.typ {
	case smithy.ShapeTypeStructure:
		s.WriteStruct(schema)
		object, _ := v.(map[string]any)
		for _, m := range t.members() {
			if value := object[m.name]; value != nil {
				writeMember(s, &m, value, t, object)
			}
		}
		s.CloseStruct()
	case smithy.ShapeTypeUnion:
		object, _ := v.(map[string]any)
		for _, m := range t.members() {
			if value := object[m.name]; value != nil {
				s.WriteUnion(schema, m.schema)
				write(s, m.shape, m.schema, value)
				s.CloseUnion()
			}
		}
	case smithy.ShapeTypeList:
		list, _ := v.([]any)
		s.WriteList(schema)
		for _, item := range list {
			writeItem(s, t.item(), item)
		}
		s.CloseList()
	case smithy.ShapeTypeMap:
		object, _ := v.(map[string]any)
		s.WriteMap(schema)
		for _, key := range sortedKeys(object) {
			s.WriteKey(schema.MapKey(), key)
			writeItem(s, t.item(), object[key])
		}
		s.CloseMap()
	default:
		writeScalar(s, t.typ, schema, v)
	}
}

// writeItem writes an item of a list or a value of a map.
func writeItem(s *writer, m *member, item any) {
	if item == nil {
		s.WriteNil(m.schema)
		return
	}
	write(s, m.shape, m.schema, item)
}

// writeMember writes a member of a structure.
func writeMember(s *writer, m *member, value any, in *shape, object map[string]any) {
	if text, ok := value.(string); m.json && (!ok || text == "") {
		encoded, _ := json.Marshal(value)
		value = string(encoded)
	}
	if _, ok := smithy.SchemaTrait[*traits.HTTPQueryParams](m.schema); ok {
		value = without(value, in, object)
	}
	if m.bound {
		s = &writer{s.ShapeSerializer, false}
	}
	write(s, m.shape, m.schema, value)
}

// without returns the parameters of the query that no other member sets: the protocol
// would send those twice.
func without(value any, in *shape, object map[string]any) any {
	parameters, _ := value.(map[string]any)
	kept := maps.Clone(parameters)
	for _, m := range in.members() {
		if q, ok := smithy.SchemaTrait[*traits.HTTPQuery](m.schema); ok && object[m.name] != nil {
			delete(kept, q.Name)
		}
	}
	return kept
}

// writeScalar writes a value without members.
func writeScalar(s *writer, typ smithy.ShapeType, schema *smithy.Schema, v any) {
	switch typ {
	case smithy.ShapeTypeBoolean:
		b, _ := v.(bool)
		s.WriteBool(schema, b)
	case smithy.ShapeTypeInteger:
		n, _ := integer(v)
		s.WriteInt32(schema, int32(n)) //nolint:gosec // it was checked
	case smithy.ShapeTypeLong:
		n, _ := integer(v)
		s.WriteInt64(schema, n)
	case smithy.ShapeTypeFloat:
		f, _ := float(v)
		s.WriteFloat32(schema, float32(f))
	case smithy.ShapeTypeDouble:
		f, _ := float(v)
		s.WriteFloat64(schema, f)
	case smithy.ShapeTypeBlob:
		text, _ := v.(string)
		blob, _ := base64.StdEncoding.DecodeString(text)
		s.WriteBlob(schema, blob)
	case smithy.ShapeTypeTimestamp:
		writeTime(s, schema, v)
	case smithy.ShapeTypeDocument:
		s.WriteDocument(schema, document.Opaque{Value: jsonDocument{v}})
	default:
		text, _ := v.(string)
		s.WriteString(schema, text)
	}
}

// writeTime writes a timestamp. WriteTime is wrong for seconds since 1970, as
// ParseEpochSeconds is.
func writeTime(s *writer, schema *smithy.Schema, v any) {
	switch t, _ := timestamp(v); {
	case !isEpoch(schema, s.epoch):
		s.WriteTime(schema, t)
	case s.epoch:
		s.WriteFloat64(schema, epochSeconds(t))
	default: // XML would get an exponent
		s.WriteString(schema, strconv.FormatFloat(epochSeconds(t), 'f', -1, 64))
	}
}

// A jsonDocument is a document that writes itself: smithy-go's own writer panics for a
// list in a list.
type jsonDocument struct{ value any }

// MarshalSmithyDocument implements document.Marshaler.
func (d jsonDocument) MarshalSmithyDocument() ([]byte, error) {
	return json.Marshal(d.value) //nolint:wrapcheck // it was checked
}

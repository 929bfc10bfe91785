package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// An object is a JSON object with its members in order.
type object []member

// A member is a member of an object.
type member struct {
	name  string
	value any
}

// MarshalJSON writes the members in order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Quote(m.name) + ":")
		if err := encoder.Encode(m.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// with returns o with more members. One that o has already is replaced.
func (o object) with(more ...member) object {
	o = slices.Clone(o)
	for _, m := range more {
		if i := slices.IndexFunc(o, func(own member) bool { return own.name == m.name }); i >= 0 {
			o[i] = m
		} else {
			o = append(o, m)
		}
	}
	return o
}

// A builder makes the schemas of Go types.
type builder struct {
	source *source
	refs   string // what a reference to a definition begins with
	strict bool   // the message is read by DecodeStrict
	defs   map[string]object
	faults []string
}

// define makes the definition of a struct type, and those of the types in it.
func (b *builder) define(t reflect.Type) {
	name := t.Name()
	if _, defined := b.defs[name]; defined {
		return
	}
	b.defs[name] = nil
	properties, required := b.members(t)
	o := object{{"type", "object"}, {"properties", properties}}
	if len(required) > 0 {
		o = append(o, member{"required", required})
	}
	if b.strict {
		o = append(o, member{"additionalProperties", false})
	}
	o = o.with(rules()[name]...)
	if short, ok := shortForms()[name]; ok {
		o = object{{"oneOf", []object{short, o}}}
	}
	b.defs[name] = append(object{{"description", b.described(name, b.source.text(b.source.types[name]))}}, o...)
}

// members returns the schemas of the fields of a struct type, and the names of those that
// every value has. The fields of an embedded struct are the struct's own.
func (b *builder) members(t reflect.Type) (properties object, required []string) {
	for f := range t.Fields() {
		tag := f.Tag.Get("json")
		switch field, _, optional := strings.Cut(tag, ","); {
		case tag == "" && f.Anonymous:
			more, also := b.members(f.Type)
			properties, required = append(properties, more...), append(required, also...)
		case tag == "":
		default:
			if !optional {
				required = append(required, field)
			}
			properties = append(properties, member{field, b.field(t, f, field)})
		}
	}
	return properties, required
}

// described returns a description, and keeps a fault if there is none.
func (b *builder) described(of, text string) string {
	if text == "" {
		b.faults = append(b.faults, of+" has no comment")
	}
	return text
}

// field returns the schema of a field of the struct type t.
func (b *builder) field(t reflect.Type, f reflect.StructField, name string) object {
	at, text := t.Name()+"."+f.Name, ""
	if g := b.source.fields[at]; g != nil {
		text = b.source.text(g.comment, g.names...)
	}
	o := append(object{{"description", b.described(at, text)}}, b.value(f)...)
	if name == "error" {
		o = append(o[:1], b.set(errorNames)...)
	}
	own := rules()[t.Name()+"."+name]
	if b.strict {
		o = o.with(limits(f, own)...)
	}
	return o.with(own...)
}

// value returns the schema of the values of a field.
func (b *builder) value(f reflect.StructField) object {
	schema := b.schema(f.Type)
	switch {
	case !b.strict:
	case f.Tag.Get("any") != "": // not null
		return object{{"type", []string{"object", "array", "string", "number", "boolean"}}}
	case f.Type.Kind() == reflect.String && f.Type.PkgPath() != "": // "" is the same as none
		return object{{"anyOf", []object{schema, {{"const", ""}}}}}
	}
	return schema
}

// limits returns the limits of a field that DecodeStrict reads which its type and its tags
// say. A minimum among its rules is above 0.
func limits(f reflect.StructField, rules object) object {
	var o object
	t := f.Type
	if f.Tag.Get("zero") != "" && !slices.ContainsFunc(rules, func(m member) bool { return m.name == "minimum" }) {
		o = append(o, member{"exclusiveMinimum", 0})
	}
	if t.Kind() != reflect.Slice || isRaw(t) {
		return o
	}
	if t.Elem() != reflect.TypeFor[protocol.Retrier]() {
		o = append(o, member{"minItems", 1})
	}
	if most, err := strconv.Atoi(f.Tag.Get("max")); err == nil {
		o = append(o, member{"maxItems", most})
	}
	return o
}

// schema returns the schema of a value of a type.
func (b *builder) schema(t reflect.Type) object {
	switch {
	case isRaw(t) && b.strict:
		return object{{"type", "object"}}
	case isRaw(t):
		return object{}
	case t == reflect.TypeFor[protocol.Inputs]():
		return object{{"type", "object"}}
	case t == reflect.TypeFor[time.Time]():
		return object{{"type", "string"}, {"format", "date-time"}}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return b.schema(t.Elem())
	case reflect.Slice:
		items := b.schema(t.Elem())
		if b.strict && t.Elem().Kind() == reflect.String {
			items = entry()
		}
		return object{{"type", "array"}, {"items", items}}
	case reflect.Struct:
		b.define(t)
		return b.ref(t.Name())
	case reflect.String:
		if t.PkgPath() != "" {
			return b.set(t.Name())
		}
		return object{{"type", "string"}}
	case reflect.Bool:
		return object{{"type", "boolean"}}
	case reflect.Int:
		return object{{"type", "integer"}}
	case reflect.Float64:
		return object{{"type", "number"}}
	default:
		panic("schema: no schema for " + t.String())
	}
}

// set defines the set with a name, and returns a reference to it. The values of an open set
// are no more than the ones that are known.
func (b *builder) set(name string) object {
	if _, defined := b.defs[name]; !defined {
		known := b.source.sets[name]
		lines := []string{b.described(name, b.source.text(b.source.types[name]))}
		for i, comment := range known.comments {
			lines = append(lines, b.described(known.values[i], b.source.text(comment)))
		}
		o := object{{"description", strings.Join(lines, "\n- ")}, {"type", "string"}}
		if values := (member{"enum", known.values}); openSets()[name] {
			o = append(o, member{"anyOf", []object{{values}, {{"type", "string"}}}})
		} else {
			o = append(o, values)
		}
		b.defs[name] = o
	}
	return b.ref(name)
}

func (b *builder) ref(name string) object { return object{{"$ref", b.refs + name}} }

// message returns the JSON Schema of a message.
func message(s *source, t reflect.Type, name string, strict bool) (object, error) {
	b := &builder{source: s, refs: "#/$defs/", strict: strict, defs: map[string]object{}}
	b.define(t)
	root := append(object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"}, {"$id", "urn:meridian:" + name}, {"title", t.Name()},
	}, b.defs[t.Name()]...)
	delete(b.defs, t.Name())
	return append(root, member{"$defs", b.defs}), b.err()
}

// isRaw reports whether t is JSON without a fixed form.
func isRaw(t reflect.Type) bool { return t == reflect.TypeFor[json.RawMessage]() }

// err returns an error that lists the faults.
func (b *builder) err() error {
	if len(b.faults) == 0 {
		return nil
	}
	return fmt.Errorf("%s", strings.Join(b.faults, "; "))
}

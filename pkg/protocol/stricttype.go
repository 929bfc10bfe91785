package protocol

import (
	"encoding/json"
	"fmt"
	"reflect"
)

// CheckStrict returns an error that names the first field of a struct type that
// DecodeStrict cannot read, or nil. A program that calls it at start does not panic later,
// at the first document with that field.
func CheckStrict(t reflect.Type) error {
	if t.Kind() != reflect.Struct {
		return fmt.Errorf("%v is not a struct", t)
	}
	return checkType("", t, map[reflect.Type]bool{})
}

func checkType(path string, t reflect.Type, seen map[reflect.Type]bool) error {
	if t != rawMessage && reflect.PointerTo(t).Implements(unmarshaler) {
		return nil
	}
	switch t.Kind() {
	case reflect.String, reflect.Bool, reflect.Int, reflect.Float64:
		return nil
	case reflect.Pointer, reflect.Slice:
		if t == rawMessage {
			return nil
		}
		return checkType(path, t.Elem(), seen)
	case reflect.Struct:
		if seen[t] {
			return nil
		}
		seen[t] = true
		fields, names := fieldsOf(t)
		for _, name := range names {
			f, at := fields[name], below(path, name)
			if !f.IsExported() {
				return fmt.Errorf("%s: field %s of %v is not exported", at, f.Name, t)
			}
			if err := checkType(at, f.Type, seen); err != nil {
				return err
			}
		}
		return nil
	default:
		return fmt.Errorf("%s: want a string, bool, int, float64, struct, or a slice of or pointer to these, got %v", path, t)
	}
}

//nolint:gochecknoglobals // constants that Go cannot write as such
var (
	rawMessage  = reflect.TypeFor[json.RawMessage]() // a field that accepts any object, or any JSON
	unmarshaler = reflect.TypeFor[json.Unmarshaler]()
)

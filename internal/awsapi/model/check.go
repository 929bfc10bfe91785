package model

import (
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"unicode"

	"meridian/pkg/protocol"

	"github.com/aws/smithy-go"
)

// Check returns the faults of an input, or nil. Nil is an input without members.
func (op *Operation) Check(input any) protocol.Faults {
	var c checker
	object, ok := input.(map[string]any)
	switch {
	case input != nil && !ok:
		c.fault("", input, "want an object")
	case op.input != nil:
		c.structure("", op.input, object)
		c.exceptions(op, object)
	case len(object) > 0:
		c.fault("", input, op.Name+" has no input")
	}
	return c.faults
}

// A checker collects the faults of an input.
type checker struct{ faults protocol.Faults }

// fault adds a fault. A nil value is not shown.
func (c *checker) fault(path string, value any, detail string) {
	c.faults = c.faults.And(protocol.Faults{protocol.NewFault(path, value, detail)})
}

// check adds the faults of a value at a path.
func (c *checker) check(path string, t *shape, v any) {
	switch t.typ {
	case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
		object, ok := v.(map[string]any)
		if !ok {
			c.fault(path, v, "want an object")
			return
		}
		c.structure(path, t, object)
	case smithy.ShapeTypeList:
		list, ok := v.([]any)
		if !ok {
			c.fault(path, v, "want a list")
			return
		}
		for i, item := range list {
			c.item(path+"["+strconv.Itoa(i)+"]", t, item)
		}
	case smithy.ShapeTypeMap:
		object, ok := v.(map[string]any)
		if !ok {
			c.fault(path, v, "want an object")
			return
		}
		for _, key := range sortedKeys(object) {
			c.item(child(path, key), t, object[key])
		}
	default:
		if want := wanted(t.typ, v); want != "" {
			c.fault(path, v, "want "+want)
		}
	}
}

// item adds the faults of an item of a list or a value of a map.
func (c *checker) item(path string, t *shape, v any) {
	if v != nil {
		c.check(path, t.item().shape, v)
	} else if !t.sparse {
		c.fault(path, nil, "null is not allowed here")
	}
}

// structure adds the faults of a structure's members.
func (c *checker) structure(path string, t *shape, object map[string]any) {
	set := 0
	for _, name := range sortedKeys(object) {
		m, value := t.member(name), object[name]
		if m == nil {
			c.unknown(path, name, t)
			continue
		}
		if value == nil {
			continue // as if it were not there
		}
		set++
		at := child(path, name)
		if text, ok := value.(string); ok && m.label && text == "" {
			c.fault(at, value, "may not be empty: it is a part of the address")
		} else if !m.json {
			c.check(at, m.shape, value)
			c.address(at, m, value)
		}
	}
	if t.typ == smithy.ShapeTypeUnion && set != 1 {
		c.fault(path, object, "want exactly one of "+strings.Join(names(t), ", "))
	}
	for _, m := range t.members() {
		if m.required && !m.token && object[m.name] == nil {
			c.fault(child(path, m.name), nil, "is required")
		}
	}
}

// unknown adds the fault of a member that the shape does not have.
func (c *checker) unknown(path, name string, t *shape) {
	known := names(t)
	detail := "is not a member"
	if near := protocol.Nearest(name, known); near != "" {
		detail += fmt.Sprintf("; did you mean %s?", near)
	} else if len(known) > 0 && len(known) <= 8 {
		detail += "; known are " + strings.Join(known, ", ")
	}
	c.fault(child(path, name), nil, detail)
}

// names returns the names of the members of a shape.
func names(t *shape) []string {
	var names []string
	for _, m := range t.members() {
		names = append(names, m.name)
	}
	return names
}

// wanted returns what a value without members has to be, or "" when it is that.
func wanted(typ smithy.ShapeType, v any) string {
	ok, want := false, "text"
	switch typ {
	case smithy.ShapeTypeBoolean:
		_, ok = v.(bool)
		want = "true or false"
	case smithy.ShapeTypeInteger:
		n, whole := integer(v)
		ok, want = whole && n == int64(int32(n)), "a whole number of at most 32 bits" //nolint:gosec // it is compared
	case smithy.ShapeTypeLong:
		_, ok = integer(v)
		want = "a whole number of at most 64 bits"
	case smithy.ShapeTypeFloat, smithy.ShapeTypeDouble:
		_, ok = float(v)
		want = `a number, or "NaN", "Infinity" or "-Infinity"`
	case smithy.ShapeTypeBlob:
		text, isText := v.(string)
		_, err := base64.StdEncoding.DecodeString(text)
		ok, want = isText && err == nil, "bytes as text in base64"
	case smithy.ShapeTypeTimestamp:
		_, ok = timestamp(v)
		want = "a time such as 2026-01-02T15:04:05Z, or seconds since 1970"
	case smithy.ShapeTypeDocument:
		ok = true
	default:
		_, ok = v.(string)
	}
	if ok {
		return ""
	}
	return want
}

// child returns the path of a member of the object at a path.
func child(path, name string) string {
	if word(name) {
		if path == "" {
			return name
		}
		return path + "." + name
	}
	return path + "[" + strconv.Quote(name) + "]"
}

// word reports whether a name has letters, digits and underscores only.
func word(name string) bool {
	return name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
}

package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// DecodeStrict reads one JSON object into the struct that v points to, and returns
// everything that is wrong with its form: bytes that are not JSON or not UTF-8, unknown
// fields (with the nearest known one), fields given twice (the first counts), wrong
// types, nulls, and numbers out of range. Valid fields are stored even if others are
// wrong. encoding/json accepts every document that DecodeStrict accepts, and reads the
// same value. Tasks read their parameters with DecodeStrict.
//
// The fields of the struct have json tags without options that change the form. They are
// strings, bools, ints, float64s, structs, or slices of or pointers to these. The fields of
// an embedded struct are the struct's own. DecodeStrict panics at a field of another type;
// [CheckStrict] finds such fields in advance. A field of type json.RawMessage accepts any
// JSON object, or with the tag `any:"JSON"` any JSON but null. A type that implements
// json.Unmarshaler reads its own JSON, and is as strict as it wants to be: the value is
// not repeated in the fault of its error, and a [Faults.Err] keeps its paths. A field tagged
// `zero:"…"` refuses an explicit 0, because its zero value means a default; the tag says
// what to write instead. A list tagged `max:"…"` with more elements than that is one fault,
// and they are not read.
func DecodeStrict(data []byte, v any) Faults {
	var d strictDecoder
	if fault, ok := malformed(data); ok {
		return Faults{fault}
	}
	d.value("", data, reflect.ValueOf(v).Elem(), "")
	return d.faults
}

// malformed returns the fault of data that is not one JSON value in UTF-8.
func malformed(data []byte) (Fault, bool) {
	if len(bytes.TrimSpace(data)) == 0 {
		return Fault{Detail: "empty; want a JSON object"}, true
	}
	if !utf8.Valid(data) {
		return Fault{Detail: "not UTF-8" + position(data, validBytes(data))}, true
	}
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		return Fault{Detail: "begins with a byte order mark, which JSON does not have; save it as UTF-8 without one"}, true
	}
	if json.Valid(data) {
		return Fault{}, false
	}
	f := Fault{Value: excerpt(data), Detail: "not JSON"}
	var whole json.RawMessage
	err := json.Unmarshal(data, &whole)
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		f.Detail = fmt.Sprintf("not JSON: %v%s", err, position(data, int(syntax.Offset)-1))
	}
	return f, true
}

// validBytes returns the length of the valid UTF-8 at the start of data.
func validBytes(data []byte) int {
	n := 0
	for n < len(data) {
		r, size := utf8.DecodeRune(data[n:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		n += size
	}
	return n
}

// position describes where byte i of data is, as an editor does: line and column count
// from 1.
func position(data []byte, i int) string {
	before := data[:max(0, min(i, len(data)))]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return fmt.Sprintf(" at line %d, column %d", 1+bytes.Count(before, []byte("\n")), 1+utf8.RuneCount(line))
}

// A strictDecoder collects the faults of one document.
type strictDecoder struct{ faults Faults }

// value stores the JSON value raw into v. tag is that of its field.
func (d *strictDecoder) value(path string, raw json.RawMessage, v reflect.Value, tag reflect.StructTag) {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		d.faults.add(path, raw, "null is not allowed; leave the field out")
		return
	}
	if v.Type() == rawMessage {
		if tag.Get("any") != "" || d.kind(path, raw, "an object") {
			v.SetBytes(bytes.Clone(raw))
		}
		return
	}
	if own, ok := reflect.TypeAssert[json.Unmarshaler](v.Addr()); ok {
		d.own(path, raw, own)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(path, raw, v.Elem(), tag)
	case reflect.Struct:
		d.object(path, raw, v)
	case reflect.Slice:
		d.array(path, raw, v, tag)
	case reflect.String:
		if d.kind(path, raw, "a string") {
			v.SetString(unquoted(raw))
		}
	case reflect.Bool:
		if d.kind(path, raw, "true or false") {
			v.SetBool(raw[0] == 't')
		}
	case reflect.Int:
		if d.kind(path, raw, "a whole number") {
			d.whole(path, raw, v, tag.Get("zero"))
		}
	case reflect.Float64:
		if d.kind(path, raw, "a number") {
			d.number(path, raw, v, tag.Get("zero"))
		}
	default:
		panic("protocol: DecodeStrict cannot read a " + v.Type().String())
	}
}

// own has a value read its own JSON.
func (d *strictDecoder) own(path string, raw json.RawMessage, v json.Unmarshaler) {
	err := v.UnmarshalJSON(raw)
	if _, ok := v.(*time.Time); ok && err != nil {
		d.faults.add(path, raw, "want a time such as %q", "2026-11-30T09:00:00Z")
	} else if invalid, ok := errors.AsType[*InvalidRequestError](err); ok {
		for _, fault := range invalid.Faults.Within(path) {
			d.faults.append(fault)
		}
	} else if err != nil {
		d.faults.add(path, nil, "%v", err)
	}
}

// kind reports whether raw is of the wanted kind, and adds a fault if not. It looks only
// at the first byte.
func (d *strictDecoder) kind(path string, raw json.RawMessage, want string) bool {
	got := kindOf(raw)
	if got == want || got == "a number" && want == "a whole number" {
		return true
	}
	d.faults.add(path, raw, "want %s, got %s", want, got)
	return false
}

// unquoted returns the text of raw, which is a JSON string.
func unquoted(raw json.RawMessage) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

// maxWhole bounds whole numbers. A float64, which most JSON readers use, holds every
// whole number up to it exactly.
const maxWhole = 1 << 53

func (d *strictDecoder) whole(path string, raw json.RawMessage, v reflect.Value, zero string) {
	n, err := strconv.ParseInt(string(raw), 10, 64)
	switch {
	case errors.Is(err, strconv.ErrSyntax):
		d.faults.add(path, raw, "want a whole number, without fraction or exponent")
	case err != nil || n > maxWhole || n < -maxWhole || v.OverflowInt(n):
		d.faults.add(path, raw, "out of range; want a whole number up to 2⁵³")
	case n == 0 && zero != "":
		d.faults.add(path, raw, "out of range; %s", zero)
	default:
		v.SetInt(n)
	}
}

func (d *strictDecoder) number(path string, raw json.RawMessage, v reflect.Value, zero string) {
	f, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case err != nil:
		d.faults.add(path, raw, "out of range; want a number up to %.1e", math.MaxFloat64)
	case f == 0 && zero != "":
		d.faults.add(path, raw, "out of range; %s", zero)
	default:
		v.SetFloat(f)
	}
}

func (d *strictDecoder) array(path string, raw json.RawMessage, v reflect.Value, tag reflect.StructTag) {
	if !d.kind(path, raw, "an array") {
		return
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		d.faults.add(path, raw, "%v", err)
		return
	}
	limit, err := strconv.Atoi(tag.Get("max"))
	if err == nil && d.faults.tooMany(path, len(elements), limit) {
		v.Set(reflect.MakeSlice(v.Type(), 0, 0)) // it was given
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
	for i, element := range elements {
		d.value(fmt.Sprintf("%s[%d]", path, i), element, v.Index(i), "")
	}
}

func (d *strictDecoder) object(path string, raw json.RawMessage, v reflect.Value) {
	if !d.kind(path, raw, "an object") {
		return
	}
	fields, names := fieldsOf(v.Type())
	seen := map[string]bool{}
	dec := json.NewDecoder(bytes.NewReader(raw))
	_, _ = dec.Token() // the brace; that raw is JSON has been checked
	for dec.More() {
		key, _ := dec.Token()
		name, _ := key.(string)
		var value json.RawMessage
		if err := dec.Decode(&value); err != nil {
			d.faults.add(path, raw, "%v", err)
			return
		}
		field, known := fields[name]
		switch at := below(path, name); {
		case !known && len(d.faults) > maxFaults: // looking for the nearest field would take long
		case !known:
			d.faults.add(at, value, "unknown field%s", suggestion(name, names))
		case seen[name]:
			d.faults.add(at, value, "given twice")
		default:
			seen[name] = true
			d.value(at, value, v.FieldByIndex(field.Index), field.Tag)
		}
	}
}

// below returns the path of the field name of the object at path.
func below(path, name string) string {
	unlike := func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' }
	switch {
	case name == "" || len(name) > excerptBytes || strings.ContainsFunc(name, unlike):
		return path + "[" + shown(name) + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

// fieldsOf returns a struct's fields by JSON name, and the names in order. The fields of
// an embedded struct are fields of the struct.
func fieldsOf(t reflect.Type) (map[string]reflect.StructField, []string) {
	fields, names := map[string]reflect.StructField{}, []string{}
	for i := range t.NumField() {
		field := t.Field(i)
		if field.Anonymous && field.Type.Kind() == reflect.Struct && field.Tag.Get("json") == "" {
			embedded, own := fieldsOf(field.Type)
			for _, name := range own {
				below := embedded[name]
				below.Index = append([]int{i}, below.Index...)
				fields[name] = below
			}
			names = append(names, own...)
		} else if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = field
			names = append(names, name)
		}
	}
	return fields, names
}

func suggestion(name string, known []string) string {
	if near := Nearest(name, known); near != "" {
		return fmt.Sprintf("; did you mean %q?", near)
	}
	if len(known) == 0 {
		return "; there are none here"
	}
	return "; known are " + strings.Join(known, ", ")
}

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
	"unicode/utf8"
)

// DecodeStrict reads one JSON object into the struct that v points to, and
// returns everything that is wrong with its form: bytes that are not JSON or
// not UTF-8, unknown fields (with the nearest known one), fields given twice,
// wrong types, nulls, and numbers that do not fit. What is right is stored even
// when something else is wrong.
//
// A field tagged `zero:"…"` refuses an explicit 0, because its zero value stands
// for a default; the tag says what to write instead. A field of type
// json.RawMessage takes any JSON object. Tasks read their parameters with it.
func DecodeStrict(data []byte, v any) Faults {
	var d strictDecoder
	if fault, ok := malformed(data); ok {
		return Faults{fault}
	}
	d.value("", data, reflect.ValueOf(v).Elem(), "")
	return d.faults
}

// malformed reports bytes that are not one JSON value in UTF-8.
func malformed(data []byte) (Fault, bool) {
	if !utf8.Valid(data) {
		return Fault{Detail: "not UTF-8"}, true
	}
	var whole json.RawMessage
	err := json.Unmarshal(data, &whole)
	if err == nil {
		return Fault{}, false
	}
	f := Fault{Value: excerpt(data), Detail: "not JSON: " + err.Error()}
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		read := data[:min(int(syntax.Offset), len(data))]
		line := 1 + bytes.Count(read, []byte("\n"))
		column := len(read) - (bytes.LastIndexByte(read, '\n') + 1)
		f.Detail = fmt.Sprintf("not JSON: %v at line %d, column %d", err, line, column)
	}
	return f, true
}

// A strictDecoder gathers the faults of one document.
type strictDecoder struct{ faults Faults }

// rawMessage is the type of a field that takes any object.
var rawMessage = reflect.TypeFor[json.RawMessage]() //nolint:gochecknoglobals // a constant that Go cannot write as one

// value stores the JSON value raw into v. zero is v's own "zero" tag.
func (d *strictDecoder) value(path string, raw json.RawMessage, v reflect.Value, zero string) {
	raw = bytes.TrimSpace(raw)
	if string(raw) == "null" {
		d.faults.add(path, raw, "null is not a value here; leave the field out for its default")
		return
	}
	if v.Type() == rawMessage {
		if d.kind(path, raw, '{', "an object") {
			v.SetBytes(bytes.Clone(raw))
		}
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		d.value(path, raw, v.Elem(), zero)
	case reflect.Struct:
		d.object(path, raw, v)
	case reflect.Slice:
		d.array(path, raw, v)
	case reflect.String:
		if d.kind(path, raw, '"', "a string") {
			d.scalar(path, raw, v)
		}
	case reflect.Bool:
		if d.kind(path, raw, 't', "true or false") {
			d.scalar(path, raw, v)
		}
	case reflect.Int, reflect.Float64:
		d.number(path, raw, v, zero)
	default:
		panic("protocol: DecodeStrict cannot read a " + v.Type().String())
	}
}

// kind reports whether raw begins as a value of the wanted kind does.
func (d *strictDecoder) kind(path string, raw []byte, first byte, want string) bool {
	if raw[0] == first || first == 't' && raw[0] == 'f' {
		return true
	}
	d.faults.add(path, json.RawMessage(raw), "want %s, got %s", want, kindOf(raw))
	return false
}

// scalar stores a string or a truth value whose kind is right.
func (d *strictDecoder) scalar(path string, raw json.RawMessage, v reflect.Value) {
	if err := json.Unmarshal(raw, v.Addr().Interface()); err != nil {
		d.faults.add(path, raw, "%v", err)
	}
}

func (d *strictDecoder) number(path string, raw json.RawMessage, v reflect.Value, zero string) {
	want := "a number"
	if v.Kind() == reflect.Int {
		want = "a whole number"
	}
	if kindOf(raw) != "a number" {
		d.faults.add(path, raw, "want %s, got %s", want, kindOf(raw))
		return
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case err != nil:
		d.faults.add(path, raw, "want %s that fits into 64 bits", want)
	case f == 0 && zero != "":
		d.faults.add(path, raw, "0 is out of range; %s", zero)
	case v.Kind() == reflect.Float64:
		v.SetFloat(f)
	case f != math.Trunc(f) || math.Abs(f) > 1<<53: // 2⁵³: what a float64 holds exactly
		d.faults.add(path, raw, "want %s up to 2⁵³", want)
	default:
		v.SetInt(int64(f))
	}
}

func (d *strictDecoder) array(path string, raw json.RawMessage, v reflect.Value) {
	if !d.kind(path, raw, '[', "an array") {
		return
	}
	var elements []json.RawMessage
	if err := json.Unmarshal(raw, &elements); err != nil {
		d.faults.add(path, raw, "%v", err)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(elements), len(elements)))
	for i, element := range elements {
		d.value(fmt.Sprintf("%s[%d]", path, i), element, v.Index(i), "")
	}
}

func (d *strictDecoder) object(path string, raw json.RawMessage, v reflect.Value) {
	if !d.kind(path, raw, '{', "an object") {
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
		at := name
		if path != "" {
			at = path + "." + name
		}
		i, known := fields[name]
		switch {
		case !known:
			d.faults.add(at, value, "unknown field%s", suggestion(name, names))
		case seen[name]:
			d.faults.add(at, value, "given twice")
		default:
			d.value(at, value, v.Field(i), v.Type().Field(i).Tag.Get("zero"))
		}
		seen[name] = true
	}
}

// fieldsOf returns a struct's fields by JSON name, and the names in order.
func fieldsOf(t reflect.Type) (map[string]int, []string) {
	fields, names := map[string]int{}, []string{}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" && name != "-" {
			fields[name] = i
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

func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a truth value"
	case 'n':
		return "null"
	}
	return "a number"
}

// shown returns a value as compact JSON on one line, cut to excerptBytes.
func shown(value any) string {
	if value == nil {
		return ""
	}
	data, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return excerpt(data)
}

// excerptBytes is how much of a bad value an error message repeats.
const excerptBytes = 80

// excerpt cuts data to excerptBytes, at the end of a character, and makes what
// is not printable visible.
func excerpt(data []byte) string {
	if len(data) == 0 {
		return "nothing"
	}
	rest := len(data) - excerptBytes
	if rest > 0 {
		data = data[:excerptBytes]
		for len(data) > 0 && !utf8.RuneStart(data[len(data)-1]) {
			data = data[:len(data)-1]
		}
	}
	text := strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '·'
	}, string(data))
	if rest > 0 {
		return text + "…"
	}
	return text
}

package model

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
	"github.com/aws/smithy-go/traits"
)

// maxDepth is the depth of structures, lists and maps in an output. AWS's own have less
// than 100; without a limit, an answer of 16 MiB could overflow the stack.
const maxDepth = 1000

var errTooDeep = errors.New("the answer is nested too deeply")

// Deserialize implements smithy.Deserializable.
func (v *Value) Deserialize(d smithy.ShapeDeserializer) error {
	if v == nil || v.shape == nil {
		return nil
	}
	value, err := (&valueReader{d: d, decode: v.decode, epoch: v.shape.epoch}).read(v.shape, v.shape.schema)
	v.value = value
	object, _ := value.(map[string]any)
	for _, m := range v.shape.members() {
		if _, ok := smithy.SchemaTrait[*traits.HTTPPrefixHeaders](m.schema); ok && object != nil && object[m.name] == nil {
			object[m.name] = map[string]any{} // as the AWS CLI has it: no header is an empty map
		}
	}
	return err
}

// A valueReader reads values.
type valueReader struct {
	d      smithy.ShapeDeserializer
	decode map[string]func(string) any // as of a Value
	depth  int
	epoch  bool // whether a timestamp without a format is seconds since 1970
}

// read reads a value of a shape. The schema is that of the member, or of the root, that
// has the shape.
func (r *valueReader) read(t *shape, schema *smithy.Schema) (any, error) {
	if t.fill == nil {
		return r.scalar(t.typ, schema)
	}
	t.members() // before the protocol looks at the schema's
	r.depth++
	defer func() { r.depth-- }()
	if r.depth > maxDepth {
		return nil, errTooDeep
	}
	switch t.typ {
	case smithy.ShapeTypeList:
		return r.list(t, schema)
	case smithy.ShapeTypeMap:
		return r.table(t, schema)
	case smithy.ShapeTypeUnion:
		return r.members(t, func() (*smithy.Schema, error) { return r.d.ReadUnion(schema) })
	default:
		if err := r.d.ReadStruct(schema); err != nil {
			return nil, err //nolint:wrapcheck // the protocol's error says what could not be read
		}
		return r.members(t, r.d.ReadStructMember)
	}
}

// members reads the members of a structure, or of a union, until next returns none.
func (r *valueReader) members(t *shape, next func() (*smithy.Schema, error)) (any, error) {
	object := map[string]any{}
	for {
		schema, err := next()
		if err != nil || schema == nil {
			return object, err
		}
		m := t.member(schema.MemberName())
		reader := r
		if m.bound {
			reader = &valueReader{d: r.d, decode: r.decode, depth: r.depth}
		}
		value, err := reader.read(m.shape, schema)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", m.name, err)
		}
		if text, ok := value.(string); ok {
			switch decode := r.decode[m.name]; {
			case m.json:
				value = parsed(text)
			case decode != nil:
				value = decode(text)
			}
		}
		if value != nil {
			object[m.name] = value
		}
	}
}

// parsed returns the JSON in a text, or the text when there is none in it.
func parsed(text string) any {
	var value any
	if json.Unmarshal([]byte(text), &value) != nil {
		return text
	}
	return value
}

// policy returns the JSON in a percent-encoded text, or the text when there is none in it.
func policy(text string) any {
	unescaped, err := url.PathUnescape(text)
	if err != nil {
		return parsed(text)
	}
	if value, ok := parsed(unescaped).(map[string]any); ok {
		return value
	}
	return text
}

// console returns the text that is in base64 in a text.
func console(text string) any {
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return text
	}
	return strings.ToValidUTF8(string(decoded), "\uFFFD")
}

// list reads a list.
func (r *valueReader) list(t *shape, schema *smithy.Schema) (any, error) {
	list := []any{}
	if err := r.d.ReadList(schema); err != nil {
		return nil, err //nolint:wrapcheck // the protocol's error says what could not be read
	}
	for m := t.item(); ; {
		more, err := r.d.ReadListItem(m.schema)
		if err != nil || !more {
			return list, err //nolint:wrapcheck // as above
		}
		value, null, err := r.item(m)
		if err != nil {
			return nil, fmt.Errorf("[%d]: %w", len(list), err)
		}
		if !null || t.sparse {
			list = append(list, value)
		}
	}
}

// table reads a map.
func (r *valueReader) table(t *shape, schema *smithy.Schema) (any, error) {
	object := map[string]any{}
	if err := r.d.ReadMap(schema); err != nil {
		return nil, err //nolint:wrapcheck // the protocol's error says what could not be read
	}
	for m := t.item(); ; {
		key, more, err := r.d.ReadMapKey(schema.MapKey())
		if err != nil || !more {
			return object, err //nolint:wrapcheck // as above
		}
		value, null, err := r.item(m)
		if err != nil {
			return nil, fmt.Errorf("%q: %w", key, err)
		}
		if !null || t.sparse {
			object[key] = value
		}
	}
}

// item reads an item of a list or a value of a map, which may be null.
func (r *valueReader) item(m *member) (value any, null bool, err error) {
	if null, err = r.d.ReadNil(m.schema); err != nil || null {
		return nil, null, err //nolint:wrapcheck // the protocol's error says what could not be read
	}
	value, err = r.read(m.shape, m.schema)
	return value, false, err
}

// scalar reads a value without members.
//
//nolint:wrapcheck // the protocol's error says what could not be read
func (r *valueReader) scalar(typ smithy.ShapeType, schema *smithy.Schema) (any, error) {
	switch typ {
	case smithy.ShapeTypeBoolean:
		var b bool
		err := r.d.ReadBool(schema, &b)
		return b, err
	case smithy.ShapeTypeInteger:
		var n int32
		err := r.d.ReadInt32(schema, &n)
		return float64(n), err
	case smithy.ShapeTypeLong:
		var n int64
		err := r.d.ReadInt64(schema, &n)
		return exact(n), err
	case smithy.ShapeTypeFloat:
		var f float32
		err := r.d.ReadFloat32(schema, &f)
		decimal, _ := strconv.ParseFloat(strconv.FormatFloat(float64(f), 'g', -1, 32), 64) // 1.1, and not 1.100000023841858
		return finite(decimal), err
	case smithy.ShapeTypeDouble:
		var f float64
		err := r.d.ReadFloat64(schema, &f)
		return finite(f), err
	case smithy.ShapeTypeBlob:
		var blob []byte
		err := r.d.ReadBlob(schema, &blob)
		return base64.StdEncoding.EncodeToString(blob), err
	case smithy.ShapeTypeTimestamp:
		return r.timestamp(schema)
	case smithy.ShapeTypeDocument:
		var v document.Value
		if err := r.d.ReadDocument(schema, &v); err != nil {
			return nil, err
		}
		return plain(v), nil
	default:
		var text string
		err := r.d.ReadString(schema, &text)
		return text, err
	}
}

// timestamp reads a timestamp.
func (r *valueReader) timestamp(schema *smithy.Schema) (any, error) {
	var t time.Time
	if isEpoch(schema, r.epoch) {
		var seconds float64
		if err := r.d.ReadFloat64(schema, &seconds); err != nil {
			return nil, err //nolint:wrapcheck // the protocol's error says what could not be read
		}
		var ok bool
		if t, ok = epochTime(math.Floor(math.Round(seconds*1e6) / 1000)); !ok { // 0.446 is a little less in binary
			return nil, fmt.Errorf("%v seconds since 1970 are not in the years 0 to 9999", seconds)
		}
	} else if err := r.d.ReadTime(schema, &t); err != nil {
		return nil, oneLine(err)
	}
	if year := t.UTC().Year(); year < 0 || year > 9999 { // in CBOR
		return nil, errors.New("the time is not in the years 0 to 9999")
	}
	return t.UTC().Format(time.RFC3339Nano), nil
}

// oneLine returns the error of a text that is no time. smithy-go's has a line for each
// format that it tried; the first one says enough.
func oneLine(err error) error {
	_, formats, _ := strings.Cut(err.Error(), "\n * ")
	first, _, _ := strings.Cut(formats, "\n")
	if _, reason, ok := strings.Cut(first, ": "); ok {
		return errors.New(reason)
	}
	return err
}

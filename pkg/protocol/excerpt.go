package protocol

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"
)

// excerptBytes is how much of a bad value an error message repeats.
const excerptBytes = 80

// excerpt cuts data to excerptBytes, at the end of a character, and shows a dot for
// each character that is not printable.
func excerpt(data []byte) string {
	if len(data) == 0 {
		return "nothing"
	}
	end, more := len(data), ""
	if end > excerptBytes {
		end, more = excerptBytes, "…"
		for end > 0 && !utf8.RuneStart(data[end]) {
			end--
		}
	}
	return strings.Map(func(r rune) rune {
		if strconv.IsPrint(r) {
			return r
		}
		return '·'
	}, string(data[:end])) + more
}

// shown returns an excerpt of a value's compact JSON. It returns "" for nil and for a
// nil slice.
func shown(value any) string {
	if v := reflect.ValueOf(value); !v.IsValid() || v.Kind() == reflect.Slice && v.IsNil() {
		return ""
	}
	if s, ok := value.(string); ok {
		value = strings.ToValidUTF8(s, "\uFFFD")
	}
	text, err := Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return excerpt(text)
}

// kindOf returns the kind of the JSON value raw for an error message. raw is not null.
func kindOf(raw []byte) string {
	switch raw[0] {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "true or false"
	}
	return "a number"
}

// KindFor returns the kind of JSON value that a field of type t accepts, such as "a
// number".
func KindFor(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return KindFor(t.Elem())
	case reflect.Struct, reflect.Map:
		return "an object"
	case reflect.Slice:
		if t == rawMessage {
			return "an object"
		}
		return "an array"
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Int:
		return "a whole number"
	default:
		return "a number"
	}
}

package model

import (
	"encoding/json"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/document"
	"github.com/aws/smithy-go/traits"
)

// sortedKeys returns the keys of an object in order, so that requests are the same each
// time.
func sortedKeys(object map[string]any) []string { return slices.Sorted(maps.Keys(object)) }

// integer returns the whole number that a value is, and whether it is one.
func integer(v any) (int64, bool) {
	switch n := v.(type) {
	case int:
		return int64(n), true
	case int64:
		return n, true
	case float64:
		const limit = 1 << 63
		return int64(n), n == math.Trunc(n) && n >= -limit && n < limit
	case json.Number:
		if i, err := n.Int64(); err == nil {
			return i, true
		}
		f, err := n.Float64() // 1e3 is a whole number
		if err != nil {
			return 0, false
		}
		return integer(f)
	default:
		return 0, false
	}
}

// float returns the number that a value is, and whether it is one. NaN and the
// infinities are texts.
func float(v any) (float64, bool) {
	switch n := v.(type) {
	case int:
		return float64(n), true
	case int64:
		return float64(n), true
	case float64:
		return n, true
	case json.Number:
		f, err := n.Float64()
		return f, err == nil
	case string:
		f, ok := map[string]float64{"NaN": math.NaN(), "Infinity": math.Inf(1), "-Infinity": math.Inf(-1)}[n]
		return f, ok
	default:
		return 0, false
	}
}

// timestamp returns the time that a value is, and whether it is one: a text as in RFC
// 3339, a date, or seconds since 1970.
func timestamp(v any) (time.Time, bool) {
	if text, ok := v.(string); ok {
		for _, layout := range []string{time.RFC3339Nano, time.DateOnly} {
			if t, err := time.Parse(layout, text); err == nil {
				return t.UTC(), true
			}
		}
		return time.Time{}, false
	}
	seconds, ok := float(v)
	if !ok {
		return time.Time{}, false
	}
	return epochTime(math.Round(seconds * 1000))
}

// epochTime returns the time that is some whole milliseconds after 1970, and whether RFC
// 3339 can write it. smithy-go's ParseEpochSeconds goes by nanoseconds: it
// returns other times outside the years 1678 to 2262, and panics for NaN.
func epochTime(ms float64) (time.Time, bool) {
	const first, last = -62167219200_000, 253402300799_999 // the years 0 to 9999
	if ms >= first && ms <= last {
		return time.UnixMilli(int64(ms)).UTC(), true
	}
	return time.Time{}, false
}

// epochSeconds returns the seconds since 1970, to the millisecond.
func epochSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }

// isEpoch reports whether a timestamp with a schema is a number of seconds since 1970.
// byDefault says it for a schema without a format.
func isEpoch(schema *smithy.Schema, byDefault bool) bool {
	if t, ok := smithy.SchemaTrait[*traits.TimestampFormat](schema); ok {
		return t.Format == "epoch-seconds"
	}
	return byDefault
}

// exact returns a whole number as a float64, or as a json.Number when that would not be
// the same.
func exact(n int64) any {
	const limit = 1 << 53
	if n > limit || n < -limit {
		return json.Number(strconv.FormatInt(n, 10))
	}
	return float64(n)
}

// finite returns a number, or the text for one that JSON does not have.
func finite(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return f
}

// plain returns a document as a value.
func plain(v any) any {
	switch d := v.(type) {
	case document.Opaque:
		return plain(d.Value)
	case json.Number:
		if i, err := d.Int64(); err == nil {
			return exact(i)
		}
		f, _ := d.Float64()
		return finite(f)
	case []any:
		for i := range d {
			d[i] = plain(d[i])
		}
	case map[string]any:
		for key := range d {
			d[key] = plain(d[key])
		}
	case int64:
		return exact(d)
	}
	return v
}

package protocol

import (
	"encoding/json"
	"math"
	"strconv"
	"unicode/utf8"
)

// An encoder writes results as encoding/json writes them, to the byte, by hand: it
// reads what is JSON already once and not three times, and there may be megabytes of
// that. Whatever is rare it leaves to encoding/json.
type encoder struct {
	b   []byte
	err error // the first
}

func (e *encoder) result(r *Result) {
	e.begin('{')
	e.text("runId", r.RunID)
	e.textIf("name", r.Name)
	e.text("status", string(r.Status))
	e.textIf("error", r.Error)
	e.textIf("cause", r.Cause)
	e.any("startedAt", r.StartedAt)
	e.number("elapsedMs", r.ElapsedMs)
	e.text("message", r.Message)
	if r.Notices != nil {
		e.any("notices", r.Notices)
	}
	e.truthIf("truncated", r.Truncated)
	e.any("summary", r.Summary)
	elements(e, "regions", r.Regions, e.region)
	e.end('}')
}

func (e *encoder) region(r *RegionOutcome) {
	e.begin('{')
	e.text("region", r.Region)
	e.text("status", string(r.Status))
	e.textIf("error", r.Error)
	e.textIf("cause", r.Cause)
	e.textIf("hint", r.Hint)
	e.number("startMs", r.StartMs)
	e.number("elapsedMs", r.ElapsedMs)
	e.textIf("requestId", r.RequestID)
	if r.Usage != nil {
		e.any("usage", r.Usage)
	}
	e.truthIf("truncated", r.Truncated)
	elements(e, "attempts", r.Attempts, e.attempt)
	elements(e, "targets", r.Targets, e.target)
	e.end('}')
}

func (e *encoder) regionResult(r *RegionResult) {
	e.begin('{')
	e.integer("version", r.Version)
	e.text("runId", r.RunID)
	e.text("region", r.Region)
	e.integer("batch", r.Batch)
	e.text("status", string(r.Status))
	e.textIf("error", r.Error)
	e.textIf("cause", r.Cause)
	e.number("elapsedMs", r.ElapsedMs)
	e.truthIf("truncated", r.Truncated)
	elements(e, "targets", r.Targets, e.target)
	e.end('}')
}

func (e *encoder) target(t *TargetOutcome) {
	e.begin('{')
	e.text("target", t.Target)
	e.text("status", string(t.Status))
	if t.Output != nil {
		e.name("output")
		e.raw(t.Output)
	}
	e.textIf("error", t.Error)
	e.textIf("cause", t.Cause)
	e.number("elapsedMs", t.ElapsedMs)
	if t.Attempts != nil {
		elements(e, "attempts", t.Attempts, e.attempt)
	}
	e.end('}')
}

func (e *encoder) attempt(a *Attempt) {
	e.begin('{')
	e.number("startMs", a.StartMs)
	e.number("elapsedMs", a.ElapsedMs)
	e.textIf("error", a.Error)
	e.textIf("cause", a.Cause)
	e.numberIf("waitMs", a.WaitMs)
	e.integerIf("batch", a.Batch)
	e.textIf("requestId", a.RequestID)
	if a.Metrics != nil {
		e.name("metrics")
		e.metrics(a.Metrics)
	}
	e.truthIf("hedge", a.Hedge)
	e.truthIf("abandoned", a.Abandoned)
	e.end('}')
}

func (e *encoder) metrics(m *Metrics) {
	e.begin('{')
	e.number("billedDurationMs", m.BilledDurationMs)
	e.integerIf("memorySizeMB", m.MemorySizeMB)
	e.integerIf("maxMemoryUsedMB", m.MaxMemoryUsedMB)
	e.numberIf("initDurationMs", m.InitDurationMs)
	e.numberIf("restoreDurationMs", m.RestoreDurationMs)
	e.truthIf("estimated", m.Estimated)
	e.end('}')
}

// elements writes a list as a field.
func elements[T any](e *encoder, name string, all []T, element func(*T)) {
	e.name(name)
	if all == nil {
		e.b = append(e.b, "null,"...)
		return
	}
	e.begin('[')
	for i := range all {
		element(&all[i])
	}
	e.end(']')
}

// begin begins an object or a list.
func (e *encoder) begin(c byte) { e.b = append(e.b, c) }

// end ends it. Each value has a comma after it, which the last one loses.
func (e *encoder) end(c byte) {
	if last := len(e.b) - 1; e.b[last] == ',' {
		e.b = e.b[:last]
	}
	e.b = append(e.b, c, ',')
}

func (e *encoder) name(name string) {
	e.b = append(append(append(e.b, '"'), name...), `":`...)
}

// Each of the next writes a field, and with If in its name only when it is not zero.

func (e *encoder) text(name, s string) {
	e.name(name)
	for i := range len(s) {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			e.value(s)
			return
		}
	}
	e.b = append(append(append(e.b, '"'), s...), `",`...)
}

func (e *encoder) textIf(name, s string) {
	if s != "" {
		e.text(name, s)
	}
}

func (e *encoder) integer(name string, n int) {
	e.name(name)
	e.b = append(strconv.AppendInt(e.b, int64(n), 10), ',')
}

func (e *encoder) integerIf(name string, n int) {
	if n != 0 {
		e.integer(name, n)
	}
}

func (e *encoder) number(name string, x float64) {
	e.name(name)
	if x != 0 && !(math.Abs(x) >= 1e-6 && math.Abs(x) < 1e21) { // with an exponent, or none
		e.value(x)
		return
	}
	e.b = append(strconv.AppendFloat(e.b, x, 'f', -1, 64), ',')
}

func (e *encoder) numberIf(name string, x float64) {
	if math.Float64bits(x) != 0 {
		e.number(name, x)
	}
}

func (e *encoder) truthIf(name string, is bool) {
	if is {
		e.name(name)
		e.b = append(e.b, "true,"...)
	}
}

func (e *encoder) any(name string, v any) {
	e.name(name)
	e.value(v)
}

// value writes what encoding/json makes of v.
func (e *encoder) value(v any) {
	data, err := json.Marshal(v)
	if e.err == nil {
		e.err = err
	}
	e.b = append(append(e.b, data...), ',')
}

// raw writes JSON without white space, and with what must not be in HTML escaped.
func (e *encoder) raw(raw json.RawMessage) {
	if !asItStands(raw) {
		e.value(raw)
		return
	}
	e.b = append(append(e.b, raw...), ',')
}

// asItStands reports whether encoding/json writes raw as it stands.
func asItStands(raw json.RawMessage) bool {
	q := quick{data: raw}
	return q.value(MaxOutputDepth) && q.at == len(raw) && !q.loose
}

// rawBytes returns how long the encoding of raw is: without white space, and
// with what must not be in HTML escaped. It is the length of what json.Marshal makes
// of it, many times faster.
func rawBytes(raw json.RawMessage) int {
	if asItStands(raw) {
		return len(raw)
	}
	n := 0
	quoted := false
	for i := 0; i < len(raw); i++ {
		switch b := raw[i]; {
		case quoted && b == '\\' && i+1 < len(raw):
			n += len(`\"`)
			i++
			continue
		case b == '"':
			quoted = !quoted
		case !quoted && (b == ' ' || b == '\t' || b == '\n' || b == '\r'):
			continue
		case b == '<' || b == '>' || b == '&':
			n += len(`\u003c`)
			continue
		case b == 0xE2 && i+2 < len(raw) && raw[i+1] == 0x80 && raw[i+2]&^1 == 0xA8: // U+2028, U+2029
			n += len(`\u2028`)
			i += 2
			continue
		}
		n++
	}
	return n
}

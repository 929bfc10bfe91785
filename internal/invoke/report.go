package invoke

import (
	"bytes"
	"encoding/base64"
	"math"
	"strconv"
	"time"

	"meridian/pkg/protocol"
)

const (
	// maxTail is the most that Lambda returns of a log, before base64.
	// Source: LogType in https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html.
	maxTail = 4 << 10

	// window is how much of the tail is decoded first, a multiple of 3 because of
	// base64: the longest report, of a traced cold start, has 420 bytes.
	window = 516
)

// reportOf returns the report of an invocation: the metrics in the tail of its log, or
// an estimate from the time it took if it may have run. Err is how it ended.
func reportOf(id, tail string, err error, took time.Duration) protocol.Attempt {
	report := protocol.Attempt{RequestID: id, Metrics: metricsIn(tail, id)}
	if report.Metrics == nil && mayHaveRunAfter(err) {
		report.Metrics = estimate(took)
	}
	return report
}

// estimate returns the metrics of an invocation without a report, from its duration.
func estimate(took time.Duration) *protocol.Metrics {
	return &protocol.Metrics{BilledDurationMs: math.Ceil(float64(took) / float64(time.Millisecond)), Estimated: true}
}

// metricsIn returns Lambda's report of the invocation id in the tail of its log, or nil
// when there is none: a log level leaves it out, or an extension wrote too much after
// it.
//
// The function's own output is in the log too. It may look like a report, but it comes
// before the report: the last one counts.
//
// Sources: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html#platform-report
// for the log format JSON; for text https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
// and, for SnapStart, https://docs.aws.amazon.com/lambda/latest/dg/snapstart-monitoring.html.
func metricsIn(tail, id string) *protocol.Metrics {
	if tail == "" || id == "" {
		return nil
	}
	tail = tail[max(0, len(tail)-base64.StdEncoding.EncodedLen(maxTail)):]
	if recent := base64.StdEncoding.EncodedLen(window); len(tail) > recent {
		var log [window]byte
		n, err := base64.StdEncoding.Decode(log[:], []byte(tail[len(tail)-recent:]))
		if err != nil {
			return nil
		}
		// The first line may be cut off.
		if _, lines, ok := bytes.Cut(log[:n], []byte("\n")); ok {
			if m, ok := lastReport(lines, id); ok {
				return &m
			}
		}
	}
	log, err := base64.StdEncoding.DecodeString(tail)
	if err != nil {
		return nil
	}
	if m, ok := lastReport(log, id); ok {
		return &m
	}
	return nil
}

// lastReport returns the metrics of the last report of id in lines.
func lastReport(lines []byte, id string) (m protocol.Metrics, ok bool) {
	for len(lines) > 0 {
		start := bytes.LastIndexByte(lines, '\n') + 1
		line := lines[start:]
		m = protocol.Metrics{}
		if (bytes.HasPrefix(line, []byte("REPORT ")) && textReport(&m, line, id) ||
			bytes.HasPrefix(line, []byte("{")) && jsonReport(&m, line, id)) &&
			m.BilledDurationMs > 0 && m.MemorySizeMB > 0 {
			return m, true
		}
		lines = lines[:max(0, start-1)]
	}
	return protocol.Metrics{}, false
}

// textReport reads a line of the log format text: tabs separate fields, each a name and
// a value with its unit.
func textReport(m *protocol.Metrics, line []byte, id string) bool {
	ok := false
	for len(line) > 0 { // bytes.SplitSeq would allocate the log
		var one []byte
		one, line, _ = bytes.Cut(line, []byte("\t"))
		name, value, _ := bytes.Cut(bytes.TrimSpace(one), []byte(": "))
		switch string(name) {
		case "REPORT RequestId":
			ok = string(value) == id
		case "Billed Duration":
			m.BilledDurationMs = number(value)
		case "Memory Size":
			m.MemorySizeMB = int(number(value))
		case "Max Memory Used":
			m.MaxMemoryUsedMB = int(number(value))
		case "Init Duration":
			m.InitDurationMs = number(value)
		case "Restore Duration":
			m.RestoreDurationMs = number(value)
		}
	}
	return ok
}

// jsonReport reads a line of the log format JSON. It searches for the fields by their
// names, which are unique in a line: decoding the line takes 11 allocations.
func jsonReport(m *protocol.Metrics, line []byte, id string) bool {
	if !bytes.Contains(line, []byte(`"platform.report"`)) {
		return false
	}
	if quoted := field(line, `"requestId"`); len(quoted) < len(id)+2 || string(quoted[1:len(id)+1]) != id || quoted[len(id)+1] != '"' {
		return false
	}
	m.BilledDurationMs = number(field(line, `"billedDurationMs"`))
	m.MemorySizeMB = int(number(field(line, `"memorySizeMB"`)))
	m.MaxMemoryUsedMB = int(number(field(line, `"maxMemoryUsedMB"`)))
	m.InitDurationMs = number(field(line, `"initDurationMs"`))
	m.RestoreDurationMs = number(field(line, `"restoreDurationMs"`))
	return true
}

// field returns the rest of a line of JSON from the value of a field, or nil.
func field(line []byte, name string) []byte {
	_, rest, _ := bytes.Cut(line, []byte(name))
	rest = bytes.TrimLeft(rest, " ")
	if len(rest) == 0 || rest[0] != ':' {
		return nil
	}
	return bytes.TrimLeft(rest[1:], " ")
}

// number returns the number at the beginning of text, which a unit or other text may
// follow. It returns 0 for what no report has: text that is no number, a negative number
// or a huge one. An exponent is allowed, as in JSON.
func number(text []byte) float64 {
	const most = 1e12
	n := 0
	for n < len(text) && (text[n] >= '0' && text[n] <= '9' || bytes.IndexByte([]byte(".eE+-"), text[n]) >= 0) {
		n++
	}
	if n == 0 {
		return 0
	}
	value, err := strconv.ParseFloat(string(text[:n]), 64)
	if err != nil || value < 0 || value > most {
		return 0
	}
	return value
}

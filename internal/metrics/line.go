package metrics

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// The dimensions.
const (
	dimensionFunction = "Function"
	dimensionName     = "Name"
	dimensionRegion   = "Region"
	dimensionAccount  = "Account"
	dimensionTarget   = "Target"
)

// A line is one document of the Embedded Metric Format.
type line struct {
	dimensions [][]string
	metrics    []metric
	values     map[string]any // of the dimensions and the metrics, by name

	status protocol.Status // of the run, the Region or the target
	error  string
}

// A metric is a MetricDefinition of the specification.
type metric struct {
	Name string `json:"Name"` //nolint:tagliatelle // the specification's spelling
	Unit string `json:"Unit"` //nolint:tagliatelle // the specification's spelling
}

// A directive is a MetricDirective of the specification.
type directive struct {
	Namespace  string     `json:"Namespace"`  //nolint:tagliatelle // the specification's spelling
	Dimensions [][]string `json:"Dimensions"` //nolint:tagliatelle // the specification's spelling
	Metrics    []metric   `json:"Metrics"`    //nolint:tagliatelle // the specification's spelling
}

// newLine returns a line with the dimension Function.
func newLine(status protocol.Status, errorName string) *line {
	return &line{dimensions: [][]string{{dimensionFunction}}, values: map[string]any{}, status: status, error: errorName}
}

// dimension adds a dimension to the last set.
func (l *line) dimension(name, value string) {
	last := len(l.dimensions) - 1
	l.dimensions[last] = append(slices.Clip(l.dimensions[last]), name)
	l.values[name] = value
}

// add adds a metric.
func (l *line) add(name, unit string, value float64) {
	l.metrics = append(l.metrics, metric{name, unit})
	l.values[name] = value
}

// count adds a metric that counts.
func (l *line) count(name string, n int) { l.add(name, "Count", float64(n)) }

// flag adds a metric that is 1 or 0. Its sum counts, and its average is a rate.
func (l *line) flag(name string, is bool) { l.count(name, one(is)) }

// one returns 1 for true and 0 for false.
func one(is bool) int {
	if is {
		return 1
	}
	return 0
}

// members returns the members of the document.
func (w *Writer) members(r *protocol.Result, l *line, now time.Time) map[string]any {
	all := l.values
	all[dimensionFunction] = w.Function
	all["_aws"] = map[string]any{
		"Timestamp":         now.UnixMilli(),
		"CloudWatchMetrics": []directive{{Namespace, l.dimensions, l.metrics}},
	}
	all["timestamp"], all["level"] = now.UTC().Format(time.RFC3339Nano), cmp.Or(w.LogLevel, "INFO")
	all["message"], all["runId"], all["status"] = "metrics", r.RunID, l.status
	for name, value := range map[string]string{"name": r.Name, "error": l.error} {
		if value != "" {
			all[name] = value
		}
	}
	return all
}

// maxDimension is the most characters that the value of a dimension may have.
const maxDimension = 1024

// asDimension returns text as the value of a dimension, which must be printable ASCII. Other
// characters are escaped as in Go. The end of a longer text is replaced by a hash of the whole text.
func asDimension(text string) string {
	quoted := strconv.QuoteToASCII(text)
	if strings.Contains(quoted, `\u`) || strings.Contains(quoted, `\U`) || strings.Contains(quoted, `\x`) {
		text = quoted[1 : len(quoted)-1]
	}
	if len(text) <= maxDimension {
		return text
	}
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(text))
	return fmt.Sprintf("%s-%016x", text[:maxDimension-17], sum.Sum64())
}

package meridian_test

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// An event is an event of a log as a query of CloudWatch Logs Insights sees it: a value, a string or a float64, for
// each field. Fields of objects have a dot in their names.
//
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_AnalyzeLogData-discoverable-fields.html
type event map[string]any

// add adds the fields of a JSON value under a name.
func (e event) add(name string, value any) {
	object, ok := value.(map[string]any)
	if !ok {
		e[name] = value
		return
	}
	for member, value := range object {
		e.add(strings.TrimPrefix(name+"."+member, "."), value)
	}
}

// newEvent returns the event of a line of JSON in a log.
func newEvent(log, line string, at time.Time) (event, error) {
	var fields map[string]any
	err := json.Unmarshal([]byte(line), &fields)
	e := event{"@log": log, "@message": line, "@timestamp": float64(at.UnixMilli())}
	e.add("", fields)
	return e, err
}

// A query carries out one query of CloudWatch Logs Insights. It knows the part of the language that the
// documentation uses, and refuses the rest.
//
// Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html
type query struct {
	tokens  []string
	events  []event
	columns []string
}

var errSyntax = errors.New("the query is not understood")

// insights returns the rows that a query finds.
func insights(text string, events []event) (rows [][]any, err error) {
	defer func() {
		if failed, ok := recover().(error); ok {
			err = failed
		}
	}()
	pattern := regexp.MustCompile(`\s*("[^"]*"|[@A-Za-z_][\w.@]*|\d+(?:\.\d+)?[a-z]*|!=|<=|>=|[|(),=<>/*\[\]])`)
	q := &query{events: events, columns: []string{"@timestamp", "@message"}}
	for rest := strings.TrimSpace(text); rest != ""; {
		at := pattern.FindStringSubmatchIndex(rest)
		if at == nil || at[0] != 0 {
			return nil, fmt.Errorf("%w: %q", errSyntax, rest)
		}
		q.tokens, rest = append(q.tokens, rest[at[2]:at[3]]), strings.TrimSpace(rest[at[1]:])
	}
	for q.command(); q.take("|"); {
		q.command()
	}
	if len(q.tokens) > 0 {
		q.fail()
	}
	for _, e := range q.events {
		row := make([]any, len(q.columns))
		for i, name := range q.columns {
			row[i] = e[name]
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (q *query) fail() { panic(fmt.Errorf("%w: %q", errSyntax, strings.Join(q.tokens, " "))) }

// next takes the next token.
func (q *query) next() string {
	if len(q.tokens) == 0 {
		q.fail()
	}
	token := q.tokens[0]
	q.tokens = q.tokens[1:]
	return token
}

// take takes the next token if it is the one.
func (q *query) take(token string) bool {
	if len(q.tokens) == 0 || q.tokens[0] != token {
		return false
	}
	q.tokens = q.tokens[1:]
	return true
}

// want takes the next token, which is the one.
func (q *query) want(token string) {
	if !q.take(token) {
		q.fail()
	}
}

// name takes the name of a field.
func (q *query) name() string {
	token := q.next()
	if !regexp.MustCompile(`^[@A-Za-z_]`).MatchString(token) {
		q.fail()
	}
	return token
}

// number takes a number.
func (q *query) number() float64 {
	n, err := strconv.ParseFloat(q.next(), 64)
	if err != nil {
		q.fail()
	}
	return n
}

func (q *query) command() {
	switch q.next() {
	case "fields":
		q.columns = []string{q.name()}
		for q.take(",") {
			q.columns = append(q.columns, q.name())
		}
	case "filter":
		matches := q.or()
		q.events = slices.DeleteFunc(slices.Clone(q.events), func(e event) bool { return !matches(e) })
	case "stats":
		q.stats()
	case "sort":
		name, sign := q.name(), 1
		if q.take("desc") {
			sign = -1
		} else {
			q.take("asc")
		}
		slices.SortStableFunc(q.events, func(a, b event) int { return sign * compareValues(a[name], b[name]) })
	case "limit":
		q.events = q.events[:min(len(q.events), int(q.number()))]
	default:
		q.fail()
	}
}

func compareValues(a, b any) int {
	x, isNumber := a.(float64)
	y, both := b.(float64)
	if isNumber && both {
		return cmp.Compare(x, y)
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}

func (q *query) or() func(event) bool {
	matches := q.and()
	for q.take("or") {
		left, right := matches, q.and()
		matches = func(e event) bool { return left(e) || right(e) }
	}
	return matches
}

func (q *query) and() func(event) bool {
	matches := q.condition()
	for q.take("and") {
		left, right := matches, q.condition()
		matches = func(e event) bool { return left(e) && right(e) }
	}
	return matches
}

// condition takes a comparison. One of a field that an event lacks does not match.
func (q *query) condition() func(event) bool {
	switch {
	case q.take("not"):
		matches := q.condition()
		return func(e event) bool { return !matches(e) }
	case q.take("ispresent"):
		q.want("(")
		name := q.name()
		q.want(")")
		return func(e event) bool { return e[name] != nil }
	}
	name := q.name()
	switch operator := q.next(); operator {
	case "=", "!=", "like":
		value := q.text()
		return func(e event) bool {
			switch is, present := e[name].(string); operator {
			case "=":
				return present && is == value
			case "!=":
				return present && is != value
			default:
				return present && strings.Contains(is, value)
			}
		}
	case "in":
		q.want("[")
		values := []string{q.text()}
		for q.take(",") {
			values = append(values, q.text())
		}
		q.want("]")
		return func(e event) bool { is, _ := e[name].(string); return slices.Contains(values, is) }
	}
	q.fail()
	return nil
}

// text takes a string.
func (q *query) text() string {
	token := q.next()
	if !strings.HasPrefix(token, `"`) {
		q.fail()
	}
	return strings.Trim(token, `"`)
}

// stats takes aggregations, and what they are grouped by.
func (q *query) stats() {
	type column struct {
		name string
		of   func([]event) any
	}
	var columns, groups []column
	for more := true; more; more = q.take(",") {
		of := q.aggregation()
		q.want("as")
		columns = append(columns, column{q.name(), of})
	}
	for more := q.take("by"); more; more = q.take(",") {
		name := q.name()
		of := func(es []event) any { return es[0][name] }
		if name == "bin" {
			q.want("(")
			width, err := time.ParseDuration(q.next())
			if err != nil {
				q.fail()
			}
			of = func(es []event) any {
				at, _ := es[0]["@timestamp"].(float64)
				return at - math.Mod(at, float64(width.Milliseconds()))
			}
			q.want(")")
		}
		if q.take("as") {
			name = q.name()
		}
		groups = append(groups, column{name, of})
	}
	grouped, order := map[string][]event{}, []string{}
	for _, e := range q.events {
		var values []any
		for _, g := range groups {
			values = append(values, g.of([]event{e}))
		}
		key := fmt.Sprintf("%q", values)
		if grouped[key] == nil {
			order = append(order, key)
		}
		grouped[key] = append(grouped[key], e)
	}
	q.events, q.columns = nil, nil
	for _, c := range slices.Concat(groups, columns) {
		q.columns = append(q.columns, c.name)
	}
	for _, key := range order {
		row := event{}
		for _, c := range slices.Concat(groups, columns) {
			row[c.name] = c.of(grouped[key])
		}
		q.events = append(q.events, row)
	}
}

// aggregation takes a function of a field, which may be divided by a number.
func (q *query) aggregation() func([]event) any {
	function := q.next()
	q.want("(")
	if function == "count" && q.take("*") {
		q.want(")")
		return func(es []event) any { return float64(len(es)) }
	}
	name, percent := q.name(), 0.0
	if function == "pct" {
		q.want(",")
		percent = q.number()
	}
	q.want(")")
	divisor := 1.0
	if q.take("/") {
		divisor = q.number()
	}
	if !slices.Contains([]string{"count", "sum", "max", "pct", "latest"}, function) {
		q.fail()
	}
	return func(es []event) any {
		if function == "latest" {
			return slices.MaxFunc(es, func(a, b event) int { return compareValues(a["@timestamp"], b["@timestamp"]) })[name]
		}
		return aggregate(function, name, percent, es) / divisor
	}
}

// aggregate returns a number from the values of a field. A percentile is that of the nearest rank.
func aggregate(function, name string, percent float64, events []event) float64 {
	var values []float64
	sum := 0.0
	for _, e := range events {
		if value, ok := e[name].(float64); ok {
			values, sum = append(values, value), sum+value
		}
	}
	slices.Sort(values)
	switch {
	case function == "count":
		return float64(len(values))
	case function == "sum", len(values) == 0:
		return sum
	case function == "pct":
		return values[max(1, int(math.Ceil(percent/100*float64(len(values)))))-1]
	}
	return values[len(values)-1] // max
}

package report

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"meridian/internal/difference"
	"meridian/pkg/protocol"
)

// The columns of every listing. A column of a task that has one of these names is
// listed under another name, see own.
const (
	columnAccount     = "account" // of a run over accounts, as is the next
	columnAccountName = "accountName"
	columnRegion      = "region"
	columnTarget      = "target"
	columnError       = "error"
	columnCount       = "count"     // with Selection.CountBy
	columnElapsed     = "elapsedMs" // with Selection.Times
)

// places are the columns that say where a row is from, in order.
//
//nolint:gochecknoglobals // a constant
var places = []string{columnAccount, columnAccountName, columnRegion, columnTarget}

// Rows lists an output as rows. Nil means [difference.Members].
type Rows = difference.Rows

// A Listing is a result as rows: one for each row that a task found, and one for each
// target that did not succeed and was not skipped.
type Listing struct {
	result  protocol.Result
	columns []string
	rows    []map[string]json.RawMessage

	accounts []account                    // nil for a run without
	found    int                          // rows without those of errors
	failed   bool                         // whether there are rows of errors
	chosen   bool                         // whether the columns were selected by name
	counted  bool                         // whether rows are counted
	every    bool                         // whether each target that succeeded has a row
	timed    bool                         // whether there is the column elapsedMs
	answered []map[string]json.RawMessage // where a target succeeded, if rows are counted
	known    []string                     // the columns before the selection
	unknown  []string                     // selected names that no row has
	shown    bool                         // whether Table has shown the errors
	hidden   []map[string]json.RawMessage // rows whose errors Table has cut
	cuts     []string                     // what the task left out
}

// Answered reports whether a target of the result succeeded. Otherwise there is nothing
// to list but errors.
func Answered(r protocol.Result) bool { return r.Summary.Targets.Succeeded > 0 }

// List returns the rows of a result.
func List(r protocol.Result, rows Rows, s Selection) *Listing {
	l := &Listing{result: r, accounts: accountsOf(r), chosen: s.Columns != nil, counted: s.CountBy != nil, every: s.EveryTarget, timed: s.Times}
	if l.accounts != nil {
		l.columns = append(l.columns, columnAccount)
	}
	if slices.ContainsFunc(l.accounts, func(a account) bool { return a.name != "" }) {
		l.columns = append(l.columns, columnAccountName)
	}
	l.columns = append(l.columns, columnRegion)
	if s.EveryTarget || slices.ContainsFunc(r.Regions, func(r protocol.RegionOutcome) bool { return len(r.Targets) > 1 }) {
		l.columns = append(l.columns, columnTarget)
	}
	if s.Times {
		l.columns = append(l.columns, columnElapsed)
	}
	if rows == nil {
		rows = difference.Members
	}
	listed := map[string]bool{}
	for _, region := range r.Regions {
		for _, target := range region.Targets {
			l.add(region, target, rows, listed)
		}
	}
	l.columns = append(l.columns, columnError)
	l.known = l.columns
	if s.CountBy != nil {
		l.count(l.names(s.CountBy))
	}
	l.sort(s.Sort) // before the columns are selected: it may be by another one
	if s.Columns != nil {
		l.columns = l.names(s.Columns)
	}
	return l
}

// add adds the rows of a target, and its columns that are not listed yet.
func (l *Listing) add(region protocol.RegionOutcome, target protocol.TargetOutcome, rows Rows, listed map[string]bool) {
	at := map[string]json.RawMessage{}
	for i, value := range []string{region.Account, region.AccountName, region.Region, target.Target} {
		if value != "" {
			at[places[i]] = text(value)
		}
	}
	if l.timed && target.ElapsedMs > 0 {
		at[columnElapsed] = json.RawMessage(difference.Compact(target.ElapsedMs))
	}
	if l.counted && target.Status == protocol.StatusSucceeded {
		l.answered = append(l.answered, maps.Clone(at))
	}
	if target.Output != nil {
		columns, found := rows(target.Output)
		for _, row := range found {
			columns = append(columns, slices.Sorted(maps.Keys(row))...)
		}
		for _, column := range columns {
			if !listed[column] {
				listed[column] = true
				l.columns = append(l.columns, l.own(column))
			}
		}
		for _, row := range found {
			whole := maps.Clone(at)
			for column, value := range row {
				whole[l.own(column)] = value
			}
			l.rows = append(l.rows, whole)
		}
		l.found += len(found)
		if why := conventionOf(target.Output).Cut; why != "" {
			l.cuts = append(l.cuts, where(region)+" "+target.Target+": "+why)
		}
	}
	if l.every && outputLost(target) && !region.Truncated {
		l.rows, l.found = append(l.rows, maps.Clone(at)), l.found+1
	}
	if outputLost(target) && region.Truncated {
		l.cuts = append(l.cuts, where(region)+" "+target.Target+": its output was too large; ask for less, as with a query")
	}
	if why := trouble(region, target); why != "" {
		at[columnError] = text(why)
		l.rows, l.failed = append(l.rows, at), true
	}
}

// trouble returns why the rows of a target are missing, or "" if none are.
func trouble(region protocol.RegionOutcome, target protocol.TargetOutcome) string {
	switch {
	case target.Status == protocol.StatusSkipped:
		return ""
	case target.Status == protocol.StatusSucceeded:
		if outputLost(target) && region.Truncated {
			return "(left out: too large)"
		}
		return ""
	case target.Cause != "":
		return wholeReason(target.Error, target.Cause)
	}
	return cmp.Or(wholeReason(region.Error, region.Cause), string(target.Status)) // the whole invocation was lost
}

// own returns the name under which a task's column is listed.
func (l *Listing) own(column string) string {
	switch column {
	case columnRegion, columnTarget, columnError:
		return "row." + column
	case columnAccount, columnAccountName:
		if l.accounts != nil {
			return "row." + column
		}
	case columnElapsed:
		if l.timed {
			return "row." + column
		}
	}
	if strings.HasPrefix(column, "row.") { // else two columns could get one name
		return "row." + column
	}
	return column
}

// names returns the columns with names, each once. It notes names that no column has.
func (l *Listing) names(wanted []string) []string {
	names := []string{}
	for _, name := range wanted {
		if name = l.name(name); !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}

func (l *Listing) name(wanted string) string {
	known := append([]string{columnTarget}, l.columns...)
	if strings.EqualFold(wanted, header(columnAccountName)) {
		wanted = columnAccountName
	}
	if slices.Contains(known, wanted) {
		return wanted
	}
	if i := slices.IndexFunc(known, func(name string) bool { return strings.EqualFold(name, wanted) }); i >= 0 {
		return known[i]
	}
	if !slices.Contains(l.unknown, wanted) {
		l.unknown = append(l.unknown, wanted)
	}
	return wanted
}

// count replaces the rows by counts of them. Rows of errors stay. A Region, or an account,
// that succeeded without rows is counted too.
func (l *Listing) count(by []string) {
	counted := columnCount
	if slices.Contains(by, counted) {
		counted = l.own("row." + counted)
	}
	var groups, failures []map[string]json.RawMessage
	index, counts := map[string]int{}, []int{}
	group := func(row map[string]json.RawMessage) int {
		key, values := "", map[string]json.RawMessage{}
		for _, column := range by {
			key += cellOf(row[column]) + "\x00"
			values[column] = row[column]
		}
		i, known := index[key]
		if !known {
			i = len(groups)
			index[key], groups, counts = i, append(groups, values), append(counts, 0)
		}
		return i
	}
	if !slices.ContainsFunc(by, func(column string) bool { return column == columnTarget || !slices.Contains(places, column) }) {
		for _, place := range l.answered {
			group(place)
		}
	}
	for _, row := range l.rows {
		if row[columnError] != nil {
			failures = append(failures, row)
			continue
		}
		counts[group(row)]++
	}
	for i, n := range counts {
		groups[i][counted], _ = json.Marshal(n) // an int has no error
	}
	columns := append(slices.Clone(by), counted)
	for _, column := range places { // say where the errors are from
		if l.failed && slices.Contains(l.columns, column) && !slices.Contains(columns, column) {
			columns = append(columns, column)
		}
	}
	l.columns, l.rows = append(columns, columnError), append(groups, failures...)
}

// text returns a JSON string.
func text(s string) json.RawMessage { return json.RawMessage(difference.Compact(s)) }

// cellOf returns a value as text: a string itself, nothing for null, and anything else
// as compact JSON.
func cellOf(value json.RawMessage) string {
	var s string
	switch {
	case value == nil, string(value) == "null":
		return ""
	case number(value):
		return string(value)
	case json.Unmarshal(value, &s) == nil:
		return s
	}
	return difference.Compact(value)
}

// errorOf returns the error of a row as Table shows it: without a trust policy.
func errorOf(row map[string]json.RawMessage) string {
	rest, _ := cutPolicy(cellOf(row[columnError]))
	return rest
}

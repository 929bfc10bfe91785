package report_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"
	gocmp "github.com/google/go-cmp/cmp"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// rowsOf lists the outputs of these tests: {"columns":["id"],"rows":[{"id":1}]}.
func rowsOf(output json.RawMessage) ([]string, []map[string]json.RawMessage) {
	var o struct {
		Columns []string                     `json:"columns"`
		Rows    []map[string]json.RawMessage `json:"rows"`
	}
	if err := json.Unmarshal(output, &o); err != nil {
		panic(err)
	}
	return o.Columns, o.Rows
}

// instances is a result of three Regions: one with rows, one without, one that failed.
func instances() protocol.Result {
	return run(
		succeeded("eu-west-1", 120, `{"columns":["id","type","state","size"],"rows":[
			{"id":"i-0abc","type":"t4g.nano","state":"running","size":8},
			{"id":"i-0def","type":"m7g.16xlarge","state":null,"size":100},
			{"id":"i-0123","type":"t4g.nano","state":"stopped","tags":[{"Key":"a", "Value":"<b>"}]}]}`),
		succeeded("eu-west-2", 80, `{"rows":[]}`),
		failed("me-south-1", 3000, "Call.Connect", "no connection within 3s"),
	)
}

// twoTargets is a result of two targets in two Regions. One target failed in one Region.
func twoTargets() protocol.Result {
	output := `{"rows":[{"id":"a"}]}`
	half := region("eu-west-2", protocol.StatusFailed, 9, target("ec2:DescribeVpcs", output), protocol.TargetOutcome{
		Target: "sqs:ListQueues", Status: protocol.StatusFailed, Error: "AccessDenied", Cause: "not authorized",
	})
	return run(region("eu-west-1", protocol.StatusSucceeded, 8, target("ec2:DescribeVpcs", output),
		target("sqs:ListQueues", `{"rows":[{"value":"q"}],"cut":"maxRows 1 reached"}`)), half)
}

// written returns what a listing writes to standard output and standard error.
func written(t *testing.T, l *report.Listing, form string, o report.Options) (stdout, stderr string) {
	t.Helper()
	var out, notes strings.Builder
	var err error
	switch form {
	case "csv":
		err = l.CSV(&out)
	case "jsonl":
		err = l.JSONLines(&out)
	default:
		err = l.Table(&out, o)
	}
	if err == nil {
		err = l.Summary(&notes, o)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), notes.String()
}

// The golden files are the rows, and what goes to standard error after a line of dashes.
func TestListing(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, form string
		result     protocol.Result
		selection  report.Selection
		options    report.Options
	}{
		{name: "table", result: instances()},
		{name: "table-60", result: instances(), options: report.Options{Width: 60}},
		{name: "table-30", result: instances(), options: report.Options{Width: 30}},
		{name: "table-color", result: instances(), options: report.Options{Width: 70, Color: true}},
		{name: "csv", form: "csv", result: instances()},
		{name: "jsonl", form: "jsonl", result: instances()},
		{name: "targets", result: twoTargets()},
		{name: "targets-jsonl", form: "jsonl", result: twoTargets()},
		{name: "running", result: stillRunning()},
		{name: "running-csv", form: "csv", result: stillRunning()},
		{name: "running-jsonl", form: "jsonl", result: stillRunning()},
		{name: "redriven", result: redriven()},
		{name: "columns", result: instances(), selection: report.Selection{Columns: []string{"ID", "state", "region", "id", "colour"}}},
		{name: "sort", result: instances(), selection: report.Selection{Sort: []string{"type", "-id"}}},
		{name: "sort-numbers", result: instances(), selection: report.Selection{Sort: []string{"-size"}, Columns: []string{"id"}}},
		{name: "count-by-region", result: instances(), selection: report.Selection{CountBy: []string{"region"}}},
		{name: "count-by-type", form: "csv", result: instances(), selection: report.Selection{CountBy: []string{"type"}, Sort: []string{"-count"}}},
		{name: "count-by-two", result: twoTargets(), selection: report.Selection{CountBy: []string{"region", "target"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr := written(t, report.List(tt.result, rowsOf, tt.selection), tt.form, tt.options)
			compareGolden(t, "rows-"+tt.name, stdout+"---\n"+stderr)
		})
	}
}

// With a width, no row is wider, and every row is there.
func TestListingTableKeepsItsWidth(t *testing.T) {
	t.Parallel()
	for _, r := range []protocol.Result{instances(), twoTargets(), wide(), organization(fewRegions()...)} {
		whole, _ := written(t, report.List(r, rowsOf, report.Selection{}), "table", report.Options{})
		for width := 12; width <= 120; width++ {
			got, _ := written(t, report.List(r, rowsOf, report.Selection{}), "table", report.Options{Width: width, Color: width%2 == 0})
			if g, w := strings.Count(got, "\n"), strings.Count(whole, "\n"); g != w {
				t.Fatalf("Table(Width: %d) has %d lines, want %d", width, g, w)
			}
			for line := range strings.Lines(got) {
				if n := lipgloss.Width(line); n > width {
					t.Fatalf("Table(Width: %d) has a line of %d cells: %q", width, n, line)
				}
			}
		}
	}
}

// Every failure can be read whole: in its row, or on standard error.
func TestListingShowsEveryFailureWhole(t *testing.T) {
	t.Parallel()
	flat := func(s string) string { return strings.Join(strings.Fields(s), "") }
	for _, s := range []report.Selection{{}, {Columns: []string{"id"}}, {CountBy: []string{"region"}}, {CountBy: []string{"id"}}} {
		for _, form := range []string{"table", "csv", "jsonl"} {
			for _, width := range []int{0, 30, 60, 120} {
				stdout, stderr := written(t, report.List(instances(), rowsOf, s), form, report.Options{Width: width})
				if n := strings.Count(flat(stdout+"\n"+stderr), flat("Call.Connect: no connection within 3s")); n != 1 {
					t.Errorf("%s of %+v in %d cells has the failure %d times, want once:\n%s%s", form, s, width, n, stdout, stderr)
				}
			}
		}
	}
}

// wide returns a result whose rows have more columns than a terminal has room for.
func wide() protocol.Result {
	row := map[string]string{}
	for i := range 30 {
		row[fmt.Sprint("column", i)] = strings.Repeat("日本", i)
	}
	output, err := json.Marshal(map[string]any{"rows": []any{row, row}})
	if err != nil {
		panic(err)
	}
	return run(succeeded("ap-southeast-7", 1, string(output)), succeeded("eu-west-1", 1, string(output)))
}

// CSV loses nothing: a reader gets each cell back, and a row of an empty cell is a row.
func TestListingCSVLosesNothing(t *testing.T) {
	t.Parallel()
	values := []string{"a,b", `say "hi"`, "two\nlines", "", " padded ", "tab\there", "", "\u00e9", `\.`, "=1+1"}
	var rows []map[string]string
	for _, v := range values {
		rows = append(rows, map[string]string{"v": v})
	}
	output, err := json.Marshal(map[string]any{"rows": rows})
	if err != nil {
		t.Fatal(err)
	}
	l := report.List(run(succeeded("eu-west-1", 1, string(output))), rowsOf, report.Selection{Columns: []string{"v"}})
	stdout, _ := written(t, l, "csv", report.Options{})
	records, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	got := []string{}
	for _, record := range records[1:] {
		got = append(got, record...)
	}
	if diff := gocmp.Diff(values, got); diff != "" {
		t.Errorf("cells of CSV (-want +got):\n%s", diff)
	}
}

// A JSON line is one line, and has the value as the task gave it.
func TestListingJSONLinesKeepValues(t *testing.T) {
	t.Parallel()
	output := "{\"rows\":[{\"n\":12345678901234567890,\"list\":[1,\n 2],\"text\":\"a\\nb <&>\",\"nil\":null}]}"
	stdout, _ := written(t, report.List(run(succeeded("eu-west-1", 1, output)), rowsOf, report.Selection{}), "jsonl", report.Options{})
	want := `{"region":"eu-west-1","list":[1,2],"n":12345678901234567890,"nil":null,"text":"a\nb <&>"}` + "\n"
	if stdout != want {
		t.Errorf("JSONLines = %s, want %s", stdout, want)
	}
}

// A task's column never hides the Region, the target or the error.
func TestListingKeepsColumnsApart(t *testing.T) {
	t.Parallel()
	output := `{"rows":[{"region":"elsewhere","error":"own","row.region":"odd"}]}`
	stdout, _ := written(t, report.List(run(succeeded("eu-west-1", 1, output)), rowsOf, report.Selection{}), "jsonl", report.Options{})
	want := `{"region":"eu-west-1","row.error":"own","row.region":"elsewhere","row.row.region":"odd"}` + "\n"
	if stdout != want {
		t.Errorf("JSONLines = %s, want %s", stdout, want)
	}
	counted, _ := written(t, report.List(run(succeeded("eu-west-1", 1, `{"rows":[{"count":7}]}`)), rowsOf,
		report.Selection{CountBy: []string{"count"}}), "csv", report.Options{})
	if want := "count,row.row.count,error\n7,1,\n"; counted != want {
		t.Errorf("CSV = %s, want %s", counted, want)
	}
}

// Every target that did not succeed has a row with its reason, also when its whole
// invocation was lost or its output was left out. One that was skipped has none.
func TestListingHasARowForEveryFailure(t *testing.T) {
	t.Parallel()
	cut := succeeded("us-east-1", 1, "")
	cut.Targets[0].Output, cut.Truncated = nil, true
	skipped := region("us-west-1", protocol.StatusSkipped, 0, protocol.TargetOutcome{Target: "s3", Status: protocol.StatusSkipped, Cause: "not offered"})
	r := run(failed("eu-west-1", 1, "Boom", "boom"), lost("eu-west-2", protocol.StatusTimedOut, 1, "States.Timeout", "timed out", "a", "b"), cut, skipped)
	stdout, stderr := written(t, report.List(r, rowsOf, report.Selection{}), "csv", report.Options{})
	want := "region,target,error\neu-west-1,dynamodb,Boom: boom\neu-west-2,a,States.Timeout: timed out\n" +
		"eu-west-2,b,States.Timeout: timed out\nus-east-1,dynamodb,(left out: too large)\n"
	if diff := gocmp.Diff(want, stdout); diff != "" {
		t.Errorf("CSV (-want +got):\n%s", diff)
	}
	if want := "note: not all rows: us-east-1 dynamodb: its output was too large; ask for less, as with a query\n"; !strings.Contains(stderr, want) {
		t.Errorf("Summary = %s, want %s", stderr, want)
	}
	if want := "0 rows from 4 Regions (1 failed, 1 timed out, 1 skipped) in 0.002 s\n"; !strings.HasSuffix(stderr, want) {
		t.Errorf("Summary = %s, want the last line %s", stderr, want)
	}
}

// Nothing that came from outside reaches the terminal as a control sequence.
func TestListingPassesNoControlSequence(t *testing.T) {
	t.Parallel()
	evil := "a\x1b[2Jb\x07c\rd\u009b31me\u202ef"
	output, err := json.Marshal(map[string]any{"columns": []string{evil}, "rows": []any{map[string]any{evil: evil}}, "cut": evil})
	if err != nil {
		t.Fatal(err)
	}
	r := run(succeeded(evil, 1, string(output)), failed("eu-west-1", 1, evil, evil))
	r.Notices = []string{evil}
	for _, form := range []string{"table", "csv"} {
		for _, s := range []report.Selection{{}, {Columns: []string{"region", evil, "x" + evil}}, {CountBy: []string{evil}}} {
			stdout, stderr := written(t, report.List(r, rowsOf, s), form, report.Options{})
			if i := strings.IndexAny(stdout+stderr, "\x1b\x07\x7f\r\u009b\u202e"); i >= 0 {
				t.Errorf("%s of %+v has a control character at %d: %q", form, s, i, stdout+stderr)
			}
		}
	}
}

// Without Rows, an object is one row and anything else a value.
func TestListingOfATaskWithoutRows(t *testing.T) {
	t.Parallel()
	r := run(succeeded("eu-west-1", 1, `{"host":"h","n":2}`), succeeded("us-east-1", 1, `"pong"`), succeeded("us-west-2", 1, `[1]`))
	stdout, _ := written(t, report.List(r, nil, report.Selection{}), "csv", report.Options{})
	if want := "region,host,n,value,error\neu-west-1,h,2,,\nus-east-1,,,pong,\nus-west-2,,,[1],\n"; stdout != want {
		t.Errorf("CSV = %s, want %s", stdout, want)
	}
}

// Nothing is listed of a result in which nothing succeeded, see Answered.
func TestAnswered(t *testing.T) {
	t.Parallel()
	got := []bool{report.Answered(instances()), report.Answered(run(failed("eu-west-1", 1, "Boom", "boom"))), report.Answered(run())}
	if want := []bool{true, false, false}; !slices.Equal(got, want) {
		t.Errorf("Answered = %v, want %v", got, want)
	}
}

// With EveryTarget, every target that succeeded has a row with its name.
func TestListingHasARowForEveryTarget(t *testing.T) {
	t.Parallel()
	silent := protocol.TargetOutcome{Target: "b", Status: protocol.StatusSucceeded}
	r := run(region("eu-west-1", protocol.StatusSucceeded, 1, target("a", `{"rows":[{"id":1}]}`)),
		region("eu-west-2", protocol.StatusSucceeded, 1, silent))
	s := report.Selection{EveryTarget: true}
	stdout, stderr := written(t, report.List(r, rowsOf, s), "csv", report.Options{})
	if want := "region,target,id,error\neu-west-1,a,1,\neu-west-2,b,,\n"; stdout != want || !strings.HasPrefix(stderr, "2 rows from 2 Regions") {
		t.Errorf("CSV = %q, then %q; want %q", stdout, stderr, want)
	}
	r.Regions[1].Truncated = true // its output was lost
	stdout, _ = written(t, report.List(r, rowsOf, s), "jsonl", report.Options{})
	if got := strings.Count(stdout, `"target":"b"`); got != 1 || !strings.Contains(stdout, "(left out: too large)") {
		t.Errorf("rows of an output that was lost = %s; want one, with the error", stdout)
	}
}

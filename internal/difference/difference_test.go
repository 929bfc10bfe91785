package difference_test

import (
	"encoding/json"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/difference"
	"meridian/pkg/protocol"
)

// run returns a result of Regions.
func run(regions ...protocol.RegionOutcome) protocol.Result {
	return protocol.Result{Status: protocol.StatusSucceeded, Regions: regions}
}

func region(name string, s protocol.Status, elapsedMs float64, targets ...protocol.TargetOutcome) protocol.RegionOutcome {
	return protocol.RegionOutcome{Region: name, Status: s, ElapsedMs: elapsedMs, Targets: targets}
}

// lost is a Region whose invocation itself failed.
func lost(name, errorName, cause string, targets ...string) protocol.RegionOutcome {
	r := region(name, protocol.StatusFailed, 9)
	r.Error, r.Cause = errorName, cause
	for _, t := range targets {
		r.Targets = append(r.Targets, ends(t, protocol.StatusFailed, errorName, ""))
	}
	return r
}

// in is a Region of an account.
func in(id, name string, r protocol.RegionOutcome) protocol.RegionOutcome {
	r.Account, r.AccountName = id, name
	return r
}

func target(name, output string) protocol.TargetOutcome {
	return protocol.TargetOutcome{Target: name, Status: protocol.StatusSucceeded, Output: json.RawMessage(output)}
}

// rowsOf lists the outputs of these tests: {"rows":[{"id":1}]}.
func rowsOf(output json.RawMessage) ([]string, []map[string]json.RawMessage) {
	var o struct {
		Rows []map[string]json.RawMessage `json:"rows"`
	}
	if err := json.Unmarshal(output, &o); err != nil {
		panic(err)
	}
	return nil, o.Rows
}

// took is a target that succeeded in a time.
func took(name string, ms float64, rows string) protocol.TargetOutcome {
	t := target(name, `{"rows":[`+rows+`]}`)
	t.ElapsedMs = 9999
	t.Attempts = []protocol.Attempt{{ElapsedMs: 5000, Error: "Boom"}, {StartMs: 6000, ElapsedMs: ms}}
	return t
}

// ends is a target with a status other than success.
func ends(name string, s protocol.Status, errorName, cause string) protocol.TargetOutcome {
	return protocol.TargetOutcome{Target: name, Status: s, Error: errorName, Cause: cause}
}

// changedRuns are two runs with every change between them.
func changedRuns() (before, after protocol.Result) {
	before = run(
		region("us-east-1", protocol.StatusSucceeded, 9, took("ec2", 120, `{"id":"i-1","state":"running","totalMs":1},{"id":"i-2","state":"running"}`), took("s3", 50, ``)),
		region("eu-west-1", protocol.StatusFailed, 9, ends("ec2", protocol.StatusFailed, "Boom", "it broke"), ends("s3", protocol.StatusTimedOut, protocol.ErrorTimeout, "no answer within 5s")),
		region("ap-east-1", protocol.StatusSucceeded, 9, took("ec2", 10, ``), took("s3", 10, ``)),
		region("sa-east-1", protocol.StatusSucceeded, 9, took("ec2", 10, ``), took("sqs", 10, ``)),
	)
	after = run(
		region("us-east-1", protocol.StatusFailed, 9, took("ec2", 480, `{"id":"i-1","state":"stopped","totalMs":7},{"id":"i-3","state":"running"}`), ends("s3", protocol.StatusFailed, "AccessDenied", "not authorized")),
		region("eu-west-1", protocol.StatusFailed, 9, ends("ec2", protocol.StatusFailed, "Boom", "it broke again"), took("s3", 10, ``)),
		region("sa-east-1", protocol.StatusAborted, 9, ends("ec2", protocol.StatusAborted, "", "enough"), took("sns", 10, ``)),
		lost("ca-west-1", "Lambda.Unknown", "gone", "ec2", "s3"),
	)
	before.RunID, after.RunID = "01JDCX4T9Q8Z6W3M5K7N2P0RSV", "01JDCX4T9Q8Z6W3M5K7N2P0RSW"
	return before, after
}

// short writes findings in a line each.
func short(d difference.Difference) []string {
	lines := []string{}
	for _, f := range d.Findings {
		line := fmt.Sprintf("%s %s %s %s", f.Change, f.Region, f.Target, f.Error)
		if f.Row != nil {
			row, _ := json.Marshal(f.Row)
			was, _ := json.Marshal(f.Before)
			line = fmt.Sprintf("%s %s %s %s", f.Change, f.Region, row, was)
		}
		if f.AfterMs > 0 {
			line += fmt.Sprintf("%v to %v", f.BeforeMs, f.AfterMs)
		}
		lines = append(lines, line)
	}
	return lines
}

func TestCompare(t *testing.T) {
	t.Parallel()
	before, after := changedRuns()
	want := []string{
		"NEWLY_FAILING us-east-1 s3 AccessDenied",
		"SLOWER us-east-1 ec2 120 to 480",
		"RECOVERED eu-west-1 s3 States.Timeout",
		"STILL_FAILING eu-west-1 ec2 Boom",
		"CAME sa-east-1 sns ",
		"CAME ca-west-1  Lambda.Unknown",
		"WENT ap-east-1  ",
		"WENT sa-east-1 sqs ",
	}
	keyless := []string{
		`ROW_CAME us-east-1 {"id":"i-1","state":"stopped","totalMs":7} null`,
		`ROW_CAME us-east-1 {"id":"i-3","state":"running"} null`,
		`ROW_WENT us-east-1 {"id":"i-2","state":"running"} null`,
		`ROW_WENT us-east-1 {"id":"i-1","state":"running","totalMs":1} null`,
	}
	keyed := []string{
		`ROW_CAME us-east-1 {"id":"i-3","state":"running"} null`,
		`ROW_WENT us-east-1 {"id":"i-2","state":"running"} null`,
		`ROW_CHANGED us-east-1 {"id":"i-1","state":"stopped","totalMs":7} {"state":"running"}`,
	}
	for _, tt := range []struct {
		name string
		how  difference.Comparison
		rows []string
	}{
		{"whole rows without a key", difference.Comparison{}, keyless},
		{"a row with the same key changes", difference.Comparison{Key: []string{"id"}}, keyed},
		{"a measurement counts if it is part of the key", difference.Comparison{Key: []string{"id", "totalMs"}}, []string{keyless[0], keyed[0], keyless[2], keyless[3]}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.how.Rows = rowsOf
			d := difference.Compare(before, after, tt.how)
			if diff := gocmp.Diff(slices.Concat(want, tt.rows), short(d)); diff != "" {
				t.Errorf("Compare has other findings (-want +got):\n%s", diff)
			}
			if !d.Worse || d.NotCompared != 1 || d.Counts[difference.ChangeCame] != 2 || d.UnknownKey != nil {
				t.Errorf("Compare = worse %v, %d not compared, %d came, unknown %q; want true, 1, 2, none", d.Worse, d.NotCompared, d.Counts[difference.ChangeCame], d.UnknownKey)
			}
		})
	}
}

// UnknownKey has the columns of Key that no row has, if rows were compared.
func TestCompareTellsColumnsOfTheKeyThatNoRowHas(t *testing.T) {
	t.Parallel()
	before, after := changedRuns()
	d := difference.Compare(before, after, difference.Comparison{Rows: rowsOf, Key: []string{"id", "ID", "nosuch"}})
	if diff := gocmp.Diff([]string{"ID", "nosuch"}, d.UnknownKey); diff != "" {
		t.Errorf("Compare has other unknown columns (-want +got):\n%s", diff)
	}
	if d := difference.Compare(protocol.Result{}, protocol.Result{}, difference.Comparison{Key: []string{"id"}}); d.UnknownKey != nil {
		t.Errorf("Compare(no rows) has unknown columns %q, want none", d.UnknownKey)
	}
}

// Rows are not compared if an output was dropped, and an output that is none has no rows.
func TestCompareWithoutOutputs(t *testing.T) {
	t.Parallel()
	of := func(output string, dropped int) protocol.Result {
		t := target("ec2", output)
		if t.DroppedOutputBytes = dropped; output == "" {
			t.Output = nil
		}
		return run(region("eu-west-1", protocol.StatusSucceeded, 1, t))
	}
	full := of(`{"rows":[{"id":1}]}`, 0)
	for _, tt := range []struct {
		name              string
		after             protocol.Result
		went, notCompared int
	}{{"dropped", of("", 100), 0, 1}, {"none", of("", 0), 1, 0}} {
		d := difference.Compare(full, tt.after, difference.Comparison{Rows: rowsOf})
		if d.Counts[difference.ChangeRowWent] != tt.went || d.NotCompared != tt.notCompared {
			t.Errorf("%s: Compare = %v, %d not compared; want %d went, %d", tt.name, d.Counts, d.NotCompared, tt.went, tt.notCompared)
		}
	}
}

// Equal rows come and go as often as their number differs.
func TestCompareCountsEqualRows(t *testing.T) {
	t.Parallel()
	of := func(n int) protocol.Result {
		return run(region("eu-west-1", protocol.StatusSucceeded, 1, took("ec2", 1, strings.TrimSuffix(strings.Repeat(`{"id":1},`, n), ","))))
	}
	for _, tt := range []struct{ before, after, came, went int }{{1, 3, 2, 0}, {3, 1, 0, 2}, {2, 2, 0, 0}} {
		d := difference.Compare(of(tt.before), of(tt.after), difference.Comparison{Rows: rowsOf})
		if d.Counts[difference.ChangeRowCame] != tt.came || d.Counts[difference.ChangeRowWent] != tt.went || d.Worse {
			t.Errorf("Compare(%d equal rows, %d) = %v, want %d came, %d went", tt.before, tt.after, d.Counts, tt.came, tt.went)
		}
	}
}

// Both bounds of a Slower apply; the zero Slower means twice as long and at least 100 ms longer.
func TestSlower(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		slower        difference.Slower
		before, after float64
		want          bool
	}{
		{difference.Slower{}, 100, 200, true},
		{difference.Slower{}, 100, 199, false},
		{difference.Slower{}, 10, 105, false},
		{difference.Slower{}, 10, 110, true},
		{difference.Slower{}, 1000, 1500, false},
		{difference.Slower{By: 500 * time.Millisecond}, 1000, 1500, true},
		{difference.Slower{By: 500 * time.Millisecond}, 1000, 1499, false},
		{difference.Slower{Times: 3}, 1, 3, true},
		{difference.Slower{Times: 3}, 1, 2.9, false},
		{difference.Slower{Times: 1}, 1, 1, false},
		{difference.Slower{}, 0, 0, false},
	} {
		of := func(ms float64) protocol.Result {
			return run(region("eu-west-1", protocol.StatusSucceeded, 1, took("ec2", ms, "")))
		}
		if d := difference.Compare(of(tt.before), of(tt.after), difference.Comparison{Slower: tt.slower}); d.Worse != tt.want {
			t.Errorf("Compare(%v ms, %v ms, %+v) is slower: %v, want %v", tt.before, tt.after, tt.slower, d.Worse, tt.want)
		}
	}
}

// StatusOnly leaves out rows.
func TestCompareOfStatusesOnly(t *testing.T) {
	t.Parallel()
	before, after := changedRuns()
	whole, statuses := difference.Compare(before, after, difference.Comparison{Rows: rowsOf}), difference.Compare(before, after, difference.Comparison{StatusOnly: true})
	got := short(statuses)
	if diff := gocmp.Diff(short(whole)[:len(got)], got); diff != "" || len(got) != 8 {
		t.Errorf("Compare has other findings (-want +got):\n%s", diff)
	}
}

// Targets with one name in a Region are compared in their order, and an account has its own.
func TestCompareTellsTargetsWithOneNameApart(t *testing.T) {
	t.Parallel()
	twice := func(first, second protocol.TargetOutcome) protocol.Result {
		return run(in("111122223333", "a", region("eu-west-1", protocol.StatusFailed, 1, first, second)),
			in("222233334444", "b", region("eu-west-1", protocol.StatusSucceeded, 1, took("ec2", 1, ""))))
	}
	fine, broken := took("ec2", 1, ""), ends("ec2", protocol.StatusFailed, "Boom", "it broke")
	got := short(difference.Compare(twice(fine, broken), twice(broken, fine), difference.Comparison{}))
	if diff := gocmp.Diff([]string{"NEWLY_FAILING eu-west-1 ec2 Boom", "RECOVERED eu-west-1 ec2 Boom"}, got); diff != "" {
		t.Errorf("Compare has other findings (-want +got):\n%s", diff)
	}
}

// anyResult draws a result of a few Regions, targets and rows.
func anyResult() *rapid.Generator[protocol.Result] {
	row := rapid.Custom(func(t *rapid.T) string {
		return fmt.Sprintf(`{"id":%d,"state":%q}`, rapid.IntRange(0, 3).Draw(t, "id"), rapid.SampledFrom([]string{"on", "off"}).Draw(t, "state"))
	})
	outcome := rapid.Custom(func(t *rapid.T) protocol.TargetOutcome {
		name := rapid.SampledFrom([]string{"ec2", "s3"}).Draw(t, "target")
		if s := rapid.SampledFrom(protocol.Statuses()).Draw(t, "status"); s != protocol.StatusSucceeded {
			return ends(name, s, "Boom", "it broke")
		}
		return took(name, rapid.Float64Range(0, 1000).Draw(t, "elapsed"), strings.Join(rapid.SliceOfN(row, 0, 4).Draw(t, "rows"), ","))
	})
	return rapid.Custom(func(t *rapid.T) protocol.Result {
		var regions []protocol.RegionOutcome
		for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"eu-west-1", "eu-west-2", "us-east-1"}), 0, 3, rapid.ID).Draw(t, "regions") {
			regions = append(regions, region(name, protocol.StatusSucceeded, 1, rapid.SliceOfN(outcome, 0, 3).Draw(t, "targets")...))
		}
		return run(regions...)
	})
}

// anyComparison draws a comparison with or without a key.
func anyComparison() *rapid.Generator[difference.Comparison] {
	return rapid.Custom(func(t *rapid.T) difference.Comparison {
		return difference.Comparison{Rows: rowsOf, Key: rapid.SampledFrom([][]string{nil, {"id"}}).Draw(t, "key")}
	})
}

// A difference of a result to itself has no changes: what is still failing is its only finding.
func TestADifferenceToItselfHasNoChanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := anyResult().Draw(t, "result")
		d := difference.Compare(r, r, anyComparison().Draw(t, "comparison"))
		if d.Worse || len(d.Findings) != d.Counts[difference.ChangeStillFailing] {
			t.Fatalf("Compare(a, a) = %v", short(d))
		}
	})
}

// The difference the other way around has what is newly failing as recovered, and what came as
// went.
func TestADifferenceMirrorsTheOneTheOtherWayAround(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, how := anyResult().Draw(t, "a"), anyResult().Draw(t, "b"), anyComparison().Draw(t, "comparison")
		there, back := difference.Compare(a, b, how), difference.Compare(b, a, how)
		of := func(d difference.Difference, change difference.Change) []string {
			var lines []string
			for _, f := range d.Findings {
				if f.Change == change {
					f.Change, f.Before = "", nil
					if change == difference.ChangeStillFailing || change == difference.ChangeRowChanged {
						f.Row, f.Status = nil, ""
					}
					line, _ := json.Marshal(f)
					lines = append(lines, string(line))
				}
			}
			slices.Sort(lines)
			return lines
		}
		for _, pair := range [][2]difference.Change{
			{difference.ChangeNewlyFailing, difference.ChangeRecovered},
			{difference.ChangeRecovered, difference.ChangeNewlyFailing},
			{difference.ChangeCame, difference.ChangeWent},
			{difference.ChangeWent, difference.ChangeCame},
			{difference.ChangeRowCame, difference.ChangeRowWent},
			{difference.ChangeRowWent, difference.ChangeRowCame},
			{difference.ChangeStillFailing, difference.ChangeStillFailing},
			{difference.ChangeRowChanged, difference.ChangeRowChanged},
		} {
			if diff := gocmp.Diff(of(there, pair[0]), of(back, pair[1])); diff != "" {
				t.Fatalf("%s there is not %s back (-there +back):\n%s", pair[0], pair[1], diff)
			}
		}
		if there.NotCompared != back.NotCompared {
			t.Fatalf("%d not compared there, %d back", there.NotCompared, back.NotCompared)
		}
	})
}

// Changes has every change, in the order of their constants.
func TestChangesIsComplete(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "change.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want []difference.Change
	ast.Inspect(file, func(n ast.Node) bool {
		if v, ok := n.(*ast.ValueSpec); ok && fmt.Sprint(v.Type) == "Change" {
			want = append(want, difference.Change(strings.Trim(v.Values[0].(*ast.BasicLit).Value, `"`)))
		}
		return true
	})
	if diff := gocmp.Diff(want, difference.Changes()); diff != "" {
		t.Errorf("Changes is not the list of the constants (-want +got):\n%s", diff)
	}
}

// 34 Regions with 300 targets each, every row changed.
func BenchmarkCompare(b *testing.B) {
	of := func(state string) protocol.Result {
		var regions []protocol.RegionOutcome
		for i := range 34 {
			r := region(fmt.Sprintf("region-%d", i), protocol.StatusSucceeded, 1)
			for k := range 300 {
				r.Targets = append(r.Targets, took(fmt.Sprintf("target-%d", k), 1, fmt.Sprintf(`{"id":%d,"state":%q,"host":"h"}`, k, state)))
			}
			regions = append(regions, r)
		}
		return run(regions...)
	}
	before, after := of("on"), of("off")
	for b.Loop() {
		if d := difference.Compare(before, after, difference.Comparison{Rows: rowsOf, Key: []string{"id"}}); len(d.Findings) != 34*300 {
			b.Fatal(len(d.Findings))
		}
	}
}

package metrics_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"meridian/internal/metrics"
	"meridian/pkg/protocol"
)

var update = flag.Bool("update", false, "write the golden files anew")

// region returns the outcome of a Region with targets of these statuses.
func region(account, name string, status protocol.Status, targets ...protocol.Status) protocol.RegionOutcome {
	o := protocol.RegionOutcome{Account: account, Region: name, Status: status, ElapsedMs: 1003.5}
	for i, s := range targets {
		t := protocol.TargetOutcome{Target: fmt.Sprintf("service-%d", i), Status: s, ElapsedMs: 12.25}
		if s == failed {
			t.Error, o.Error = "Probe.TLS", protocol.ErrorExceedToleratedFailureThreshold
		}
		o.Targets = append(o.Targets, t)
	}
	return o
}

// result returns the result of a run of Regions.
func result(name string, status protocol.Status, regions ...protocol.RegionOutcome) protocol.Result {
	r := protocol.Result{RunID: "01JDCX4T9Q8Z6W3M5K7N2P0RSV", Name: name, Status: status, ElapsedMs: 1013.512, Regions: regions}
	for _, o := range regions {
		r.Summary.Regions.Add(o.Status)
	}
	if status != protocol.StatusSucceeded {
		r.Error = protocol.ErrorExceedToleratedFailureThreshold
	}
	return r
}

const (
	succeeded = protocol.StatusSucceeded
	failed    = protocol.StatusFailed
)

// probes is a run in which one Region of each status is, and before is an earlier one of its name.
func probes() (before, after protocol.Result) {
	before = result("reachable", succeeded,
		region("", "us-east-1", succeeded, succeeded, succeeded), region("", "eu-west-1", failed, failed, succeeded))
	after = result("reachable", failed,
		region("", "us-east-1", failed, failed, failed), region("", "eu-west-1", succeeded, succeeded, succeeded),
		region("", "eu-west-2", protocol.StatusTimedOut, protocol.StatusTimedOut), region("", "eu-west-3", protocol.StatusAborted, protocol.StatusAborted),
		region("", "sa-east-1", protocol.StatusNotStarted, protocol.StatusNotStarted), region("", "eu-south-1", protocol.StatusSkipped, protocol.StatusSkipped))
	after.Summary.Retries, after.Summary.Throttled, after.Summary.Cost = 3, 2, &protocol.Cost{USD: 0.0000142}
	return before, after
}

// written returns what a Writer writes, and logs, of a run at midnight of 2000-01-01.
func written(t *testing.T, w metrics.Writer, r protocol.Result, last *protocol.Result) (lines, log string) {
	t.Helper()
	var out, logged bytes.Buffer
	synctest.Test(t, func(t *testing.T) {
		w.Function, w.Log = "meridian-dev-coordinator", slog.New(slog.NewTextHandler(&logged, nil))
		if w.Out == nil {
			w.Out = &out
		}
		w.RunEnded(t.Context(), r, last)
	})
	return out.String(), logged.String()
}

// The golden files are the lines; -update writes them anew. Every line is valid for the schema of
// the specification, and keeps what its text says besides.
func TestRunEnded(t *testing.T) {
	t.Parallel()
	before, after := probes()
	organization := result("nightly", failed, region("111122223333", "us-east-1", succeeded, succeeded), region("222233334444", "us-east-1", failed, failed))
	names := []string{"reachable", "nightly"}
	for _, tt := range []struct {
		name   string
		writer metrics.Writer
		result protocol.Result
		last   *protocol.Result
	}{
		{"succeeded", metrics.Writer{}, result("", succeeded, region("", "us-east-1", succeeded, succeeded)), nil},
		{"failed", metrics.Writer{Names: names}, after, nil},
		{"compared", metrics.Writer{Names: names, Level: metrics.LevelRuns, LogLevel: "ERROR"}, after, &before},
		{"compared-equal", metrics.Writer{}, before, &before},
		{"timed-out", metrics.Writer{}, result("", protocol.StatusTimedOut), nil},
		{"aborted", metrics.Writer{}, result("", protocol.StatusAborted), nil},
		{"not-listed", metrics.Writer{Names: []string{"other"}, Level: metrics.LevelTargets}, after, &before},
		{"regions", metrics.Writer{Names: names, Level: metrics.LevelRegions}, after, nil},
		{"targets", metrics.Writer{Names: names, Level: metrics.LevelTargets}, after, nil},
		{"accounts", metrics.Writer{Names: names, Level: metrics.LevelTargets}, organization, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lines, log := written(t, tt.writer, tt.result, tt.last)
			if log != "" {
				t.Errorf("RunEnded logs %s", log)
			}
			golden := filepath.Join("testdata", tt.name+".jsonl")
			if *update {
				if err := os.WriteFile(golden, []byte(lines), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), lines); diff != "" {
				t.Errorf("RunEnded writes other lines than %s (-want +got):\n%s", golden, diff)
			}
			checkLines(t, lines)
		})
	}
}

// checkLines checks lines against the specification.
func checkLines(t *testing.T, lines string) {
	t.Helper()
	schema, err := jsonschema.NewCompiler().Compile("testdata/emf.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(lines) {
		document, err := jsonschema.UnmarshalJSON(strings.NewReader(line))
		if err == nil {
			err = schema.Validate(document)
		}
		if err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		directive, root := decode(t, line)
		for _, set := range directive.Dimensions {
			for _, name := range set {
				if value, ok := root[name].(string); !ok || value == "" || len(value) > 1024 || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
					t.Errorf("the dimension %s is %q", name, root[name])
				}
			}
		}
		for _, m := range directive.Metrics {
			if _, ok := root[m.Name].(float64); !ok {
				t.Errorf("the metric %s is %v", m.Name, root[m.Name])
			}
		}
	}
}

// A directive is what a line says of its metrics.
type directive struct {
	Dimensions [][]string `json:"Dimensions"` //nolint:tagliatelle // the specification's spelling
	Metrics    []struct {
		Name string `json:"Name"` //nolint:tagliatelle // the specification's spelling
	} `json:"Metrics"` //nolint:tagliatelle // the specification's spelling
}

// decode returns the directive of a line, and all its members.
func decode(t *testing.T, line string) (d directive, root map[string]any) {
	t.Helper()
	var read struct {
		AWS struct {
			Directives []directive `json:"CloudWatchMetrics"` //nolint:tagliatelle // the specification's spelling
		} `json:"_aws"` //nolint:tagliatelle // the specification's spelling
	}
	if err := errors.Join(json.Unmarshal([]byte(line), &read), json.Unmarshal([]byte(line), &root)); err != nil || len(read.AWS.Directives) != 1 {
		t.Fatalf("%v in %s", err, line)
	}
	return read.AWS.Directives[0], root
}

// Nothing that a caller chooses makes a line that CloudWatch rejects.
func TestTargetsAreValidDimensions(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 1024)
	r := result("reachable", succeeded, region("", "eu-west-1", succeeded))
	for _, name := range []string{"東京.例え", `a"b\c`, "a\x1bb", long + "1", long + "2", "plain"} {
		r.Regions[0].Targets = append(r.Regions[0].Targets, protocol.TargetOutcome{Target: name, Status: succeeded})
	}
	lines, _ := written(t, metrics.Writer{Names: []string{"reachable"}, Level: metrics.LevelTargets}, r, nil)
	checkLines(t, lines)
	seen := map[any]bool{}
	for line := range strings.Lines(lines) {
		_, root := decode(t, line)
		seen[root["Target"]] = true // nil for the run and its Region
	}
	if len(seen) != 1+len(r.Regions[0].Targets) || !seen["plain"] || !seen[`a"b\c`] {
		t.Errorf("the targets are %v", seen)
	}
}

// The example of docs/metrics.md: what 34 Regions with 20 targets each make.
func TestTheSeriesOf34RegionsWith20Targets(t *testing.T) {
	t.Parallel()
	var regions []protocol.RegionOutcome
	for i := range 34 {
		regions = append(regions, region("", fmt.Sprintf("eu-middle-%02d", i), succeeded, slices.Repeat([]protocol.Status{succeeded}, 20)...))
	}
	r := result("reachable", succeeded, regions...)
	r.Summary.Cost = &protocol.Cost{USD: 0.0012345}
	for _, tt := range []struct {
		level         metrics.Level
		lines, series int
		kB            int // at most
	}{{metrics.LevelRuns, 1, 20, 1}, {metrics.LevelRegions, 35, 20 + 68, 18}, {metrics.LevelTargets, 715, 20 + 68 + 1360, 380}} {
		lines, _ := written(t, metrics.Writer{Names: []string{"reachable"}, Level: tt.level}, r, &r)
		series := map[string]bool{}
		for line := range strings.Lines(lines) {
			document, root := decode(t, line)
			for _, set := range document.Dimensions {
				for _, m := range document.Metrics {
					of := []string{m.Name}
					for _, d := range set {
						of = append(of, fmt.Sprintf("%s=%s", d, root[d]))
					}
					series[strings.Join(of, " ")] = true
				}
			}
		}
		if n := strings.Count(lines, "\n"); n != tt.lines || len(series) != tt.series || len(lines) > tt.kB*1000 || len(lines) < tt.kB*800 {
			t.Errorf("%s: %d lines of %d bytes, %d series; want %d of about %d kB, %d", tt.level, n, len(lines), len(series), tt.lines, tt.kB, tt.series)
		}
	}
}

// Never more than MaxLines are written, and the log says so.
func TestLinesAreCut(t *testing.T) {
	t.Parallel()
	var regions []protocol.RegionOutcome
	for i := range metrics.MaxLines {
		regions = append(regions, region("", fmt.Sprintf("region-%d", i), succeeded))
	}
	w := metrics.Writer{Names: []string{"reachable"}, Level: metrics.LevelRegions}
	for _, tt := range []struct {
		regions int
		log     string
	}{{metrics.MaxLines - 1, ""}, {metrics.MaxLines, `msg="metrics cut" runId=01JDCX4T9Q8Z6W3M5K7N2P0RSV lines=5001 most=5000`}} {
		lines, log := written(t, w, result("reachable", succeeded, regions[:tt.regions]...), nil)
		if n := strings.Count(lines, "\n"); n != metrics.MaxLines || !strings.Contains(log, tt.log) || (log == "") != (tt.log == "") {
			t.Errorf("of %d Regions are %d lines, log %q; want %d, %q", tt.regions, n, log, metrics.MaxLines, tt.log)
		}
	}
}

// A broken is a writer that fails.
type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("no log") }

// What cannot be written costs a line of the log.
func TestAWriterThatFailsIsLogged(t *testing.T) {
	t.Parallel()
	if _, log := written(t, metrics.Writer{Out: broken{}}, result("", succeeded), nil); !strings.Contains(log, `msg="metrics not written"`) || !strings.Contains(log, `cause="no log"`) {
		t.Errorf("the log has %q", log)
	}
	(&metrics.Writer{Out: broken{}}).RunEnded(context.Background(), result("", succeeded), nil) // without a log
}

func TestLevelsIsComplete(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff([]metrics.Level{"NONE", "RUNS", "REGIONS", "TARGETS"}, metrics.Levels()); diff != "" {
		t.Errorf("Levels (-want +got):\n%s", diff)
	}
}

package report_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"meridian/internal/difference"
	"meridian/internal/report"
	"meridian/pkg/protocol"
)

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
		lost("ca-west-1", protocol.StatusFailed, 9, "Lambda.Unknown", "gone", "ec2", "s3"),
	)
	before.RunID, after.RunID = "01JDCX4T9Q8Z6W3M5K7N2P0RSV", "01JDCX4T9Q8Z6W3M5K7N2P0RSW"
	return before, after
}

// The golden files are the whole text; -update rewrites them.
func TestDifferenceText(t *testing.T) {
	t.Parallel()
	before, after := changedRuns()
	for _, tt := range []struct {
		name          string
		before, after protocol.Result
		key           []string
		options       report.Options
	}{
		{"difference", before, after, nil, report.Options{}},
		{"difference-key-60", before, after, []string{"id"}, report.Options{Width: 60}},
		{"difference-color", before, after, []string{"id"}, report.Options{Color: true}},
		{"difference-none", helloWorld(), helloWorld(), nil, report.Options{}},
		{"difference-still", before, before, nil, report.Options{}},
		{"difference-accounts", organization("us-east-1", "eu-west-1"), organization("eu-west-1", "us-east-1"), nil, report.Options{Width: 100}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var b strings.Builder
			d := difference.Compare(tt.before, tt.after, difference.Comparison{Rows: rowsOf, Key: tt.key})
			if tt.name == "difference-none" {
				d = difference.Compare(tt.before, tt.after, difference.Comparison{})
			}
			if err := report.DifferenceText(&b, d, tt.options); err != nil {
				t.Fatal(err)
			}
			compareGolden(t, tt.name, b.String())
			if err := report.DifferenceText(brokenWriter{}, d, tt.options); !errors.Is(err, errBroken) {
				t.Errorf("DifferenceText(broken writer) = %v, want %v", err, errBroken)
			}
		})
	}
}

// Nothing that came from outside reaches the terminal as a control sequence.
func TestDifferenceTextPassesNoControlSequence(t *testing.T) {
	t.Parallel()
	evil := "a\x1b[2Jb\x07c\nd"
	output, err := json.Marshal(map[string]any{"rows": []any{map[string]string{evil: evil}}})
	if err != nil {
		t.Fatal(err)
	}
	before := run(region(evil, protocol.StatusSucceeded, 1, target(evil, `{}`), ends("s3", protocol.StatusSkipped, "", "")))
	after := run(region(evil, protocol.StatusSucceeded, 1, target(evil, string(output)), ends("s3", protocol.StatusFailed, evil, evil)))
	before.RunID = evil
	var b strings.Builder
	if err := report.DifferenceText(&b, difference.Compare(before, after, difference.Comparison{Rows: rowsOf}), report.Options{}); err != nil {
		t.Fatal(err)
	}
	if got := b.String(); strings.ContainsAny(got, "\x1b\x07") || strings.Count(got, "\n") != 3 {
		t.Errorf("DifferenceText = %q, want three lines without control characters", got)
	}
}

package report_test

import (
	"strings"
	"testing"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// stillRunning is what a coordinator has of a run when another one carries it on: a Region
// that has succeeded, one that is retried, one of several targets, and one that was not
// started yet.
func stillRunning() protocol.Result {
	retried := region("eu-west-1", protocol.StatusRunning, 300_000, protocol.TargetOutcome{Target: "dynamodb", Status: protocol.StatusRunning})
	retried.Attempts[0].Error, retried.Attempts[0].Cause, retried.Attempts[0].WaitMs = protocol.ErrorLambdaThrottled, "rate exceeded", 1000
	half := region("sa-east-1", protocol.StatusRunning, 500_000, target("s3", `{"host":"s3.sa-east-1.amazonaws.com"}`),
		protocol.TargetOutcome{Target: "sqs", Status: protocol.StatusRunning}, protocol.TargetOutcome{Target: "sns", Status: protocol.StatusRunning})
	return carriedOn(run(resolved("us-east-1", 1003), retried, half, lost("eu-west-2", protocol.StatusNotStarted, 0, "", "", "dynamodb")))
}

// carriedOn is a result whose run continues.
func carriedOn(r protocol.Result) protocol.Result {
	r.RunID, r.Status, r.Generations = "01JDCX4T9Q8Z6W3M5K7N2P0RSV", protocol.StatusRunning, 2
	return r
}

// redriven is the result of a run that ended after a redrive.
func redriven() protocol.Result {
	r := helloWorld()
	r.RunID, r.Generations, r.Redrives = "01JDCX4T9Q8Z6W3M5K7N2P0RSV", 4, 1
	return r
}

// A run that continues after this result says so, with the command that looks it up.
func TestARunThatContinuesSaysHowToLookItUp(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, id string
		status   protocol.Status
		want     string
	}{
		{"running", "01JDCX4T9Q8Z6W3M5K7N2P0RSV", protocol.StatusRunning, "hint: run `meridian show 01JDCX4T9Q8Z6W3M5K7N2P0RSV` to look up the run\n"},
		{"an id that is none is no part of a command", "`reboot`", protocol.StatusRunning, "hint: run `meridian show` with the id of the run to look it up\n"},
		{"ended", "01JDCX4T9Q8Z6W3M5K7N2P0RSV", protocol.StatusFailed, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			r := stillRunning()
			r.RunID, r.Status = tt.id, tt.status
			got := text(t, r, report.Options{})
			if tt.want == "" && strings.Contains(got, "meridian show") || !strings.Contains(got, tt.want) || strings.Contains(got, "`reboot`") {
				t.Errorf("Text = %s, want it to have %q", got, tt.want)
			}
		})
	}
}

// Next is the hint for a run that has not ended, also beside its rows.
func TestNextIsTheHintForARunThatHasNotEnded(t *testing.T) {
	t.Parallel()
	options, want := report.Options{Next: "run `meridian resume last`"}, "hint: run `meridian resume last`\n"
	var summary strings.Builder
	if err := report.List(stillRunning(), nil, report.Selection{}).Summary(&summary, options); err != nil {
		t.Fatal(err)
	}
	for _, got := range []string{text(t, stillRunning(), options), summary.String()} {
		if !strings.Contains(got, want) || strings.Contains(got, "meridian show") {
			t.Errorf("a run that has not ended is printed as %s, want %q", got, want)
		}
	}
	if got := text(t, redriven(), options); strings.Contains(got, "resume") {
		t.Errorf("a run that has ended is printed as %s, want no hint", got)
	}
}

// A run says over how many generations it went, and how many of them were redrives, if there
// was more than one.
func TestASummaryTellsGenerationsAndRedrives(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		generations, redrives int
		want                  string
	}{
		{0, 0, "3 of 3 Regions succeeded; 3.0 times"},
		{1, 0, "3 of 3 Regions succeeded; 3.0 times"},
		{3, 0, "3 of 3 Regions succeeded; over 3 generations; 3.0 times"},
		{2, 1, "3 of 3 Regions succeeded; over 2 generations, 1 redrive; 3.0 times"},
		{9, 2, "3 of 3 Regions succeeded; over 9 generations, 2 redrives; 3.0 times"},
	} {
		r := helloWorld()
		r.Generations, r.Redrives = tt.generations, tt.redrives
		if got := text(t, r, report.Options{}); !strings.Contains(got, tt.want) {
			t.Errorf("Text of %d generations and %d redrives = %s, want it to have %q", tt.generations, tt.redrives, got, tt.want)
		}
	}
}

package report_test

import (
	"encoding/json"
	"os"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// A result as text without colors, as for a file.
func ExampleText() {
	result := protocol.Result{
		Status:  protocol.StatusSucceeded,
		Message: "That took 1.004 seconds",
		Regions: []protocol.RegionOutcome{
			{
				Region: "eu-west-1", Status: protocol.StatusSucceeded, ElapsedMs: 1003,
				Attempts: []protocol.Attempt{{ElapsedMs: 1003}},
				Targets: []protocol.TargetOutcome{{
					Target: "dynamodb", Status: protocol.StatusSucceeded, Output: json.RawMessage(`{"tables":3}`),
				}},
			},
			{Region: "us-east-1", Status: protocol.StatusNotStarted, Cause: "the run has enough Regions that succeeded"},
		},
		Summary: protocol.Summary{
			Regions: protocol.Counts{Total: 2, Succeeded: 1, NotStarted: 1},
			Targets: protocol.Counts{Total: 2, Succeeded: 1, NotStarted: 1},
		},
	}
	if err := report.Text(os.Stdout, result, report.Options{}); err != nil {
		panic(err)
	}
	// Output:
	// That took 1.004 seconds
	//
	// REGION     STATUS          TIME  WHAT CAME BACK
	// eu-west-1  SUCCEEDED    1.003 s  {"tables":3}
	// us-east-1  NOT_STARTED        -  the run has enough Regions that succeeded
	//
	// 1 of 2 Regions succeeded, 1 not started
}

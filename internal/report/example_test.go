package report_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"meridian/internal/difference"
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

// The rows that a task found, with the row of a Region that failed, and how many there are
// by type.
func ExampleList() {
	result := protocol.Result{
		Status: protocol.StatusSucceeded, ElapsedMs: 412,
		Regions: []protocol.RegionOutcome{
			{Region: "eu-west-1", Status: protocol.StatusSucceeded, Targets: []protocol.TargetOutcome{{
				Target: "ec2:DescribeInstances", Status: protocol.StatusSucceeded,
				Output: json.RawMessage(`[{"id":"i-0abc","type":"t4g.nano"},{"id":"i-0def","type":"m7g.large"}]`),
			}}},
			{Region: "me-south-1", Status: protocol.StatusFailed, Targets: []protocol.TargetOutcome{{
				Target: "ec2:DescribeInstances", Status: protocol.StatusFailed,
				Error: "Call.Connect", Cause: "no connection within 3s",
			}}},
		},
		Summary: protocol.Summary{
			Regions: protocol.Counts{Total: 2, Succeeded: 1, Failed: 1},
			Targets: protocol.Counts{Total: 2, Succeeded: 1, Failed: 1},
		},
	}
	rows := func(output json.RawMessage) (columns []string, rows []map[string]json.RawMessage) {
		_ = json.Unmarshal(output, &rows)
		return []string{"id", "type"}, rows
	}
	listing := report.List(result, rows, report.Selection{Sort: []string{"type"}})
	if err := errors.Join(listing.Table(os.Stdout, report.Options{}), listing.Summary(os.Stdout, report.Options{})); err != nil {
		panic(err)
	}
	fmt.Println()
	counts := report.List(result, rows, report.Selection{CountBy: []string{"region"}})
	if err := counts.CSV(os.Stdout); err != nil {
		panic(err)
	}
	// Output:
	// REGION      ID      TYPE       ERROR
	// eu-west-1   i-0def  m7g.large
	// eu-west-1   i-0abc  t4g.nano
	// me-south-1                     Call.Connect: no connection within 3s
	// 2 rows from 2 Regions (1 failed) in 0.412 s
	//
	// region,count,error
	// eu-west-1,2,
	// me-south-1,,Call.Connect: no connection within 3s
}

// What changed from one run to the next: a failure, and a row with the same id.
func ExampleDifferenceText() {
	in := func(region string, target protocol.TargetOutcome) protocol.RegionOutcome {
		target.Target = "ec2:DescribeInstances"
		return protocol.RegionOutcome{Region: region, Status: target.Status, Targets: []protocol.TargetOutcome{target}}
	}
	found := func(rows string) protocol.TargetOutcome {
		return protocol.TargetOutcome{Status: protocol.StatusSucceeded, Output: json.RawMessage(rows)}
	}
	refused := protocol.TargetOutcome{Status: protocol.StatusFailed, Error: "AccessDenied", Cause: "not authorized"}
	before := protocol.Result{Regions: []protocol.RegionOutcome{
		in("eu-west-1", found(`[{"id":"i-0abc","state":"running"}]`)), in("us-east-1", found(`[]`)),
	}}
	after := protocol.Result{Regions: []protocol.RegionOutcome{
		in("eu-west-1", found(`[{"id":"i-0abc","state":"stopped"}]`)), in("us-east-1", refused),
	}}
	rows := func(output json.RawMessage) (columns []string, rows []map[string]json.RawMessage) {
		_ = json.Unmarshal(output, &rows)
		return []string{"id", "state"}, rows
	}
	d := difference.Compare(before, after, difference.Comparison{Rows: rows, Key: []string{"id"}})
	if err := report.DifferenceText(os.Stdout, d, report.Options{}); err != nil {
		panic(err)
	}
	fmt.Println(d.Worse)
	// Output:
	// newly failing  us-east-1  ec2:DescribeInstances  AccessDenied: not authorized
	// row changed    eu-west-1  ec2:DescribeInstances  i-0abc  state: "running" → "stopped"
	// 1 newly failing, 1 row changed
	// true
}

// The attempts of a run on a time axis: a throttle, a wait and a retry.
func ExampleTimeline() {
	result := protocol.Result{
		Status: protocol.StatusSucceeded, ElapsedMs: 1000, Message: "That took 1.000 seconds",
		Regions: []protocol.RegionOutcome{{
			Region: "eu-west-1", Status: protocol.StatusSucceeded, ElapsedMs: 1000,
			Attempts: []protocol.Attempt{
				{ElapsedMs: 100, Error: "Lambda.TooManyRequestsException", WaitMs: 300}, {StartMs: 400, ElapsedMs: 600},
			},
		}},
		Summary: protocol.Summary{Regions: protocol.Counts{Total: 1, Succeeded: 1}, Targets: protocol.Counts{Total: 1, Succeeded: 1}},
	}
	if err := report.Timeline(os.Stdout, result, report.Options{Width: 50}); err != nil {
		panic(err)
	}
	// Output:
	// That took 1.000 seconds
	//
	//            0                      1.000 s
	// eu-west-1  xxx·········══════════════════  1.000 s
	//
	// ═ retry   x failed   · wait
	//
	// 1 of 1 Region succeeded
}

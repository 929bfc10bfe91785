package difference_test

import (
	"encoding/json"
	"fmt"

	"meridian/internal/difference"
	"meridian/pkg/protocol"
)

// What changed from one run to the next: a failure, and a row with the same id.
func ExampleCompare() {
	in := func(region string, target protocol.TargetOutcome) protocol.RegionOutcome {
		target.Target = "ec2:DescribeInstances"
		return protocol.RegionOutcome{Region: region, Status: target.Status, Targets: []protocol.TargetOutcome{target}}
	}
	found := func(row string) protocol.TargetOutcome {
		return protocol.TargetOutcome{Status: protocol.StatusSucceeded, Output: json.RawMessage(row)}
	}
	refused := protocol.TargetOutcome{Status: protocol.StatusFailed, Error: "AccessDenied", Cause: "not authorized"}
	before := protocol.Result{Regions: []protocol.RegionOutcome{
		in("eu-west-1", found(`{"id":"i-0abc","state":"running"}`)), in("us-east-1", found(`{"id":"i-0def","state":"running"}`)),
	}}
	after := protocol.Result{Regions: []protocol.RegionOutcome{
		in("eu-west-1", found(`{"id":"i-0abc","state":"stopped"}`)), in("us-east-1", refused),
	}}
	d := difference.Compare(before, after, difference.Comparison{Key: []string{"id"}})
	for _, f := range d.Findings {
		fmt.Println(f.Change, f.Region, f.Error, difference.Compact(f.Before))
	}
	fmt.Println("worse:", d.Worse)
	// Output:
	// NEWLY_FAILING us-east-1 AccessDenied null
	// ROW_CHANGED eu-west-1  {"state":"running"}
	// worse: true
}

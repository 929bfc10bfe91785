package protocol_test

import (
	"encoding/json"
	"time"

	"meridian/pkg/protocol"
)

// accountGoldens returns the values of the golden files about accounts, by their names.
func accountGoldens() map[string]any {
	at := time.Date(2026, 11, 29, 20, 0, 0, 0, time.UTC)
	return map[string]any{
		"request_accounts": protocol.Request{
			Task: "call",
			Accounts: []protocol.Account{
				{ID: "111122223333"},
				{
					ID: "444455556666", Name: "prod", Role: "arn:{partition}:iam::{account}:role/ops/reader", ExternalID: "audit-2026",
					Regions: []string{"eu-*", "enabled"}, ExcludeRegions: []string{"eu-south-2"}, Parameters: json.RawMessage(`{"query":"Vpcs[].VpcId"}`),
				},
				{Name: "laptop", Profile: "sandbox"},
			},
			Role: "meridian-read", ExternalID: "all-of-us", SessionName: "audit", SessionTags: true,
			Waves: []protocol.Wave{{Regions: []string{"eu-north-1"}}, {Accounts: []string{"444455556666", "prod"}, Regions: []string{"eu-*"}}},
		},
		"request_organization": protocol.Request{
			Task: "call", Role: "meridian-read",
			Organization: &protocol.Organization{Units: []string{"ou-ab12-cdef3456", "r-ab12"}, Exclude: []string{"111122223333"}},
		},
		"request_organization_all": protocol.Request{Role: "meridian-read", Organization: new(protocol.Organization)},
		"region_request_account": protocol.RegionRequest{
			Version: 3, RunID: runID, Attempt: 1, Task: "call",
			Regions: []protocol.RegionTargets{
				{Region: "eu-west-1", Targets: []string{"ec2:DescribeVpcs", "sts:GetCallerIdentity"}},
				{Region: "us-east-1", Targets: []string{"ec2:DescribeVpcs"}},
			},
			Account: &protocol.Access{
				Account: "444455556666", Role: "arn:aws:iam::444455556666:role/meridian-read", ExternalID: "audit-2026",
				SessionName: "audit", SessionTags: true,
			},
		},
		"region_request_profile": protocol.RegionRequest{
			Version: 3, RunID: runID, Region: "eu-west-1", Attempt: 1, Task: "call", Targets: []string{"ec2:DescribeVpcs"},
			Account: &protocol.Access{Profile: "sandbox"},
		},
		"result_accounts": protocol.Result{
			RunID: runID, Status: protocol.StatusSucceeded, StartedAt: at, ElapsedMs: 412.5, Message: "That took 0.412 seconds",
			Summary: protocol.Summary{
				Regions: protocol.Counts{Total: 2, Succeeded: 2}, Accounts: &protocol.Counts{Total: 1, Succeeded: 1},
				Targets: protocol.Counts{Total: 2, Succeeded: 2}, Attempts: 1, TargetAttempts: 2,
			},
			Regions: []protocol.RegionOutcome{
				{
					Account: "444455556666", AccountName: "prod", Region: "eu-west-1", Status: protocol.StatusSucceeded, StartMs: 1, ElapsedMs: 400,
					Attempts: []protocol.Attempt{{StartMs: 1, ElapsedMs: 400, Metrics: &protocol.Metrics{BilledDurationMs: 399}}},
					Targets:  []protocol.TargetOutcome{{Target: "ec2:DescribeVpcs", Status: protocol.StatusSucceeded, ElapsedMs: 100, Attempts: []protocol.Attempt{{ElapsedMs: 100}}}},
				},
				{
					Account: "444455556666", AccountName: "prod", Region: "us-east-1", Status: protocol.StatusSucceeded, StartMs: 1, ElapsedMs: 400,
					Attempts: []protocol.Attempt{{StartMs: 1, ElapsedMs: 400, Shared: true}},
					Targets:  []protocol.TargetOutcome{{Target: "ec2:DescribeVpcs", Status: protocol.StatusSucceeded, ElapsedMs: 300, Attempts: []protocol.Attempt{{ElapsedMs: 300}}}},
				},
			},
		},
	}
}

// accountEventGoldens returns the values of the golden files of events about accounts.
func accountEventGoldens() map[string]any {
	at := time.Date(2026, 11, 29, 20, 0, 0, 0, time.UTC)
	return map[string]any{
		"event_account_attempt": protocol.Event{
			Version: 1, RunID: runID, Sequence: 2, Time: at, Type: protocol.EventAttemptStarted,
			Account: "444455556666", Region: "eu-west-1", Regions: []string{"eu-west-1", "us-east-1"}, Number: 1, Attempt: &protocol.Attempt{StartMs: 1},
		},
		"event_account_started": protocol.Event{
			Version: 1, RunID: runID, Sequence: 1, Time: at, Type: protocol.EventRunStarted,
			Started: &protocol.RunStarted{Task: "call", Accounts: 50, Regions: 850, Targets: 850, Invocations: 50},
		},
	}
}

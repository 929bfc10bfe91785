package page_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// hostile is markup that must stay text.
const hostile = `<script>alert(1)</script>`

// counted fills in the summary of a result.
func counted(r protocol.Result) protocol.Result {
	accounts := map[string]bool{}
	for _, region := range r.Regions {
		r.Summary.Regions.Add(region.Status)
		r.Summary.Attempts += len(region.Attempts)
		for _, t := range region.Targets {
			r.Summary.Targets.Add(t.Status)
		}
		r.ElapsedMs = max(r.ElapsedMs, region.StartMs+region.ElapsedMs)
		if region.Account != "" {
			accounts[region.Account] = true
		}
	}
	if len(accounts) > 0 {
		r.Summary.Accounts = &protocol.Counts{Total: len(accounts)}
	}
	return r
}

// everyStatus is a result with each status, and with markup in each text.
func everyStatus() protocol.Result {
	r := protocol.Result{
		RunID: "01KBA5ZEH0Q6J3X0Y7R2M5W9ZC", Name: hostile, Status: protocol.StatusRunning, Error: `</title>` + hostile, Cause: `</style>` + hostile,
		StartedAt: time.Date(2026, 11, 30, 4, 0, 0, 0, time.UTC), Message: hostile, Notices: []string{`"><img src=x onerror=alert(1)>`},
		Generations: 2, Redrives: 1,
	}
	for i, s := range append(protocol.Statuses(), "NEWER") {
		region := protocol.RegionOutcome{
			Region: fmt.Sprintf(`r%d"><img src=x onerror=alert(1)>`, i), Status: s, StartMs: float64(i), ElapsedMs: float64(100 * i),
			Error: hostile, Cause: `' onmouseover=alert(1) x='`, Attempts: []protocol.Attempt{{StartMs: float64(i), ElapsedMs: float64(100 * i)}},
		}
		for k := range 6 {
			t := protocol.TargetOutcome{Target: fmt.Sprintf("t%d", k), Status: s, ElapsedMs: float64(10 * k), Error: "</script>", Cause: hostile + "\x1b[31m"}
			if k == 0 {
				t.Target = hostile
			}
			if s == protocol.StatusSucceeded {
				t.Error, t.Cause = "", ""
				t.Output = json.RawMessage(`{"<b>column</b>":"<img src=x onerror=alert(1)>","url":"javascript:alert(1)","list":["</td></table>"]}`)
			}
			region.Targets = append(region.Targets, t)
		}
		r.Regions = append(r.Regions, region)
	}
	r.Regions[0].Attempts[0].Error, r.Regions[0].Attempts[0].Cause = hostile, `</svg>`+hostile
	return counted(r)
}

// wide is a result of Regions with targets. Every failEvery-th target failed with a long cause; 0 means
// none.
func wide(regions, targets, failEvery int) protocol.Result {
	r := protocol.Result{RunID: "01KBA5ZEH0Q6J3X0Y7R2M5W9ZC", Name: "wide", Status: protocol.StatusSucceeded}
	cause := strings.Repeat(`connect: "refused" <by> the 'peer' & gone; `, 30)
	for i := range regions {
		region := protocol.RegionOutcome{
			Region: fmt.Sprintf("eu-west-%d", i), Status: protocol.StatusSucceeded, ElapsedMs: float64(1000 + i),
			Attempts: []protocol.Attempt{
				{ElapsedMs: 100, Error: "Lambda.TooManyRequestsException", Cause: cause, WaitMs: 100},
				{StartMs: 200, ElapsedMs: float64(800 + i)},
			},
		}
		for k := range targets {
			t := protocol.TargetOutcome{
				Target: fmt.Sprintf("target-%d", k), Status: protocol.StatusSucceeded, ElapsedMs: float64((i*targets + k) % 977),
				Output: json.RawMessage(fmt.Sprintf(`{"host":"target-%d.eu-west-%d.amazonaws.com","status":200,"totalMs":%d.125,"address":"203.0.113.%d"}`, k, i, k, k%256)),
			}
			if failEvery > 0 && k%failEvery == 0 {
				t.Status, t.Error, t.Cause, t.Output = protocol.StatusFailed, "Probe.Connect", fmt.Sprintf("target %d: %s", k, cause), nil
				region.Status, region.Error, region.Cause = protocol.StatusFailed, "States.ExceedToleratedFailureThreshold", cause
			}
			region.Targets = append(region.Targets, t)
		}
		r.Regions = append(r.Regions, region)
	}
	return counted(r)
}

// overAccounts is a result of accounts in Regions, with the targets of each.
func overAccounts(accounts, regions int) protocol.Result {
	r := protocol.Result{RunID: "01KBA5ZEH0Q6J3X0Y7R2M5W9ZC", Status: protocol.StatusSucceeded}
	for a := range accounts {
		for i := range regions {
			r.Regions = append(r.Regions, protocol.RegionOutcome{
				Account: fmt.Sprintf("%012d", 111122223333+a), AccountName: fmt.Sprintf("account %d", a), Region: fmt.Sprintf("eu-west-%d", i),
				Status: protocol.StatusSucceeded, ElapsedMs: float64(1 + a + i), Attempts: []protocol.Attempt{{ElapsedMs: float64(1 + a + i)}},
				Targets: []protocol.TargetOutcome{
					{Target: "ec2:DescribeVpcs", Status: protocol.StatusSucceeded, ElapsedMs: 1},
					{Target: "sqs:ListQueues", Status: protocol.StatusSucceeded, ElapsedMs: 1},
				},
			})
		}
	}
	last := &r.Regions[len(r.Regions)-1]
	last.Status, last.Error, last.Cause = protocol.StatusFailed, "States.ExceedToleratedFailureThreshold", "1 of 2 targets failed"
	last.Targets[1] = protocol.TargetOutcome{Target: "sqs:ListQueues", Status: protocol.StatusFailed, Error: "AccessDenied", Cause: "not authorized"}
	return counted(r)
}

package report_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"charm.land/lipgloss/v2"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// in returns outcomes with an account.
func in(id, name string, outcomes ...protocol.RegionOutcome) []protocol.RegionOutcome {
	for i := range outcomes {
		outcomes[i].Account, outcomes[i].AccountName = id, name
	}
	return outcomes
}

// over returns a result of accounts.
func over(accounts ...[]protocol.RegionOutcome) protocol.Result {
	r := run(slices.Concat(accounts...)...)
	r.Summary.Accounts = &protocol.Counts{}
	for _, outcomes := range accounts {
		worst := protocol.StatusSkipped
		for _, s := range []protocol.Status{protocol.StatusSucceeded, protocol.StatusFailed} {
			if slices.ContainsFunc(outcomes, func(o protocol.RegionOutcome) bool { return o.Status == s }) {
				worst = s
			}
		}
		r.Summary.Accounts.Add(worst)
	}
	return r
}

// denied is a Region of an account with a role that cannot be assumed.
func denied(id, region string) protocol.RegionOutcome {
	return failed(region, 90, "AccessDenied", "arn:aws:iam::"+id+":role/Audit cannot be assumed in "+region+
		": the trust policy of the role has to allow arn:aws:iam::999988887777:role/worker")
}

// organization is a result of five accounts in Regions: one whose role cannot be assumed, one
// with another failure, one that is suspended, one without a name, and one in other Regions.
func organization(regions ...string) protocol.Result {
	of := func(outcome func(region string) protocol.RegionOutcome) []protocol.RegionOutcome {
		var all []protocol.RegionOutcome
		for _, region := range regions {
			all = append(all, outcome(region))
		}
		return all
	}
	vpcs := func(region string) protocol.RegionOutcome {
		return succeeded(region, 120, `{"rows":[{"id":"vpc-`+region+`"}]}`)
	}
	mixed := of(vpcs)
	mixed[1] = failed(regions[1], 40, "UnauthorizedOperation", "not authorized to perform ec2:DescribeVpcs")
	suspended := of(func(name string) protocol.RegionOutcome {
		r := lost(name, protocol.StatusSkipped, 0, "", "the account is SUSPENDED", "dynamodb")
		r.Targets[0].Cause = r.Cause
		return r
	})
	r := over(
		in("111122223333", "payments-production", of(vpcs)...),
		in("222233334444", "log archive", of(func(region string) protocol.RegionOutcome { return denied("222233334444", region) })...),
		in("333344445555", "old", suspended...),
		in("444455556666", "", mixed...),
		in("555566667777", "sandbox", vpcs(regions[0]), vpcs("ap-east-1")),
	)
	return ended(r, protocol.StatusFailed, protocol.ErrorExceedToleratedFailureThreshold, "more Regions failed than are tolerated")
}

// fewRegions and manyRegions are the Regions of organizations.
func fewRegions() []string { return []string{"us-east-1", "eu-west-1"} }

func manyRegions() []string {
	return []string{
		"ap-northeast-1", "ap-northeast-2", "ap-northeast-3", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1", "eu-central-1",
		"eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1", "us-east-1", "us-east-2", "us-west-1", "us-west-2",
	}
}

// lookedUp is a result with look-ups, some of them failed.
func lookedUp() protocol.Result {
	r := organization(fewRegions()...)
	r.Lookups = slices.Concat(
		in("", "", succeeded("us-east-1", 40, `{}`)),
		in("111122223333", "payments-production", succeeded("us-east-1", 30, `{}`)),
		in("222233334444", "log archive", denied("222233334444", "us-east-1")),
	)
	return r
}

// The golden files are the whole text of results over accounts.
func TestTextOfAccounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		result  protocol.Result
		options report.Options
	}{
		{name: "accounts", result: organization(fewRegions()...)},
		{name: "accounts-80", result: organization(fewRegions()...), options: report.Options{Width: 80}},
		{name: "accounts-40", result: organization(fewRegions()...), options: report.Options{Width: 40}},
		{name: "accounts-color", result: organization(fewRegions()...), options: report.Options{Width: 80, Color: true}},
		{name: "accounts-many-100", result: organization(manyRegions()...), options: report.Options{Width: 100}},
		{name: "accounts-many-200", result: organization(manyRegions()...), options: report.Options{Width: 200}},
		{name: "accounts-wide", result: organization(fewRegions()...), options: report.Options{Width: 80, All: true}},
		{name: "accounts-one", result: over(in("111122223333", "payments", succeeded("eu-west-1", 1, `"a"`)))},
		{name: "accounts-lookups", result: lookedUp()},
		{name: "accounts-running", result: carriedOn(over(in("111122223333", "payments", stillRunning().Regions...), in("222233334444", "", resolved("us-east-1", 5))))},
		{name: "accounts-targets", result: over(
			in("111122223333", "a", manyTargets().Regions...), in("222233334444", "a", manyTargets().Regions...),
		), options: report.Options{Width: 100}},
		{name: "accounts-not-run", result: ended(over(
			in("111122223333", "", lost("eu-west-1", protocol.StatusTimedOut, 1, "States.Timeout", "invocation timed out after 1s", "s3"), lost("eu-west-2", protocol.StatusAborted, 1, "", "the run failed fast", "s3")),
			in("222233334444", "", lost("eu-west-1", protocol.StatusNotStarted, 0, "", "the run failed fast", "s3"), lost("eu-west-2", protocol.StatusNotStarted, 0, "", "the run failed fast", "s3")),
		), protocol.StatusTimedOut, "States.Timeout", "run timed out after 1s")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			compareGolden(t, tt.name, text(t, tt.result, tt.options))
		})
	}
}

// The golden files are the rows of results over accounts, and what goes to standard error.
func TestListingOfAccounts(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, form string
		result     protocol.Result
		selection  report.Selection
		options    report.Options
	}{
		{name: "accounts-rows", form: "table", result: organization(fewRegions()...)},
		{name: "accounts-rows-running", form: "table", result: carriedOn(over(in("111122223333", "payments", stillRunning().Regions...)))},
		{name: "accounts-rows-80", form: "table", result: organization(fewRegions()...), options: report.Options{Width: 80}},
		{name: "accounts-rows-csv", form: "csv", result: organization(fewRegions()...)},
		{name: "accounts-rows-jsonl", form: "jsonl", result: organization(fewRegions()...)},
		{name: "accounts-rows-count", form: "table", result: organization(fewRegions()...), selection: report.Selection{CountBy: []string{"account name"}}},
		{name: "accounts-rows-columns", form: "csv", result: organization(fewRegions()...), selection: report.Selection{Columns: []string{"id", "AccountName"}, Sort: []string{"-account"}}},
		{name: "accounts-rows-unnamed", form: "table", result: over(in("111122223333", "", succeeded("eu-west-1", 1, `{"columns":["account","error"],"rows":[{"account":"x","error":"e"}]}`)))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr := written(t, report.List(tt.result, rowsOf, tt.selection), tt.form, tt.options)
			compareGolden(t, tt.name, stdout+"---\n"+stderr)
		})
	}
}

// A matrix has a line for each account in each block, fits the width, and has every status.
func TestMatrixFitsItsWidth(t *testing.T) {
	t.Parallel()
	r := organization(manyRegions()...)
	for width := 30; width <= 260; width += 7 {
		got := text(t, r, report.Options{Width: width})
		matrix, _, _ := strings.Cut(got, "\n\nlog archive (") // the first failure
		for line := range strings.SplitSeq(matrix, "\n") {
			if w := lipgloss.Width(line); w > width {
				t.Fatalf("Text(Width: %d) has a line of %d cells: %q", width, w, line)
			}
		}
		if n := strings.Count(matrix, "FAILED"); n != len(manyRegions())+1 {
			t.Fatalf("Text(Width: %d) shows %d FAILED, want %d:\n%s", width, n, len(manyRegions())+1, got)
		}
	}
}

// The largest run has a line for each account, and a few for its failures.
func TestTextOfAThousandAccounts(t *testing.T) {
	t.Parallel()
	var accounts [][]protocol.RegionOutcome
	for i := range protocol.MaxAccounts {
		id := fmt.Sprintf("%012d", i)
		var outcomes []protocol.RegionOutcome
		for _, region := range manyRegions()[:10] {
			outcomes = append(outcomes, failed(region, 1, "Boom", fmt.Sprintf("no. %d broke", i)))
		}
		accounts = append(accounts, in(id, "", outcomes...))
	}
	got := text(t, over(accounts...), report.Options{})
	if lines := strings.Count(got, "\n"); lines > protocol.MaxAccounts+120 {
		t.Errorf("Text(%d accounts) has %d lines", protocol.MaxAccounts, lines)
	}
	if !strings.Contains(got, "\n… and 900 more (-o wide has them all)\n") {
		t.Errorf("Text(%d accounts) does not say how many failures it leaves out", protocol.MaxAccounts)
	}
}

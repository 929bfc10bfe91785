package report_test

import (
	"fmt"
	"strings"
	"testing"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// The trust policies of a role, without and with an external id.
const (
	trust       = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:role/worker"},"Action":"sts:AssumeRole"}]}`
	trustWithID = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::999988887777:role/worker"},"Action":"sts:AssumeRole",` +
		`"Condition":{"StringEquals":{"sts:ExternalId":"EXTERNAL-ID"}}}]}`
)

// refused returns the outcomes of an account whose role does not trust the worker. Each has
// a request of its own.
func refused(id, name, policy string, regions ...string) []protocol.RegionOutcome {
	const caller = "arn:aws:sts::999988887777:assumed-role/worker/fn"
	var all []protocol.RegionOutcome
	for _, region := range regions {
		all = append(all, failed(region, 90, "AccessDenied", fmt.Sprintf(
			"%[1]s may not assume arn:aws:iam::%[2]s:role/Audit: there is no such role, or it does not trust the caller, or the caller lacks sts:AssumeRole; the trust policy that is wanted: %[3]s; STS said: "+
				"User: %[1]s is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::%[2]s:role/Audit (HTTP 403, request %[4]s-%[5]s)",
			caller, id, policy, id[:4], region)))
	}
	return in(id, name, all...)
}

// suspended returns the outcomes of an account that is not entered.
func suspended(id, name string, regions ...string) []protocol.RegionOutcome {
	var all []protocol.RegionOutcome
	for _, region := range regions {
		all = append(all, lost(region, protocol.StatusSkipped, 0, "", "the account is SUSPENDED", "dynamodb"))
	}
	return in(id, name, all...)
}

// endedBy returns a result that did not succeed because of its failures, the first of them
// in an outcome, with the coordinator's cause.
func endedBy(r protocol.Result, first protocol.RegionOutcome) protocol.Result {
	c := r.Summary.Regions
	return ended(r, protocol.StatusFailed, protocol.ErrorExceedToleratedFailureThreshold,
		fmt.Sprintf("%d of %d failed, 0 tolerated; %s %s: %s", c.Failed, c.Total, first.Account, first.Region, first.Cause))
}

// untrusted is a result with an account that succeeded, five whose roles are refused, one
// of them in fewer Regions, and three that were skipped, one of them in fewer Regions.
// The policy of the last accounts may differ.
func untrusted(last string) protocol.Result {
	dev := refused("222233334444", "dev", trust, fewRegions()...)
	return endedBy(over(
		in("111122223333", "payments", succeeded("us-east-1", 120, `{"rows":[{"id":"vpc-1"}]}`)),
		dev,
		refused("333344445555", "prod", trust, fewRegions()...),
		refused("444455556666", "log archive", trust, "eu-west-1"),
		refused("555566667777", "", last, fewRegions()...),
		refused("666677778888", "sandbox", last, fewRegions()...),
		suspended("777788889999", "old", "us-east-1"),
		suspended("888899990000", "older", "us-east-1"),
		suspended("999900001111", "oldest", fewRegions()...),
	), dev[0])
}

// The golden files are the whole text of results with roles that are refused, which has
// each trust policy once and on one line.
func TestTextOfRefusedRoles(t *testing.T) {
	t.Parallel()
	dev := refused("222233334444", "dev", trust, manyRegions()...)
	for _, tt := range []struct {
		name    string
		result  protocol.Result
		options report.Options
	}{
		{name: "refused-100", result: untrusted(trust), options: report.Options{Width: 100}},
		{name: "refused-two-policies-100", result: untrusted(trustWithID), options: report.Options{Width: 100}},
		{name: "refused-wide", result: untrusted(trust), options: report.Options{Width: 100, All: true}},
		{name: "refused-one-account-100", result: endedBy(over(dev), dev[0]), options: report.Options{Width: 100}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := text(t, tt.result, tt.options)
			compareGolden(t, tt.name, got)
			if n := strings.Count(got, "\n"+trust+"\n"); n != 1 {
				t.Errorf("Text has the policy on %d lines, want 1", n)
			}
		})
	}
}

// The golden files are the rows of a result with roles that are refused. A table has the
// policy below it, CSV and JSON lines have it in their cells.
func TestListingOfRefusedRoles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, form string
		selection  report.Selection
		options    report.Options
	}{
		{name: "refused-rows", form: "table"},
		{name: "refused-rows-100", form: "table", options: report.Options{Width: 100}},
		{name: "refused-rows-csv", form: "csv"},
		{name: "refused-rows-columns", form: "jsonl", selection: report.Selection{Columns: []string{"id"}}, options: report.Options{Width: 100}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			stdout, stderr := written(t, report.List(untrusted(trust), rowsOf, tt.selection), tt.form, tt.options)
			compareGolden(t, tt.name, stdout+"---\n"+stderr)
			if strings.Count(stderr, "Version") != 1 || !strings.Contains(stderr, "\n"+trust+"\n") || tt.form == "table" && strings.Contains(stdout, "Version") {
				t.Errorf("the policy is not once on a line below the rows")
			}
		})
	}
}

// Fifty accounts that refuse their roles take a few lines of failures.
func TestTextOfFiftyRefusedRolesIsShort(t *testing.T) {
	t.Parallel()
	var accounts [][]protocol.RegionOutcome
	for i := range 50 {
		accounts = append(accounts, refused(fmt.Sprintf("%012d", 100000000000+i), fmt.Sprintf("team-%d", i), trust, fewRegions()...))
	}
	_, got, _ := strings.Cut(text(t, endedBy(over(accounts...), accounts[0][0]), report.Options{Width: 100}), "team-49")
	if lines := strings.Count(got, "\n"); lines > 14 {
		t.Errorf("Text has %d lines below its table:\n%s", lines, got)
	}
}

// Only a whole trust policy is cut out of a cause, and nothing that looks like one; causes
// that differ in more than the account are not grouped.
func TestTextKeepsWhatIsNoTrustPolicy(t *testing.T) {
	t.Parallel()
	for _, cause := range []string{
		"the policy is malformed: " + trust,
		"; the trust policy that is wanted: " + trust[:90],
		`; the trust policy that is wanted: {"Version":"2008-10-17","Statement":[]}`,
		"; the trust policy that is wanted: [" + trust + "]",
		"sorry, request limit exceeded",
	} {
		r := over(in("111122223333", "a", failed("eu-west-1", 1, "E", cause)), in("222233334444", "b", failed("eu-west-1", 1, "E", cause+"!")))
		got := text(t, r, report.Options{})
		for _, want := range []string{"a (111122223333)  in eu-west-1  FAILED  E: " + cause + "\n", "b (222233334444)  in eu-west-1  FAILED  E: " + cause + "!\n"} {
			if !strings.Contains(got, want) || strings.Contains(got, "hint:") {
				t.Errorf("Text has no %q, or a hint:\n%s", want, got)
			}
		}
	}
}

// The line of a run's status keeps a cause that no failure above it has.
func TestTextKeepsACauseThatIsNotShown(t *testing.T) {
	t.Parallel()
	r := untrusted(trust)
	r.Cause = "organization; the list of accounts is empty; 222233334444 is known"
	if got := text(t, r, report.Options{}); !strings.HasSuffix(got, "\nFAILED  "+r.Cause+"\n") {
		t.Errorf("Text does not end with the cause:\n%s", got)
	}
}

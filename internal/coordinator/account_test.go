package coordinator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A bank is a worker for accounts. It notes the requests, and answers each target by what
// do returns for "account region target": an output, or an error; a nil do answers nothing.
type bank struct {
	mu       sync.Mutex
	requests []protocol.RegionRequest
	do       func(account, region, target string, attempt int) (any, error)
	lost     func(protocol.RegionRequest) error // why an invocation is lost; nil means none is
}

func (b *bank) Invoke(_ context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
	r, err := protocol.DecodeRegionRequest(payload)
	if err != nil {
		return nil, protocol.Attempt{}, err
	}
	b.mu.Lock()
	b.requests = append(b.requests, r)
	number := len(b.requests)
	b.mu.Unlock()
	if b.lost != nil {
		if err := b.lost(r); err != nil {
			return nil, protocol.Attempt{}, err
		}
	}
	result := protocol.RegionResult{Version: r.Version, RunID: r.RunID, Region: r.Region, Batch: r.Batch, Status: protocol.StatusSucceeded}
	id := ""
	if r.Account != nil {
		id = r.Account.Account
	}
	for _, region := range r.Work() {
		for _, target := range region.Targets {
			o := protocol.TargetOutcome{Target: target, Status: protocol.StatusSucceeded}
			if b.do != nil {
				value, err := b.do(id, region.Region, target, r.Attempt)
				if err != nil {
					o.Status, o.Error, o.Cause = protocol.StatusFailed, "Boom", err.Error()
					result.Status, result.Error, result.Cause = protocol.StatusFailed, "States.TaskFailed", err.Error()
				} else if value != nil {
					o.Output, _ = json.Marshal(value)
				}
			}
			result.Targets = append(result.Targets, o)
		}
	}
	answer, err := json.Marshal(result)
	return answer, protocol.Attempt{RequestID: fmt.Sprintf("request-%d", number)}, err
}

// sent lists the invocations as "account region[targets] …", sorted.
func (b *bank) sent() (lines []string) {
	for _, r := range b.requests {
		id := "own"
		if r.Account != nil {
			id = r.Account.Account
		}
		var line strings.Builder
		fmt.Fprintf(&line, "%s %d", id, r.Attempt)
		for _, region := range r.Work() {
			fmt.Fprintf(&line, " %s%v", region.Region, region.Targets)
		}
		lines = append(lines, line.String())
	}
	slices.Sort(lines)
	return lines
}

const one, two, three = "111111111111", "222222222222", "333333333333"

func accountsOf(ids ...string) (accounts []protocol.Account) {
	for _, id := range ids {
		accounts = append(accounts, protocol.Account{ID: id})
	}
	return accounts
}

// itemsOf lists the outcomes as "account region STATUS cause".
func itemsOf(r protocol.Result) (lines []string) {
	for _, o := range r.Regions {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", o.Account, o.Region, o.Status, o.Cause)))
	}
	return lines
}

func TestARunHasAnItemForEachAccountAndRegion(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		worker := &bank{}
		c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}
		result, err := c.Run(t.Context(), protocol.Request{
			Task: "call", Role: "reader", SessionName: "audit", ExternalID: "secret-ish",
			Accounts: []protocol.Account{
				{ID: one, Name: "prod"},
				{ID: two, Role: "arn:{partition}:iam::{account}:role/path/other", Regions: []string{"eu-west-1", "cn-north-1"}},
				{ID: three, ExcludeRegions: []string{"us-*"}},
			},
			Regions: []string{"eu-west-1", "us-east-1"},
		})
		if err != nil || result.Status != protocol.StatusSucceeded {
			t.Fatalf("Run = %s, %v", result.Status, err)
		}
		want := []string{
			one + " eu-west-1 SUCCEEDED", one + " us-east-1 SUCCEEDED", two + " eu-west-1 SUCCEEDED",
			two + " cn-north-1 SUCCEEDED", three + " eu-west-1 SUCCEEDED",
		}
		if diff := cmp.Diff(want, itemsOf(result)); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		if result.Regions[0].AccountName != "prod" || result.Summary.Regions.Total != 5 || *result.Summary.Accounts != (protocol.Counts{Total: 3, Succeeded: 3}) {
			t.Errorf("name %q, summary %+v", result.Regions[0].AccountName, result.Summary)
		}
		roles := map[string]bool{}
		for _, r := range worker.requests {
			roles[r.Account.Role] = true
			if r.Account.SessionName != "audit" || r.Account.ExternalID != "secret-ish" {
				t.Errorf("access %+v", r.Account)
			}
		}
		for _, role := range []string{
			"arn:aws:iam::" + one + ":role/reader", "arn:aws:iam::" + two + ":role/path/other", "arn:aws-cn:iam::" + two + ":role/path/other",
		} {
			if !roles[role] {
				t.Errorf("no invocation assumes %s; got %v", role, roles)
			}
		}
	})
}

func TestOneInvocationTakesTheRegionsOfAnAccount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		worker := &bank{do: func(account, region, target string, attempt int) (any, error) {
			if account == two && region == "us-east-1" && attempt < 3 {
				return nil, errors.New("not yet")
			}
			return account + region + target, nil
		}}
		c := &coordinator.Coordinator{
			Invoker: worker, Tasks: task.Builtin(), Bundle: true, MemoryMB: 512, Billing: coordinator.Billing{Region: "eu-west-1"},
		}
		request := protocol.Request{
			Role: "reader", Accounts: accountsOf(one, two, three), Regions: []string{"eu-west-1", "us-east-1", "sa-east-1"},
			Targets: protocol.Targets("s3", "ec2"),
			Retry:   []protocol.Retrier{{ErrorEquals: []string{"States.ALL"}}},
		}
		plan, err := c.Plan(request, 0)
		if err != nil {
			t.Fatal(err)
		}
		stored, err := storedPlan(plan)
		if err != nil {
			t.Fatal(err)
		}
		if plan, err = readPlan(stored); err != nil {
			t.Fatal(err)
		}
		result := c.Execute(t.Context(), plan)
		if result.Status != protocol.StatusSucceeded || result.Summary.Regions.Succeeded != 9 || result.Summary.Targets.Succeeded != 18 {
			t.Errorf("Execute = %s, %+v", result.Status, result.Summary)
		}
		all := " eu-west-1[s3 ec2] us-east-1[s3 ec2] sa-east-1[s3 ec2]"
		want := []string{one + " 1" + all, two + " 1" + all, two + " 2 us-east-1[s3 ec2]", two + " 3 us-east-1[s3 ec2]", three + " 1" + all}
		if diff := cmp.Diff(want, worker.sent()); diff != "" {
			t.Errorf("invocations (-want +got):\n%s", diff)
		}
		for _, o := range result.Regions {
			for _, target := range o.Targets {
				if want := `"` + o.Account + o.Region + target.Target + `"`; string(target.Output) != want {
					t.Errorf("output %s, want %s", target.Output, want)
				}
			}
		}
		if s := result.Summary; s.Attempts != 5 || s.Retries != 2 || s.Cost.Workers.Requests != 0 && s.Cost.Workers.Requests != 5 {
			t.Errorf("summary %+v, want 5 attempts and 2 retries", s)
		}
	})
}

// A Region that failed leaves the others of its account alone, and counts alone.
func TestSerialMsIsThatOfTheAccountsParameters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		tasks := task.NewRegistry(naps(0))
		c := &coordinator.Coordinator{Tasks: tasks, Invoker: invoke.InProcess{Handle: (&regionworker.Worker{Tasks: tasks}).Handle}}
		r := protocol.Request{
			Task: "nap", Parameters: json.RawMessage(`{"seconds":1}`), Role: "r", Regions: []string{"eu-west-1"}, Targets: protocol.Targets("a"),
			Accounts: []protocol.Account{{ID: one}, {ID: two, Parameters: json.RawMessage(`{"seconds":3}`)}},
		}
		if s := runRequest(t, c, r).Summary; s.SerialMs != 4000 || s.Speedup != 1.33 {
			t.Errorf("serialMs is %v and speedup %v, want 4000 and 1.33", s.SerialMs, s.Speedup)
		}
	})
}

func TestAnAccountWithoutANameHasThatOfItsProfile(t *testing.T) {
	t.Parallel()
	c := &coordinator.Coordinator{Invoker: &bank{}, Tasks: task.Builtin()}
	got := runRequest(t, c, protocol.Request{
		Regions: []string{"eu-west-1"}, Accounts: []protocol.Account{{Profile: "dev"}, {Profile: "dev-admin", Name: "admin"}},
		Waves: []protocol.Wave{{Accounts: []string{"dev"}}},
	})
	if first, second := got.Regions[0].AccountName, got.Regions[1].AccountName; first != "dev" || second != "admin" {
		t.Errorf("accounts %q and %q, want dev and admin", first, second)
	}
}

func TestAnInvocationIsForOnePartition(t *testing.T) {
	t.Parallel()
	worker := &bank{}
	c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin(), Bundle: true}
	_, err := c.Run(t.Context(), protocol.Request{
		Task: "call", Role: "reader", Accounts: accountsOf(one), Regions: []string{"eu-west-1", "us-east-1", "cn-north-1", "cn-northwest-1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	const target = "[sts:GetCallerIdentity]"
	want := []string{one + " 1 cn-north-1" + target + " cn-northwest-1" + target, one + " 1 eu-west-1" + target + " us-east-1" + target}
	if diff := cmp.Diff(want, worker.sent()); diff != "" {
		t.Errorf("invocations (-want +got):\n%s", diff)
	}
	for _, r := range worker.requests {
		if china := strings.HasPrefix(r.Regions[0].Region, "cn-"); china != strings.HasPrefix(r.Account.Role, "arn:aws-cn:") {
			t.Errorf("%s for %s", r.Account.Role, r.Regions[0].Region)
		}
	}
}

func TestARegionOfAnAccountFailsAlone(t *testing.T) {
	t.Parallel()
	for _, bundle := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			worker := &bank{do: func(account, region, _ string, _ int) (any, error) {
				if account == two && region == "us-east-1" {
					return nil, errors.New("no such thing")
				}
				return nil, nil
			}}
			c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin(), Bundle: bundle}
			request := protocol.Request{
				Role: "reader", Accounts: accountsOf(one, two), Regions: []string{"eu-west-1", "us-east-1"}, ToleratedFailureCount: new(1),
			}
			result, err := c.Run(t.Context(), request)
			if err != nil || result.Status != protocol.StatusSucceeded {
				t.Errorf("Run = %s %s, %v", result.Status, result.Cause, err)
			}
			if s := result.Summary; s.Regions.Failed != 1 || s.Regions.Succeeded != 3 || *s.Accounts != (protocol.Counts{Total: 2, Succeeded: 1, Failed: 1}) {
				t.Errorf("summary %+v %+v", s.Regions, s.Accounts)
			}
			if o := result.Regions[3]; o.Status != protocol.StatusFailed || !strings.Contains(o.Cause, "no such thing") || o.Error == "" {
				t.Errorf("outcome %+v", o)
			}
			if o := result.Regions[2]; o.Status != protocol.StatusSucceeded || o.Error != "" || o.Cause != "" {
				t.Errorf("outcome %+v", o)
			}
			request.ToleratedFailureCount = new(0)
			if result, err = c.Run(t.Context(), request); err != nil || result.Status != protocol.StatusFailed ||
				!strings.HasPrefix(result.Cause, "1 of 4 failed, 0 tolerated; "+two+" us-east-1: ") {
				t.Errorf("Run = %s %s, %v", result.Status, result.Cause, err)
			}
			request.ToleratedFailureCount, request.MinSuccessful = nil, 3
			if result, err = c.Run(t.Context(), request); err != nil || result.Status != protocol.StatusSucceeded {
				t.Errorf("with minSuccessful Run = %s %s, %v", result.Status, result.Cause, err)
			}
			request.MinSuccessful = 4
			if result, err = c.Run(t.Context(), request); err != nil || result.Status != protocol.StatusFailed {
				t.Errorf("with minSuccessful 4 Run = %s %s, %v", result.Status, result.Cause, err)
			}
		})
	}
}

func TestALostInvocationFailsAllItsRegions(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		worker := &bank{lost: func(r protocol.RegionRequest) error {
			if r.Account.Account == one {
				return &invoke.Error{Name: "Runtime.ExitError", Message: "exit status 1", FunctionError: invoke.Unhandled}
			}
			return nil
		}}
		c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin(), Bundle: true}
		result, err := c.Run(t.Context(), protocol.Request{
			Role: "reader", Accounts: accountsOf(one, two), Regions: []string{"eu-west-1", "us-east-1"}, Retry: []protocol.Retrier{},
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range result.Regions {
			if want := i < 2; (o.Error == "Runtime.ExitError") != want || (o.Status == protocol.StatusFailed) != want {
				t.Errorf("%s %s = %s %s", o.Account, o.Region, o.Status, o.Error)
			}
		}
		if s := result.Summary; s.Attempts != 2 || s.Regions.Failed != 2 {
			t.Errorf("summary %+v", s)
		}
	})
}

func TestAccountsHaveTheirOwnParameters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		worker := &bank{}
		c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin(), Bundle: true}
		request := protocol.Request{
			Task: "sleep", Parameters: json.RawMessage(`{"seconds":1}`), Role: "reader", Regions: []string{"eu-west-1"},
			Accounts: []protocol.Account{{ID: one}, {ID: two, Parameters: json.RawMessage(`{"seconds":2}`)}},
		}
		if _, err := c.Run(t.Context(), request); err != nil {
			t.Fatal(err)
		}
		for _, r := range worker.requests {
			want := map[string]string{one: `{"seconds":1}`, two: `{"seconds":2}`}[r.Account.Account]
			if string(r.Parameters) != want {
				t.Errorf("account %s has parameters %s, want %s", r.Account.Account, r.Parameters, want)
			}
		}
		request.Accounts[1].Parameters = json.RawMessage(`{"second":2}`)
		_, err := c.Run(t.Context(), request)
		if err == nil || !strings.Contains(err.Error(), `accounts[1].parameters.second: 2: unknown field; did you mean "seconds"?`) {
			t.Errorf("Run = %v", err)
		}
	})
}

// listing answers the look-ups: of an organization, and of the enabled Regions.
func listing(organization any, enabled map[string][]string) func(account, region, target string, attempt int) (any, error) {
	return func(account, _, target string, _ int) (any, error) {
		switch target {
		case protocol.OrganizationTask:
			if err, failed := organization.(error); failed {
				return nil, err
			}
			return organization, nil
		case protocol.EnabledRegions:
			if enabled[account] == nil {
				return nil, errors.New("not authorized to perform sts:AssumeRole")
			}
			return protocol.EnabledRegionsOutput{Message: "listed", Regions: enabled[account], Source: "account:ListRegions"}, nil
		}
		return account, nil
	}
}

func TestAnOrganizationIsEntered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		organization := protocol.OrganizationOutput{Accounts: []protocol.OrganizationAccount{
			{ID: one, Name: "prod", State: "ACTIVE"},
			{ID: two, Name: "old", State: "SUSPENDED"},
			{ID: three, Name: "dev", State: "ACTIVE"},
			{ID: "444444444444", State: "ACTIVE"},
		}}
		worker := &bank{do: listing(organization, map[string][]string{one: {"eu-west-1", "us-east-1", "me-south-1"}})}
		c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin(), Bundle: true, Billing: coordinator.Billing{Region: "eu-west-1"}}
		result, err := c.Run(t.Context(), protocol.Request{
			Task: "call", Role: "reader", Organization: &protocol.Organization{Units: []string{"ou-ab12-cdef3456"}, Exclude: []string{"444444444444", "999999999999"}},
			Regions: []string{"enabled"}, ExcludeRegions: []string{"ap-*", "ca-*", "eu-central-*", "eu-n*", "eu-s*", "eu-west-2", "eu-west-3", "sa-*", "us-east-2", "us-w*"},
		})
		if err != nil {
			t.Fatal(err)
		}
		failed := " FAILED the Regions that are enabled in the account could not be listed: not authorized to perform sts:AssumeRole"
		want := []string{
			one + " eu-west-1 SUCCEEDED", one + " me-south-1 SUCCEEDED", one + " us-east-1 SUCCEEDED",
			two + " eu-west-1 SKIPPED the account is SUSPENDED", two + " us-east-1 SKIPPED the account is SUSPENDED",
			three + " eu-west-1" + failed, three + " us-east-1" + failed,
		}
		if diff := cmp.Diff(want, itemsOf(result)); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{
			one + " 1 eu-west-1[enabled]", one + " 1 eu-west-1[sts:GetCallerIdentity] me-south-1[sts:GetCallerIdentity] us-east-1[sts:GetCallerIdentity]",
			three + " 1 eu-west-1[enabled]", "own 1 eu-west-1[organization]",
		}, worker.sent()); diff != "" {
			t.Errorf("invocations (-want +got):\n%s", diff)
		}
		if retry := worker.requests[0].Policy.Retry; len(retry) != 1 || !slices.Contains(retry[0].ErrorEquals, "TooManyRequestsException") {
			t.Errorf("the listing is retried by %+v, want throttles to be", retry)
		}
		if got := string(worker.requests[0].Parameters); got != `{"units":["ou-ab12-cdef3456"]}` {
			t.Errorf("the listing has parameters %s", got)
		}
		if s := result.Summary; s.Attempts != 4 || len(result.Lookups) != 3 || *s.Accounts != (protocol.Counts{Total: 3, Succeeded: 1, Failed: 1, Skipped: 1}) {
			t.Errorf("%d attempts, %d look-ups, accounts %+v", s.Attempts, len(result.Lookups), s.Accounts)
		}
		if result.Lookups[1].Account != one || result.Regions[0].AccountName != "prod" || result.Regions[5].Error != "Boom" {
			t.Errorf("look-ups %+v", result.Lookups[1])
		}
		notices := []string{"organization.exclude has accounts that are not listed: 999999999999", "listed"}
		if diff := cmp.Diff(notices, result.Notices); diff != "" {
			t.Errorf("notices (-want +got):\n%s", diff)
		}
	})
}

func TestAnOrganizationThatIsNotListedFailsTheRun(t *testing.T) {
	t.Parallel()
	many := protocol.OrganizationOutput{}
	for i := range protocol.MaxAccounts + 1 {
		many.Accounts = append(many.Accounts, protocol.OrganizationAccount{ID: fmt.Sprintf("%012d", i), State: "ACTIVE"})
	}
	for _, tt := range []struct {
		name         string
		organization any
		want         string
	}{
		{"refused", errors.New("no permission"), "the accounts of the organization could not be listed: no permission"},
		{"empty", protocol.OrganizationOutput{}, "the organization, or its units, have no account besides the excluded ones"},
		{"too many accounts", many, "the organization has 1001 accounts; without the excluded ones at most 1000 fit into one run; name some of its units"},
		{
			"too many items",
			protocol.OrganizationOutput{Accounts: many.Accounts[:1000]},
			"accounts: 1000 accounts with their Regions are 17000 items; at most 10000 fit into one run",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := &coordinator.Coordinator{Invoker: &bank{do: listing(tt.organization, nil)}, Tasks: task.Builtin(), Bundle: true}
			result, err := c.Run(t.Context(), protocol.Request{Task: "call", Role: "reader", Organization: new(protocol.Organization), ToleratedFailurePercentage: new(100.0)})
			if err != nil || result.Status != protocol.StatusFailed || result.Error != result.Regions[0].Error {
				t.Fatalf("Run = %s %s, %v, want it FAILED with %s, whatever is tolerated", result.Status, result.Error, err, result.Regions[0].Error)
			}
			if result.Cause != result.Regions[0].Cause {
				t.Errorf("the run's cause is %s, that of its first Region is %s", result.Cause, result.Regions[0].Cause)
			}
			if o := result.Regions[0]; !strings.Contains(o.Cause, tt.want) || o.Account != "" || len(o.Attempts) != 0 {
				t.Errorf("outcome %s %s %q, want %q", o.Account, o.Region, o.Cause, tt.want)
			}
			if result.Summary.Attempts != 1 {
				t.Errorf("%d attempts, want only the look-up", result.Summary.Attempts)
			}
		})
	}
}

func TestAWaveOfAnAccountThatIsNotInTheOrganizationStopsTheRun(t *testing.T) {
	t.Parallel()
	organization := protocol.OrganizationOutput{Accounts: []protocol.OrganizationAccount{{ID: one, Name: "prod", State: "ACTIVE"}}}
	worker := &bank{do: listing(organization, nil)}
	result, err := (&coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}).Run(t.Context(), protocol.Request{
		Role: "changer", Organization: new(protocol.Organization), Regions: []string{"eu-west-1"}, Waves: []protocol.Wave{{Accounts: []string{"canry"}}},
	})
	if err != nil || statuses(result) != "FAILED: FAILED" {
		t.Fatalf("Run = %s, %v", statuses(result), err)
	}
	if cause := result.Regions[0].Cause; !strings.Contains(cause, `waves[0].accounts[0]: "canry": is not an account of the request`) || len(worker.requests) != 1 {
		t.Errorf("cause %q, %d invocations; want only the look-up", cause, len(worker.requests))
	}
}

func TestMinSuccessfulCountsTheAccountsOfTheOrganization(t *testing.T) {
	t.Parallel()
	organization := protocol.OrganizationOutput{Accounts: []protocol.OrganizationAccount{{ID: one, State: "ACTIVE"}, {ID: two, State: "ACTIVE"}}}
	for least, want := range map[int]string{2: "SUCCEEDED: SUCCEEDED SUCCEEDED", 3: "FAILED: FAILED"} {
		worker := &bank{do: listing(organization, nil)}
		result, err := (&coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}).Run(t.Context(), protocol.Request{
			Role: "reader", Organization: new(protocol.Organization), Regions: []string{"eu-west-1"}, MinSuccessful: least,
		})
		if err != nil || statuses(result) != want {
			t.Errorf("at least %d: %s, %v; want %s", least, statuses(result), err, want)
		}
	}
}

func TestLookUpsAreNoMoreAtOnceThanTheRequestAllows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int32
		worker := &bank{do: listing(protocol.OrganizationOutput{}, map[string][]string{one: {"eu-west-1"}, two: {"eu-west-1"}, three: {"eu-west-1"}})}
		worker.lost = func(protocol.RegionRequest) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			time.Sleep(time.Second)
			return nil
		}
		result, err := (&coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}).Run(t.Context(), protocol.Request{
			Role: "reader", Accounts: accountsOf(one, two, three), Regions: []string{"enabled"}, MaxConcurrency: 1,
		})
		if err != nil || len(result.Lookups) != 3 || most.Load() != 1 {
			t.Errorf("%d look-ups, %d invocations at once, %v; want 3 and 1", len(result.Lookups), most.Load(), err)
		}
	})
}

func TestAWaveBeginsWhenTheOneBeforeHasEndedWithinItsTolerance(t *testing.T) {
	t.Parallel()
	request := func() protocol.Request {
		return protocol.Request{
			Role: "reader", Accounts: []protocol.Account{{ID: one, Name: "dev"}, {ID: two}}, Regions: []string{"eu-west-1", "eu-north-1", "us-east-1"},
			Waves: []protocol.Wave{{Regions: []string{"eu-north-*"}}, {Accounts: []string{"dev"}}},
		}
	}
	order := []string{
		one + " eu-north-1", two + " eu-north-1", one + " eu-west-1", one + " us-east-1", two + " eu-west-1", two + " us-east-1",
	}
	for _, tt := range []struct {
		name, fails string
		tolerated   int
		want        string // statuses in the order of the request
		sent        int
	}{
		{"all well", "", 0, "SUCCEEDED: SUCCEEDED SUCCEEDED SUCCEEDED SUCCEEDED SUCCEEDED SUCCEEDED", 6},
		{"the first wave fails", one + " eu-north-1", 0, "FAILED: NOT_STARTED FAILED NOT_STARTED NOT_STARTED SUCCEEDED NOT_STARTED", 2},
		{"the first wave fails, tolerated", one + " eu-north-1", 1, "SUCCEEDED: SUCCEEDED FAILED SUCCEEDED SUCCEEDED SUCCEEDED SUCCEEDED", 6},
		{"the second wave fails", one + " us-east-1", 0, "FAILED: SUCCEEDED SUCCEEDED FAILED NOT_STARTED SUCCEEDED NOT_STARTED", 4},
		{"each wave tolerates one, the run does not tolerate two", one + " e", 1, "FAILED: FAILED FAILED SUCCEEDED SUCCEEDED SUCCEEDED SUCCEEDED", 6},
	} {
		synctest.Test(t, func(t *testing.T) {
			worker := &bank{do: func(account, region, _ string, _ int) (any, error) {
				if tt.fails != "" && strings.HasPrefix(account+" "+region, tt.fails) {
					return nil, errors.New("bad")
				}
				return nil, nil
			}}
			c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}
			r := request()
			r.ToleratedFailureCount, r.MaxConcurrency = &tt.tolerated, 1
			result, err := c.Run(t.Context(), r)
			if err != nil || statuses(result) != tt.want {
				t.Errorf("%s: %s, %v; want %s", tt.name, statuses(result), err, tt.want)
			}
			if len(worker.requests) != tt.sent {
				t.Errorf("%s: %d invocations, want %d", tt.name, len(worker.requests), tt.sent)
			}
			for i, request := range worker.requests {
				if got := request.Account.Account + " " + request.Region; got != order[i] {
					t.Errorf("%s: invocation %d is for %s, want %s", tt.name, i, got, order[i])
				}
			}
			for _, o := range result.Regions {
				if o.Status == protocol.StatusNotStarted && !strings.HasPrefix(o.Cause, "the wave before did not end well: 1 of 2 failed, 0 tolerated") {
					t.Errorf("%s: cause %q", tt.name, o.Cause)
				}
			}
		})
	}
}

func TestBadAccountsAreRefused(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		request protocol.Request
		want    string
	}{
		{"a Region of an account", protocol.Request{Role: "r", Accounts: []protocol.Account{{ID: one, Regions: []string{"eu-wst-1"}}}}, `accounts[0].regions[0]: "eu-wst-1": is not a Region; did you mean "eu-west-1"?`},
		{"nothing left", protocol.Request{Role: "r", Accounts: []protocol.Account{{ID: one, Regions: []string{"eu-west-1"}, ExcludeRegions: []string{"*"}}}}, "accounts[0].excludeRegions: leaves no Region to run in"},
		{"an account of a wave", protocol.Request{Role: "r", Accounts: accountsOf(one), Waves: []protocol.Wave{{Accounts: []string{two}}}}, `waves[0].accounts[0]: "` + two + `": is not an account of the request`},
		{"an empty wave", protocol.Request{Regions: []string{"eu-west-1"}, Waves: []protocol.Wave{{Regions: []string{"us-*"}}}}, "waves[0]: {\"regions\":[\"us-*\"]}: has no account and Region of the run"},
		{"a Region of a wave", protocol.Request{Waves: []protocol.Wave{{Regions: []string{"eu-wst-1"}}}}, "waves[0].regions[0]: \"eu-wst-1\": is not a Region"},
		{"more items than fit", protocol.Request{Role: "r", Accounts: manyAccounts(1000)}, "accounts: 1000 accounts with their Regions are 17000 items; at most 10000 fit into one run"},
		{"long parameters for each", longParameters(100), "accounts: their parameters, each with those of the request, have 10002200 bytes; at most 6291456 fit into one run"},
		{"minSuccessful", protocol.Request{Role: "r", Accounts: accountsOf(one, two), Regions: []string{"eu-west-1"}, MinSuccessful: 3}, "minSuccessful: 3: want at most 2, the number of its items"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			worker := &bank{}
			_, err := (&coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}).Run(t.Context(), tt.request)
			if err == nil || !strings.Contains(err.Error(), tt.want) || len(worker.requests) > 0 {
				t.Errorf("Run = %v, want %q; %d invocations", err, tt.want, len(worker.requests))
			}
		})
	}
}

func TestOnlyRegionsThatAreEnabledCountAsItems(t *testing.T) {
	t.Parallel()
	const accounts = 400 // with all Regions they are more items than fit, with those without opt-in they are not
	enabled := map[string][]string{}
	for _, a := range manyAccounts(accounts) {
		enabled[a.ID] = []string{"eu-west-1", "me-south-1"}
	}
	c := &coordinator.Coordinator{Invoker: &bank{do: listing(protocol.OrganizationOutput{}, enabled)}, Tasks: task.Builtin(), Bundle: true}
	r := protocol.Request{Role: "r", Accounts: manyAccounts(accounts), Regions: []string{"enabled"}}
	p, err := c.Plan(r, 0)
	if err != nil {
		t.Fatal(err)
	}
	data, err := storedPlan(p)
	if err == nil {
		_, err = readPlan(data)
	}
	if err != nil {
		t.Error(err)
	}
	if got := c.Execute(t.Context(), p); got.Status != protocol.StatusSucceeded || len(got.Regions) != 2*accounts {
		t.Errorf("%s with %d items, want %d", got.Status, len(got.Regions), 2*accounts)
	}
	r.Accounts = manyAccounts(1000)
	if _, err := c.Plan(r, 0); err == nil || !strings.Contains(err.Error(), "1000 accounts with their Regions are 17000 items") {
		t.Errorf("Plan = %v, want it refused for the Regions that are enabled in any case", err)
	}
}

func TestARunThatDoesNotFitAfterAllFailsInTheRegionsThatNeedNoOptIn(t *testing.T) {
	t.Parallel()
	c := &coordinator.Coordinator{Invoker: &bank{do: listing(protocol.OrganizationOutput{}, map[string][]string{one: {"eu-west-1"}})}, Tasks: task.Builtin()}
	got := runRequest(t, c, protocol.Request{Role: "r", Accounts: accountsOf(one), Regions: []string{"enabled"}, MinSuccessful: 20})
	if got.Status != protocol.StatusFailed || len(got.Regions) != 17 {
		t.Errorf("%s with %d items, want 17 that FAILED", got.Status, len(got.Regions))
	}
	for _, o := range got.Regions {
		if o.Status != protocol.StatusFailed || !strings.HasPrefix(o.Cause, "minSuccessful: 20: want at most 1") {
			t.Errorf("%s: %s %q", o.Region, o.Status, o.Cause)
		}
	}
}

func TestAPlanKeepsTheStateOfAnAccount(t *testing.T) {
	t.Parallel()
	p, err := (&coordinator.Coordinator{Tasks: task.Builtin()}).Plan(protocol.Request{Role: "r", Accounts: accountsOf(one), Regions: []string{"eu-west-1"}}, 0)
	if err != nil {
		t.Fatal(err)
	}
	p.Accounts[0].State = "SUSPENDED"
	data, err := storedPlan(p)
	if err != nil {
		t.Fatal(err)
	}
	got, err := readPlan(data)
	if diff := cmp.Diff(p, got); diff != "" || err != nil {
		t.Errorf("%v; what was read back (-want +got):\n%s", err, diff)
	}
}

func TestOfManyFaultsOfAccountsOnlyTheFirstAreLookedFor(t *testing.T) {
	t.Parallel()
	var unknown []string
	for i := range 1000 {
		unknown = append(unknown, fmt.Sprintf("9%011d", i))
	}
	waves := protocol.Request{Role: "r", Accounts: manyAccounts(1000), Regions: []string{"eu-west-1"}, Waves: slices.Repeat([]protocol.Wave{{Accounts: unknown}}, 20)}
	regions := protocol.Request{Role: "r", Accounts: manyAccounts(1000)}
	for i := range regions.Accounts {
		regions.Accounts[i].Regions = unknown[:100]
	}
	for name, r := range map[string]protocol.Request{"waves": waves, "Regions": regions} {
		_, err := (&coordinator.Coordinator{Invoker: &bank{}, Tasks: task.Builtin()}).Plan(r, 0)
		if err == nil || strings.Count(err.Error(), "\n") > 101 || !strings.HasSuffix(err.Error(), "these are the first 100") {
			t.Errorf("%s: %d faults, want 100", name, strings.Count(fmt.Sprint(err), "\n"))
		}
	}
}

// longParameters returns a request with long parameters and accounts that replace some.
func longParameters(accounts int) protocol.Request {
	r := protocol.Request{
		Task: "call", Targets: protocol.Targets("ec2:DescribeVpcs"), Role: "r", Accounts: manyAccounts(accounts), Regions: []string{"eu-west-1"},
		Parameters: json.RawMessage(`{"input":{"VpcIds":["` + strings.Repeat("v", 100_000-24) + `"]}}`),
	}
	for i := range r.Accounts {
		r.Accounts[i].Parameters = json.RawMessage(`{"maxRows": 1234567 }`)
	}
	return r
}

func TestAccountsShareTheParametersOfTheRequest(t *testing.T) {
	const accounts = 200
	r := longParameters(accounts)
	for i := range r.Accounts {
		r.Accounts[i].Parameters = nil
	}
	c := &coordinator.Coordinator{Invoker: &bank{}, Tasks: task.Builtin()}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := c.Plan(r, 0)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; err != nil || took > accounts*uint64(len(r.Parameters))/2 {
		t.Errorf("a plan of %d accounts takes %d bytes, %v; want few times the %d of its parameters", accounts, took, err, len(r.Parameters))
	}
}

func manyAccounts(n int) (accounts []protocol.Account) {
	for i := range n {
		accounts = append(accounts, protocol.Account{ID: fmt.Sprintf("%012d", i)})
	}
	return accounts
}

// A Region in which nothing failed has not failed because another one of its invocation has:
// it was cut off, by the end of the run or of the worker's time.
func TestARegionThatWasCutOffDidNotFail(t *testing.T) {
	t.Parallel()
	for _, ended := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			c := &coordinator.Coordinator{Tasks: task.Builtin(), Bundle: true, Invoker: invokerFunc(
				func(_ context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
					r, err := protocol.DecodeRegionRequest(payload)
					if err != nil {
						return nil, protocol.Attempt{}, err
					}
					if ended {
						stop()
						time.Sleep(time.Millisecond)
					}
					answer, err := json.Marshal(protocol.RegionResult{
						Version: r.Version, RunID: r.RunID, Status: protocol.StatusFailed, Error: "States.TaskFailed", Cause: "1 of 3 targets failed",
						Targets: []protocol.TargetOutcome{
							{Target: "s3", Status: protocol.StatusSucceeded},
							{Target: "s3", Status: protocol.StatusFailed, Error: "Boom", Cause: "no"},
							{Target: "s3", Status: protocol.StatusAborted, Cause: "the worker was stopped"},
						},
					})
					return answer, protocol.Attempt{}, err
				})}
			result, err := c.Run(ctx, protocol.Request{
				Role: "reader", Accounts: accountsOf(one), Regions: []string{"eu-west-1", "us-east-1", "sa-east-1"}, Targets: protocol.Targets("s3"), Retry: []protocol.Retrier{},
			})
			status, failed := "TIMED_OUT", 2
			if ended {
				status, failed = "ABORTED", 1
			}
			want := []string{
				one + " eu-west-1 SUCCEEDED", one + " us-east-1 FAILED 1 of 1 targets failed; s3: Boom: no", one + " sa-east-1 " + status + " the worker was stopped",
			}
			if diff := cmp.Diff(want, itemsOf(result)); err != nil || diff != "" {
				t.Errorf("Run = %v, outcomes (-want +got):\n%s", err, diff)
			}
			if !strings.HasPrefix(result.Cause, fmt.Sprintf("%d of 3 failed, 0 tolerated", failed)) {
				t.Errorf("cause %q", result.Cause)
			}
		})
	}
}

// A canary that would be skipped must not let the others begin.
func TestAWaveThatHasNothingToDoLetsNoOtherBegin(t *testing.T) {
	t.Parallel()
	const want = "has nothing to do: all of it is skipped, and the next wave would begin without it"
	organization := protocol.OrganizationOutput{Accounts: []protocol.OrganizationAccount{
		{ID: one, Name: "canary", State: "SUSPENDED"}, {ID: two, State: "ACTIVE"},
	}}
	worker := &bank{do: listing(organization, nil)}
	c := &coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin(), Bundle: true}
	result, err := c.Run(t.Context(), protocol.Request{
		Role: "reader", Organization: new(protocol.Organization), Regions: []string{"eu-west-1"}, Waves: []protocol.Wave{{Accounts: []string{"canary"}}},
	})
	if err != nil || result.Status != protocol.StatusFailed || !strings.Contains(result.Cause, want) || len(worker.requests) != 1 {
		t.Errorf("Run = %s %s, %v after %d invocations, want FAILED: %s", result.Status, result.Cause, err, len(worker.requests), want)
	}
	worker = &bank{}
	_, err = (&coordinator.Coordinator{Invoker: worker, Tasks: task.Builtin()}).Run(t.Context(), protocol.Request{
		Task: "call", Targets: protocol.Targets("iam:ListUsers"), Regions: []string{"eu-*", "us-east-1"}, Waves: []protocol.Wave{{Regions: []string{"eu-*"}}},
	})
	if err == nil || !strings.Contains(err.Error(), want) || len(worker.requests) > 0 {
		t.Errorf("Run = %v after %d invocations, want %s", err, len(worker.requests), want)
	}
}

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// An operator runs the command line in an organization, as its caller. Everything that the
// command prints is searched for secrets.
type operator struct {
	*site
	org *organization
	bin string // the command line
}

// newOperator returns an operator with a command line.
func newOperator(t *testing.T, o *organization, bin string) *operator {
	t.Helper()
	s := &site{dir: t.TempDir()}
	s.env = []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + s.dir, "AWS_ENDPOINT_URL=" + o.url, "AWS_REGION=" + home,
		"AWS_ACCESS_KEY_ID=" + o.caller.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + o.caller.SecretAccessKey,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
	}
	return &operator{s, o, bin}
}

// run runs the command line, with more variables.
func (p *operator) run(ctx context.Context, t *testing.T, env []string, args ...string) printed {
	t.Helper()
	out := p.command(ctx, t, slices.Concat(p.env, env), p.bin, args...)
	t.Logf("$ meridian %s = %d", strings.Join(args, " "), out.status)
	p.org.search(t, out.stdout, out.stderr)
	return out
}

// search searches texts for all secrets that were issued.
func (o *organization) search(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if leaks := o.leaks(text); leaks != nil {
			t.Errorf("secrets were printed: %q of %d bytes", leaks, len(text))
		}
	}
}

// result runs "meridian call" with its whole log, checks the exit status and returns the
// result.
func (p *operator) result(ctx context.Context, t *testing.T, status int, args ...string) protocol.Result {
	t.Helper()
	return p.resultWith(ctx, t, nil, status, args...)
}

// resultWith is result with more variables.
func (p *operator) resultWith(ctx context.Context, t *testing.T, env []string, status int, args ...string) protocol.Result {
	t.Helper()
	out := p.run(ctx, t, env, append([]string{"call", "-o", "json", "-v"}, args...)...)
	r, err := protocol.DecodeResult([]byte(out.stdout))
	if err != nil {
		t.Fatalf("%v: %s\n%s", err, out.stdout, out.stderr)
	}
	if out.status != status {
		t.Errorf("exit status %d of %s %s: %s, want %d", out.status, r.Status, r.Error, r.Cause, status)
	}
	t.Logf("%s: %s; %d items of %d accounts, %d invocations, %d retries of targets",
		r.Status, r.Message, r.Summary.Regions.Total, accountsOf(r), r.Summary.Attempts, r.Summary.TargetRetries)
	return r
}

// accountsOf returns the number of a result's accounts.
func accountsOf(r protocol.Result) int {
	if r.Summary.Accounts == nil {
		return 0
	}
	return r.Summary.Accounts.Total
}

// items returns the outcomes of an account, in the order of the result.
func items(r protocol.Result, account string) (all []protocol.RegionOutcome) {
	return slices.DeleteFunc(slices.Clone(r.Regions), func(o protocol.RegionOutcome) bool { return o.Account != account })
}

// allSucceeded checks that all items of a run succeeded.
func allSucceeded(t *testing.T, r protocol.Result, items int) {
	t.Helper()
	if c := r.Summary.Regions; c.Total != items || c.Succeeded != items {
		t.Errorf("items: %+v, want all of %d succeeded", c, items)
	}
	for _, o := range r.Regions {
		if o.Status != protocol.StatusSucceeded {
			t.Errorf("%s in %s: %s %s: %s", o.Account, o.Region, o.Status, o.Error, o.Cause)
			return
		}
	}
}

// assumedOnce checks the calls of AssumeRole of a run: one for each of the accounts, and not
// more than invocations. It forgets them.
func (o *organization) assumedOnce(t *testing.T, r protocol.Result, accounts ...member) {
	t.Helper()
	calls := o.take()
	count := map[string]int{}
	for _, a := range calls {
		count[a.account]++
	}
	if len(calls) != len(accounts) || len(calls) > r.Summary.Attempts {
		t.Errorf("%d calls of AssumeRole by %d invocations, want %d", len(calls), r.Summary.Attempts, len(accounts))
	}
	for _, m := range accounts {
		if count[m.id] != 1 {
			t.Errorf("AssumeRole for %s was called %d times, want once", m.id, count[m.id])
		}
	}
}

// output returns the output of an item's only target, which is the whole answer.
func output(t *testing.T, o protocol.RegionOutcome) (v map[string]any) {
	t.Helper()
	if len(o.Targets) != 1 {
		t.Fatalf("%s in %s has %d targets, want one", o.Account, o.Region, len(o.Targets))
	}
	return decode[map[string]any](t, string(o.Targets[0].Output))
}

// sessionOf returns the ARN of a session of a run in an account, without the session's name.
func sessionOf(account string) string {
	return fmt.Sprintf("arn:aws:sts::%s:assumed-role/%s/", account, memberRole)
}

//go:build e2e

package e2e

import (
	"context"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// everywhere are the flags for a run over all accounts that a run can enter, in the Regions
// of seeded, and how many items that are.
func (o *organization) everywhere() (flags []string, items int) {
	var all []string
	for _, m := range o.usable() {
		all = append(all, m.id)
	}
	return []string{"--account", strings.Join(all, ","), "--role", memberRole, "--region", strings.Join(seeded, ",")}, len(all) * len(seeded)
}

// tryThrottles lets STS throttle twice for each account.
func (p *operator) tryThrottles(ctx context.Context, t *testing.T) {
	defer p.org.inject(faults{})
	p.org.inject(faults{throttles: 2})
	p.org.take()
	where, n := p.org.everywhere()
	r := p.result(ctx, t, 0, append(where, "ec2:DescribeVpcs")...)
	allSucceeded(t, r, n)
	p.org.assumedTimes(t, 3)
	if r.Summary.TargetRetries == 0 {
		t.Error("nothing was retried")
	}
}

// tryDeadSTS lets the STS of the caller's Region accept no connection, or take connections
// and give no answer.
func (p *operator) tryDeadSTS(ctx context.Context, t *testing.T) {
	where, n := p.org.everywhere()
	t.Run("no connection", func(t *testing.T) {
		through, roots := p.org.named(t, home, listenFull(ctx, t))
		p.org.take()
		r := p.resultWith(ctx, t, []string{"AWS_ENDPOINT_URL=", "HTTPS_PROXY=" + through.url, "AWS_CA_BUNDLE=" + roots}, 0, append(where, "ec2:DescribeVpcs")...)
		allSucceeded(t, r, n)
		p.org.assumedTimes(t, 1)
		if n := through.dead.Load(); n != 1 {
			t.Errorf("%d connections to the dead STS, want one", n)
		}
	})
	t.Run("no answer", func(t *testing.T) {
		defer p.org.inject(faults{})
		p.org.inject(faults{deadSTS: home})
		p.org.take()
		allSucceeded(t, p.result(ctx, t, 0, append(where, "ec2:DescribeVpcs")...), n)
		answered := map[string]int{}
		for _, a := range p.org.take() {
			if (a.refused == noAnswer) != (a.region == home) {
				t.Errorf("AssumeRole: %+v, want no answer in %s only", a, home)
			}
			if a.refused == "" {
				answered[a.account]++
			}
		}
		for _, m := range p.org.usable() {
			if answered[m.id] != 1 {
				t.Errorf("AssumeRole for %s was answered %d times, want once", m.id, answered[m.id])
			}
		}
	})
}

// tryExpiry lets the first session of each account expire after three calls, and asks
// services that say so in three ways.
func (p *operator) tryExpiry(ctx context.Context, t *testing.T) {
	defer p.org.inject(faults{})
	where, n := p.org.everywhere()
	for _, operation := range []string{"sts:GetCallerIdentity", "sqs:ListQueues", "ec2:DescribeVpcs"} {
		t.Run(operation, func(t *testing.T) {
			p.org.inject(faults{calls: 3})
			p.org.take()
			allSucceeded(t, p.result(ctx, t, 0, append(where, operation)...), n)
			p.org.assumedTimes(t, 2)
		})
	}
}

// assumedTimes checks how often AssumeRole was called for each account that a run can enter.
func (o *organization) assumedTimes(t *testing.T, want int) {
	t.Helper()
	count := map[string]int{}
	for _, a := range o.take() {
		count[a.account]++
	}
	for _, m := range o.usable() {
		if count[m.id] != want {
			t.Errorf("AssumeRole for %s was called %d times, want %d", m.id, count[m.id], want)
		}
	}
}

// tryUnlisted lets Organizations refuse to list.
func (p *operator) tryUnlisted(ctx context.Context, t *testing.T) {
	defer p.org.inject(faults{})
	p.org.inject(faults{unlisted: true})
	p.org.take()
	r := p.result(ctx, t, 1, "ec2:DescribeVpcs", "--organization", "--role", memberRole, "--region", strings.Join(seeded, ","))
	t.Logf("%s: %s", r.Error, r.Cause)
	if r.Status != protocol.StatusFailed || r.Error != "AccessDeniedException" || !strings.Contains(r.Cause, "organizations:ListAccounts") {
		t.Errorf("the run is %s %s: %s, want AccessDeniedException and what to allow", r.Status, r.Error, r.Cause)
	}
	if calls := p.org.take(); len(calls) > 0 || len(r.Lookups) != 1 || r.Summary.Attempts != 1 {
		t.Errorf("%d calls of AssumeRole, %d look-ups and %d invocations, want one look-up and nothing else", len(calls), len(r.Lookups), r.Summary.Attempts)
	}
}

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// A custodian runs c7n-org, which does what Meridian does over accounts and Regions.
type custodian struct {
	*site
	org *organization
	bin string // the directory of its programs
}

// newCustodian installs c7n-org.
func newCustodian(ctx context.Context, t *testing.T, repo string, o *organization) *custodian {
	t.Helper()
	s := &site{repo: repo, dir: t.TempDir()}
	c := &custodian{site: s, org: o, bin: s.venv(ctx, t, "c7n", "c7n.txt")}
	s.env = []string{
		"PATH=" + c.bin + ":" + os.Getenv("PATH"), "HOME=" + s.dir, "AWS_ENDPOINT_URL=" + o.url, "AWS_DEFAULT_REGION=" + home,
		"AWS_ACCESS_KEY_ID=" + o.caller.AccessKeyID, "AWS_SECRET_ACCESS_KEY=" + o.caller.SecretAccessKey,
		"AWS_CONFIG_FILE=/dev/null", "AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
	}
	s.write(t, "policy.json", []byte(`{"policies":[{"name":"vpcs","resource":"aws.vpc"}]}`))
	return c
}

// tryCustodian lists the VPCs of 20 accounts in five Regions with Meridian and with c7n-org,
// which takes half a second of a whole core for each account and Region.
func (p *operator) tryCustodian(ctx context.Context, t *testing.T, c *custodian) {
	accounts := p.org.kind("")[:20]
	c.list(ctx, t, accounts[:1], seeded[:1]) // the first one compiles Python
	own := p.list(ctx, t, accounts, seeded)
	p.org.take()
	found := c.list(ctx, t, accounts, seeded)
	load, _ := os.ReadFile("/proc/loadavg") // where there is one
	t.Logf("%d accounts in %d Regions: c7n-org took %v, %v of CPU time, with %d calls of AssumeRole; Meridian took %v, %v of CPU time; "+
		"that is %.1f times as long; load average %.14s", len(accounts), len(seeded), found.took.Round(time.Millisecond), found.cpu.Round(time.Millisecond),
		len(p.org.take()), own.took.Round(time.Millisecond), own.cpu.Round(time.Millisecond), float64(found.took)/float64(own.took), load)
	if diff := cmp.Diff(found.owners, own.owners); diff != "" {
		t.Errorf("owners of VPCs (-c7n-org +Meridian):\n%s", diff)
	}
	for _, m := range accounts {
		for _, region := range seeded {
			if got := found.owners[m.id+"/"+region]; len(got) != 1 || got[0] != m.id {
				t.Errorf("owners of VPCs in %s of %s: %v, want itself", region, m.id, got)
			}
		}
	}
}

// A custody is what a listing took and found.
type custody struct {
	took   time.Duration
	cpu    time.Duration       // of all its processes
	owners map[string][]string // of the VPCs, by "account/Region"
}

// list lists the VPCs of accounts in Regions with Meridian.
func (p *operator) list(ctx context.Context, t *testing.T, accounts []member, regions []string) custody {
	t.Helper()
	var ids []string
	for _, m := range accounts {
		ids = append(ids, m.id)
	}
	cmd := p.process(ctx, p.env, p.bin, "call", "ec2:DescribeVpcs", "--account", strings.Join(ids, ","), "--role", memberRole,
		"--region", strings.Join(regions, ","), "--query", "Vpcs[]", "-o", "jsonl")
	begin := time.Now()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	found := custody{took: time.Since(begin), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), owners: map[string][]string{}}
	for line := range strings.Lines(string(out)) {
		row := decode[map[string]any](t, line)
		at := text(row["account"]) + "/" + text(row["region"])
		found.owners[at] = append(found.owners[at], text(row["OwnerId"]))
	}
	return found
}

// list lists the VPCs of accounts in Regions. The first run takes longer: Python compiles
// the program.
func (c *custodian) list(ctx context.Context, t *testing.T, accounts []member, regions []string) custody {
	t.Helper()
	type account struct {
		ID   string `json:"account_id"` //nolint:tagliatelle // c7n-org's spelling
		Name string `json:"name"`
		Role string `json:"role"`
	}
	var all []account
	for _, m := range accounts {
		all = append(all, account{m.id, m.name, "arn:aws:iam::" + m.id + ":role/" + memberRole})
	}
	config, err := json.Marshal(map[string]any{"accounts": all})
	if err != nil {
		t.Fatal(err)
	}
	c.write(t, "accounts.json", config)
	if err := os.RemoveAll(c.path("out")); err != nil {
		t.Fatal(err)
	}
	args := []string{"run", "--config", "accounts.json", "--use", "policy.json", "--output-dir", "out", "--cache-period", "0"}
	for _, region := range regions {
		args = append(args, "--region", region)
	}
	cmd := c.process(ctx, c.env, filepath.Join(c.bin, "c7n-org"), args...)
	begin := time.Now()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("c7n-org %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	found := custody{took: time.Since(begin), cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), owners: map[string][]string{}}
	for _, m := range accounts {
		for _, region := range regions {
			at := m.id + "/" + region
			content, err := os.ReadFile(c.path("out", m.name, region, "vpcs", "resources.json"))
			if err != nil {
				continue // it writes none if it failed there
			}
			for _, vpc := range decode[[]struct{ OwnerID string }](t, string(content)) {
				found.owners[at] = append(found.owners[at], vpc.OwnerID)
			}
		}
	}
	return found
}

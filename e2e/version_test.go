//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// behind is the Region abroad that gets the previous commit's worker.
const behind = "eu-west-1"

// tryVersions deploys the previous commit's worker in one Region: first as it is, then
// with the protocol version from before the task call. Either does the task resolve.
func (d *deployment) tryVersions(ctx context.Context, t *testing.T) {
	d.checkOutPrevious(ctx, t)
	resolve := []string{"run", "--function", coordinator, "--task", "resolve", "--target", "dynamodb", "--region", strings.Join(abroad, ","), "-o", "json"}

	for _, version := range []int{d.previousVersion(t), protocol.VersionFor("call") - 1} {
		d.setPreviousVersion(t, version)
		d.deployPrevious(ctx, t)
		r := decode[result](t, d.meridian(ctx, t, resolve...).stdout)
		if r.Status != "SUCCEEDED" {
			t.Errorf("with a worker of version %d the run is %s, want SUCCEEDED", version, r.Status)
		}
		t.Logf("with a worker of version %d the notices are %q", version, r.Notices)
	}
	d.callOlder(ctx, t)

	request := `{"version":1,"runId":"e2e","region":"` + behind + `","attempt":1,"task":"resolve","targets":["s3"],"colour":"red"}`
	answer, _ := d.aws.invokeIn(ctx, t, behind, regionworker, request)
	if !strings.Contains(answer, protocol.ErrorInvalidRequest) || !strings.Contains(answer, "colour: ") {
		t.Errorf("a field that the worker does not know is answered %s, want %s with its name", answer, protocol.ErrorInvalidRequest)
	}
	t.Logf("an unknown field: %s", answer)
}

// callOlder runs the task call with an older worker in one Region. That worker refuses it
// at once, and the others do their work.
func (d *deployment) callOlder(ctx context.Context, t *testing.T) {
	args := []string{"call", "--function", coordinator, "--region", strings.Join(abroad, ","), "ec2:DescribeVpcs", "--query", "length(Vpcs)"}
	before := d.aws.starts(ctx, t, behind, regionworker)
	r := decode[result](t, d.meridian(ctx, t, append(args, "-o", "json")...).stdout)
	if n := d.aws.starts(ctx, t, behind, regionworker) - before; n != 1 {
		t.Errorf("the older worker was asked %d times, want once", n)
	}
	for _, region := range r.Regions {
		got, want := strings.TrimSpace(region.Status+" "+region.Error), "SUCCEEDED"
		if region.Region == behind {
			want = "FAILED " + protocol.ErrorUnsupportedVersion
		}
		if got != want {
			t.Errorf("the call in %s is %s, want %s", region.Region, got, want)
		}
	}
	notice := fmt.Sprintf("workers are older than the coordinator in %s: run `make deploy-workers REGIONS=%q`, with the STAGE of this deployment",
		behind, behind)
	if len(r.Regions) != len(abroad) || !slices.Equal(r.Notices, []string{notice}) {
		t.Errorf("%d Regions with the notices %q, want %d with %q", len(r.Regions), r.Notices, len(abroad), notice)
	}
	out := d.meridian(ctx, t, args...)
	t.Logf("%s%s", out.stdout, out.stderr)
}

// checkOutPrevious puts the previous commit into the directory previous of the site. A
// clone without history skips the step.
func (d *deployment) checkOutPrevious(ctx context.Context, t *testing.T) {
	t.Helper()
	if out, err := exec.CommandContext(ctx, "git", "-C", d.repo, "rev-parse", "--verify", "HEAD~1").CombinedOutput(); err != nil {
		t.Skipf("there is no previous commit; fetch the history: %s", out)
	}
	archive := d.path("previous.tar")
	d.machine(ctx, t, "git", "archive", "-o", archive, "HEAD~1")
	if err := os.Mkdir(d.path("previous"), 0o755); err != nil {
		t.Fatal(err)
	}
	d.machine(ctx, t, "tar", "-xf", archive, "-C", d.path("previous"))
}

// deployPrevious builds the worker in the directory previous, and deploys it.
func (d *deployment) deployPrevious(ctx context.Context, t *testing.T) {
	t.Helper()
	d.goBuild(ctx, t, d.path("previous"), "previous", "./functions/regionworker")
	body, err := json.Marshal(map[string]any{"ZipFile": zipped(t, d.path("build", "previous")), "Architectures": []string{arch(t)}})
	if err != nil {
		t.Fatal(err)
	}
	d.aws.do(ctx, t, call{
		service: "lambda", region: behind, method: http.MethodPut, path: "/2015-03-31/functions/" + regionworker + "/code", body: string(body),
		header: map[string]string{"Content-Type": "application/json"},
	})
}

// versionConstant is the protocol's version in its source.
var versionConstant = regexp.MustCompile(`(?m)^const Version = (\d+)$`)

const versionFile = "previous/pkg/protocol/protocol.go"

// previousVersion returns the protocol version of the previous commit.
func (d *deployment) previousVersion(t *testing.T) int {
	t.Helper()
	found := versionConstant.FindStringSubmatch(d.read(t, versionFile))
	if found == nil {
		t.Fatalf("%s has no %s", versionFile, versionConstant)
	}
	version, _ := strconv.Atoi(found[1])
	return version
}

// setPreviousVersion changes the protocol version in the source of the previous commit.
func (d *deployment) setPreviousVersion(t *testing.T, version int) {
	t.Helper()
	d.write(t, versionFile, versionConstant.ReplaceAll([]byte(d.read(t, versionFile)), fmt.Appendf(nil, "const Version = %d", version)))
}

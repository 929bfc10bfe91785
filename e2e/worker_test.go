//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// The functions of a user's own, and where they are.
const (
	inPython = "e2e-python"
	inNode   = "e2e-node"

	// nodeARN is one of those in JavaScript.
	nodeARN = "arn:aws:lambda:eu-west-1:" + management + ":function:" + inNode

	// ownFunctions are those that the coordinator may invoke.
	ownFunctions = inPython + "," + inNode + "," + nodeARN

	// invokeRole is the role of the accounts that may invoke inPython there.
	invokeRole = "meridian-invoke"
)

var (
	workerRegions  = []string{home, "eu-west-1"}
	workerAccounts = []string{"111122223333", "444455556666"}
)

// workers runs with workers that are functions of a user's own.
type workers struct {
	*deployment
	counter *counter
	arch    string // of the functions
}

// TestWorker deploys a function in Python and one in JavaScript with serverless files of their
// own, and runs them at the command line and by the deployed coordinator. The functions tell a
// server of the test of each attempt.
func TestWorker(t *testing.T) {
	part(t, "worker", "npm", "python3", "node")
	d, tools := prepared(t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	begin := time.Now()
	w := &workers{d, startCounter(t), arch(t)}
	d.aws = startEmulator(ctx, t, tools, "AWS_ENDPOINT_URL_LAMBDA="+w.counter.url)
	w.counter.standBefore(d.aws)
	d.env = append(d.env, "AWS_ENDPOINT_URL="+d.aws.url(), "AWS_ENDPOINT_URL_LAMBDA="+w.counter.url,
		"AWS_ACCESS_KEY_ID="+root.AccessKeyID, "AWS_SECRET_ACCESS_KEY="+root.SecretAccessKey)
	for _, step := range []struct {
		name string
		do   func(context.Context, *testing.T)
	}{
		{"deploy", w.deployAll},
		{"Python, at the command line", w.tryAtCommandLine},
		{"JavaScript, by the coordinator", w.tryByCoordinator},
		{"not idempotent", w.tryAtMostOnce},
		{"batches", w.tryBatches},
		{"throttles", w.tryThrottles},
		{"accounts", w.tryAccounts},
		{"one Region for all, with a payload", w.tryHome},
		{"a function that is not allowed", w.tryNotAllowed},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.do(ctx, t) }) && step.name == "deploy" {
			return
		}
	}
	t.Logf("without the build: %v", time.Since(begin).Round(time.Second))
}

// deployAll deploys the functions into two Regions and two accounts, with the role that may
// invoke them there, and the coordinator.
func (w *workers) deployAll(ctx context.Context, t *testing.T) {
	var group sync.WaitGroup
	deploy := func(function, region, account string) {
		group.Go(func() {
			if err := w.deployFunction(ctx, function, region, account); err != nil {
				t.Errorf("deploy %s to %s of %q: %v", function, region, account, err)
			}
		})
	}
	for _, region := range workerRegions {
		deploy(inPython, region, "")
		deploy(inNode, region, "")
	}
	for _, account := range workerAccounts {
		deploy(inPython, home, account)
		w.newRole(ctx, t, account)
	}
	defer group.Wait()
	w.deploy(ctx, t, "workerFunctions="+ownFunctions, "workerAccountRole="+invokeRole, "coordinatorTimeout=300")
}

// deployFunction deploys a function from a copy of its directory.
func (w *workers) deployFunction(ctx context.Context, function, region, account string) error {
	source := filepath.Join("testdata", "worker-"+strings.TrimPrefix(function, "e2e-"))
	at := *w.site
	at.dir = w.path("functions", function, region+account)
	if err := os.CopyFS(at.dir, os.DirFS(source)); err != nil {
		return err
	}
	env := slices.Clone(w.env)
	if account != "" {
		env = append(env, "AWS_ACCESS_KEY_ID="+account)
	}
	cmd := at.process(ctx, env, w.serverless(), "deploy", "--region", region,
		"--param", "counter="+w.counter.url+"/count", "--param", "architecture="+w.arch)
	if printed, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, printed)
	}
	return nil
}

// newRole deploys the role of deploy/account-role.yml, for the coordinator.
func (w *workers) newRole(ctx context.Context, t *testing.T, account string) {
	t.Helper()
	fields := []string{
		"StackName", "meridian-invoke", "TemplateBody", w.read(t, "deploy", "account-role.yml"), "Capabilities.member.1", "CAPABILITY_NAMED_IAM",
	}
	for i, parameter := range [][2]string{
		{"TrustedAccount", management}, {"TrustedRole", "meridian-*CoordinatorRole*"}, {"RoleName", invokeRole}, {"Function", inPython},
	} {
		member := fmt.Sprintf("Parameters.member.%d.Parameter", i+1)
		fields = append(fields, member+"Key", parameter[0], member+"Value", parameter[1])
	}
	w.aws.queryIn(ctx, t, account, "cloudformation", "2010-05-15", "CreateStack", fields...)
	// The emulator does not know aws:PrincipalArn, the condition of the template.
	w.aws.queryIn(ctx, t, account, "iam", "2010-05-08", "UpdateAssumeRolePolicy", "RoleName", invokeRole, "PolicyDocument", policy(
		statement{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": map[string]any{"AWS": "arn:aws:iam::" + management + ":root"}}))
}

// reserve sets the concurrency that is reserved for a function in Region home.
func (w *workers) reserve(ctx context.Context, t *testing.T, function string, n int) {
	t.Helper()
	body, err := json.Marshal(map[string]int{"ReservedConcurrentExecutions": n})
	if err != nil {
		t.Fatal(err)
	}
	w.aws.do(ctx, t, call{
		service: "lambda", region: home, method: http.MethodPut, path: "/2017-10-31/functions/" + function + "/concurrency",
		body: string(body), header: map[string]string{"Content-Type": "application/json"},
	})
}

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// deployDuringRun deploys the same functions again during a run.
//
// It cannot deploy changed functions: AWS lets running invocations finish, the emulator
// ends them.
func (d *deployment) deployDuringRun(ctx context.Context, t *testing.T) {
	// The second is for a busy machine. Both are within the coordinator's 29 s.
	for _, seconds := range []int{10, 25} {
		answers := make(chan string, 1)
		go func() {
			defer close(answers)
			answer, _ := d.aws.invoke(ctx, t, coordinator, fmt.Sprintf(
				`{"task":"sleep","parameters":{"seconds":%d},"regions":["us-east-1","eu-west-1"],"targets":["dynamodb"]}`, seconds))
			answers <- answer
		}()
		if out := d.deploy(ctx, t); !strings.Contains(out.stderr, "No changes to deploy") {
			t.Errorf("a second deployment of the same is not skipped: %s", out.stderr)
		}
		if len(answers) == 0 {
			succeeded(t, <-answers, "us-east-1", "eu-west-1")
			return
		}
	}
	t.Fatal("each run ended before the deployment did, which proves nothing")
}

// runOnSchedule enables the schedule so that it fires once and soon, and waits for the
// coordinator. The emulator does not put the time into the request's key, so the coordinator
// refuses it.
func (d *deployment) runOnSchedule(ctx context.Context, t *testing.T) {
	coordinators := d.aws.starts(ctx, t, home, coordinator)
	at := time.Now().UTC().Format("2006-01-02T15:04:05")
	const file = "deploy/schedules/reachable.json"
	d.write(t, file, []byte(strings.Replace(d.read(t, file), "rate(1 hour)", "at("+at+")", 1)))
	d.deploy(ctx, t, "schedule=ENABLED")
	d.until(ctx, t, "the schedule has started a coordinator", func() bool {
		return d.aws.starts(ctx, t, home, coordinator) > coordinators
	})

	// Send the schedule's request directly, as the scheduler of AWS would.
	body, _ := d.aws.do(ctx, t, call{service: "scheduler", region: home, method: http.MethodGet, path: "/schedules/meridian-dev-reachable"})
	schedule := decode[struct {
		Target struct {
			Arn, Input  string
			RetryPolicy struct{ MaximumRetryAttempts *int }
		}
	}](t, body)
	if !strings.HasSuffix(schedule.Target.Arn, ":function:"+coordinator) {
		t.Errorf("the schedule's target is %s, want %s", schedule.Target.Arn, coordinator)
	}
	if n := schedule.Target.RetryPolicy.MaximumRetryAttempts; n == nil || *n != 2 {
		t.Errorf("the schedule's retry policy is in %s, want two retries", body)
	}
	request := strings.Replace(schedule.Target.Input, "<aws.scheduler.scheduled-time>", "2022-03-22T18:59:43Z", 1)
	answer, functionError := d.aws.invoke(ctx, t, coordinator, request)
	if functionError != "" {
		t.Fatalf("the schedule's input is refused: %s", answer)
	}
	succeeded(t, answer, asked...)
}

// keepSettings deploys after the schedule was enabled, first without the settings of the
// stage, as a checkout does that has not got them, and then with them.
func (d *deployment) keepSettings(ctx context.Context, t *testing.T) {
	state := func() string {
		body, _ := d.aws.do(ctx, t, call{service: "scheduler", region: home, method: http.MethodGet, path: "/schedules/meridian-dev-reachable"})
		return decode[struct{ State string }](t, body).State
	}
	out := d.command(ctx, t, d.env, d.serverless(), "deploy", "--param", "architecture="+arch(t), "--param", "apiRate=3")
	if want := "meridian-dev was deployed with schedule=ENABLED"; out.status == 0 || !strings.Contains(out.stdout+out.stderr, want) {
		t.Errorf("a deployment without the schedule: exit status %d, want 1 and %q: %s%s", out.status, want, out.stdout, out.stderr)
	}
	if got := state(); got != "ENABLED" {
		t.Errorf("after a deployment that is refused the schedule is %s", got)
	}
	d.deploy(ctx, t, "apiRate=3")
	if out := d.deploy(ctx, t, "apiRate=4"); !strings.Contains(out.stderr, "apiRate=3 until now, in this deployment apiRate=4") {
		t.Errorf("a deployment that changes a setting does not say so: %s", out.stderr)
	}
	if got := state(); got != "ENABLED" {
		t.Errorf("after make deploy the schedule is %s, want it as it was: ENABLED", got)
	}
}

// until waits for a condition of the emulator.
func (d *deployment) until(ctx context.Context, t *testing.T, what string, holds func() bool) {
	t.Helper()
	for !holds() {
		select {
		case <-ctx.Done():
			t.Fatalf("waiting until %s: %v", what, context.Cause(ctx))
		case <-time.After(500 * time.Millisecond):
		}
	}
}

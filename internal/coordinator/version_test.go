package coordinator_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// mixed are workers of several versions, by Region. A worker refuses what came after its
// version. Without a version it is this one, but does not say so.
type mixed map[string]int

func (m mixed) Invoke(_ context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	var r protocol.RegionRequest
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, protocol.Attempt{}, err
	}
	if version, ok := m[region]; ok && version < r.Version {
		return nil, protocol.Attempt{}, &invoke.Error{
			Name: protocol.ErrorUnsupportedVersion, Message: "too new", FunctionError: invoke.Unhandled, Advice: protocol.HintDeployBoth,
		}
	}
	result := protocol.RegionResult{
		Version: r.Version, RunID: r.RunID, Region: r.Region, Batch: r.Batch, Status: protocol.StatusSucceeded, WorkerVersion: m[region],
	}
	for _, target := range r.Targets {
		result.Targets = append(result.Targets, protocol.TargetOutcome{Target: target, Status: protocol.StatusSucceeded})
	}
	answer, err := json.Marshal(result)
	return answer, protocol.Attempt{}, err
}

// An older worker does what it can do. What it cannot do fails by name in its Region alone,
// once. In both cases one notice names the Regions and the command that deploys the workers.
func TestAnOlderWorkerIsNoticedWithTheCommandThatDeploysIt(t *testing.T) {
	t.Parallel()
	const old = 1 // before the task call
	call := protocol.Request{Task: "call", Targets: protocol.Targets("sts:GetCallerIdentity")}
	resolve := protocol.Request{Task: "resolve", Targets: protocol.Targets("dynamodb")}
	for _, tt := range []struct {
		name     string
		workers  mixed
		request  protocol.Request
		home     bool
		statuses string
		notices  []string
	}{
		{
			name: "one cannot do it", workers: mixed{"us-east-1": protocol.Version, "eu-west-1": old}, request: call,
			statuses: "FAILED: FAILED SUCCEEDED SUCCEEDED",
			notices: []string{"workers are older than the coordinator in eu-west-1: " +
				"run `make deploy-workers REGIONS=\"eu-west-1\"`, with the STAGE of this deployment"},
		},
		{
			name: "two can do it", workers: mixed{"us-east-1": old, "eu-west-1": old}, request: resolve,
			statuses: "SUCCEEDED: SUCCEEDED SUCCEEDED SUCCEEDED",
			notices: []string{"workers are older than the coordinator in eu-west-1, us-east-1: " +
				"run `make deploy-workers REGIONS=\"eu-west-1 us-east-1\"`, with the STAGE of this deployment"},
		},
		{
			name: "the only one", workers: mixed{"us-east-1": old, "eu-west-1": old, "sa-east-1": old}, request: call, home: true,
			statuses: "FAILED: FAILED FAILED FAILED",
			notices: []string{"workers are older than the coordinator in eu-west-1, us-east-1, sa-east-1: " +
				"run `make deploy`, with the STAGE of this deployment"},
		},
		{
			name: "none", workers: mixed{"us-east-1": protocol.Version}, request: call,
			statuses: "SUCCEEDED: SUCCEEDED SUCCEEDED SUCCEEDED",
		},
		{
			name: "a newer one", workers: mixed{"us-east-1": protocol.Version + 1}, request: call,
			statuses: "SUCCEEDED: SUCCEEDED SUCCEEDED SUCCEEDED",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.request.Regions = []string{"eu-west-1", "us-east-1", "sa-east-1"}
			c := &coordinator.Coordinator{Invoker: tt.workers, Tasks: task.Builtin(), Regional: !tt.home}
			result, err := c.Run(t.Context(), tt.request)
			if err != nil || statuses(result) != tt.statuses {
				t.Errorf("Run = %s, %v; want %s", statuses(result), err, tt.statuses)
			}
			if diff := cmp.Diff(tt.notices, result.Notices); diff != "" {
				t.Errorf("notices (-want +got):\n%s", diff)
			}
			if result.Summary.Attempts != len(tt.request.Regions) {
				t.Errorf("Run made %d attempts, want one for each of %d Regions", result.Summary.Attempts, len(tt.request.Regions))
			}
		})
	}
}

// The worker that lists the enabled Regions is noticed too, alone: no other has been asked.
func TestAnOlderWorkerThatShouldListRegionsIsNoticed(t *testing.T) {
	t.Parallel()
	c := &coordinator.Coordinator{Invoker: mixed{"us-east-1": 1}, Tasks: task.Builtin(), Regional: true}
	result, err := c.Run(t.Context(), protocol.Request{Regions: []string{protocol.EnabledRegions}})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"workers are older than the coordinator in us-east-1: " +
		"run `make deploy-workers REGIONS=\"us-east-1\"`, with the STAGE of this deployment"}
	if diff := cmp.Diff(want, result.Notices); diff != "" {
		t.Errorf("notices (-want +got):\n%s", diff)
	}
	if got := result.Regions[0].Error; got != protocol.ErrorUnsupportedVersion {
		t.Errorf("the first Region has the error %q, want %q", got, protocol.ErrorUnsupportedVersion)
	}
}

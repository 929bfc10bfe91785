package regionworker_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/regionworker"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// several returns a request for the task "act" in several Regions.
func several(regions ...protocol.RegionTargets) protocol.RegionRequest {
	r := request()
	r.Version, r.Region, r.Regions = protocol.Version, "", regions
	return r
}

// The targets of several Regions run at once, and the answer has them one Region after the
// other. One that fails is named with its Region.
func TestTheTargetsOfSeveralRegionsAreAnsweredInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &regionworker.Worker{Region: "us-east-1", Tasks: task.NewRegistry(task.New("act", "",
			func(_ context.Context, in task.Input[struct{}]) (string, error) {
				switch in.Region {
				case "eu-west-1":
					time.Sleep(2 * time.Second)
				case "sa-east-1":
					return "", errors.New("went wrong")
				default:
					time.Sleep(time.Second)
				}
				return in.Target.Name + " in " + in.Region, nil
			}))}
		r := several(
			protocol.RegionTargets{Region: "eu-west-1", Targets: []string{"a", "b"}},
			protocol.RegionTargets{Region: "sa-east-1", Targets: []string{"a"}},
			protocol.RegionTargets{Region: "us-west-2", Targets: []string{"b", "a"}},
		)
		got := handle(t, w, r)
		if got.Region != "" || got.Status != protocol.StatusFailed || got.ElapsedMs != 2000 || got.WorkerRegion != "us-east-1" ||
			got.Cause != "1 of 5 targets failed; sa-east-1: a: States.TaskFailed: went wrong" {
			t.Errorf("Handle = %+v", got)
		}
		var said []string
		for _, o := range got.Targets {
			said = append(said, o.Target+": "+string(o.Output)+o.Error)
		}
		want := []string{`a: "a in eu-west-1"`, `b: "b in eu-west-1"`, "a: States.TaskFailed", `b: "b in us-west-2"`, `a: "a in us-west-2"`}
		if diff := cmp.Diff(want, said); diff != "" {
			t.Errorf("outcomes (-want +got):\n%s", diff)
		}
	})
}

// The policy and the budget are for all Regions together.
func TestTheTargetsOfSeveralRegionsShareThePolicy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := acting(func(ctx context.Context, _ string) (any, error) {
			select {
			case <-time.After(time.Second):
				return "done", nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		})
		r := several(
			protocol.RegionTargets{Region: "eu-west-1", Targets: []string{"a", "b"}},
			protocol.RegionTargets{Region: "eu-west-2", Targets: []string{"a", "b"}},
		)
		r.Policy.MaxConcurrency, r.BudgetMs = 1, 3000
		got := handle(t, w, r)
		var statuses []protocol.Status
		for _, o := range got.Targets {
			statuses = append(statuses, o.Status)
		}
		want := []protocol.Status{protocol.StatusSucceeded, protocol.StatusTimedOut, protocol.StatusSucceeded, protocol.StatusNotStarted}
		if !slices.Equal(statuses, want) || got.Error != protocol.ErrorTimeout {
			t.Errorf("Handle = %v, %s, want %v", statuses, got.Error, want)
		}
	})
}

// A Region that does not answer leaves the others their share of what runs at once.
func TestARegionThatHangsDoesNotHoldBackTheOthers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &regionworker.Worker{Tasks: task.NewRegistry(task.New("act", "", func(ctx context.Context, in task.Input[struct{}]) (string, error) {
			if in.Region == "eu-west-1" {
				<-ctx.Done()
			}
			return "done", ctx.Err()
		}))}
		r := several(
			protocol.RegionTargets{Region: "eu-west-1", Targets: []string{"a", "b", "c"}},
			protocol.RegionTargets{Region: "eu-west-2", Targets: []string{"a", "b", "c"}},
		)
		r.Policy.MaxConcurrency, r.BudgetMs = 2, 10_000
		for _, o := range handle(t, w, r).Targets[3:] {
			if o.Status != protocol.StatusSucceeded {
				t.Errorf("%s in eu-west-2: %s, want it done beside the Region that hangs", o.Target, o.Status)
			}
		}
	})
}

// The log names the account and the Region of each target, and in the last line all Regions.
func TestTheLogNamesTheAccountAndTheRegionOfEachTarget(t *testing.T) {
	t.Parallel()
	r := several(
		protocol.RegionTargets{Region: "eu-west-1", Targets: []string{"a"}},
		protocol.RegionTargets{Region: "eu-west-2", Targets: []string{"b"}},
	)
	r.Account = &protocol.Access{Account: "222222222222", Role: "arn:aws:iam::222222222222:role/reader", ExternalID: "external-1"}
	w := acting(func(context.Context, string) (any, error) { return "done", nil })
	records := records(t, w, r, slog.LevelDebug)
	regions := map[any]any{}
	for _, record := range records {
		if record["account"] != "222222222222" || record["role"] != nil || record["externalId"] != nil {
			t.Errorf("record %v, want the account's id, and no more of it", record)
		}
		regions[record["target"]] = record["region"]
	}
	if want := map[any]any{"a": "eu-west-1", "b": "eu-west-2", nil: "eu-west-1,eu-west-2"}; !cmp.Equal(want, regions) {
		t.Errorf("Regions by target %v, want %v", regions, want)
	}
}

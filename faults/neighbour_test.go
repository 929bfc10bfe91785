package faults_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// A wrong answer is a failure of its batch, with an error name of its own. The Region's
// other batches and the other Regions have their own results.
func TestAWrongAnswerNeverTouchesANeighbour(t *testing.T) {
	t.Parallel()
	for _, lie := range lies() {
		if lie.hidesCalls {
			continue // it is the next call on the connection that fails
		}
		// Two batches of one Region, which may get each other's answers.
		wrong := []int{0, 2}
		t.Run(lie.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s := scale{regions: 3, beat: time.Second}
				request := s.request()
				request.Retry = []protocol.Retrier{} // which would repair it
				server := invoketest.NewMemoryServer(t, handler())
				fault := lie.fault(s.beat)
				server.Decide(func(c invoketest.Call) invoketest.Fault {
					if c.Unit.Region == faultyRegion && (c.Unit.Batch == wrong[0] || c.Unit.Batch == wrong[1]) {
						return fault
					}
					return nil
				})
				got := carryOut(t.Context(), t, newFleet(t, server, request.Regions, false), request, limitBeats*s.beat, false)
				for _, problem := range accountOf(request, got.result).check(got) {
					t.Error(problem)
				}
				want, errors := map[string]string{}, map[string]string{}
				for _, region := range got.result.Regions {
					for i, target := range region.Targets {
						at := region.Region + " " + target.Target
						errors[at] = target.Error
						want[at] = ""
						if batch := i / (len(request.Targets) / batches); region.Region == faultyRegion && batch != 1 {
							want[at] = protocol.ErrorBadAnswer
						}
					}
				}
				if lie.name == "the answer before" { // the first batch gets its own
					for _, targets := range [][]string{protocol.TargetNames(request.Targets[:2]), protocol.TargetNames(request.Targets[4:])} {
						for _, target := range targets {
							if at := faultyRegion + " " + target; errors[faultyRegion+" "+targets[0]] == "" {
								want[at] = ""
							}
						}
					}
				}
				if diff := cmp.Diff(want, errors); diff != "" {
					t.Errorf("errors of the targets (-want +got):\n%s", diff)
				}
			})
		})
	}
}

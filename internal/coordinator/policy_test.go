package coordinator_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/pkg/protocol"
)

// One Region of four hangs, and each has 40 invocations of a second. 20 at once take 6 s
// for three Regions; 15 take 8 s.
func TestARegionThatHangsHoldsNoMoreThanItsShare(t *testing.T) {
	t.Parallel()
	healthy := []string{"us-east-1", "eu-west-1", "sa-east-1"}
	hung := happening{way: lost}
	for _, regional := range []bool{false, true} {
		for _, tt := range []struct {
			name    string
			world   world
			regions []string
			want    time.Duration
		}{
			{"without it", world{}, healthy, 6 * time.Second},
			{"asked for first", world{"ap-south-1": hung}, append([]string{"ap-south-1"}, healthy...), 8 * time.Second},
			{"asked for last", world{"ap-south-1": hung}, append(healthy[:3:3], "ap-south-1"), 8 * time.Second},
		} {
			t.Run(fmt.Sprintf("%s, a worker per Region %t", tt.name, regional), func(t *testing.T) {
				t.Parallel()
				for _, region := range healthy {
					tt.world[region] = happening{target: slowly(time.Second)}
				}
				synctest.Test(t, func(t *testing.T) {
					ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
					defer cancel()
					c := &coordinator.Coordinator{Invoker: tt.world.invoker(t), Tasks: tt.world.tasks(), Regional: regional}
					r := protocol.Request{
						Task: "act", Regions: tt.regions, Targets: protocol.Targets(numbered(40)...), MaxTargetsPerInvocation: 1, MaxConcurrency: 20,
						ToleratedFailureCount: new(1),
					}
					got, err := c.Run(ctx, r)
					if err != nil {
						t.Fatal(err)
					}
					assertAccounted(t, r, got)
					for _, region := range got.Regions {
						took := time.Duration((region.StartMs + region.ElapsedMs) * float64(time.Millisecond)).Round(time.Millisecond)
						if region.Region != "ap-south-1" && (region.Status != protocol.StatusSucceeded || took > tt.want) {
							t.Errorf("%s is %s after %v, want SUCCEEDED within %v", region.Region, region.Status, took, tt.want)
						}
					}
				})
			})
		}
	}
}

package coordinator_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

func TestAnOutcomeSaysInWhichRegionItsWorkerRan(t *testing.T) {
	t.Parallel()
	home := lies(func(r *protocol.RegionResult) { r.WorkerRegion = "sa-east-1" })
	w := world{"us-east-1": {way: home}, "eu-west-1": {target: fails("Test.Broken"), way: home}, "us-west-2": {way: lost}}
	got, _ := run(t, w, protocol.Request{
		Task: "act", Regions: []string{"us-east-1", "eu-west-1", "us-west-2", "eu-west-2"}, Targets: protocol.Targets("s3", "sqs"),
		MaxTargetsPerInvocation: 1, RegionTimeoutSeconds: 1, Retry: []protocol.Retrier{},
	}, time.Minute)
	ran := map[string]string{}
	for _, region := range got.Regions {
		ran[region.Region] = region.WorkerRegion
	}
	want := map[string]string{"us-east-1": "sa-east-1", "eu-west-1": "sa-east-1", "us-west-2": "", "eu-west-2": ""}
	if diff := cmp.Diff(want, ran); diff != "" {
		t.Errorf("where the workers of each Region ran (-want +got):\n%s", diff)
	}
}

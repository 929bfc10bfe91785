package coordinator_test

import (
	"slices"
	"testing"
	"time"

	"meridian/pkg/protocol"
)

func TestTheResultSaysThatTheFunctionsOwnTimeoutCutTheRun(t *testing.T) {
	t.Parallel()
	const left = 28 * time.Second // of 29, without the reserve
	const notice = "timeoutSeconds is 100, but the timeout of the coordinator's own function leaves the run 28s"
	tests := []struct {
		name   string
		world  world
		asked  float64
		limit  time.Duration // of the function; 0 means none
		want   string
		notice []string
		hint   protocol.Hint
		took   time.Duration
	}{
		{
			name: "more was asked for", world: world{"us-east-1": {way: lost}}, asked: 100, limit: 29 * time.Second,
			want: "TIMED_OUT: TIMED_OUT", notice: []string{notice}, hint: protocol.HintRaiseTimeout, took: left,
		},
		{
			name: "more was asked for, and not needed", asked: 100, limit: 29 * time.Second,
			want: "SUCCEEDED: SUCCEEDED", notice: []string{notice}, took: 100 * time.Millisecond,
		},
		{
			name: "nothing was asked for", world: world{"us-east-1": {way: lost}}, limit: 29 * time.Second,
			want: "TIMED_OUT: TIMED_OUT", hint: protocol.HintRaiseTimeout, took: left,
		},
		{
			name: "less was asked for", world: world{"us-east-1": {way: lost}}, asked: 10, limit: 29 * time.Second,
			want: "TIMED_OUT: TIMED_OUT", took: 10 * time.Second,
		},
		{name: "it is no function", world: world{"us-east-1": {way: lost}}, asked: 100, want: "TIMED_OUT: TIMED_OUT", took: 100 * time.Second},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, took := run(t, tt.world, protocol.Request{
				Task: "act", Regions: []string{"us-east-1"}, Targets: protocol.Targets("s3"), TimeoutSeconds: tt.asked,
			}, tt.limit)
			if statuses(got) != tt.want || !slices.Equal(got.Notices, tt.notice) || got.Hint != tt.hint || took != tt.took {
				t.Errorf("Run = %s after %v, notices %q, hint %q; want %s after %v, %q, %q",
					statuses(got), took, got.Notices, got.Hint, tt.want, tt.took, tt.notice, tt.hint)
			}
		})
	}
}

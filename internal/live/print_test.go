package live_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/live"
	"meridian/pkg/protocol"
)

// Every ten seconds of a run a line says what is done, what has failed and what is still out.
func TestPrint(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		<-time.After(time.Until(begin()))
		s := &script{State: live.New(live.Settings{Doing: "waiting for my-coordinator"}), waits: true}
		var out strings.Builder
		stop := live.Print(t.Context(), s.State, &out)
		s.at = 15 * time.Second
		s.run(9, 0)
		s.start(1, "", "eu-west-1")
		s.at = 25 * time.Second
		s.start(1, "", "eu-west-2")
		s.end(1, "States.Timeout", 9*time.Second, "", "eu-west-2")
		for _, region := range []string{"us-east-1", "us-east-2", "us-west-1", "us-west-2\x1b[2J"} {
			s.settle(protocol.StatusFailed, "AccessDenied", "", region)
		}
		s.at = 35 * time.Second
		s.start(1, "", "eu-west-3")
		s.start(1, "", "eu-north-1")
		s.at = 45 * time.Second
		for _, region := range []string{"eu-west-1", "eu-west-2", "eu-west-3", "eu-north-1", "eu-south-1"} {
			s.settle(protocol.StatusSucceeded, "", "", region)
		}
		s.at = 55 * time.Second
		<-time.After(10 * time.Second)
		stop()
		<-time.After(time.Minute)
		want := `10.0 s: waiting for my-coordinator
5.0 s: 0 of 9 Regions done, 9 still out (eu-west-1 5.0 s and 8 more)
15.0 s: 4 of 9 Regions done, 4 failed (us-west-2·[2J AccessDenied, us-west-1 AccessDenied, us-east-2 AccessDenied and 1 more), 5 still out (eu-west-2 retries in 4.0 s, eu-west-1 15.0 s and 3 more)
25.0 s: 4 of 9 Regions done, 4 failed (us-west-2·[2J AccessDenied, us-west-1 AccessDenied, us-east-2 AccessDenied and 1 more), 5 still out (eu-west-2 retries due, eu-west-1 25.0 s, eu-west-3 5.0 s and 2 more)
35.0 s: 9 of 9 Regions done, 4 failed (us-west-2·[2J AccessDenied, us-west-1 AccessDenied, us-east-2 AccessDenied and 1 more)
`
		if diff := cmp.Diff(want, out.String()); diff != "" {
			t.Errorf("Print (-want +got):\n%s", diff)
		}
	})
}

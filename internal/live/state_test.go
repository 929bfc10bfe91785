package live_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/live"
	"meridian/pkg/protocol"
)

// begin is when the runs of the tests start.
func begin() time.Time { return time.Date(2026, 11, 23, 9, 30, 0, 0, time.UTC) }

// A script tells a state the events of a run. at is the time since the run's begin.
type script struct {
	*live.State

	at    time.Duration
	waits bool // until it is then
}

func (s *script) event(e protocol.Event) {
	e.Time = begin().Add(s.at)
	if s.waits {
		<-time.After(time.Until(e.Time))
	}
	s.Event(e)
}

// run starts a run over Regions of two targets each.
func (s *script) run(regions, accounts int) {
	s.event(protocol.Event{Type: protocol.EventRunStarted, Started: &protocol.RunStarted{
		Task: "call", Accounts: accounts, Regions: regions, Targets: 2 * regions, Invocations: regions,
	}})
}

// start starts the attempt with a number, of an invocation of one or several Regions.
func (s *script) start(number int, account string, regions ...string) {
	e := attempt(protocol.EventAttemptStarted, number, account, regions)
	s.event(e)
}

// hedge starts a second attempt beside a slow one.
func (s *script) hedge(account string, regions ...string) {
	e := attempt(protocol.EventAttemptStarted, 2, account, regions)
	e.Attempt.Hedge = true
	s.event(e)
}

// end ends an attempt, with an error and the wait before its retry, if there are any.
func (s *script) end(number int, failure string, wait time.Duration, account string, regions ...string) {
	e := attempt(protocol.EventAttemptEnded, number, account, regions)
	e.Attempt.Error, e.Attempt.WaitMs = failure, protocol.Milliseconds(wait)
	s.event(e)
}

func attempt(typ protocol.EventType, number int, account string, regions []string) protocol.Event {
	e := protocol.Event{Type: typ, Account: account, Region: regions[0], Number: number, Attempt: &protocol.Attempt{}}
	if len(regions) > 1 {
		e.Regions = regions
	}
	return e
}

// settle settles a Region.
func (s *script) settle(status protocol.Status, failure, account, region string) {
	o := &protocol.RegionOutcome{Account: account, Region: region, Status: status, Error: failure, ElapsedMs: 1500, Targets: []protocol.TargetOutcome{
		{Target: "a", Status: protocol.StatusSucceeded}, {Target: "b", Status: status, Error: failure},
	}}
	if failure != "" {
		o.Cause = "it is broken"
	}
	s.event(protocol.Event{Type: protocol.EventRegionSettled, Account: account, Region: region, Outcome: o})
}

// tolerate settles a Region in which more targets failed than are tolerated, with the errors of its targets.
func (s *script) tolerate(region string, failures ...string) {
	o := &protocol.RegionOutcome{Region: region, Status: protocol.StatusFailed, Error: protocol.ErrorExceedToleratedFailureThreshold, ElapsedMs: 1500}
	for _, failure := range failures {
		target := protocol.TargetOutcome{Status: protocol.StatusSucceeded}
		if failure != "" {
			target = protocol.TargetOutcome{Status: protocol.StatusFailed, Error: failure, Cause: "it is broken"}
		}
		o.Targets = append(o.Targets, target)
	}
	s.event(protocol.Event{Type: protocol.EventRegionSettled, Region: region, Outcome: o})
}

// generation starts a generation of a kept run.
func (s *script) generation(d *protocol.Redrive) {
	s.event(protocol.Event{Type: protocol.EventGenerationStarted, Generation: &protocol.Generation{Number: 2, Redrive: d}})
}

// A row moves with the events of its Region, and the totals with them.
func TestState(t *testing.T) {
	t.Parallel()
	const timeout = protocol.ErrorTimeout
	for _, tt := range []struct {
		name string
		do   func(s *script)
		want string
	}{
		{"before the first event", func(*script) {}, "starting  10.0 s"},
		{"waiting", func(s *script) { s.run(2, 0) }, `
0 of 2 Regions · 10.0 s · 50.0 s left
0 of 4 targets · 0 in flight

  2 waiting`},
		{"running", func(s *script) {
			s.run(2, 0)
			s.at = 8 * time.Second
			s.start(1, "", "eu-west-1")
		}, `
0 of 2 Regions · 10.0 s · 50.0 s left
0 of 4 targets · 1 in flight

▸ running     eu-west-1  2.0 s
  1 waiting`},
		{"hedged", func(s *script) {
			s.run(1, 0)
			s.start(1, "", "eu-west-1")
			s.at = 8 * time.Second
			s.hedge("", "eu-west-1")
		}, `
0 of 1 Region · 10.0 s · 50.0 s left
0 of 2 targets · 2 in flight

▸ running     eu-west-1  10.0 s  hedged`},
		{"several invocations", func(s *script) {
			s.run(1, 0)
			s.start(1, "", "eu-west-1")
			e := attempt(protocol.EventAttemptStarted, 1, "", []string{"eu-west-1"})
			e.Attempt.Batch = 2
			s.event(e)
		}, `
0 of 1 Region · 10.0 s · 50.0 s left
0 of 2 targets · 2 in flight

▸ running     eu-west-1  10.0 s  2 invocations`},
		{"the first attempt of a hedge has ended", func(s *script) {
			s.run(1, 0)
			s.start(1, "", "eu-west-1")
			s.at = 8 * time.Second
			s.hedge("", "eu-west-1")
			s.end(1, timeout, 0, "", "eu-west-1")
		}, `
0 of 1 Region · 10.0 s · 50.0 s left
0 of 2 targets · 1 in flight

▸ running     eu-west-1  2.0 s  hedged, after States.Timeout`},
		{"retrying", func(s *script) {
			s.run(1, 0)
			s.start(1, "", "eu-west-1")
			s.end(1, protocol.ErrorLambdaThrottled, 14*time.Second, "", "eu-west-1")
		}, `
0 of 1 Region · 10.0 s · 50.0 s left
0 of 2 targets · 0 in flight · 1 retry waiting · 1 throttle

↻ retrying    eu-west-1  in 4.0 s  Lambda.TooManyRequestsException`},
		{"a retry is due", func(s *script) {
			s.run(1, 0)
			s.start(1, "", "eu-west-1")
			s.end(1, timeout, 4*time.Second, "", "eu-west-1")
		}, `
0 of 1 Region · 10.0 s · 50.0 s left
0 of 2 targets · 0 in flight · 1 retry waiting

↻ retrying    eu-west-1  due  States.Timeout`},
		{"retried", func(s *script) {
			s.run(1, 0)
			s.start(1, "", "eu-west-1")
			s.end(1, timeout, 4*time.Second, "", "eu-west-1")
			s.at = 4 * time.Second
			s.start(2, "", "eu-west-1")
		}, `
0 of 1 Region · 10.0 s · 50.0 s left
0 of 2 targets · 1 in flight

▸ running     eu-west-1  6.0 s  after States.Timeout`},
		{"an invocation of several Regions", func(s *script) {
			s.run(3, 1)
			s.start(1, "111122223333", "eu-west-1", "eu-west-2")
		}, `
0 of 3 Regions of 1 account · 10.0 s · 50.0 s left
0 of 6 targets · 1 in flight

▸ running     111122223333 eu-west-1  10.0 s
▸ running     111122223333 eu-west-2  10.0 s
  1 waiting`},
		{"it has ended", func(s *script) {
			s.run(3, 1)
			s.start(1, "111122223333", "eu-west-1", "eu-west-2")
			s.end(1, "", 0, "111122223333", "eu-west-1", "eu-west-2")
			s.settle(protocol.StatusSucceeded, "", "111122223333", "eu-west-1")
			s.settle(protocol.StatusFailed, "AccessDenied", "111122223333", "eu-west-2")
		}, `
2 of 3 Regions of 1 account · 1 failed · 10.0 s · 50.0 s left
4 of 6 targets, 1 failed · 0 in flight

✗ failed      111122223333 eu-west-2  1.5 s  AccessDenied
  1 waiting
✓ 1 succeeded
✓ succeeded   111122223333 eu-west-1  1.5 s`},
		{"the error that all failed targets have", func(s *script) {
			s.run(2, 0)
			s.tolerate("eu-west-1", "AccessDenied", "", "AccessDenied")
			s.tolerate("eu-west-2", "AccessDenied", timeout)
		}, `
2 of 2 Regions · 2 failed · 10.0 s · 50.0 s left
5 of 4 targets, 4 failed · 0 in flight

✗ failed      eu-west-2  1.5 s  States.ExceedToleratedFailureThreshold
✗ failed      eu-west-1  1.5 s  AccessDenied`},
		{"every status", func(s *script) {
			s.run(6, 0)
			for status, region := range map[protocol.Status]string{
				protocol.StatusSucceeded: "eu-west-1", protocol.StatusFailed: "eu-west-2", protocol.StatusTimedOut: "eu-west-3",
			} {
				s.settle(status, "", "", region)
			}
			s.settle(protocol.StatusAborted, "", "", "us-east-1")
			s.settle(protocol.StatusNotStarted, "", "", "us-east-2")
			s.settle(protocol.StatusSkipped, "", "", "us-west-1")
		}, "6 of 6 Regions · 2 failed · 10.0 s · 50.0 s left|1 succeeded, 1 skipped, 1 aborted, 1 not started|- skipped     us-west-1  1.5 s|- aborted     us-east-1  1.5 s"},
		{"a redrive resets what it does again", func(s *script) {
			s.run(3, 0)
			s.settle(protocol.StatusSucceeded, "", "", "eu-west-1")
			s.settle(protocol.StatusFailed, "AccessDenied", "", "eu-west-2")
			s.settle(protocol.StatusFailed, timeout, "", "eu-west-3")
			s.at = 4 * time.Second
			s.generation(&protocol.Redrive{Errors: []string{timeout}})
		}, `
2 of 3 Regions · 1 failed · 6.0 s · 54.0 s left
4 of 6 targets, 1 failed · 0 in flight

✗ failed      eu-west-2  1.5 s  AccessDenied
  1 waiting
✓ 1 succeeded
✓ succeeded   eu-west-1  1.5 s`},
		{"what a redrive has done again counts once", func(s *script) {
			s.run(4, 0)
			s.settle(protocol.StatusSucceeded, "", "", "eu-west-1")
			s.settle(protocol.StatusFailed, timeout, "", "eu-west-2")
			s.settle(protocol.StatusFailed, timeout, "", "us-east-1")
			s.settle(protocol.StatusSkipped, "", "", "eu-west-3")
			s.generation(&protocol.Redrive{Regions: []string{"eu-*"}, Errors: []string{"States.*"}})
			s.settle(protocol.StatusSucceeded, "", "", "eu-west-2")
		}, "4 of 4 Regions · 1 failed|8 of 8 targets, 1 failed|2 succeeded, 1 skipped"},
		{"a redrive of an account", func(s *script) {
			s.run(2, 2)
			s.settle(protocol.StatusFailed, timeout, "111122223333", "eu-west-3")
			s.settle(protocol.StatusFailed, timeout, "222233334444", "eu-west-3")
			s.generation(&protocol.Redrive{Accounts: []string{"111122223333"}})
		}, "1 of 2 Regions of 2 accounts|✗ failed      222233334444 eu-west-3|1 waiting"},
		{"a Region that has settled is done again", func(s *script) {
			s.run(1, 0)
			s.settle(protocol.StatusSucceeded, "", "", "eu-west-1")
			s.start(2, "", "eu-west-1")
		}, "0 of 1 Region|▸ running     eu-west-1"},
		{"a generation forgets what ran in one that has died", func(s *script) {
			s.run(1, 0)
			s.start(1, "", "eu-west-1")
			s.generation(nil)
			s.end(1, protocol.ErrorInterrupted, 0, "", "eu-west-1")
		}, `
0 of 1 Region · 10.0 s · 50.0 s left
0 of 2 targets · 0 in flight

  1 waiting`},
		{"one invocation of two retries", func(s *script) {
			s.run(1, 0)
			s.start(1, "", "eu-west-1")
			other := attempt(protocol.EventAttemptStarted, 1, "", []string{"eu-west-1"})
			other.Attempt.Batch = 1
			s.event(other)
			s.end(1, timeout, 14*time.Second, "", "eu-west-1")
			other.Type = protocol.EventAttemptEnded
			s.event(other)
		}, "0 in flight · 1 retry waiting|↻ retrying    eu-west-1  in 4.0 s  States.Timeout"},
		{"events without what their types say", func(s *script) {
			s.run(1, 0)
			for _, typ := range append(protocol.EventTypes(), "RUN_EXPLODED") {
				s.event(protocol.Event{Type: typ, Region: "eu-west-1"})
			}
		}, "0 of 1 Region|0 in flight|1 waiting"},
		{"control characters are not drawn", func(s *script) {
			s.run(1, 0)
			s.settle(protocol.StatusFailed, "Bad\x1b[2J\nName", "", "eu-\x9bwest-1\u202e")
		}, "✗ failed      eu-�west-1·  1.5 s  Bad·[2J Name|1 failed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				<-time.After(time.Until(begin()))
				s := &script{State: live.New(live.Settings{Doing: "starting", Timeout: time.Minute}), waits: true}
				tt.do(s)
				got := live.Frame(s.State, begin().Add(10*time.Second), 90, 24)
				got = regexp.MustCompile("  [━─]+").ReplaceAllString(got, "") // the bar
				if parts := strings.Split(tt.want, "|"); len(parts) > 1 {
					for _, part := range parts {
						if !strings.Contains(got, part) {
							t.Errorf("Frame() =\n%s\nwant %q in it", got, part)
						}
					}
				} else if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), got); diff != "" {
					t.Errorf("Frame() (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// Rows are counted as answers come: those of a target once, and "+" says that some are missing.
func TestRowsFound(t *testing.T) {
	t.Parallel()
	list := func(string) func(json.RawMessage) int {
		return func(output json.RawMessage) int { return strings.Count(string(output), "{") }
	}
	for _, tt := range []struct {
		name    string
		rows    func(string) func(json.RawMessage) int
		answers []protocol.Answer
		want    string
	}{
		{"a run that is not kept", list, nil, "0 in flight"},
		{"a task without rows", func(string) func(json.RawMessage) int { return nil }, []protocol.Answer{{Targets: []byte(`[{"output":{}}]`)}}, "0 in flight"},
		{"no task", nil, []protocol.Answer{{Targets: []byte(`[{"output":{}}]`)}}, "0 in flight"},
		{"one answer", list, []protocol.Answer{{Targets: []byte(`[{"target":"a","output":[{},{}]},{"target":"b","error":"no"}]`)}}, "2 rows · 0 in flight"},
		{"the answer of a retry", list, []protocol.Answer{
			{Targets: []byte(`[{"output":[{},{}]},{"error":"no"}]`)},
			{At: []int{1}, Targets: []byte(`[{"output":[{}]}]`)},
			{At: []int{0}, Targets: []byte(`[{"output":[{}]}]`)},
		}, "2 rows · 0 in flight"},
		{"an answer that is stored elsewhere", list, []protocol.Answer{{Targets: []byte(`[{"output":[{}]}]`)}, {StoredAs: "key"}}, "1+ rows"},
		{"an answer that is broken", list, []protocol.Answer{{Targets: []byte(`[{"output":`)}}, "0 in flight"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := &script{State: live.New(live.Settings{Rows: tt.rows})}
			draw := live.NewFrames(s.State)
			s.run(1, 0)
			for i, a := range tt.answers {
				e := attempt(protocol.EventAttemptEnded, i+1, "", []string{"eu-west-1"})
				e.Answer = &a
				s.event(e)
				_ = draw(begin(), 90, 24)
			}
			if got := draw(begin(), 90, 24); !strings.Contains(got, "0 of 2 targets · "+tt.want) {
				t.Errorf("Frame() =\n%s\nwant %q in it", got, tt.want)
			}
		})
	}
}

// The times of a run elsewhere are right, whether it began earlier or its clock differs.
func TestTimesOfARunElsewhere(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		behind time.Duration // their clock
		began  time.Duration // before it was received
		later  bool          // an event comes as it happens
		want   string
	}{
		{"it begins now", 0, 0, false, "2 min 00 s"},
		{"it began earlier", 0, 10 * time.Minute, false, "12 min 00 s"},
		{"their clock is ahead", -time.Hour, 0, false, "2 min 00 s"},
		{"their clock is behind, which is not known yet", time.Hour, 0, false, "1 h 02 min"},
		{"their clock is behind", time.Hour, 0, true, "2 min 00 s"},
		{"their clock is ahead, and it began earlier", -time.Hour, 10 * time.Minute, true, "12 min 00 s"},
		{"their clock is behind, and it began earlier", time.Hour, 10 * time.Minute, true, "12 min 00 s"},
		{"their clock is about right", 2 * time.Second, 10 * time.Minute, true, "12 min 02 s"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				<-time.After(time.Until(begin().Add(tt.began)))
				s := &script{State: live.New(live.Settings{})}
				s.at = -tt.behind
				s.run(2, 0)
				s.start(1, "", "eu-west-1")
				<-time.After(time.Minute)
				if tt.later {
					s.at += tt.began + time.Minute
					s.start(1, "", "eu-west-2")
				}
				<-time.After(time.Minute)
				got := live.Frame(s.State, time.Now(), 90, 24)
				if !strings.Contains(got, "· "+tt.want+"\n") || !strings.Contains(got, "▸ running     eu-west-1  "+tt.want) {
					t.Errorf("Frame() =\n%s\nwant the time %s", got, tt.want)
				}
			})
		})
	}
}

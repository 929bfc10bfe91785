package main

import (
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

func TestSinceOf(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 8, 0, 0, 0, time.Local)
	for text, want := range map[string]time.Time{
		"7d":                   now.Add(-7 * 24 * time.Hour),
		"0.5d":                 now.Add(-12 * time.Hour),
		"90m":                  now.Add(-90 * time.Minute),
		"2026-11-29":           time.Date(2026, 11, 29, 0, 0, 0, 0, time.Local),
		"2026-11-29T01:02:03Z": time.Date(2026, 11, 29, 1, 2, 3, 0, time.UTC),
	} {
		if got, ok := sinceOf(text, now); !ok || !got.Equal(want) {
			t.Errorf("sinceOf(%q) = %v, %t; want %v", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "d", "-1d", "7 d", "1d2", "yesterday", "-5m", "2026-11", "NaNd", "Infd"} {
		if got, ok := sinceOf(text, now); ok {
			t.Errorf("sinceOf(%q) = %v, want none", text, got)
		}
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 59 * time.Second: "59s", time.Minute: "1m", 119 * time.Minute: "1h", 47 * time.Hour: "1d",
	} {
		if got := age(d); got != want {
			t.Errorf("age(%v) = %q, want %q", d, got, want)
		}
	}
}

// A run in a list says how it stands and how many Regions have succeeded.
func TestRunInAList(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name            string
		state           protocol.RunState
		status, regions string
	}{
		{"nothing known", protocol.RunState{Status: protocol.StatusRunning}, "RUNNING", ""},
		{"interrupted", protocol.RunState{Status: protocol.StatusRunning, Interrupted: true, Stopping: true}, "interrupted", ""},
		{"stopping", protocol.RunState{Status: protocol.StatusRunning, Stopping: true}, "stopping", ""},
		{
			"failed",
			protocol.RunState{Status: protocol.StatusFailed, Regions: protocol.Counts{Total: 34, Succeeded: 31, Failed: 1, TimedOut: 1, Skipped: 1}},
			"FAILED", "31/34 ok, 1 failed, 1 timed out, 1 skipped",
		},
	} {
		if got := statusOf(tt.state); got != tt.status {
			t.Errorf("%s: statusOf = %q, want %q", tt.name, got, tt.status)
		}
		if got := regionsDone(tt.state); got != tt.regions {
			t.Errorf("%s: regionsDone = %q, want %q", tt.name, got, tt.regions)
		}
	}
}

func TestBackOf(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{"last": 0, "last~0": 0, "last~12": 12} {
		if got, ok := backOf(name); !ok || got != want {
			t.Errorf("backOf(%q) = %d, %t; want %d", name, got, ok, want)
		}
	}
	for _, name := range []string{"", "las", "last~", "last~x", "last~-1", "last1"} {
		if got, ok := backOf(name); ok {
			t.Errorf("backOf(%q) = %d, want none", name, got)
		}
	}
}

// event does not wait for the writer, stop writes what is left, and an error of the output is an
// error of the command.
func TestEventLines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &slowWriter{}
		l := newEventLines(w)
		begin := time.Now()
		for n := range 3 {
			l.event(protocol.Event{Sequence: n + 1, Type: protocol.EventNotice, Notice: "<b>"})
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("event took %v, want 0", took)
		}
		if err := l.stop(); err != nil {
			t.Errorf("stop = %v", err)
		}
		if got := strings.Count(w.String(), "\n"); got != 3 {
			t.Errorf("after stop there are %d lines, want 3:\n%s", got, w)
		}
	})
	l := newEventLines(fullWriter{})
	l.event(protocol.Event{})
	if complaint, ok := errors.AsType[*complaintError](l.stop()); !ok || complaint.status != exitNoResult {
		t.Errorf("stop on a full disk = %v, want the exit status %d", complaint, exitNoResult)
	}
}

// A slowWriter takes a second for each write.
type slowWriter struct{ strings.Builder }

func (w *slowWriter) Write(p []byte) (int, error) {
	<-time.After(time.Second)
	return w.Builder.Write(p)
}

// The events of a run fill in what does not fit into its result, and make a result of a run that
// has not ended.
func TestPartial(t *testing.T) {
	t.Parallel()
	var seen partial
	output := json.RawMessage(`{"host":"one"}`)
	for _, e := range []protocol.Event{
		{Type: protocol.EventRunStarted, Started: &protocol.RunStarted{Task: "resolve", Regions: 3}},
		{Type: protocol.EventAttemptStarted, Region: "eu-west-1", Attempt: &protocol.Attempt{}},
		{Type: protocol.EventAttemptStarted, Region: "us-east-1", Regions: []string{"us-east-1", "us-east-2"}, Attempt: &protocol.Attempt{StartMs: 5}},
		{Type: protocol.EventAttemptEnded, Region: "eu-west-1", Attempt: &protocol.Attempt{}, Answer: &protocol.Answer{
			Targets: json.RawMessage(`[{"target":"dynamodb","status":"SUCCEEDED","output":{"host":"one"}}]`),
		}},
		{Type: protocol.EventRegionSettled, Region: "eu-west-1", Outcome: &protocol.RegionOutcome{
			Region: "eu-west-1", Status: protocol.StatusSucceeded, Targets: []protocol.TargetOutcome{{Target: "dynamodb", Status: protocol.StatusSucceeded}},
		}},
	} {
		seen.add(e)
	}
	got := seen.result(protocol.RunState{RunID: "01JDCX4T9Q8Z6W3M5K7N2P0RSV", Status: protocol.StatusRunning, ElapsedMs: 1500})
	var regions []string
	for _, r := range got.Regions {
		regions = append(regions, r.Region+" "+string(r.Status))
	}
	if diff := cmp.Diff([]string{"eu-west-1 SUCCEEDED", "us-east-1 RUNNING", "us-east-2 RUNNING"}, regions); diff != "" || got.Message != "1.500 seconds so far" {
		t.Errorf("result has the message %q and the Regions (-want +got):\n%s", got.Message, diff)
	}
	if diff := cmp.Diff(output, got.Regions[0].Targets[0].Output); diff != "" {
		t.Errorf("the output is (-want +got):\n%s", diff)
	}

	cut := protocol.Result{Regions: []protocol.RegionOutcome{
		{Region: "eu-west-1", Targets: []protocol.TargetOutcome{{Target: "dynamodb", Status: protocol.StatusSucceeded, DroppedOutputBytes: 14}}},
		{Region: "us-east-1", Targets: []protocol.TargetOutcome{{Target: "dynamodb", Status: protocol.StatusSucceeded, DroppedOutputBytes: 14}}},
	}}
	seen.fill(&cut)
	if first := cut.Regions[0].Targets[0]; string(first.Output) != string(output) || first.DroppedOutputBytes != 0 {
		t.Errorf("fill leaves the first target %+v, want its output", first)
	}
	if !lacksOutputs(&cut) {
		t.Error("lacksOutputs = false for a target without an output")
	}
}

// The state directory is the one that each system has for it. XDG_STATE_HOME comes first.
func TestStateDirectory(t *testing.T) {
	t.Parallel()
	root, err := filepath.Abs("/")
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		env  []string
		want string
	}{
		{nil, ""},
		{[]string{"HOME=relative", "LOCALAPPDATA=relative"}, ""},
		{[]string{"HOME=" + root, "LOCALAPPDATA=" + root, "XDG_STATE_HOME=relative"}, (&cli{env: []string{"HOME=" + root, "LOCALAPPDATA=" + root}}).stateDirectory()},
		{[]string{"HOME=" + root + "home", "XDG_STATE_HOME=" + root + "state"}, filepath.Join(root, "state", "meridian")},
	} {
		if got := (&cli{env: tt.env}).stateDirectory(); got != tt.want {
			t.Errorf("stateDirectory with %q = %q, want %q", tt.env, got, tt.want)
		}
	}
}

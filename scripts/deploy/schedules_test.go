package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestARequestOfAScheduleIsCheckedBeforeAnythingRuns(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, content, want string }{
		{"an unknown field", `{"expression":"rate(1 hour)","request":{"colour":"red"}}`, "request.colour"},
		{"a wrong value", `{"expression":"rate(1 hour)","request":{"retry":[{"errorEquals":[]}]}}`, "request.retry[0].errorEquals"},
		{"no request", `{"expression":"rate(1 hour)"}`, "request"},
		{"no JSON", `{"expression"`, "unexpected end of JSON input"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			write(t, filepath.Join(p.root, "deploy", "schedules", "fine.json"), `{"expression":"rate(1 hour)","request":{"task":"probe"}}`)
			write(t, filepath.Join(p.root, "deploy", "schedules", "bad.json"), tt.content)
			if status, calls := p.make(t, "deploy"); status != 2 || len(calls) != 1 || calls[0] != "" {
				t.Errorf("deploy = %d, calls %q; want 2 and none", status, calls)
			}
			err := (&settings{root: p.root}).checkSchedules()
			if err == nil || !strings.Contains(err.Error(), "deploy/schedules/bad.json: "+tt.want) || strings.Contains(err.Error(), "fine") {
				t.Errorf("checkSchedules() = %v, want one about bad.json: %s", err, tt.want)
			}
			// What is wrong with a schedule is in no way of the removal.
			if status, calls := p.make(t, "remove"); status != 0 || len(calls) != 1 {
				t.Errorf("remove = %d, calls %q; want 0 and one", status, calls)
			}
		})
	}
}

func TestTheCommittedSchedulesAreValid(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	if _, err := os.Stat(filepath.Join(root, "deploy", "schedules", "reachable.json")); err != nil {
		t.Fatal(err)
	}
	if err := (&settings{root: root}).checkSchedules(); err != nil {
		t.Error(err)
	}
}

package main

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/runs"
	"meridian/internal/store"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A run without a timeout of its own has a minute again when it is resumed, however long nothing
// carried it on.
func TestResumeGivesARunItsTimeAgain(t *testing.T) {
	t.Parallel()
	state := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		k := &runs.Keeper{
			Coordinator: &coordinator.Coordinator{Invoker: invoke.InProcess{}, Tasks: task.Builtin()},
			Store:       &store.Dir{Path: filepath.Join(state, "meridian", "runs")},
			Next:        func(context.Context, string) error { return nil }, // it dies
		}
		request := protocol.Request{Regions: []string{"eu-west-1"}, Task: "sleep", Parameters: []byte(`{"seconds":50}`)}
		if _, err := k.Start(t.Context(), request, nil); err != nil {
			t.Fatal(err)
		}
		<-time.After(time.Hour)
		var stdout, stderr strings.Builder
		begin := time.Now()
		args := []string{"resume", "last", "-o", "regions"}
		if got := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, []string{"XDG_STATE_HOME=" + state}); got != exitSucceeded {
			t.Errorf("run(%q) = %d, want %d; it prints %s%s", args, got, exitSucceeded, &stdout, &stderr)
		}
		if took := time.Since(begin); took != 50*time.Second {
			t.Errorf("run(%q) took %v, want 50s", args, took)
		}
	})
}

// The same run that takes longer than a minute ends after a minute.
func TestARunInThisProcessEndsAfterAMinute(t *testing.T) {
	t.Parallel()
	for _, env := range [][]string{{"XDG_STATE_HOME=" + t.TempDir()}, {"MERIDIAN_STORE=none"}} {
		synctest.Test(t, func(t *testing.T) {
			var stdout, stderr strings.Builder
			begin := time.Now()
			args := []string{"run", "--region", "eu-west-1", "--task", "sleep", "-p", "seconds=100", "-o", "regions"}
			if got := run(t.Context(), args, strings.NewReader(""), &stdout, &stderr, env); got != exitFailed {
				t.Errorf("run(%q) = %d, want %d; it prints %s%s", args, got, exitFailed, &stdout, &stderr)
			}
			if took := time.Since(begin); took < 58*time.Second || took > time.Minute {
				t.Errorf("run(%q) took %v, want a minute or a little less", args, took)
			}
		})
	}
}

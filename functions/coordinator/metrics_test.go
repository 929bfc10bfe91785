package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"meridian/internal/coordinator"
	"meridian/internal/invoke"
	"meridian/internal/regionworker"
	"meridian/internal/task"
)

// environment returns a getenv.
func environment(variables ...string) func(string) string {
	return func(name string) string {
		for _, v := range variables {
			if value, ok := strings.CutPrefix(v, name+"="); ok {
				return value
			}
		}
		return ""
	}
}

// failing returns a coordinator whose workers fail.
func failing() *coordinator.Coordinator {
	tasks := task.NewRegistry(task.New("fail", "fail", func(context.Context, task.Input[struct{}]) (string, error) {
		return "", errors.New("broken")
	}))
	worker := &regionworker.Worker{Tasks: tasks}
	return &coordinator.Coordinator{Invoker: invoke.InProcess{Handle: worker.Handle}, Tasks: tasks, MemoryMB: 256}
}

// A setting of another form than the documented ones is refused before anything has run.
func TestHandlerRefusesSettings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ setting, want string }{
		{"METRICS=runs", `METRICS is "runs"; want one of [NONE RUNS REGIONS TARGETS]`},
		{"METRICS=ALL", `METRICS is "ALL"; want one of [NONE RUNS REGIONS TARGETS]`},
		{"METRICS_NAMES=reachable,a b", `METRICS_NAMES has "a b"; want names of runs, with commas between them`},
		{"FAILED_RUN_IS_ERROR=true", `FAILED_RUN_IS_ERROR is "true"; want ENABLED or DISABLED`},
	} {
		h, err := handler(t.Context(), environment(tt.setting), failing(), nil, nil, slog.New(slog.DiscardHandler))
		if h != nil || err == nil || err.Error() != tt.want {
			t.Errorf("handler with %s = %v, want %s", tt.setting, err, tt.want)
		}
	}
}

// The metrics of a run are one line, and its failure is a function error, as the settings say.
func TestHandlerWritesMetricsAndFailsAsTheSettingsSay(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		settings []string
		lines    int
		fails    bool
	}{
		{"default", nil, 0, false},
		{"off", []string{"METRICS=NONE", "FAILED_RUN_IS_ERROR=DISABLED"}, 0, false},
		{"runs", []string{"METRICS=RUNS"}, 1, false},
		{"Regions of a name that is not listed", []string{"METRICS=REGIONS"}, 1, false},
		{"Regions", []string{"METRICS=REGIONS", "METRICS_NAMES=other, reachable"}, 2, false},
		{"targets", []string{"METRICS=TARGETS", "METRICS_NAMES=reachable"}, 3, false},
		{"a failed run is an error", []string{"METRICS=RUNS", "FAILED_RUN_IS_ERROR=ENABLED"}, 1, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			h, err := handler(t.Context(), environment(append(tt.settings, "AWS_LAMBDA_FUNCTION_NAME=meridian-dev-coordinator", "AWS_LAMBDA_LOG_LEVEL=WARN")...), failing(), nil, &out, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			answer, err := h.Handle(t.Context(), []byte(`{"name":"reachable","task":"fail","regions":["eu-west-1"],"targets":["a"]}`))
			if (err != nil) != tt.fails || (answer == nil) != tt.fails {
				t.Errorf("Handle = %s, %v; want an error: %v", answer, err, tt.fails)
			}
			lines := out.String()
			if strings.Count(lines, "\n") != tt.lines || strings.Count(lines, `"Function":"meridian-dev-coordinator"`) != tt.lines || strings.Count(lines, `"level":"WARN"`) != tt.lines {
				t.Errorf("the metrics are %s, want %d lines", lines, tt.lines)
			}
			if tt.lines > 0 && !strings.Contains(lines, `"RunsFailed":1`) {
				t.Errorf("the metrics are %s", lines)
			}
			if _, err := h.Handle(t.Context(), []byte(`{"keep":true}`)); err == nil || !strings.Contains(err.Error(), "the coordinator has no store") {
				t.Errorf("Handle(a run that is kept) = %v, want it refused", err)
			}
			if n := strings.Count(out.String(), "\n"); n != tt.lines {
				t.Errorf("a refused request has metrics: %d lines, want %d", n, tt.lines)
			}
		})
	}
}

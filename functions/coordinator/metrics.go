package main

import (
	"cmp"
	"fmt"
	"io"
	"log/slog"
	"slices"

	"meridian/internal/metrics"
	"meridian/pkg/protocol"
)

// metricsWriter returns what writes the metrics of runs to out, or nil if METRICS says that there
// are none.
func metricsWriter(getenv func(string) string, out io.Writer, log *slog.Logger) (*metrics.Writer, error) {
	level := cmp.Or(metrics.Level(getenv("METRICS")), metrics.LevelNone)
	if !slices.Contains(metrics.Levels(), level) {
		return nil, fmt.Errorf("METRICS is %q; want one of %v", level, metrics.Levels())
	}
	listed := names(getenv("METRICS_NAMES"))
	for _, name := range listed {
		if !protocol.ValidName(name) {
			return nil, fmt.Errorf("METRICS_NAMES has %q; want names of runs, with commas between them", name)
		}
	}
	if level == metrics.LevelNone {
		return nil, nil //nolint:nilnil // no metrics are no error
	}
	return &metrics.Writer{
		Out: out, Function: getenv("AWS_LAMBDA_FUNCTION_NAME"), Level: level, Names: listed, LogLevel: getenv("AWS_LAMBDA_LOG_LEVEL"), Log: log,
	}, nil
}

// failedRunIsError reads FAILED_RUN_IS_ERROR.
func failedRunIsError(getenv func(string) string) (bool, error) {
	switch value := getenv("FAILED_RUN_IS_ERROR"); value {
	case "", "DISABLED":
		return false, nil
	case "ENABLED":
		return true, nil
	default:
		return false, fmt.Errorf("FAILED_RUN_IS_ERROR is %q; want ENABLED or DISABLED", value)
	}
}

package function_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"meridian/internal/function"
)

// What was refused is not logged by its value.
func TestTheLogHasTheNameOfAFunctionErrorAndNotItsText(t *testing.T) {
	t.Parallel()
	for record, want := range map[string]string{
		`{"errorMessage":"token: \"hunter2\": unknown field","errorType":"Meridian.InvalidRequest"}` + "\n": `"msg":"invocation ended with a function error","error":"Meridian.InvalidRequest"`,
		`{"errorMessage":"boom","errorType":"string","stackTrace":[{"path":"x.go","line":1,"label":"f"}]}`:  `"level":"ERROR","msg":"{\"errorMessage\":\"boom\"`,
		"no runtime API\n": `"level":"ERROR","msg":"no runtime API"`,
	} {
		var log strings.Builder
		if n, err := io.WriteString(function.RuntimeLog(slog.New(slog.NewJSONHandler(&log, nil))), record); n != len(record) || err != nil {
			t.Errorf("Write(%q) = %d, %v", record, n, err)
		}
		if got := log.String(); !strings.Contains(got, want) || strings.Contains(got, "hunter2") {
			t.Errorf("Write(%q) logs %s, want %s", record, got, want)
		}
	}
}

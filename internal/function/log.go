package function

import (
	"encoding/json"
	"log"
	"log/slog"
	"strings"
)

// A runtimeLog gets what aws-lambda-go logs. For each function error that is its whole
// text, which can repeat values of a refused request: only the error's name is logged.
type runtimeLog struct{ log *slog.Logger }

// Write implements io.Writer. It gets one record.
func (r runtimeLog) Write(record []byte) (int, error) {
	var failure struct {
		Type  string            `json:"errorType"`
		Stack []json.RawMessage `json:"stackTrace"` // of a panic, whose text is the program's own
	}
	if json.Unmarshal(record, &failure) == nil && failure.Stack == nil {
		r.log.Warn("invocation ended with a function error", "error", failure.Type)
	} else {
		r.log.Error(strings.TrimSpace(string(record)))
	}
	return len(record), nil
}

// redirectLog sends the log of the libraries in this process to l.
func redirectLog(l *slog.Logger) {
	log.SetFlags(0)
	log.SetOutput(runtimeLog{l})
}

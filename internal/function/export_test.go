package function

import (
	"io"
	"log/slog"
)

// RuntimeLog returns the writer that Start gives to aws-lambda-go's log.
func RuntimeLog(l *slog.Logger) io.Writer { return runtimeLog{l} }

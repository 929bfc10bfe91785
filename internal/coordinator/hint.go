package coordinator

import (
	"errors"

	"meridian/internal/invoke"
	"meridian/pkg/protocol"
)

// hint returns what a person can do about the error of an invocation, or "".
func hint(err error) protocol.Hint {
	if answered, ok := errors.AsType[*regionError](err); ok && answered.early && answered.result.Status == protocol.StatusTimedOut {
		return protocol.HintRaiseWorkerTimeout
	}
	if past, ok := errors.AsType[*pastError](err); ok {
		return past.hint
	}
	if e, ok := errors.AsType[*invoke.Error](err); ok {
		return e.Advice
	}
	return ""
}

package invoketest

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"meridian/internal/wire/wiretest"
	"meridian/pkg/protocol"
)

// A Fault answers a request whose header has been read, in place of the function. It
// may call the function: work.
type Fault func(w http.ResponseWriter, r *http.Request, work http.Handler)

// Work is the Fault without a fault: the function answers.
func Work(w http.ResponseWriter, r *http.Request, work http.Handler) { work.ServeHTTP(w, r) }

// Refuse answers with an error of Lambda's: a status, a code and a message.
func Refuse(status int, code, message string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		w.Header().Set("X-Amzn-Errortype", code+":http://internal.amazon.com/coral/com.amazonaws.awsgirapi/")
		answerJSON(w, r, status, map[string]string{"Message": message, "Type": "User"})
	}
}

// AfterWork runs the function, and then answers with a fault.
func AfterWork(f Fault) Fault {
	return func(w http.ResponseWriter, r *http.Request, work http.Handler) {
		_ = answerOf(r, work)
		f(w, r, work)
	}
}

// ConcurrentInvocations is the reason for throttling when the account's concurrency is
// used up.
const ConcurrentInvocations = "ConcurrentInvocationLimitExceeded"

// Throttle answers 429 with a reason, and with a Retry-After header unless wait is 0.
func Throttle(reason string, wait time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		if wait > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())))
		}
		w.Header().Set("X-Amzn-Errortype", "TooManyRequestsException")
		answerJSON(w, r, http.StatusTooManyRequests,
			map[string]string{"Reason": reason, "Type": "User", "message": "Rate Exceeded."})
	}
}

// Answer answers with a status, a body, and headers in pairs of name and value.
func Answer(status int, body string, headers ...string) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// unhandled is how functions in Go fail, see FunctionError.
const unhandled = "Unhandled"

// FunctionError answers 200 for a function that failed; kind is "Handled" or
// "Unhandled".
func FunctionError(kind, payload string) Fault {
	return Answer(http.StatusOK, payload, "X-Amz-Function-Error", kind)
}

// TimedOut answers as Lambda does for a function that ran longer than its
// timeout, in the words of today's runtimes.
func TimedOut(after time.Duration) Fault {
	return FunctionError(unhandled, fmt.Sprintf(
		`{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: %s Error: Task timed out after %.2f seconds"}`,
		newUUID(), after.Seconds()))
}

// TimedOutUntyped is TimedOut in the words of older runtimes.
func TimedOutUntyped(after time.Duration) Fault {
	return FunctionError(unhandled, fmt.Sprintf(
		`{"errorMessage":"2026-11-20T18:00:00.000Z %s Task timed out after %.2f seconds"}`, newUUID(), after.Seconds()))
}

// Crashed answers as Lambda does when the function's process ended: how is "exit
// status 2" after an unrecovered panic, "signal: killed" when memory ran out.
func Crashed(how string) Fault {
	return FunctionError(unhandled, fmt.Sprintf(
		`{"errorType":"Runtime.ExitError","errorMessage":"RequestId: %s Error: Runtime exited with error: %s"}`, newUUID(), how))
}

// TooLarge answers as Lambda does when the function's answer exceeds the limit.
func TooLarge(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	FunctionError(unhandled, failurePayload(protocol.ErrorResponseSizeTooLarge, fmt.Sprintf(
		"Response payload size exceeded maximum allowed payload size (%d bytes).", protocol.MaxPayloadBytes)))(w, r, nil)
}

// Hang never answers. It returns when the client disconnects.
func Hang(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// CutInRequest resets the connection after n bytes of the request's body.
func CutInRequest(n int64) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.CopyN(io.Discard, r.Body, n)
		reset(hijack(w))
	}
}

// CutAfterRequest resets the connection after the whole request has been read. The
// client cannot know that the function has not run.
func CutAfterRequest(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body)
	reset(hijack(w))
}

// CutAfterWork resets the connection after the function has run.
func CutAfterWork(w http.ResponseWriter, r *http.Request, work http.Handler) {
	_ = answerOf(r, work)
	reset(hijack(w))
}

// CloseAfterRequest closes the connection in order after the whole request has been
// read: what the client sees when a connection was idle for too long.
func CloseAfterRequest(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body)
	_ = hijack(w).Close()
}

// CutInAnswer announces an answer of length bytes and resets the connection after n.
func CutInAnswer(length, n int) Fault {
	return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", strconv.Itoa(length))
		w.WriteHeader(http.StatusOK)
		_, _ = w.Write(make([]byte, n))
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler) // net/http's way to close a connection here
	}
}

// Endless writes an answer until the client disconnects.
func Endless(w http.ResponseWriter, r *http.Request, _ http.Handler) {
	_, _ = io.Copy(io.Discard, r.Body)
	blanks := make([]byte, 1<<20)
	for i := range blanks {
		blanks[i] = ' '
	}
	for r.Context().Err() == nil {
		if _, err := w.Write(blanks); err != nil {
			return
		}
	}
}

func answerJSON(w http.ResponseWriter, r *http.Request, status int, body any) {
	data, err := json.Marshal(body)
	if err != nil {
		panic("invoketest: " + err.Error())
	}
	Answer(status, string(data), "Content-Type", "application/json")(w, r, nil)
}

func hijack(w http.ResponseWriter) net.Conn {
	c, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic("invoketest: " + err.Error())
	}
	return c
}

// reset closes a connection with a reset.
func reset(c net.Conn) {
	switch c := c.(type) {
	case *net.TCPConn:
		_ = c.SetLinger(0)
	case *wiretest.Conn:
		c.Reset()
	}
	_ = c.Close()
}

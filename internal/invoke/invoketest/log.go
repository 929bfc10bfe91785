package invoketest

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"time"
)

// A LogFormat is how a function's log is written.
type LogFormat string

// The log formats. "" means no logs.
const (
	JSONLog LogFormat = "JSON"
	TextLog LogFormat = "Text"
)

// MaxMemoryUsedMB is the most memory that an environment of a Server uses.
const MaxMemoryUsedMB = 31

// Log makes the server's functions write logs, and gives them a memory size. A client
// that asks for the log gets its tail, which ends with the report. Billed is the time
// from the request to the answer, with what a fault takes; the report of the first use
// of an environment has its cold start. "" turns logs off.
func (s *Server) Log(format LogFormat, memoryMB int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account.log, s.account.memoryMB = format, memoryMB
}

// maxTail is the most that Lambda gives of a log.
const maxTail = 4 << 10

// An invocation is what the report needs to know of a request that is being answered.
type invocation struct {
	begin time.Time
	cold  time.Duration
}

// invocationKey is the context's key for the request's *invocation.
type invocationKey struct{}

// startedCold notes that a request had to wait for a new environment.
func startedCold(ctx context.Context, took time.Duration) {
	if i, ok := ctx.Value(invocationKey{}).(*invocation); ok {
		i.cold = took
	}
}

// A logging writes the answer to a client that has asked for the log.
type logging struct {
	http.ResponseWriter
	server *Server
	invocation
	headed bool
}

// logged returns w and r, wrapped when there are logs and the client has asked for
// them.
func (s *Server) logged(w http.ResponseWriter, r *http.Request) (http.ResponseWriter, *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.account.log == "" || r.Header.Get("X-Amz-Log-Type") != "Tail" {
		return w, r
	}
	l := &logging{ResponseWriter: w, server: s, invocation: invocation{begin: time.Now()}}
	return l, r.WithContext(context.WithValue(r.Context(), invocationKey{}, &l.invocation))
}

// Unwrap returns the wrapped writer, for http.ResponseController.
func (l *logging) Unwrap() http.ResponseWriter { return l.ResponseWriter }

// Write writes the header first if it has not been written.
func (l *logging) Write(p []byte) (int, error) {
	if !l.headed {
		l.WriteHeader(http.StatusOK)
	}
	return l.ResponseWriter.Write(p)
}

// WriteHeader adds the log to an answer of the function's.
func (l *logging) WriteHeader(status int) {
	if status == http.StatusOK && !l.headed {
		l.Header().Set("X-Amz-Log-Result", l.server.tail(l.Header().Get("X-Amzn-Requestid"), l.invocation))
	}
	l.headed = true
	l.ResponseWriter.WriteHeader(status)
}

// tail returns the tail of the log of an invocation that ends now, and adds to what is
// billed.
func (s *Server) tail(id string, i invocation) string {
	took := time.Since(i.begin)
	billed := max((took + time.Millisecond - 1).Truncate(time.Millisecond), time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.account.reports++
	s.account.billed += billed
	lines := jsonLog
	if s.account.log == TextLog {
		lines = textLog
	}
	log := lines(id, took, billed, s.account.memoryMB, i.cold)
	return base64.StdEncoding.EncodeToString([]byte(log[max(0, len(log)-maxTail):]))
}

func ms(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// jsonLog is a log in the format JSON, of the system log level INFO.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
func jsonLog(id string, took, billed time.Duration, memoryMB int, cold time.Duration) string {
	init := ""
	if cold > 0 {
		init = fmt.Sprintf(`,"initDurationMs":%.2f`, ms(cold))
	}
	return fmt.Sprintf(`{"time":"2026-11-23T09:30:00.123Z","type":"platform.start","record":{"requestId":"%[1]s","version":"$LATEST"}}
{"time":"2026-11-23T09:30:00.124Z","level":"INFO","msg":"endpoint for eu-west-1","requestId":"%[1]s"}
{"time":"2026-11-23T09:30:00.125Z","type":"platform.report","record":{"requestId":"%[1]s","metrics":{`+
		`"durationMs":%.2[2]f,"billedDurationMs":%[3]d,"memorySizeMB":%[4]d,"maxMemoryUsedMB":%[5]d%[6]s},"status":"success"}}
`, id, ms(took-cold), billed.Milliseconds(), memoryMB, MaxMemoryUsedMB, init)
}

// textLog is a log in the format text.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html
func textLog(id string, took, billed time.Duration, memoryMB int, cold time.Duration) string {
	init := ""
	if cold > 0 {
		init = fmt.Sprintf("Init Duration: %.2f ms\t", ms(cold))
	}
	return fmt.Sprintf("START RequestId: %[1]s Version: $LATEST\nendpoint for eu-west-1\nEND RequestId: %[1]s\n"+
		"REPORT RequestId: %[1]s\tDuration: %.2[2]f ms\tBilled Duration: %[3]d ms\t"+
		"Memory Size: %[4]d MB\tMax Memory Used: %[5]d MB\t%[6]s\n",
		id, ms(took-cold), billed.Milliseconds(), memoryMB, MaxMemoryUsedMB, init)
}

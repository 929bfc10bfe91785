package rig

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Work answers a request as a regionworker does that succeeded with every target,
// one attempt each, and that says it took so long. The output of a target is the
// JSON that output writes to the end of the answer, its Region and name given.
//
// It takes what it needs out of the request as it stands, which is cheap: so it wants JSON without white space, and
// no comma or bracket in the names of targets.
func Work(request []byte, elapsedMs float64, output func(answer *bytes.Buffer, region, target []byte)) []byte {
	var b bytes.Buffer
	region := Field(request, "region", ',')
	_, _ = fmt.Fprintf(&b, `{"version":1,"runId":%s,"region":%s,"batch":%s,"status":"SUCCEEDED","elapsedMs":%g,"targets":[`,
		Field(request, "runId", ','), region, Field(request, "batch", ','), elapsedMs)
	targets := bytes.Split(bytes.Trim(Field(request, "targets", ']'), "[]"), []byte(","))
	for i, target := range targets {
		if i > 0 {
			b.WriteByte(',')
		}
		_, _ = fmt.Fprintf(&b, `{"target":%s,"status":"SUCCEEDED","elapsedMs":%[2]g,"attempts":[{"startMs":0,"elapsedMs":%[2]g}],"output":`,
			target, elapsedMs)
		output(&b, bytes.Trim(region, `"`), bytes.Trim(target, `"`))
		b.WriteByte('}')
	}
	b.WriteString("]}")
	return b.Bytes()
}

// Field returns the value of a field of a request as it is written there, up to
// the first end of it.
func Field(request []byte, name string, end byte) []byte {
	_, value, _ := bytes.Cut(request, []byte(`"`+name+`":`))
	before, _, _ := bytes.Cut(value, []byte{end})
	return before
}

// Wait waits as long as a function takes, and reports whether the caller did too.
func Wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Respond sends what a function answered to a call, as Lambda does: with the
// call's id and, for a caller that asks, with what log returns, the end of the
// function's log. A nil log means that there is none.
func Respond(w http.ResponseWriter, r *http.Request, call int64, log func(call int64) []byte, answer []byte) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", RequestID(call))
	h.Set("X-Amz-Executed-Version", "$LATEST")
	if log != nil && r.Header.Get("X-Amz-Log-Type") == "Tail" {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(log(call)))
	}
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer)
}

// RequestID returns Lambda's id of a call, another one for each.
func RequestID(call int64) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", call, call) }

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

// Work returns the answer of a regionworker that succeeded with every target of a
// request in one attempt that took elapsedMs. The function output appends a target's
// output, as JSON, to the answer; it is given the Region and the target.
//
// It copies parts of the request instead of decoding it. So the request must be JSON
// without white space, with no comma and no bracket in the names of targets.
func Work(request []byte, elapsedMs float64, output func(answer *bytes.Buffer, region, target []byte)) []byte {
	var b bytes.Buffer
	region := Field(request, "region", ',')
	_, _ = fmt.Fprintf(&b, `{"version":%s,"runId":%s,"region":%s,"batch":%s,"status":"SUCCEEDED","elapsedMs":%g,"targets":[`,
		Field(request, "version", ','), Field(request, "runId", ','), region, Field(request, "batch", ','), elapsedMs)
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

// Field returns the encoded value of a field of a request, up to the first byte that
// is end.
func Field(request []byte, name string, end byte) []byte {
	_, value, _ := bytes.Cut(request, []byte(`"`+name+`":`))
	before, _, _ := bytes.Cut(value, []byte{end})
	return before
}

// Wait waits for d, and reports whether ctx lasted that long.
func Wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

// Respond sends a function's answer as Lambda does: with the id of the call and, if the
// caller asks for it, with the end of the function's log.
func Respond(w http.ResponseWriter, r *http.Request, call int64, answer []byte) {
	h := w.Header()
	h.Set("X-Amzn-Requestid", RequestID(call))
	h.Set("X-Amz-Executed-Version", "$LATEST")
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(tail(call)))
	}
	h.Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer)
}

// RequestID returns the id of a call, as Lambda writes it.
func RequestID(call int64) string { return fmt.Sprintf("%08x-0000-4000-8000-%012x", call, call) }

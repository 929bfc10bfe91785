package trigger

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"meridian/pkg/protocol"
)

// keyHeader is the header that has the key of a run.
// Source: https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/
const keyHeader = "Idempotency-Key"

// run runs the Request in the body, or starts its run if the caller prefers that. Without a
// store that preference is ignored.
func (h *Handler) run(ctx context.Context, c *call) (reply, *Problem) {
	body, p := c.body()
	if p != nil {
		return reply{}, p
	}
	r, faults := protocol.DecodeRequest(body)
	faults = faults.And(c.setKey(&r)).And(h.storeFaults(&r))
	async := h.Keeper != nil && c.prefersAsync()
	goesOn := async || h.Keeper != nil && r.Kept() // after the answer, if it needs to
	if most := MaxAPISeconds(); r.TimeoutSeconds > most && !goesOn {
		faults = append(faults, protocol.NewFault("timeoutSeconds", r.TimeoutSeconds, fmt.Sprintf(
			"want at most %v seconds over the HTTP API, which stops waiting after %v; "+
				"for longer runs set keep, or invoke the function directly or by a schedule", most, APITimeout)))
	}
	if async {
		state, err := h.Keeper.Start(ctx, r, faults)
		answer, p := c.accepted(state, err)
		return answer.with("preference-applied", respondAsync), p
	}
	result, err := h.Runner.Answer(ctx, r, faults, maxAPIAnswerBytes)
	if err != nil {
		return reply{}, problemOf(err)
	}
	answer := reply{status: http.StatusOK, body: result}
	if r := head(result); goesOn && r.status == protocol.StatusRunning {
		answer.status = http.StatusAccepted
		answer = answer.with("location", c.location(r.runID))
	}
	return answer.with("content-type", "application/json"), nil
}

// setKey sets the key of a request from the header, and returns the fault of the header. A
// string in quotes is what the draft says; most clients send none.
func (c *call) setKey(r *protocol.Request) protocol.Faults {
	key := c.header(keyHeader)
	if key == "" {
		return nil
	}
	if inner, ok := strings.CutPrefix(key, `"`); ok && strings.HasSuffix(inner, `"`) {
		key = strings.TrimSuffix(inner, `"`)
	}
	detail := ""
	switch {
	case !protocol.ValidKey(key):
		detail = fmt.Sprintf("want 1 to %d of A-Z a-z 0-9 %s", protocol.MaxKeyLength, protocol.KeyPunctuation)
	case r.Key != "" && r.Key != key:
		detail = "the body has another key; send one of them"
	default:
		r.Key = key
		return nil
	}
	return protocol.Faults{protocol.NewFault(keyHeader, key, detail)}
}

// A resultHead is what a Result has before its Regions.
type resultHead struct {
	runID        string
	status       protocol.Status
	error, cause string
}

// head reads the head of a Result: the rest of it may be long, and is not read.
func head(result []byte) (h resultHead) {
	fields := json.NewDecoder(bytes.NewReader(result))
	if _, err := fields.Token(); err != nil {
		return h
	}
	for fields.More() {
		name, err := fields.Token()
		if err != nil || name == "regions" {
			break
		}
		var value any
		if fields.Decode(&value) != nil {
			break
		}
		switch text, _ := value.(string); name {
		case "runId":
			h.runID = text
		case "status":
			h.status = protocol.Status(text)
		case "error":
			h.error = text
		case "cause":
			h.cause = text
		}
	}
	return h
}

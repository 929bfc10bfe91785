package trigger

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/lambdacontext"

	"meridian/pkg/protocol"
)

// setKey gives a request without a key the one of its invocation, so that a repeated
// invocation attaches to the run of the first one.
//
// Only an event of EventBridge is certain to be an asynchronous invocation. So its run is
// always kept, if there is a store. The Runtime API does not tell whether a direct invoke is
// asynchronous: its run is kept only if the request says so, or if its failure may be a
// function error, after which Lambda repeats an asynchronous invocation.
func (h *Handler) setKey(ctx context.Context, e event, r *protocol.Request) {
	if h.Keeper == nil || r.Key != "" || e.kind == kindDirect && !r.Keep && !h.FailedRunIsError {
		return
	}
	if r.Key = e.key; r.Key == "" {
		r.Key = requestKey(ctx)
	}
}

// requestKey returns the key of a Lambda request, or "" outside of Lambda. Lambda's retries
// of an asynchronous invocation have the request id of the first attempt. Retries of a
// caller do not.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
func requestKey(ctx context.Context) string {
	c, ok := lambdacontext.FromContext(ctx)
	if !ok {
		return ""
	}
	return validKey("request", c.AwsRequestID)
}

// eventKey returns the key of an EventBridge event, or "" if its id cannot be part of one.
// An event that EventBridge delivers again has the same id. A replay from an archive is
// meant to run again: its event has a name of the replay too.
//
// Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html
func eventKey(o object) string {
	if replay := o.text("replay-name"); replay != "" {
		return validKey("event", o.text("id"), replay)
	}
	return validKey("event", o.text("id"))
}

// validKey returns a key of parts, or "" if a part is missing or they cannot be one.
func validKey(parts ...string) string {
	if key := strings.Join(parts, "-"); !slices.Contains(parts, "") && protocol.ValidKey(key) {
		return key
	}
	return ""
}

package trigger

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"meridian/pkg/protocol"
)

const (
	// APITimeout is how long an HTTP API waits for a function. It cannot be
	// raised.
	// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
	APITimeout = 30 * time.Second

	// apiBudget is the part of APITimeout that an invocation can use. A second is left
	// for the network and the start of the function.
	apiBudget = APITimeout - time.Second

	// maxAPIAnswerBytes is the largest Result that fits into an HTTP answer in any case:
	// as base64, which makes four bytes of three, with 1,024 bytes for the rest of the
	// answer.
	maxAPIAnswerBytes = (protocol.MaxPayloadBytes - 1024) / 4 * 3
)

// MaxAPISeconds returns the longest timeout of a run over the API that is not kept.
func MaxAPISeconds() float64 { return (apiBudget - protocol.Reserve(apiBudget)).Seconds() }

// http handles an HTTP API event. Problems are in the answer; the error means that
// there is no answer.
func (h *Handler) http(ctx context.Context, payload []byte) ([]byte, error) {
	var request events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, fmt.Errorf("read HTTP API event: %w", err)
	}
	r, p := h.answer(ctx, request)
	if p != nil {
		h.logProblem(ctx, p)
		p.Instance = request.RequestContext.RequestID
		r = reply{p.Status, p.headers(), []byte(p.body())}
	}
	return encode(events.APIGatewayV2HTTPResponse{StatusCode: r.status, Headers: r.headers, Body: string(r.body)})
}

// logProblem logs a problem. For a refused request it leaves out the problem's detail, which
// can repeat values of the request.
func (h *Handler) logProblem(ctx context.Context, p *Problem) {
	switch {
	case h.Log == nil:
	case p.Status != http.StatusInternalServerError:
		h.Log.WarnContext(ctx, "request refused", "status", p.Status, "cause", p.Title, "faults", p.Faults.WithoutValues())
	default:
		logOf(h.Log, p.RunID).ErrorContext(ctx, "answer lost", "status", p.Status, "cause", p.Detail)
	}
}

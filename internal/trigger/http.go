package trigger

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
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

	runsPath = "/runs"
)

// MaxAPISeconds returns the longest timeout of a run over the API.
func MaxAPISeconds() float64 { return (apiBudget - protocol.Reserve(apiBudget)).Seconds() }

// http handles an HTTP API event. Problems are in the answer; the error means that
// there is no answer.
func (h *Handler) http(ctx context.Context, payload []byte) ([]byte, error) {
	var request events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &request); err != nil {
		return nil, fmt.Errorf("read HTTP API event: %w", err)
	}
	result, p := h.answer(ctx, request)
	response := events.APIGatewayV2HTTPResponse{
		StatusCode: http.StatusOK,
		Headers:    map[string]string{"content-type": "application/json"},
		Body:       string(result),
	}
	if p != nil {
		h.logProblem(ctx, p)
		p.Instance = request.RequestContext.RequestID
		response.StatusCode, response.Body = p.Status, p.body()
		response.Headers = p.headers()
	}
	return encode(response)
}

// logProblem logs a problem. That of a refused request is logged without its detail, which
// can repeat values of the request.
func (h *Handler) logProblem(ctx context.Context, p *Problem) {
	switch {
	case h.Log == nil:
	case p.Status < http.StatusInternalServerError:
		h.Log.WarnContext(ctx, "request refused", "status", p.Status, "cause", p.Title, "faults", p.Faults.WithoutValues())
	default:
		h.Log.ErrorContext(ctx, "answer lost", "status", p.Status, "cause", p.Detail)
	}
}

// encode encodes an answer. Its body is text, or base64 if the escaped text is too
// long.
func encode(response events.APIGatewayV2HTTPResponse) ([]byte, error) {
	data, err := json.Marshal(response)
	if err == nil && len(data) > protocol.MaxPayloadBytes {
		response.Body = base64.StdEncoding.EncodeToString([]byte(response.Body))
		response.IsBase64Encoded = true
		data, err = json.Marshal(response)
	}
	if err != nil {
		return nil, fmt.Errorf("encode HTTP answer: %w", err)
	}
	return data, nil
}

// answer runs the Request in the body of an HTTP request.
func (h *Handler) answer(ctx context.Context, request events.APIGatewayV2HTTPRequest) ([]byte, *Problem) {
	body, p := bodyOf(request)
	if p != nil {
		return nil, p
	}
	r, faults := protocol.DecodeRequest(body)
	if most := MaxAPISeconds(); r.TimeoutSeconds > most {
		faults = append(faults, protocol.NewFault("timeoutSeconds", r.TimeoutSeconds, fmt.Sprintf(
			"want at most %v seconds over the HTTP API, which stops waiting after %v; "+
				"for longer runs invoke the function directly or by a schedule", most, APITimeout)))
	}
	ctx, cancel := context.WithTimeout(ctx, apiBudget)
	defer cancel()
	result, err := h.Runner.Answer(ctx, r, faults, maxAPIAnswerBytes)
	if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok {
		return nil, &Problem{
			Title: "The request is not valid", Status: http.StatusBadRequest,
			Detail: "nothing has been invoked; faults lists every fault", Faults: invalid.Faults,
		}
	}
	if err != nil {
		return nil, &Problem{Title: "The answer was lost", Status: http.StatusInternalServerError, Detail: err.Error()}
	}
	return result, nil
}

// bodyOf returns the body of a request for a run, or the problem with it.
func bodyOf(request events.APIGatewayV2HTTPRequest) ([]byte, *Problem) {
	at := request.RequestContext.HTTP
	if path := pathOf(request); path != runsPath {
		return nil, &Problem{
			Title: "Not found", Status: http.StatusNotFound,
			Detail: fmt.Sprintf("%s is unknown; start a run with POST %s", path, runsPath),
		}
	}
	if at.Method != http.MethodPost {
		return nil, &Problem{
			Title: "Method not allowed", Status: http.StatusMethodNotAllowed,
			Detail: fmt.Sprintf("%s is not allowed; start a run with POST %s", at.Method, runsPath),
			allow:  http.MethodPost,
		}
	}
	body := []byte(request.Body)
	if request.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(request.Body)
		if err != nil {
			return nil, &Problem{
				Title: "The body cannot be read", Status: http.StatusBadRequest,
				Detail: "the event says that the body is base64, but it is not",
			}
		}
		body = decoded
	}
	if detail := wrongType(request.Headers, body); detail != "" {
		return nil, &Problem{Title: "The body is not JSON", Status: http.StatusUnsupportedMediaType, Detail: detail}
	}
	if len(body) > protocol.MaxRequestBytes {
		return nil, &Problem{
			Title: "The body is too large", Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("%d bytes are too many; at most %d (1 MiB)", len(body), protocol.MaxRequestBytes),
		}
	}
	return body, nil
}

// pathOf returns the path without the stage: an API with named stages puts the stage
// in front of it.
func pathOf(request events.APIGatewayV2HTTPRequest) string {
	stage := "/" + request.RequestContext.Stage
	if rest, ok := strings.CutPrefix(request.RawPath, stage); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return request.RawPath
}

package trigger

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"meridian/pkg/protocol"
)

const (
	// apiTimeout is how long an HTTP API waits for a function. It cannot be
	// raised.
	// Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html
	apiTimeout = 30 * time.Second

	// apiBudget is the part of it that an invocation has: a second is for the
	// way there and back and the function's start.
	apiBudget = apiTimeout - time.Second

	// maxAPIAnswerBytes is the largest Result that an HTTP answer can carry: the
	// body is a string in JSON in Lambda's response, or base64, which makes four
	// bytes of three. What is left is for the rest of the answer.
	maxAPIAnswerBytes = (protocol.MaxPayloadBytes - 1024) / 4 * 3

	runsPath = "/runs"
)

// maxAPISeconds is the most that a run may ask for over the API.
func maxAPISeconds() float64 { return (apiBudget - protocol.Reserve(apiBudget)).Seconds() }

// http answers an HTTP API event. What goes wrong is in the answer; the error
// says only that there is none.
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

// logProblem writes a line for a problem.
func (h *Handler) logProblem(ctx context.Context, p *problem) {
	switch {
	case h.Log == nil:
	case p.Status < http.StatusInternalServerError:
		h.Log.WarnContext(ctx, "request refused", "status", p.Status, "cause", p.Detail, "faults", p.Faults)
	default:
		h.Log.ErrorContext(ctx, "answer lost", "status", p.Status, "cause", p.Detail)
	}
}

// encode encodes an answer, its body as text or, when it is too long for that
// with all that must be escaped, as base64.
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

// answer carries out the run that an HTTP request asks for.
func (h *Handler) answer(ctx context.Context, request events.APIGatewayV2HTTPRequest) ([]byte, *problem) {
	body, p := bodyOf(request)
	if p != nil {
		return nil, p
	}
	r, faults := protocol.DecodeRequest(body)
	if most := maxAPISeconds(); r.TimeoutSeconds > most {
		faults = append(faults, protocol.NewFault("timeoutSeconds", r.TimeoutSeconds, fmt.Sprintf(
			"a run over the HTTP API has at most %v seconds, the API gives up after %v; "+
				"invoke the function directly, or by a schedule, for up to the function's own timeout", most, apiTimeout)))
	}
	ctx, cancel := context.WithTimeout(ctx, apiBudget)
	defer cancel()
	result, err := h.Runner.Answer(ctx, r, faults, maxAPIAnswerBytes)
	if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok {
		return nil, &problem{
			Title: "The request is not valid", Status: http.StatusBadRequest,
			Detail: "nothing has been invoked; faults lists everything that is wrong", Faults: invalid.Faults,
		}
	}
	if err != nil {
		return nil, &problem{Title: "The answer was lost", Status: http.StatusInternalServerError, Detail: err.Error()}
	}
	return result, nil
}

// bodyOf returns the body of a request for a run, or the problem with it.
func bodyOf(request events.APIGatewayV2HTTPRequest) ([]byte, *problem) {
	at := request.RequestContext.HTTP
	if path := pathOf(request); path != runsPath {
		return nil, &problem{
			Title: "There is nothing here", Status: http.StatusNotFound,
			Detail: fmt.Sprintf("%s is unknown; runs are started by POST %s", path, runsPath),
		}
	}
	if at.Method != http.MethodPost {
		return nil, &problem{
			Title: "The method is not allowed", Status: http.StatusMethodNotAllowed,
			Detail: fmt.Sprintf("%s is not allowed; runs are started by POST %s", at.Method, runsPath),
			allow:  http.MethodPost,
		}
	}
	if detail := wrongType(request.Headers); detail != "" {
		return nil, &problem{Title: "The body is not JSON", Status: http.StatusUnsupportedMediaType, Detail: detail}
	}
	body := []byte(request.Body)
	if request.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(request.Body)
		if err != nil {
			return nil, &problem{
				Title: "The body cannot be read", Status: http.StatusBadRequest,
				Detail: "the event says that the body is base64: " + err.Error(),
			}
		}
		body = decoded
	}
	if len(body) > protocol.MaxRequestBytes {
		return nil, &problem{
			Title: "The body is too large", Status: http.StatusRequestEntityTooLarge,
			Detail: fmt.Sprintf("%d bytes are too many; at most %d (1 MiB)", len(body), protocol.MaxRequestBytes),
		}
	}
	return body, nil
}

// pathOf returns the path without the stage that an API with named stages puts
// before it.
func pathOf(request events.APIGatewayV2HTTPRequest) string {
	stage := "/" + request.RequestContext.Stage
	if rest, ok := strings.CutPrefix(request.RawPath, stage); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return request.RawPath
}

// wrongType returns what is wrong with a body's declared type, or "". JSON is in
// UTF-8 (RFC 8259), of which ASCII is a part. A body without a type is taken for
// JSON.
func wrongType(headers map[string]string) string {
	if coding := header(headers, "content-encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return fmt.Sprintf("content-encoding %s is not understood; send the body as it is", coding)
	}
	declared := header(headers, "content-type")
	if declared == "" {
		return ""
	}
	media, parameters, err := mime.ParseMediaType(declared)
	isJSON := media == "application/json" || strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")
	if err != nil || !isJSON {
		return fmt.Sprintf("content-type %s is not understood; want application/json", declared)
	}
	switch charset := strings.ToLower(parameters["charset"]); charset {
	case "", "utf-8", "us-ascii":
		return ""
	default:
		return fmt.Sprintf("charset %s is not understood; JSON is in utf-8", charset)
	}
}

// header returns a header's value. An HTTP API sends names in lower case;
// whoever writes an event by hand may not.
func header(headers map[string]string, name string) string {
	for key, value := range headers {
		if strings.EqualFold(key, name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

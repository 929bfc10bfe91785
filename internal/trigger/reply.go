package trigger

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/aws/aws-lambda-go/events"

	"meridian/pkg/protocol"
)

// A reply is an answer to an HTTP request that is not a problem.
type reply struct {
	status  int
	headers map[string]string
	body    []byte
}

// with returns r with a header.
func (r reply) with(name, value string) reply {
	headers := map[string]string{name: value}
	maps.Copy(headers, r.headers)
	r.headers = headers
	return r
}

// jsonReply returns v as JSON, which has to fit into an answer.
func jsonReply(status int, v any) (reply, *Problem) {
	body, err := encodeWithin(v, maxAPIAnswerBytes)
	if err != nil {
		return reply{}, problemOf(err)
	}
	return reply{status: status, body: body}.with("content-type", "application/json"), nil
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

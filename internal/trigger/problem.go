package trigger

import (
	"encoding/json"

	"meridian/pkg/protocol"
)

// A Problem says why there is no Result, in the format of RFC 9457. Its type is left
// out, which means about:blank: the status says it all.
type Problem struct {
	// Title says in a few words what is wrong.
	Title string `json:"title"`

	// Status is the HTTP status of the answer.
	Status int `json:"status"`

	// Detail says what is wrong with this request, and what to do.
	Detail string `json:"detail"`

	// Instance is the API's id of the request.
	Instance string `json:"instance,omitzero"`

	// Faults lists every fault of the request. It is an extension of RFC 9457.
	Faults protocol.Faults `json:"faults,omitzero"`

	allow string // the allowed methods, with status 405
}

func (p *Problem) body() string {
	data, err := json.Marshal(p)
	if err != nil {
		panic("trigger: " + err.Error()) // strings and numbers have no errors
	}
	return string(data)
}

func (p *Problem) headers() map[string]string {
	headers := map[string]string{"content-type": "application/problem+json"}
	if p.allow != "" {
		headers["allow"] = p.allow
	}
	return headers
}

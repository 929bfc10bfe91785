package trigger

import (
	"encoding/json"

	"meridian/pkg/protocol"
)

// A problem is why there is no Result, as RFC 9457 has it. Its type is
// about:blank, which need not be said: the status tells it.
type problem struct {
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance,omitzero"` // the API's id of the request

	// Faults lists everything that is wrong with the request: an extension.
	Faults protocol.Faults `json:"faults,omitzero"`

	allow string // the methods that are allowed, with status 405
}

func (p *problem) body() string {
	data, err := json.Marshal(p)
	if err != nil {
		panic("trigger: " + err.Error()) // strings and numbers always encode
	}
	return string(data)
}

func (p *problem) headers() map[string]string {
	headers := map[string]string{"content-type": "application/problem+json"}
	if p.allow != "" {
		headers["allow"] = p.allow
	}
	return headers
}

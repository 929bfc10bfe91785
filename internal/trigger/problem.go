package trigger

import (
	"encoding/json"

	"meridian/pkg/protocol"
)

// A problem says why there is no Result, in the format of RFC 9457. Its type is left
// out, which means about:blank: the status says it all.
type problem struct {
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance,omitzero"` // the API's id of the request

	// Faults lists every fault of the request. It is an extension of RFC 9457.
	Faults protocol.Faults `json:"faults,omitzero"`

	allow string // the allowed methods, with status 405
}

func (p *problem) body() string {
	data, err := json.Marshal(p)
	if err != nil {
		panic("trigger: " + err.Error()) // strings and numbers have no errors
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

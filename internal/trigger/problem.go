package trigger

import (
	"encoding/json"
	"errors"
	"net/http"

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

	// Faults lists every fault of the request, and RunID names the run that does not allow
	// it, or whose answer was lost. They are extensions of RFC 9457.
	Faults protocol.Faults `json:"faults,omitzero"`
	RunID  string          `json:"runId,omitzero"`

	allow string // the allowed methods, with status 405
}

// problemOf returns the problem of an error of a Runner or a Keeper.
func problemOf(err error) *Problem {
	if invalid, ok := errors.AsType[*protocol.InvalidRequestError](err); ok {
		return invalidProblem(invalid.Faults)
	}
	if refused, ok := errors.AsType[Refusal](err); ok {
		return &Problem{
			Title: http.StatusText(refused.HTTPStatus()), Status: refused.HTTPStatus(), Detail: err.Error(), RunID: refused.Run(),
		}
	}
	return &Problem{Title: "The answer was lost", Status: http.StatusInternalServerError, Detail: err.Error(), RunID: runOf(err)}
}

// invalidProblem returns the problem of faults.
func invalidProblem(faults protocol.Faults) *Problem {
	return &Problem{
		Title: "The request is not valid", Status: http.StatusBadRequest,
		Detail: "nothing has been invoked; faults lists every fault", Faults: faults,
	}
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

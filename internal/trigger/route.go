package trigger

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-lambda-go/events"

	"meridian/pkg/protocol"
)

const (
	runsPath = "/runs"
	runPath  = runsPath + "/{id}"
)

// A route is what one method does at a path.
type route struct {
	path, method string
	store        bool // without a store there is nothing there
	handle       func(*Handler, context.Context, *call) (reply, *Problem)
}

func routes() []route {
	return []route{
		{runsPath, http.MethodGet, true, (*Handler).list},
		{runsPath, http.MethodPost, false, (*Handler).run},
		{runPath, http.MethodGet, true, (*Handler).show},
		{runPath + "/events", http.MethodGet, true, (*Handler).events},
		{runPath + "/stop", http.MethodPost, true, (*Handler).stop},
		{runPath + "/resume", http.MethodPost, true, (*Handler).resume},
		{runPath + "/redrive", http.MethodPost, true, (*Handler).redrive},
	}
}

// match reports whether the route has a path, and the id in it.
func (r route) match(path string) (id string, ok bool) {
	before, after, hasID := strings.Cut(r.path, "{id}")
	if !hasID {
		return "", path == r.path
	}
	rest, begins := strings.CutPrefix(path, before)
	id, ends := strings.CutSuffix(rest, after)
	return id, begins && ends && !strings.Contains(id, "/")
}

// A call is one request to the HTTP API.
type call struct {
	request events.APIGatewayV2HTTPRequest
	stage   string // what stands before the path: "/" and the name of the stage, or ""
	runID   string // the id in the path, which is valid
}

// answer answers an HTTP request by its route.
func (h *Handler) answer(ctx context.Context, request events.APIGatewayV2HTTPRequest) (reply, *Problem) {
	c := &call{request: request}
	var path string
	path, c.stage = pathOf(request)
	r, p := c.route(path)
	switch {
	case p != nil:
		return reply{}, p
	case r.store && h.Keeper == nil:
		return reply{}, &Problem{Title: "There is no store", Status: http.StatusNotImplemented, Detail: noStore}
	case strings.HasPrefix(r.path, runPath) && !protocol.ValidRunID(c.runID):
		return reply{}, &Problem{
			Title: "Not found", Status: http.StatusNotFound,
			Detail: fmt.Sprintf("there is no run %q: an id has 26 of 0-9 A-Z without I L O U", c.runID),
		}
	}
	ctx, cancel := context.WithTimeout(ctx, apiBudget)
	defer cancel()
	return r.handle(h, ctx, c)
}

// route returns the route of a request, or the problem that there is none.
func (c *call) route(path string) (route, *Problem) {
	var allowed []string
	for _, r := range routes() {
		id, ok := r.match(path)
		if !ok {
			continue
		}
		if r.method == c.request.RequestContext.HTTP.Method {
			c.runID = id
			return r, nil
		}
		allowed = append(allowed, r.method)
	}
	if allowed == nil {
		return route{}, &Problem{
			Title: "Not found", Status: http.StatusNotFound,
			Detail: fmt.Sprintf("%s is unknown; start a run with POST %s", path, runsPath),
		}
	}
	allow := strings.Join(allowed, ", ")
	return route{}, &Problem{
		Title: "Method not allowed", Status: http.StatusMethodNotAllowed,
		Detail: fmt.Sprintf("%s is not allowed; use %s", c.request.RequestContext.HTTP.Method, allow), allow: allow,
	}
}

// pathOf returns the path without the stage, and the stage: an API with named stages puts
// the stage in front of the path.
func pathOf(request events.APIGatewayV2HTTPRequest) (path, stage string) {
	stage = "/" + request.RequestContext.Stage
	if rest, ok := strings.CutPrefix(request.RawPath, stage); ok && strings.HasPrefix(rest, "/") {
		return rest, stage
	}
	return request.RawPath, ""
}

// location returns the path of a run as the caller sees it.
func (c *call) location(runID string) string { return c.stage + runsPath + "/" + runID }

// header returns the value of a header, or "".
func (c *call) header(name string) string { return header(c.request.Headers, name) }

// body returns the body, or the problem with it.
func (c *call) body() ([]byte, *Problem) {
	body := []byte(c.request.Body)
	if c.request.IsBase64Encoded {
		decoded, err := base64.StdEncoding.DecodeString(c.request.Body)
		if err != nil {
			return nil, &Problem{
				Title: "The body cannot be read", Status: http.StatusBadRequest,
				Detail: "the event says that the body is base64, but it is not",
			}
		}
		body = decoded
	}
	if detail := wrongType(c.request.Headers, body); detail != "" {
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

// object reads the body into the struct that v points to. A route that needs no body has
// one too if the client sends any; without one v stays as it is.
func (c *call) object(v any) *Problem {
	if c.request.Body == "" {
		return nil // and has the type of whatever the client sends by default
	}
	body, p := c.body()
	if p != nil {
		return p
	}
	if faults := protocol.DecodeStrict(body, v); faults != nil {
		return invalidProblem(faults)
	}
	return nil
}

// parameters returns the parameters of the query, and the faults of those that are not
// among the known ones or are given twice. An empty parameter is the same as none.
func (c *call) parameters(known ...string) (map[string]string, protocol.Faults) {
	query, err := url.ParseQuery(c.request.RawQueryString)
	if err != nil {
		return nil, protocol.Faults{{Detail: "the query string is not valid; write % as %25 and ; as %3B"}}
	}
	all, faults := map[string]string{}, protocol.Faults(nil)
	for name, values := range query {
		all[name] = values[0]
		detail := ""
		switch {
		case !slices.Contains(known, name) && known == nil:
			detail = "unknown parameter; there are none here"
		case !slices.Contains(known, name):
			detail = "unknown parameter; known are " + strings.Join(known, ", ")
		case len(values) > 1:
			detail = "given twice"
		default:
			continue
		}
		faults = append(faults, protocol.NewFault(name, values[0], detail))
	}
	slices.SortFunc(faults, func(a, b protocol.Fault) int { return strings.Compare(a.Path, b.Path) })
	return all, protocol.Faults(nil).And(faults) // which has a limit
}

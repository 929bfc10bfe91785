package mcp

import (
	"context"
	"fmt"
	"strings"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"meridian/pkg/protocol"
)

// runURI is what the URI of a kept run begins with.
const runURI = "meridian://runs/"

// addResources adds the kept runs: the newest ones as a list, and each by its id.
func (s *server) addResources(to *sdk.Server) {
	to.AddResourceTemplate(&sdk.ResourceTemplate{
		Name: "run", Title: "A kept run", URITemplate: runURI + "{id}", MIMEType: "application/json",
		Description: "The result of a kept run, by its id, shortened to 60 KB.",
	}, s.readRun)
	to.AddReceivingMiddleware(func(next sdk.MethodHandler) sdk.MethodHandler {
		return func(ctx context.Context, method string, r sdk.Request) (sdk.Result, error) {
			result, err := next(ctx, method, r)
			if list, ok := result.(*sdk.ListResourcesResult); ok && err == nil {
				list.Resources = append(list.Resources, s.listRuns(ctx)...)
			}
			return result, err
		}
	})
}

// listRuns lists the newest runs as resources. A server without a store has none.
func (s *server) listRuns(ctx context.Context) []*sdk.Resource {
	ctx, done := s.begin(ctx, reserve)
	defer done()
	found, err := s.backend.Runs(ctx, RunsInput{Limit: defaultListed})
	if err != nil {
		s.Log.WarnContext(ctx, "kept runs cannot be listed", "error", err)
		return nil
	}
	var list []*sdk.Resource
	for _, run := range found.Runs {
		list = append(list, &sdk.Resource{
			URI: runURI + run.RunID, MIMEType: "application/json", Name: run.RunID,
			Title:       strings.TrimSpace(run.Name + " " + string(run.Status)),
			Description: fmt.Sprintf("started at %s, %d of %s succeeded", run.StartedAt.UTC().Format(time.RFC3339), run.Regions.Succeeded, count(run.Regions.Total, "Region")),
		})
	}
	return list
}

// readRun returns the result of a run, or the protocol's error for a resource that is not there.
func (s *server) readRun(ctx context.Context, r *sdk.ReadResourceRequest) (*sdk.ReadResourceResult, error) {
	id, _ := strings.CutPrefix(r.Params.URI, runURI)
	if !protocol.ValidRunID(id) {
		return nil, sdk.ResourceNotFoundError(r.Params.URI)
	}
	ctx, done := s.begin(ctx, s.Timeout)
	defer done()
	var found bool
	result, err := read(ctx, s, func() (r protocol.Result, err error) {
		r, found, err = s.backend.Result(ctx, id)
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("read run %s: %w", id, err)
	}
	if !found {
		return nil, sdk.ResourceNotFoundError(r.Params.URI)
	}
	data, err := protocol.Fit(&result, MaxAnswerBytes)
	if err != nil {
		return nil, fmt.Errorf("run %s: %w; use the tool show", id, err)
	}
	return &sdk.ReadResourceResult{Contents: []*sdk.ResourceContents{{URI: r.Params.URI, MIMEType: "application/json", Text: string(data)}}}, nil
}

package mcp

import (
	"context"
	"encoding/json"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"meridian/pkg/protocol"
)

// A Plan says what a run would do.
type Plan struct {
	Task           string   `json:"task,omitzero" jsonschema:"the task"`
	Function       string   `json:"function,omitzero" jsonschema:"the function that does the work instead"`
	Targets        int      `json:"targets" jsonschema:"how many targets there are, over all Regions"`
	Invocations    int      `json:"invocations" jsonschema:"how many invocations of a worker they take"`
	MaxConcurrency int      `json:"maxConcurrency" jsonschema:"how many of them are in flight at once"`
	TimeoutSeconds float64  `json:"timeoutSeconds,omitzero" jsonschema:"how long the run may take"`
	Notices        []string `json:"notices,omitzero" jsonschema:"limits that change how the run is done"`
	Page

	// Summary says the same in a few lines, and Regions are the rows of the page.
	Summary string            `json:"-"`
	Regions []json.RawMessage `json:"-"`
}

// text implements output.
func (p Plan) text() string { return clip(p.Summary, maxSummaryBytes) + p.Cut }

// addRuns adds the tools that run something, or say what a run would do.
func (s *server) addRuns(to *sdk.Server) {
	add(s, to, sdk.Tool{
		Name: "call",
		Description: "Call operations of any AWS API in many Regions at once, and get the answers as rows. " +
			"A row is one element of an answer with its region (and account, and target if there are several operations), or an error in its place. " +
			"Only operations that read and hand out no secrets, unless the server allows others. One call asks all Regions.",
		Annotations: s.acts("Call AWS in every Region"),
	}, func(ctx context.Context, r *sdk.CallToolRequest, in CallInput) (Answer, error) {
		request, err := in.request()
		if err != nil {
			return Answer{}, err
		}
		answer, err := s.run(ctx, r, request, in.Selection)
		return answer, asArguments(err)
	})
	arguments := schemaOf[RunInput]()
	arguments.Properties["task"].Description += "\n" + strings.Join(s.Tasks, "\n")
	add(s, to, sdk.Tool{
		Name: "run", InputSchema: arguments,
		Description: "Run a task on targets in many Regions at once, or a Lambda function that the server allows. " +
			"Only work that may be done twice, unless the server allows more. Use call for AWS operations.",
		Annotations: s.acts("Run a task in every Region"),
	}, func(ctx context.Context, r *sdk.CallToolRequest, in RunInput) (Answer, error) {
		return s.run(ctx, r, in.request(), in.Selection)
	})
	add(s, to, sdk.Tool{
		Name:        "plan",
		Description: "Say what run would do with the same arguments: Regions, targets, invocations, what would be skipped. Nothing is invoked.",
		Annotations: reads("Plan a run"),
	}, s.plan)
}

// run runs a request and tells the client how far it is.
func (s *server) run(ctx context.Context, r *sdk.CallToolRequest, request protocol.Request, selection Selection) (Answer, error) {
	maxRows, err := s.limited(selection.MaxRows)
	if err != nil {
		return Answer{}, err
	}
	if request, err = s.bounded(request); err != nil {
		return Answer{}, err
	}
	leave, err := enter(ctx, s.running)
	if err != nil {
		return Answer{}, err
	}
	defer leave()
	watch := newProgress(ctx, r)
	defer watch.stop()
	listing, err := s.backend.Run(ctx, request, selection, watch.event)
	if err != nil {
		return Answer{}, err
	}
	return answerOf(listing, 0, maxRows)
}

// plan says what a run would do.
func (s *server) plan(ctx context.Context, _ *sdk.CallToolRequest, in RunInput) (Plan, error) {
	maxRows, err := s.limited(in.MaxRows)
	if err != nil {
		return Plan{}, err
	}
	request, err := s.bounded(in.request())
	if err != nil {
		return Plan{}, err
	}
	plan, err := read(ctx, s, func() (Plan, error) { return s.backend.Plan(ctx, request) })
	if err != nil {
		return Plan{}, err
	}
	plan.Notices = plan.Notices[:min(len(plan.Notices), maxNotices)]
	plan.Page, err = pageOf(plan.Regions, 0, maxRows, "plan fewer Regions or accounts to see them")
	return plan, err
}

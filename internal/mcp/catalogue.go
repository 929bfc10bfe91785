package mcp

import (
	"cmp"
	"context"
	"encoding/json"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"meridian/pkg/protocol"
)

// OperationsInput are the arguments of the tool "operations".
type OperationsInput struct {
	Operation string `json:"operation,omitzero" jsonschema:"Describe this operation, such as ec2:DescribeVpcs: its input and output. Leave it out to list operations."`
	Service   string `json:"service,omitzero" jsonschema:"List only the operations of the service with this id, such as ec2, with what kind they are."`
	Search    string `json:"search,omitzero" jsonschema:"List only the operations with all of these words in their name."`
	Depth     int    `json:"depth,omitzero" zero:"want 1 to 10" jsonschema:"Describe structures in structures down to this many levels, 1 to 10. The default is 3."`
	Offset    int    `json:"offset,omitzero" jsonschema:"Leave out this many rows at the beginning."`
	MaxRows   int    `json:"maxRows,omitzero" zero:"leave it out for as many as fit" jsonschema:"At most this many rows in the answer."`
}

// An Operation is a row of a list of operations.
type Operation struct {
	Operation string `json:"operation"`
	Kind      string `json:"kind,omitzero"`
}

// An Outline describes an operation.
type Outline struct {
	Operation  string   `json:"operation,omitzero" jsonschema:"the operation that is described"`
	Kind       string   `json:"kind,omitzero" jsonschema:"whether it reads, reads secrets, or changes something"`
	Repeatable bool     `json:"repeatable,omitzero" jsonschema:"whether calling it again has no further effect"`
	Results    []string `json:"results,omitzero" jsonschema:"the members of the output that have the items of all pages, for a query"`

	// Members are the members of the input and of the output.
	Members []Member `json:"-"`
}

// A Member is a member of an operation's input or output, at any depth.
type Member struct {
	Of       string `json:"of"`   // input or output
	Name     string `json:"name"` // with the structures that it is in: Filters[].Name
	Type     string `json:"type"`
	Required bool   `json:"required,omitzero"`
}

// Operations is the answer of the tool "operations": a list, or one operation with a row for each
// member.
type Operations struct {
	Outline
	Page
}

// RegionsInput are the arguments of the tool "regions".
type RegionsInput struct {
	Partition string `json:"partition,omitzero" jsonschema:"List only the Regions of this partition, such as aws or aws-cn."`
	Service   string `json:"service,omitzero" jsonschema:"List only the Regions that AWS lists for the service with this id."`
}

// A Region is a row of a list of Regions.
type Region struct {
	Region      string `json:"region"`
	Partition   string `json:"partition"`
	OptIn       bool   `json:"optIn"`
	Description string `json:"description,omitzero"`
}

// maxDepth bounds OperationsInput.Depth, and defaultDepth is its default: an answer of EC2 has its
// resources three levels down.
const (
	maxDepth     = 10
	defaultDepth = 3
)

// addCatalogue adds the tools that list what can be asked, and where.
func (s *server) addCatalogue(to *sdk.Server) {
	add(s, to, sdk.Tool{
		Name: "operations",
		Description: "Find operations of AWS that call can call, or describe one: a row for each member of its input and output, which says how to write input and query. " +
			"Asks nothing of AWS.",
		Annotations: reads("Find AWS operations"),
	}, s.operations)
	add(s, to, sdk.Tool{
		Name:        "regions",
		Description: "List the AWS Regions, or those in which a service is listed. Asks nothing of AWS; it does not know which Regions are enabled in an account.",
		Annotations: reads("List Regions"),
	}, func(_ context.Context, _ *sdk.CallToolRequest, in RegionsInput) (Page, error) {
		regions, err := s.backend.Regions(in.Partition, in.Service)
		if err != nil {
			return Page{}, err
		}
		rows, err := Rows(regions)
		if err != nil {
			return Page{}, err
		}
		return pageOf(rows, 0, s.MaxRows, "set partition or service")
	})
}

// operations lists operations or describes one.
func (s *server) operations(_ context.Context, _ *sdk.CallToolRequest, in OperationsInput) (Operations, error) {
	var answer Operations
	maxRows, err := s.limited(in.MaxRows)
	if err != nil {
		return answer, err
	}
	var rows []json.RawMessage
	rest := "call operations again with offset %d, a service or another word to search"
	if in.Operation != "" {
		if in.Service != "" || in.Search != "" {
			return answer, protocol.Faults{protocol.NewFault("operation", in.Operation, "describes one operation; leave out service and search")}.Err()
		}
		if in.Depth < 0 || in.Depth > maxDepth {
			return answer, protocol.Faults{protocol.OutOfRangeFault("depth", float64(in.Depth), 1, maxDepth)}.Err()
		}
		if answer.Outline, err = s.backend.Operation(in.Operation, cmp.Or(in.Depth, defaultDepth)); err == nil {
			rows, err = Rows(answer.Members)
		}
		rest = "call operations again with offset %d, or with a smaller depth"
	} else {
		if in.Depth != 0 {
			return answer, protocol.Faults{protocol.NewFault("depth", in.Depth, "is for operation, which is missing")}.Err()
		}
		var listed []Operation
		if listed, err = s.backend.Operations(in.Service, in.Search); err == nil {
			rows, err = Rows(listed)
		}
	}
	if err != nil {
		return answer, err
	}
	answer.Page, err = pageOf(rows, in.Offset, maxRows, rest)
	return answer, err
}

// text implements output.
func (o Operations) text() string {
	if o.Operation != "" {
		return o.Operation + ": " + o.Kind + ", " + o.Page.text()
	}
	return o.Page.text()
}

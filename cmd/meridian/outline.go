package main

import (
	"strings"

	"meridian/internal/awsapi/model"
)

// outlineDepth is the default depth of an outline. An answer of EC2 has its resources
// three levels down.
const outlineDepth = 3

// An operationOutline is an operation in the output of "operations service:Operation".
type operationOutline struct {
	Operation string `json:"operation"`
	Kind      string `json:"kind"`

	// Repeatable says that calling it again has no further effect.
	Repeatable bool `json:"repeatable"`

	// Results are the members of the output in which the items of all pages are. Nil
	// means that there is one page only.
	Results []string `json:"results,omitzero"`

	Input  []memberOutline `json:"input"`
	Output []memberOutline `json:"output"`
}

// A memberOutline is a member of a structure.
type memberOutline struct {
	Member   string          `json:"member"`
	Type     string          `json:"type"`
	Required bool            `json:"required,omitzero"`
	Members  []memberOutline `json:"members,omitzero"`
}

// outlineOf returns the outline of members.
func outlineOf(fields []model.Field) []memberOutline {
	members := []memberOutline{}
	for _, f := range fields {
		m := memberOutline{Member: f.Name, Type: f.Type, Required: f.Required}
		if f.Fields != nil {
			m.Members = outlineOf(f.Fields)
		}
		members = append(members, m)
	}
	return members
}

// describeOperation prints the outline of an operation.
func (c *cli) describeOperation(name string, depth int, output format) error {
	op, err := lookUpOperation(name)
	if err != nil {
		return err
	}
	o := operationOutline{
		Operation: op.Service + ":" + op.Name, Kind: kindOf(op), Repeatable: op.Idempotent(nil),
		Input: outlineOf(op.InputFields(max(1, depth))), Output: outlineOf(op.OutputFields(max(1, depth))),
	}
	if op.Pages != nil {
		o.Results = op.Pages.Results
	}
	if output == formatJSON {
		return c.printJSON(o)
	}
	if err := c.print("%s: %s\n", o.Operation, o.Kind); err != nil {
		return err
	}
	if o.Results != nil {
		if err := c.print("its pages are read to the end; their items are in %s\n", strings.Join(o.Results, ", ")); err != nil {
			return err
		}
	}
	rows := [][]string{{""}, {"INPUT", "TYPE"}}
	rows = append(outlineRows(rows, o.Input, "  "), []string{""}, []string{"OUTPUT", "TYPE"})
	return c.printColumns(outlineRows(rows, o.Output, "  "))
}

// outlineRows adds a line for each member, indented by the structures that it is in.
func outlineRows(rows [][]string, members []memberOutline, indent string) [][]string {
	if len(members) == 0 {
		return append(rows, []string{indent + "(none)"})
	}
	for _, m := range members {
		row := []string{indent + m.Member, m.Type}
		if m.Required {
			row = append(row, "required")
		}
		rows = append(rows, row)
		if m.Members != nil {
			rows = outlineRows(rows, m.Members, indent+"  ")
		}
	}
	return rows
}

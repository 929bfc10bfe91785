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

	// Results are the members of the output that have the items of all pages. Nil means
	// that there is one page only.
	Results []string `json:"results,omitzero"`

	// Input and Output are not nil, so that an operation without them has empty lists.
	Input  []model.Field `json:"input"`
	Output []model.Field `json:"output"`
}

// outlineOf returns the outline of an operation.
func outlineOf(name string, depth int) (operationOutline, error) {
	op, err := lookUpOperation(name)
	if err != nil {
		return operationOutline{}, err
	}
	o := operationOutline{
		Operation: op.Service + ":" + op.Name, Kind: kindOf(op), Repeatable: op.Idempotent(nil),
		Input: append([]model.Field{}, op.InputFields(max(1, depth))...), Output: append([]model.Field{}, op.OutputFields(max(1, depth))...),
	}
	if op.Pages != nil {
		o.Results = op.Pages.Results
	}
	return o, nil
}

// describeOperation prints the outline of an operation.
func (c *cli) describeOperation(name string, depth int, output format) error {
	o, err := outlineOf(name, depth)
	if err != nil {
		return err
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
func outlineRows(rows [][]string, fields []model.Field, indent string) [][]string {
	if len(fields) == 0 {
		return append(rows, []string{indent + "(none)"})
	}
	for _, f := range fields {
		row := []string{indent + f.Name, f.Type}
		if f.Required {
			row = append(row, "required")
		}
		rows = append(rows, row)
		if f.Fields != nil {
			rows = outlineRows(rows, f.Fields, indent+"  ")
		}
	}
	return rows
}

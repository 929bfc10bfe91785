package mcp

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// Where are the arguments that say where to run.
type Where struct {
	// Regions, ExcludeRegions and Partition have the meaning that they have in a request.
	Regions        []string `json:"regions,omitzero" max:"200" jsonschema:"The Regions to run in: names such as eu-west-1 and globs such as eu-*. * is every Region that needs no opt-in, all is every Region, enabled is every Region that is enabled in the account. Leave it out for all Regions that the server allows by default."`
	ExcludeRegions []string `json:"excludeRegions,omitzero" max:"200" jsonschema:"Names and globs of Regions to leave out."`
	Partition      string   `json:"partition,omitzero" jsonschema:"The partition in which globs match, such as aws-cn. The default is aws."`

	// Accounts are ids, and Organization takes every account of the organization. The server has
	// the role.
	Accounts     []string `json:"accounts,omitzero" max:"1000" jsonschema:"Ids of AWS accounts to run in, 12 digits each. Only if the server was started with --role: it assumes that role in each. The default is the account of the server's credentials."`
	Organization bool     `json:"organization,omitzero" jsonschema:"Run in every active account of the AWS organization. Only if the server was started with --role."`
}

// Selection are the arguments that say which rows to list.
type Selection struct {
	Columns []string `json:"columns,omitzero" max:"100" jsonschema:"The columns of the rows, in order. The default is all."`
	Sort    []string `json:"sort,omitzero" max:"100" jsonschema:"The columns to sort the rows by. A - before a name reverses the order."`
	CountBy []string `json:"countBy,omitzero" max:"100" jsonschema:"Count the rows with the same values in these columns, such as region, instead of listing them."`
	MaxRows int      `json:"maxRows,omitzero" zero:"leave it out for as many as fit" jsonschema:"At most this many rows in the answer. The default is as many as fit."`
}

// CallInput are the arguments of the tool "call".
type CallInput struct {
	Operations []string        `json:"operations" max:"100" jsonschema:"The operations to call in each Region, such as ec2:DescribeVpcs. The tool operations finds them. Only those that read, and hand out no secrets, are allowed, unless the server was started with --allow for others."`
	Input      json.RawMessage `json:"input,omitzero" jsonschema:"The input of each operation, as an object. {region} and {account} in its texts are replaced."`
	Query      string          `json:"query,omitzero" jsonschema:"A JMESPath expression for the answer, all pages together, such as Vpcs[].{id: VpcId, cidr: CidrBlock}. A list becomes a row for each element. The default is the whole answer."`
	MaxPages   int             `json:"maxPages,omitzero" zero:"want 1 to 10000" jsonschema:"Read at most this many pages of an answer, 1 to 10000. The default is 100."`
	Where
	Selection
	TimeoutSeconds float64 `json:"timeoutSeconds,omitzero" zero:"leave it out for the server's limit" jsonschema:"How long the run may take. Regions without an answer by then are in the result as timed out. At most, and by default, the server's --timeout."`
}

// callParameters are the parameters of the task "call" that the tool sets.
type callParameters struct {
	Input    json.RawMessage `json:"input,omitzero"`
	Query    string          `json:"query,omitzero"`
	MaxPages int             `json:"maxPages,omitzero"`
}

// request returns the request of the arguments.
func (in CallInput) request() (protocol.Request, error) {
	if len(in.Operations) == 0 {
		return protocol.Request{}, protocol.Faults{{Path: "operations", Detail: "is missing; name the operations to call, such as ec2:DescribeVpcs"}}.Err()
	}
	r := protocol.Request{Task: "call", Targets: protocol.Targets(in.Operations...), TimeoutSeconds: in.TimeoutSeconds}
	var err error
	r.Parameters, err = json.Marshal(callParameters{in.Input, in.Query, in.MaxPages})
	in.apply(&r)
	return r, err //nolint:wrapcheck // cannot happen: they were decoded from JSON
}

// RunInput are the arguments of the tools "run" and "plan".
type RunInput struct {
	Task       string            `json:"task,omitzero" jsonschema:"The kind of work for each target. The default is resolve."`
	Parameters json.RawMessage   `json:"parameters,omitzero" jsonschema:"The parameters of the task, as an object."`
	Targets    []protocol.Target `json:"targets,omitzero" max:"10000" jsonschema:"What the task works on in each Region: ids of services such as dynamodb for resolve and probe, operations for call. * is every service that is listed in the Region. A target is a name, or an object with name and input. The default is the task's own."`
	Worker     *Worker           `json:"worker,omitzero" jsonschema:"A Lambda function that does the work instead of a task. Only functions that the server was started with --allow-function for."`
	Where
	Name                  string  `json:"name,omitzero" jsonschema:"A name for the run, by which runs and diff find the series it belongs to."`
	MaxConcurrency        int     `json:"maxConcurrency,omitzero" jsonschema:"At most this many invocations at once. The default is all of them."`
	TargetMaxConcurrency  int     `json:"targetMaxConcurrency,omitzero" jsonschema:"At most this many targets at once in each Region."`
	ToleratedFailureCount int     `json:"toleratedFailureCount,omitzero" jsonschema:"How many Regions may fail before the run counts as failed. The default is none."`
	MinSuccessful         int     `json:"minSuccessful,omitzero" jsonschema:"Stop as soon as this many Regions have succeeded."`
	FailFast              bool    `json:"failFast,omitzero" jsonschema:"Stop as soon as more Regions have failed than are tolerated."`
	TargetTimeoutSeconds  float64 `json:"targetTimeoutSeconds,omitzero" jsonschema:"How long one attempt of a target may take."`
	TimeoutSeconds        float64 `json:"timeoutSeconds,omitzero" zero:"leave it out for the server's limit" jsonschema:"How long the run may take. At most, and by default, the server's --timeout."`
	Selection
}

// A Worker is a function that does the work of a run.
type Worker struct {
	Function  string             `json:"function" jsonschema:"The name of the function, as the server was started with."`
	Placement protocol.Placement `json:"placement,omitzero" jsonschema:"home for one function that serves every Region, regional for one of the same name in each Region. The default is home."`
	Payload   json.RawMessage    `json:"payload,omitzero" jsonschema:"What the function is invoked with, as an object. {region}, {account}, {target} and {target.input} in its texts are replaced."`
}

// request returns the request of the arguments.
func (in RunInput) request() protocol.Request {
	r := protocol.Request{
		Task: in.Task, Parameters: in.Parameters, Targets: in.Targets, Name: in.Name,
		MaxConcurrency: in.MaxConcurrency, TargetMaxConcurrency: in.TargetMaxConcurrency,
		MinSuccessful: in.MinSuccessful, FailFast: in.FailFast,
		TargetTimeoutSeconds: in.TargetTimeoutSeconds, TimeoutSeconds: in.TimeoutSeconds,
	}
	if in.ToleratedFailureCount != 0 {
		r.ToleratedFailureCount = &in.ToleratedFailureCount
	}
	if in.Worker != nil {
		r.Worker = &protocol.Worker{Function: in.Worker.Function, Placement: in.Worker.Placement, Payload: in.Worker.Payload}
	}
	in.apply(&r)
	return r
}

// apply sets the fields of a request.
func (w Where) apply(r *protocol.Request) {
	r.Regions, r.ExcludeRegions, r.Partition = w.Regions, w.ExcludeRegions, w.Partition
	if w.Organization {
		r.Organization = &protocol.Organization{}
	}
	if w.Accounts != nil {
		r.Accounts = []protocol.Account{} // an empty list is refused: it does not mean the server's account
	}
	for _, id := range w.Accounts {
		r.Accounts = append(r.Accounts, protocol.Account{ID: id})
	}
}

// bounded returns the request with a time limit, or the fault of one that is too long.
func (s *server) bounded(r protocol.Request) (protocol.Request, error) {
	most := s.Timeout.Seconds()
	if r.TimeoutSeconds < 0 {
		return r, protocol.Faults{protocol.NewFault("timeoutSeconds", r.TimeoutSeconds, "out of range; want more than 0, or leave it out for the server's limit")}.Err()
	}
	if r.TimeoutSeconds > most {
		return r, protocol.Faults{protocol.NewFault("timeoutSeconds", r.TimeoutSeconds,
			"is too long; this server was started with --timeout "+s.Timeout.Round(time.Millisecond).String())}.Err()
	}
	if r.TimeoutSeconds == 0 {
		r.TimeoutSeconds = most
	}
	return r, nil
}

// asArguments returns an error of the request of the tool "call" with the names of its arguments.
func asArguments(err error) error {
	invalid, ok := errors.AsType[*protocol.InvalidRequestError](err)
	if !ok {
		return err
	}
	faults := make(protocol.Faults, len(invalid.Faults))
	for i, fault := range invalid.Faults {
		if rest, isTarget := strings.CutPrefix(fault.Path, "targets"); isTarget {
			fault.Path = "operations" + rest
		}
		fault.Detail = strings.ReplaceAll(fault.Detail, "targets[", "operations[") // where a name was listed before
		fault.Path = strings.TrimPrefix(fault.Path, "parameters.")
		faults[i] = fault
	}
	return faults.Err()
}

package task

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

var _ = registerConfigured("call", "call an operation of an AWS API", newCall, CallsAWS)

// CallParameters are the parameters of the task "call". The targets are operations, such
// as "ec2:DescribeVpcs".
type CallParameters struct {
	// Input is the input of each operation. "{region}" in its texts is replaced by the
	// Region, and "{account}" by the id of the account that the credentials belong to. Nil
	// means none.
	Input json.RawMessage `json:"input,omitzero" help:"the operation's input, with {region} and {account} replaced (default none)"`

	// Query is a JMESPath expression for the answer, of all pages together. Empty means
	// the whole answer.
	Query string `json:"query,omitzero" help:"a JMESPath expression for the answer (default all of it)"`

	// MaxPages limits the pages of an answer, 1 to 10,000. Zero means 100.
	MaxPages int `json:"maxPages,omitzero" zero:"want 1 to 10000" help:"how many pages are read, 1 to 10000 (default 100)"`

	// MaxRows limits the items of a result that is a list. Zero means no limit.
	MaxRows int `json:"maxRows,omitzero" zero:"leave it out for no limit" help:"how many items of the result are kept (default all)"`

	// MaxBytes limits what is read of an answer, all pages together, up to 64 MiB. Zero
	// means 16 MiB. The worker's memory limits it, too.
	MaxBytes int `json:"maxBytes,omitzero" zero:"want 1 to 67108864" help:"how many bytes of an answer are read, up to 64 MiB (default 16 MiB; a worker's memory may allow less)"`

	query      *query
	operations map[string]*model.Operation // those looked up so far, by target
	input      map[string]any
	ofAccount  bool // whether the input has the account's placeholder
}

// The largest values of the limits.
const (
	maxCallPages = 10_000
	maxCallRows  = 1_000_000
	maxCallBytes = 64 << 20
)

// Check implements [Checker].
func (p *CallParameters) Check() protocol.Faults {
	var faults protocol.Faults
	limit := func(path string, value, most int) {
		if value < 0 || value > most {
			faults = append(faults, protocol.NewFault(path, value, fmt.Sprintf("out of range; want 1 to %d", most)))
		}
	}
	limit("maxPages", p.MaxPages, maxCallPages)
	limit("maxRows", p.MaxRows, maxCallRows)
	limit("maxBytes", p.MaxBytes, maxCallBytes)
	var problem string
	if p.query, problem = compile(p.Query); problem != "" {
		faults = append(faults, protocol.NewFault("query", p.Query, problem))
	}
	if p.Input == nil {
		return faults
	}
	var twice protocol.Faults
	if p.input, twice = model.ParseInput(p.Input); p.input == nil {
		faults = append(faults, protocol.NewFault("input", p.Input, `want an object, as in {"MaxResults": 5}`))
	}
	p.ofAccount = !reflect.DeepEqual(p.input, fillIn(p.input, strings.NewReplacer(accountPlaceholder, "")))
	return faults.And(twice.Within("input"))
}

// DefaultTarget implements [Targeter]: GetCallerIdentity needs no permission.
func (*CallParameters) DefaultTarget() string { return "sts:GetCallerIdentity" }

// operation returns the operation of a target, or what is wrong with it. It keeps
// operations: a look-up takes up to a millisecond.
func (p *CallParameters) operation(target string) (*model.Operation, string) {
	if op := p.operations[target]; op != nil {
		return op, ""
	}
	op, problem := lookUpOperation(target)
	if op != nil {
		if p.operations == nil {
			p.operations = map[string]*model.Operation{}
		}
		p.operations[target] = op
	}
	return op, problem
}

// CheckRequest implements [RequestChecker]: every target is an operation, and takes the
// input. The answer of a single one has what the query asks for; with several, a query may
// ask for what only some have.
func (p *CallParameters) CheckRequest(targets []string) protocol.Faults {
	var faults protocol.Faults
	input, _ := fillIn(p.input, strings.NewReplacer(regionPlaceholder, "us-east-1", accountPlaceholder, "111122223333")).(map[string]any)
	for i, target := range targets {
		if len(faults) > maxFaults {
			break
		}
		op, problem := p.operation(target)
		if problem != "" {
			faults = append(faults, protocol.NewFault(fmt.Sprintf("targets[%d]", i), target, problem))
			continue
		}
		if p.Input != nil && p.input == nil {
			continue // Check has returned a fault
		}
		of := ""
		if len(targets) > 1 {
			of = target + ": "
		}
		for _, fault := range op.Check(input).Within("parameters.input") {
			fault.Detail = of + fault.Detail
			faults = append(faults, fault)
		}
		if p.query != nil && len(targets) == 1 {
			if missing := p.query.missingMember(op); missing != "" {
				faults = append(faults, protocol.NewFault("parameters.query", p.Query, missing))
			}
		}
	}
	return faults
}

// Repeatable implements [Repeater]: each operation only reads, may be called twice, or has
// a token that tells AWS that a second call is the same one.
func (p *CallParameters) Repeatable(targets []string) bool {
	for _, target := range targets {
		op, _ := p.operation(target)
		if op == nil || !op.Idempotent(op.WithTokens(p.input, func() string { return "token" })) {
			return false
		}
	}
	return true
}

// SecretTarget implements [Secretive].
func (p *CallParameters) SecretTarget(target string) bool {
	op, _ := p.operation(target)
	return op != nil && op.HandsOutSecrets()
}

// OmitTarget implements [Omitter]: a service that is not listed in a Region is asked there
// only when the request names the Region, and one answer for all Regions is asked for once.
func (p *CallParameters) OmitTarget(region string, named bool, target string, earlier []string) (reason string) {
	op, _ := p.operation(target)
	if op == nil {
		return ""
	}
	found, err := endpoints.Resolve(op.Service, region, endpoints.Variant{})
	if _, unlisted := err.(endpoints.NotInRegionError); unlisted && !named { //nolint:errorlint // Resolve returns it as it is
		return fmt.Sprintf("%s is not listed in %s; name the Region to ask it all the same", op.Service, region)
	}
	if !(awsapi.Endpoints{}).Once(op, region) {
		return ""
	}
	for _, other := range earlier {
		if partition, _ := endpoints.PartitionOf(other); partition.ID == found.Partition {
			return fmt.Sprintf("%s has the same answer in every Region; it is asked in %s", target, other)
		}
	}
	return ""
}

// accountPlaceholder stands for the id of the account in the texts of an input.
const accountPlaceholder = "{account}"

// filled returns the input for a Region and an account, with tokens. Every attempt at a
// target in a run has the same tokens.
func (p *CallParameters) filled(op *model.Operation, runID, region, account, target string) map[string]any {
	input, _ := fillIn(p.input, strings.NewReplacer(regionPlaceholder, region, accountPlaceholder, account)).(map[string]any)
	n := 0
	return op.WithTokens(input, func() string {
		n++
		sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%s\n%s\n%d", runID, region, target, n))
		return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16]) // in the form of a UUID
	})
}

// fillIn returns a value with the placeholders in its texts replaced.
func fillIn(v any, r *strings.Replacer) any {
	switch v := v.(type) {
	case string:
		return r.Replace(v)
	case []any:
		filled := make([]any, len(v))
		for i := range v {
			filled[i] = fillIn(v[i], r)
		}
		return filled
	case map[string]any:
		filled := make(map[string]any, len(v))
		for key := range v {
			filled[key] = fillIn(v[key], r)
		}
		return filled
	default:
		return v
	}
}

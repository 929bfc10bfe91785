package task

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

var _ = register("resolve", "look up the endpoint of a service in the Region", resolve, Idempotent)

// ResolveParameters are the parameters of the task "resolve".
type ResolveParameters struct {
	services

	// FIPS selects the endpoint with FIPS 140 validated cryptography.
	FIPS bool `json:"fips,omitzero" help:"resolve the endpoint with FIPS 140 validated cryptography"`

	// DualStack selects the endpoint with IPv4 and IPv6 addresses.
	DualStack bool `json:"dualStack,omitzero" help:"resolve the endpoint with IPv4 and IPv6 addresses"`
}

// A ResolveOutput describes the endpoint of a service.
type ResolveOutput struct {
	// Message is the line for a person.
	Message string `json:"message"`

	// Host is the endpoint's host name.
	Host string `json:"host,omitzero"`

	// Partition is the partition of the Region, as in "aws".
	Partition string `json:"partition,omitzero"`

	// SigningRegion is the Region to sign requests for.
	SigningRegion string `json:"signingRegion,omitzero"`

	// Global says whether the same host serves the whole partition.
	Global bool `json:"global,omitzero"`
}

// Rows implements [Lister].
func (o *ResolveOutput) Rows() (columns []string, rows []map[string]json.RawMessage) {
	return oneRow(o, "host", "partition", "signingRegion", "global")
}

// resolve looks up the endpoint of the service that the target names. It skips a
// service that is not listed in the Region, or has no such endpoint there.
func resolve(_ context.Context, in Input[ResolveParameters]) (ResolveOutput, error) {
	return lookUp(in.Region, in.Target.Name, in.Parameters.variant())
}

// SkipTarget implements [Skipper].
func (p *ResolveParameters) SkipTarget(region, target string) (reason string) {
	return absence(region, target, p.variant())
}

func (p *ResolveParameters) variant() endpoints.Variant {
	return endpoints.Variant{FIPS: p.FIPS, DualStack: p.DualStack}
}

// absence returns why a service is skipped in a Region, or "".
func absence(region, service string, v endpoints.Variant) (reason string) {
	_, err := lookUp(region, service, v)
	if skip, ok := errors.AsType[*SkipError](err); ok {
		return skip.Reason
	}
	return ""
}

func lookUp(region, service string, v endpoints.Variant) (ResolveOutput, error) {
	e, err := endpoints.Resolve(service, region, v)
	_, unlisted := errors.AsType[endpoints.NotInRegionError](err)
	if _, none := errors.AsType[endpoints.NoEndpointError](err); none || unlisted {
		return ResolveOutput{}, Skip("%v", err)
	}
	if err != nil {
		return ResolveOutput{}, err
	}
	return ResolveOutput{
		Message:       fmt.Sprintf("endpoint for %s is %s", region, e.Host),
		Host:          e.Host,
		Partition:     e.Partition,
		SigningRegion: e.SigningRegion,
		Global:        e.Global,
	}, nil
}

// services makes a task's parameters check that each target is an AWS service.
type services struct{}

// CheckTarget implements [TargetChecker].
func (services) CheckTarget(target string) (problem string) {
	if _, known := endpoints.ServiceID(target); known {
		return ""
	}
	return protocol.UnknownFault("", target, "a service", endpoints.AllServices()).Detail
}

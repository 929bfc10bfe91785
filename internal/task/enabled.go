package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

var _ = register(protocol.EnabledRegionsTask, "list the Regions that are enabled in the account", enabledRegions, Idempotent, CallsAWS)

// enabledRegions is the function of the task "enabled-regions". Its target is only a label.
// The coordinator runs it for a request for the Regions "enabled".
func enabledRegions(ctx context.Context, in Input[struct{}]) (protocol.EnabledRegionsOutput, error) {
	return in.AWS.listEnabled(ctx, in.Region)
}

// listEnabled asks AWS for the enabled Regions of the partition of a Region: the account
// service, or if that fails, or takes half of the time, EC2 in the Region. The operator need
// not allow that: the request does not choose it.
func (a *AWS) listEnabled(ctx context.Context, region string) (protocol.EnabledRegionsOutput, error) {
	first, cancel := ctx, context.CancelFunc(func() {})
	if deadline, ok := ctx.Deadline(); ok {
		first, cancel = context.WithTimeout(ctx, time.Until(deadline)/2)
	}
	defer cancel()
	out, err := a.listWith(first, region, "account:ListRegions", "RegionOptStatus", map[string]any{
		"RegionOptStatusContains": []any{"ENABLED", "ENABLED_BY_DEFAULT"},
	})
	if err == nil || ctx.Err() != nil {
		return out, err
	}
	out, second := a.listWith(ctx, region, "ec2:DescribeRegions", "OptInStatus", nil)
	if second == nil {
		return out, nil
	}
	failed := &CallError{Name: protocol.ErrorTaskFailed, Err: plain(second)}
	if err.Error() != second.Error() {
		failed.Err = fmt.Errorf("account:ListRegions: %s; ec2:DescribeRegions: %w", err, failed.Err) //nolint:errorlint // the second decides
	}
	if called, ok := errors.AsType[*CallError](second); ok {
		failed.Name, failed.transient = called.Name, called.transient
	}
	return out, failed
}

// listWith asks AWS with an operation that lists Regions, each with a status.
func (a *AWS) listWith(ctx context.Context, region, target, status string, input map[string]any) (protocol.EnabledRegionsOutput, error) {
	out := protocol.EnabledRegionsOutput{Regions: []string{}, Source: target}
	list, err := a.list(ctx, region, target, "Regions", input)
	if err != nil {
		return out, err
	}
	for _, found := range list {
		name, _ := found["RegionName"].(string)
		switch found[status] {
		case "ENABLED", "ENABLED_BY_DEFAULT", "opted-in", "opt-in-not-required", nil:
			out.Regions = append(out.Regions, name)
		}
	}
	slices.Sort(out.Regions)
	out.Message = fmt.Sprintf("Regions enabled in the account: %d, says %s", len(out.Regions), target)
	return out, nil
}

// enabledIn returns the enabled Regions of the partition of a Region, as they were at most
// a minute ago.
func (a *AWS) enabledIn(ctx context.Context, region string) (protocol.EnabledRegionsOutput, error) {
	partition, _ := endpoints.PartitionOf(region)
	return a.enabled.get(ctx, partition.ID, time.Minute, nil, func(ctx context.Context) (protocol.EnabledRegionsOutput, error) {
		home, err := endpoints.Resolve("account", region, endpoints.Variant{})
		if err != nil {
			return protocol.EnabledRegionsOutput{}, err //nolint:wrapcheck // it names the service and the Region
		}
		return a.listEnabled(ctx, home.SigningRegion)
	})
}

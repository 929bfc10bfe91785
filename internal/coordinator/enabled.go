package coordinator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// narrow returns the plan with the Regions that are enabled in the account, which a worker
// lists: a run of its own, with the retriers and the time of the request. Regions that the
// request also asks for in another way, and that are not enabled, are SKIPPED. The error
// says why the Regions could not be listed; then the plan is as it was. lookup is the
// result of the worker's run.
func (c *Coordinator) narrow(ctx context.Context, p Plan) (narrowed Plan, lookup protocol.Result, err error) {
	lister := *c
	lister.Events, lister.Log = nil, nil // the run itself has them
	partition := cmp.Or(p.Request.Partition, protocol.DefaultPartition)
	first := Plan{
		Version: planVersion, RunID: p.RunID, Regional: p.Regional, MaxConcurrency: 1,
		Request: protocol.Request{
			Task: protocol.EnabledRegionsTask, Retry: p.Request.Retry,
			TimeoutSeconds: p.Request.TimeoutSeconds, RegionTimeoutSeconds: p.Request.RegionTimeoutSeconds,
		},
		Regions: []PlannedRegion{{Region: c.lister(partition), Targets: []string{protocol.EnabledRegions}, Batches: []int{1}}},
	}
	lookup = lister.Execute(ctx, first)
	region := lookup.Regions[0]
	var listed protocol.EnabledRegionsOutput
	if region.Status != protocol.StatusSucceeded || json.Unmarshal(region.Targets[0].Output, &listed) != nil || len(listed.Regions) == 0 {
		found := region.Targets[0]
		if region.Hint == protocol.HintDeployBoth {
			p.Notices = append(slices.Clip(p.Notices), olderWorkers(p.Regional, []string{region.Region}))
		}
		return p, lookup, &listError{
			name:  cmp.Or(found.Error, region.Error, protocol.ErrorTaskFailed),
			cause: fmt.Sprintf("the Regions that are enabled in the account could not be listed: %s", cmp.Or(found.Cause, region.Cause, "AWS listed none")),
		}
	}
	named := p.Request
	named.Regions = slices.DeleteFunc(slices.Clone(named.Regions), func(s string) bool { return s == protocol.EnabledRegions })
	named.ExcludeRegions = nil
	asked, _ := expand(named, c.Regions)
	var regions []PlannedRegion
	for _, r := range p.Regions {
		switch {
		case slices.Contains(listed.Regions, r.Region):
		case slices.Contains(asked, r.Region):
			r.omitAll(fmt.Sprintf("%s is not enabled in the account, says %s", r.Region, listed.Source))
		default:
			continue
		}
		regions = append(regions, r)
	}
	if len(regions) == 0 {
		return p, lookup, &listError{name: protocol.ErrorTaskFailed, cause: "no Region of the request is enabled in the account, says " + listed.Source}
	}
	p.Regions, p.Notices = regions, append(slices.Clip(p.Notices), listed.Message)
	return p, lookup, nil
}

// lister returns the Region whose worker lists the Regions of a partition: the
// coordinator's own, or else the one in which AWS has the partition's accounts.
func (c *Coordinator) lister(partition string) string {
	if own, ok := endpoints.PartitionOf(c.Billing.Region); ok && own.ID == partition {
		return c.Billing.Region
	}
	regions := endpoints.Regions(partition)
	home, err := endpoints.Resolve("account", regions[0].Name, endpoints.Variant{})
	if err != nil {
		return regions[0].Name
	}
	return home.SigningRegion
}

// A listError says why the enabled Regions could not be listed.
type listError struct{ name, cause string }

// Error returns the cause.
func (e *listError) Error() string { return e.cause }

// ErrorName returns the name of the error of the worker or of AWS.
func (e *listError) ErrorName() string { return e.name }

package coordinator

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// narrow returns the plan with the Regions that are enabled in the account, which a worker
// lists: a run of its own, with the retriers of the request, in half of its time. Regions
// that the request also asks for in another way, and that are not enabled, are SKIPPED. The
// error says why the Regions could not be listed; then the plan is as it was. lookup is the
// result of the worker's run.
func (c *Coordinator) narrow(ctx context.Context, p Plan) (narrowed Plan, lookup protocol.Result, err error) {
	partition := cmp.Or(p.Request.Partition, protocol.DefaultPartition)
	lookup = c.lookUp(ctx, p, c.lister(p, partition))
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
	regions := c.enabled(p, partition, listed)
	if len(regions) == 0 {
		return p, lookup, &listError{name: protocol.ErrorTaskFailed, cause: "no Region of the request is enabled in the account, says " + listed.Source}
	}
	p.Regions, p.Notices = regions, append(slices.Clip(p.Notices), listed.Message)
	if unknown := unknownRegions(listed.Regions); unknown != "" {
		p.Notices = append(p.Notices, "left out, because this version does not know them: "+unknown)
	}
	p.omit(c.Tasks.Omits(p.Request.Task, p.Request.Parameters)) // only now is it known who else is asked
	if err := p.divide().Err(); err != nil {
		return p, lookup, &listError{name: protocol.ErrorTaskFailed, cause: err.Error()}
	}
	return p, lookup, nil
}

// lookUp has the worker of a Region list the enabled Regions.
func (c *Coordinator) lookUp(ctx context.Context, p Plan, region string) protocol.Result {
	lister := *c
	lister.Events, lister.Log = nil, nil // the run itself has them
	half := p.Request.TimeoutSeconds / 2
	if deadline, ok := ctx.Deadline(); ok {
		if left := max(time.Until(deadline).Seconds()/2, 0.001); half == 0 || left < half {
			half = left
		}
	}
	return lister.Execute(ctx, Plan{
		Version: planVersion, RunID: p.RunID, Regional: p.Regional, MaxConcurrency: 1,
		Request: protocol.Request{
			Task: protocol.EnabledRegionsTask, Retry: p.Request.Retry,
			TimeoutSeconds: half, RegionTimeoutSeconds: p.Request.RegionTimeoutSeconds,
		},
		Regions: []PlannedRegion{{Region: region, Targets: []string{protocol.EnabledRegions}, Batches: []int{1}}},
	})
}

// enabled returns the plan's Regions that are enabled, and those that the request asks for
// in another way. Of other partitions nothing is known: their Regions stay.
func (c *Coordinator) enabled(p Plan, partition string, listed protocol.EnabledRegionsOutput) (regions []PlannedRegion) {
	named := p.Request
	named.Regions = slices.DeleteFunc(slices.Clone(named.Regions), func(s string) bool { return s == protocol.EnabledRegions })
	named.ExcludeRegions = nil
	asked, _ := expand(named, c.Regions)
	for _, r := range p.Regions {
		of, _ := endpoints.PartitionOf(r.Region)
		switch {
		case slices.Contains(listed.Regions, r.Region) || of.ID != partition:
		case slices.Contains(asked, r.Region):
			r.omitAll(fmt.Sprintf("%s is not enabled in the account, says %s", r.Region, listed.Source))
		default:
			continue
		}
		r.Batches = []int{}
		regions = append(regions, r)
	}
	return regions
}

// unknownRegions returns the names that the catalogue does not have, or "".
func unknownRegions(names []string) string {
	known := endpoints.AllRegions()
	unknown := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return name == "" || slices.ContainsFunc(known, func(r endpoints.Region) bool { return r.Name == name })
	})
	return protocol.CutCause(strings.Join(unknown, ", "))
}

// lister returns the Region whose worker lists the Regions of a partition: the
// coordinator's own, or else the one in which AWS has the partition's accounts, or else,
// if neither has a worker, the first of the plan.
func (c *Coordinator) lister(p Plan, partition string) string {
	candidates := []string{c.Billing.Region}
	regions := endpoints.Regions(partition)
	if home, err := endpoints.Resolve("account", regions[0].Name, endpoints.Variant{}); err == nil {
		candidates = append(candidates, home.SigningRegion)
	}
	for _, region := range candidates {
		of, _ := endpoints.PartitionOf(region)
		if of.ID == partition && (c.Regions == nil || slices.Contains(c.Regions, region)) {
			return region
		}
	}
	return p.Regions[0].Region
}

// A listError says why the enabled Regions could not be listed.
type listError struct{ name, cause string }

// Error returns the cause.
func (e *listError) Error() string { return e.cause }

// ErrorName returns the name of the error of the worker or of AWS.
func (e *listError) ErrorName() string { return e.name }

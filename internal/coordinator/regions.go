package coordinator

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// expand returns the Regions of a request, each once, in the order of the patterns in its
// field regions, without those that match excludeRegions. deployed lists the Regions that
// have a worker; nil means that any may have one.
func expand(r protocol.Request, deployed []string) ([]string, protocol.Faults) {
	include := r.Regions
	if include == nil {
		include = []string{protocol.DefaultRegions}
	}
	var faults protocol.Faults
	among := endpoints.Regions(cmp.Or(r.Partition, protocol.DefaultPartition))
	switch {
	case len(among) == 0:
		faults = append(faults, protocol.UnknownFault("partition", r.Partition, "a partition", partitions()))
		among = endpoints.AllRegions() // a pattern that matches in no partition is wrong in any case
	case deployed != nil:
		if among = withWorkers(r.Partition, deployed); len(among) == 0 {
			return nil, protocol.Faults{protocol.NewFault("partition", r.Partition, "has no worker"+workersIn(deployed))}
		}
	}
	wanted, more := expandEach("regions", include, among, deployed)
	faults = append(faults, more...)
	if i := slices.Index(r.ExcludeRegions, protocol.EnabledRegions); i >= 0 {
		at := "excludeRegions[" + strconv.Itoa(i) + "]"
		faults = append(faults, protocol.NewFault(at, protocol.EnabledRegions, "is for regions only; want a Region or a glob"))
	}
	unwanted, more := expandEach("excludeRegions", r.ExcludeRegions, endpoints.AllRegions(), nil)
	faults = append(faults, more...)
	found := len(wanted) > 0
	left := slices.DeleteFunc(wanted, func(name string) bool { return slices.Contains(unwanted, name) })
	if found && len(left) == 0 && faults == nil {
		faults = append(faults, protocol.Fault{Path: "excludeRegions", Detail: "leaves no Region to run in"})
	}
	return left, faults
}

// deployed returns the Regions that have a worker for a request, or nil if any may have one.
func (c *Coordinator) deployed(r protocol.Request) []string {
	if r.Worker != nil {
		return nil
	}
	return c.Regions
}

// withWorkers returns the deployed Regions of a partition, or of all if it is empty. None
// needs opt-in: that has been done.
func withWorkers(partition string, deployed []string) []endpoints.Region {
	regions := slices.DeleteFunc(endpoints.AllRegions(), func(r endpoints.Region) bool {
		return !slices.Contains(deployed, r.Name) || partition != "" && r.Partition != partition
	})
	for i := range regions {
		regions[i].OptIn = false
	}
	return regions
}

// expandEach expands the patterns of one field. A name may name any Region or, unless deployed
// is nil, any deployed Region; a glob matches only the Regions of among.
func expandEach(field string, patterns []string, among []endpoints.Region, deployed []string) (regions []string, faults protocol.Faults) {
	if len(patterns) > protocol.MaxRegions {
		return nil, nil // Validate has said so; to expand them takes seconds
	}
	for i, pattern := range patterns {
		at := field + "[" + strconv.Itoa(i) + "]"
		matched, more := match(at, pattern, among, deployed)
		regions, faults = union(regions, matched), append(faults, more...)
	}
	return regions, faults
}

// match returns the Regions that match one name or glob, or a fault.
func match(at, pattern string, among []endpoints.Region, deployed []string) ([]string, protocol.Faults) {
	if strings.TrimSpace(pattern) == "" {
		return nil, nil // Validate has said so
	}
	if pattern == protocol.AllRegions || pattern == protocol.EnabledRegions {
		return endpoints.Names(among), nil
	}
	if !strings.ContainsAny(pattern, `*?[\`) {
		if _, known := endpoints.PartitionOf(pattern); !known {
			return nil, protocol.Faults{protocol.UnknownFault(at, pattern, "a Region", endpoints.Names(endpoints.AllRegions()))}
		}
		if deployed != nil && !slices.Contains(deployed, pattern) {
			return nil, protocol.Faults{protocol.NewFault(at, pattern, "has no worker"+workersIn(deployed))}
		}
		return []string{pattern}, nil
	}
	var matched []string
	for _, region := range among {
		ok, err := path.Match(pattern, region.Name)
		if err != nil {
			return nil, protocol.Faults{protocol.NewFault(at, pattern, "is not a glob; known are * ? and [a-z]")}
		}
		if ok && (pattern != protocol.DefaultRegions || !region.OptIn) {
			matched = append(matched, region.Name)
		}
	}
	if matched == nil {
		where := elsewhere(pattern)
		if deployed != nil {
			where = " with a worker" + workersIn(deployed)
		}
		return nil, protocol.Faults{protocol.NewFault(at, pattern, "matches no Region"+where)}
	}
	return matched, nil
}

// workersIn says where the workers are.
func workersIn(deployed []string) string {
	return "; the coordinator was deployed for workers in " + strings.Join(deployed, ", ")
}

// elsewhere names, for a glob that matches no Region of its partition, a partition in
// which it matches some. It returns "" when there is none.
func elsewhere(pattern string) string {
	for _, region := range endpoints.AllRegions() {
		if ok, _ := path.Match(pattern, region.Name); ok {
			return fmt.Sprintf(" of its partition; partition %q has some that match", region.Partition)
		}
	}
	return ""
}

func partitions() []string {
	var ids []string
	for _, p := range endpoints.Partitions() {
		ids = append(ids, p.ID)
	}
	return ids
}

// targetsIn returns the targets in a Region: those asked for, with EveryService
// replaced by every service listed there.
func targetsIn(region string, asked []string) []string {
	at := slices.Index(asked, protocol.EveryService)
	if at < 0 {
		return asked
	}
	services := slices.DeleteFunc(endpoints.Services(region), func(s string) bool { return slices.Contains(asked, s) })
	return slices.Concat(asked[:at], services, asked[at+1:])
}

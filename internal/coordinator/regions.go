package coordinator

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// expand returns the Regions of a partition that match the names and globs of include,
// each once, in the order of include, without those that match exclude. A nil include
// means the partition's default Regions.
func expand(partition string, include, exclude []string) ([]string, protocol.Faults) {
	if include == nil {
		include = []string{protocol.DefaultRegions}
	}
	var faults protocol.Faults
	among := endpoints.Regions(partition)
	if len(among) == 0 {
		faults = append(faults, protocol.UnknownFault("partition", partition, "a partition", partitions()))
		among = everyRegion() // a pattern that matches in no partition is wrong in any case
	}
	wanted, more := expandEach("regions", include, among)
	faults = append(faults, more...)
	unwanted, more := expandEach("excludeRegions", exclude, everyRegion())
	faults = append(faults, more...)
	found := len(wanted) > 0
	left := slices.DeleteFunc(wanted, func(name string) bool { return slices.Contains(unwanted, name) })
	if found && len(left) == 0 && faults == nil {
		faults = append(faults, protocol.Fault{Path: "excludeRegions", Detail: "leaves no Region to run in"})
	}
	return left, faults
}

// expandEach expands the patterns of one field. A name may name any Region; a glob
// matches only the given ones.
func expandEach(field string, patterns []string, among []endpoints.Region) (regions []string, faults protocol.Faults) {
	for i, pattern := range patterns {
		at := field + "[" + strconv.Itoa(i) + "]"
		matched, fault := match(at, pattern, among)
		if fault != nil {
			faults = append(faults, *fault)
		}
		regions = union(regions, matched)
	}
	return regions, faults
}

// match returns the Regions that match one name or glob.
func match(at, pattern string, among []endpoints.Region) ([]string, *protocol.Fault) {
	if strings.TrimSpace(pattern) == "" {
		return nil, nil // Validate has said so
	}
	if pattern == protocol.AllRegions {
		return names(among), nil
	}
	if !strings.ContainsAny(pattern, `*?[\`) {
		if _, known := endpoints.PartitionOf(pattern); known {
			return []string{pattern}, nil
		}
		fault := protocol.UnknownFault(at, pattern, "a Region", names(everyRegion()))
		return nil, &fault
	}
	var matched []string
	for _, region := range among {
		ok, err := path.Match(pattern, region.Name)
		if err != nil {
			fault := protocol.NewFault(at, pattern, "is not a glob; known are * ? and [a-z]")
			return nil, &fault
		}
		if ok && (pattern != protocol.DefaultRegions || !region.OptIn) {
			matched = append(matched, region.Name)
		}
	}
	if matched == nil {
		fault := protocol.NewFault(at, pattern, "matches no Region"+elsewhere(pattern))
		return nil, &fault
	}
	return matched, nil
}

// elsewhere names, for a glob that matches no Region of its partition, a partition in
// which it matches some. It returns "" when there is none.
func elsewhere(pattern string) string {
	for _, p := range endpoints.Partitions() {
		for _, region := range endpoints.Regions(p.ID) {
			if ok, _ := path.Match(pattern, region.Name); ok {
				return fmt.Sprintf(" of its partition; partition %q has some that match", p.ID)
			}
		}
	}
	return ""
}

// names returns the names of Regions.
func names(regions []endpoints.Region) []string {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = r.Name
	}
	return names
}

// everyRegion returns the Regions of every partition.
func everyRegion() []endpoints.Region {
	var all []endpoints.Region
	for _, p := range endpoints.Partitions() {
		all = append(all, endpoints.Regions(p.ID)...)
	}
	return all
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

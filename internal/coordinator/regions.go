package coordinator

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"
)

// commercial is the partition that globs range over.
const commercial = "aws"

// expand returns the Regions that the names and globs of include stand for,
// each once, in the order of include, without those that exclude stands for.
// Nil includes every commercial Region.
func expand(include, exclude []string) ([]string, protocol.Faults) {
	if include == nil {
		include = []string{"*"}
	}
	wanted, faults := expandEach("regions", include, names(commercial))
	unwanted, more := expandEach("excludeRegions", exclude, everyName())
	faults = append(faults, more...)
	found := len(wanted) > 0
	left := slices.DeleteFunc(wanted, func(name string) bool { return slices.Contains(unwanted, name) })
	if found && len(left) == 0 && faults == nil {
		faults = append(faults, protocol.Fault{Path: "excludeRegions", Detail: "leaves no Region to run in"})
	}
	return left, faults
}

// expandEach expands the patterns of one field. A name may be any Region's; a
// glob ranges over the given names.
func expandEach(field string, patterns, among []string) (regions []string, faults protocol.Faults) {
	for i, pattern := range patterns {
		at := field + "[" + strconv.Itoa(i) + "]"
		matched, fault := match(at, pattern, among)
		if fault != nil {
			faults = append(faults, *fault)
		}
		for _, name := range matched {
			if !slices.Contains(regions, name) {
				regions = append(regions, name)
			}
		}
	}
	return regions, faults
}

// match returns the Regions that one name or glob stands for.
func match(at, pattern string, among []string) ([]string, *protocol.Fault) {
	if strings.TrimSpace(pattern) == "" {
		return nil, nil // Validate has said so
	}
	if !strings.ContainsAny(pattern, `*?[\`) {
		if _, known := endpoints.PartitionOf(pattern); known {
			return []string{pattern}, nil
		}
		fault := protocol.UnknownFault(at, pattern, "a Region", everyName())
		return nil, &fault
	}
	var matched []string
	for _, name := range among {
		ok, err := path.Match(pattern, name)
		if err != nil {
			fault := protocol.NewFault(at, pattern, "is not a glob; known are * ? and [a-z]")
			return nil, &fault
		}
		if ok {
			matched = append(matched, name)
		}
	}
	if matched == nil {
		fault := protocol.NewFault(at, pattern, "matches no Region")
		return nil, &fault
	}
	return matched, nil
}

// names returns the Regions of a partition, in order.
func names(partition string) []string {
	var names []string
	for _, r := range endpoints.Regions(partition) {
		names = append(names, r.Name)
	}
	return names
}

// everyName returns the Regions of every partition.
func everyName() []string {
	var all []string
	for _, p := range endpoints.Partitions() {
		all = append(all, names(p.ID)...)
	}
	return all
}

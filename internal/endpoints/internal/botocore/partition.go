package botocore

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// A Partition is one of the partitions of endpoints.json.
type Partition struct {
	// ID, Name, DNSSuffix and DualStackDNSSuffix are what AWS calls it and how
	// its host names end.
	ID, Name, DNSSuffix, DualStackDNSSuffix string

	// Regions are sorted by name.
	Regions []Region

	listing listing
}

// A Region is a real Region: no pseudo-Region.
type Region struct {
	// Name and Description are its code and AWS's name for it.
	Name, Description string

	// Announced says that the rules know the Region and endpoints.json does not:
	// no service is listed in it yet.
	Announced bool
}

// listing is a partition as endpoints.json has it.
type listing struct {
	Partition string                                  `json:"partition"`
	Name      string                                  `json:"partitionName"`
	Defaults  listedEndpoint                          `json:"defaults"`
	Regions   map[string]struct{ Description string } `json:"regions"`
	Services  map[string]listedService                `json:"services"`
}

// listedService is a service in a partition.
type listedService struct {
	Defaults          listedEndpoint            `json:"defaults"`
	Endpoints         map[string]listedEndpoint `json:"endpoints"`
	IsRegionalized    *bool                     `json:"isRegionalized"`
	PartitionEndpoint string                    `json:"partitionEndpoint"`
}

// notRegional says that one endpoint serves the whole partition.
func (s listedService) notRegional() bool {
	return s.PartitionEndpoint != "" && s.IsRegionalized != nil && !*s.IsRegionalized
}

// listedEndpoint is an endpoint, or what holds for many unless they say otherwise.
type listedEndpoint struct {
	CredentialScope *credentialScope `json:"credentialScope"`
	Variants        []struct {
		Tags            []string         `json:"tags"`
		CredentialScope *credentialScope `json:"credentialScope"`
	} `json:"variants"`
}

// credentialScope says what requests are signed for.
type credentialScope struct {
	Region string `json:"region"`
}

// rulePartition is a partition as partitions.json has it, for the rules.
type rulePartition struct {
	ID          string                                  `json:"id"`
	RegionRegex string                                  `json:"regionRegex"`
	Regions     map[string]struct{ Description string } `json:"regions"`
	Outputs     map[string]any                          `json:"outputs"`

	pattern *regexp.Regexp
}

// readPartitions reads the two files about partitions and joins them.
func (d *Data) readPartitions() error {
	var endpoints struct {
		Partitions []listing `json:"partitions"`
	}

	var rules struct {
		Partitions []rulePartition `json:"partitions"`
	}

	if err := d.readJSON("data/endpoints.json", &endpoints); err != nil {
		return err
	}

	if err := d.readJSON("data/partitions.json", &rules); err != nil {
		return err
	}

	for i, p := range rules.Partitions {
		pattern, err := regexp.Compile(p.RegionRegex)
		if err != nil {
			return fmt.Errorf("partition %s: %w", p.ID, err)
		}

		p.pattern = pattern
		p.Outputs["name"] = p.ID
		rules.Partitions[i] = p
	}

	d.rules = rules.Partitions

	for _, l := range endpoints.Partitions {
		p, err := d.join(l)
		if err != nil {
			return err
		}

		d.Partitions = append(d.Partitions, p)
	}

	if len(d.Partitions) != len(d.rules) {
		return fmt.Errorf("endpoints.json has %d partitions, partitions.json %d", len(d.Partitions), len(d.rules))
	}

	return nil
}

// join makes one partition of what the two files say about it.
func (d *Data) join(l listing) (Partition, error) {
	i := slices.IndexFunc(d.rules, func(r rulePartition) bool { return r.ID == l.Partition })
	if i < 0 {
		return Partition{}, fmt.Errorf("partition %s is not in partitions.json", l.Partition)
	}

	p := Partition{ID: l.Partition, Name: l.Name, listing: l}
	p.DNSSuffix, _ = d.rules[i].Outputs["dnsSuffix"].(string)
	p.DualStackDNSSuffix, _ = d.rules[i].Outputs["dualStackDnsSuffix"].(string)

	for _, name := range slices.Sorted(maps.Keys(l.Regions)) {
		p.Regions = append(p.Regions, Region{Name: name, Description: l.Regions[name].Description})
	}

	for name, r := range d.rules[i].Regions {
		if _, ok := l.Regions[name]; !ok && name != pseudo(l.Partition) {
			p.Regions = append(p.Regions, Region{Name: name, Description: r.Description, Announced: true})
		}
	}

	slices.SortFunc(p.Regions, func(a, b Region) int { return strings.Compare(a.Name, b.Name) })

	return p, nil
}

// pseudo is the name that a partition's global endpoints are listed under.
func pseudo(partition string) string { return partition + "-global" }

// Fictitious is the name of a Region that does not exist but might: what the
// rules say about it, they say about the partition and not about a Region.
func (p Partition) Fictitious() string {
	return strings.TrimRight(p.Regions[0].Name, "0123456789") + "99"
}

// Package endpoints knows the partitions of AWS, their Regions, and at which
// host name a service answers in a Region.
package endpoints

import (
	"fmt"
	"slices"
	"strings"
)

// A Partition is a part of AWS with its own Regions, names and accounts.
type Partition struct {
	ID        string // "aws"
	DNSSuffix string // "amazonaws.com"
}

// A Region is one AWS Region.
type Region struct {
	Name        string // "eu-west-1"
	Description string // "Europe (Ireland)"
	Partition   string // "aws"
}

// A Variant asks for a special kind of endpoint. The zero Variant is the usual
// one.
type Variant struct{ FIPS, DualStack bool }

// An Endpoint is where a service answers.
type Endpoint struct {
	Host          string
	Partition     string
	SigningRegion string
}

// Partitions returns every partition, the commercial one first.
func Partitions() []Partition {
	return []Partition{{"aws", "amazonaws.com"}, {"aws-cn", "amazonaws.com.cn"}, {"aws-us-gov", "amazonaws.com"}}
}

// Regions returns the Regions of a partition in the order of their names.
func Regions(partition string) []Region {
	var regions []Region
	for name := range strings.FieldsSeq(names[partition]) {
		regions = append(regions, Region{Name: name, Partition: partition})
	}
	slices.SortFunc(regions, func(a, b Region) int { return strings.Compare(a.Name, b.Name) })
	return regions
}

var names = map[string]string{ //nolint:gochecknoglobals // a table
	"aws": `af-south-1 ap-east-1 ap-east-2 ap-northeast-1 ap-northeast-2 ap-northeast-3 ap-south-1 ap-south-2
		ap-southeast-1 ap-southeast-2 ap-southeast-3 ap-southeast-4 ap-southeast-5 ap-southeast-6 ap-southeast-7
		ca-central-1 ca-west-1 eu-central-1 eu-central-2 eu-north-1 eu-south-1 eu-south-2 eu-west-1 eu-west-2
		eu-west-3 il-central-1 me-central-1 me-south-1 mx-central-1 sa-east-1 us-east-1 us-east-2 us-west-1 us-west-2`,
	"aws-cn":     "cn-north-1 cn-northwest-1",
	"aws-us-gov": "us-gov-east-1 us-gov-west-1",
}

// PartitionOf returns the partition that a Region is in.
func PartitionOf(region string) (Partition, bool) {
	for _, p := range Partitions() {
		for _, r := range Regions(p.ID) {
			if r.Name == region {
				return p, true
			}
		}
	}
	return Partition{}, false
}

// Resolve returns where service answers in region.
func Resolve(service, region string, _ Variant) (Endpoint, error) {
	p, ok := PartitionOf(region)
	if !ok {
		return Endpoint{}, fmt.Errorf("region %q is unknown", region)
	}
	return Endpoint{service + "." + region + "." + p.DNSSuffix, p.ID, region}, nil
}

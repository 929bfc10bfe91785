// Package endpoints knows the AWS partitions, Regions and services: which
// service is offered in which Region, and at which host it answers there.
//
// The coordinator calls it to expand and check the Regions of a request, the
// tasks to turn a target into a host, and the command line to list Regions and
// services. It opens no connection and reads no file. Everything comes from one
// catalogue embedded in the binary. generate.py writes the catalogue from the
// data of botocore, the core of the AWS SDK for Python; [DataSource] returns the
// version.
//
// # What Resolve promises
//
// The host is the one that botocore sends requests to, for every service, Region
// and variant, as the endpoint rules of the service decide. The end-to-end test
// lists the few exceptions with their reasons. Some operations put a prefix
// before the host, such as an account ID or "data-"; it is not included. Each
// kind of failure has its own error type. FIPS is never silently ignored.
// Resolving the same endpoint again allocates nothing. All functions are safe
// for concurrent use.
//
// # What the lists promise
//
// Pseudo-Regions such as aws-global are not Regions. A global service is
// listed in every Region of its partition. An announced Region, in which no
// service is listed yet, belongs to its partition but is in no list. Every
// Region of the commercial partition that was launched after 20 March 2019
// needs opt-in. Lists are sorted, except Partitions, and belong to the caller.
//
// # What it does not know
//
// For about a quarter of the services AWS publishes no list of Regions. Those
// services resolve in every Region, as in the SDKs, with Endpoint.Listed false;
// [Services] and [RegionsOf] leave them out. The same holds for a global service in a
// partition where its list lacks it, such as iam in aws-eusc. The data does not say whether a
// host name exists in DNS: the rules make FIPS and dual-stack names for nearly
// every service, and only a DNS query shows which of them exist.
package endpoints

import "slices"

//go:generate python3 generate.py

// A Source is the release of botocore that the catalogue was generated from.
type Source struct {
	// Botocore is the version, such as "1.44.5".
	Botocore string

	// Released is the day that version was built, as YYYY-MM-DD.
	Released string
}

// DataSource returns the release that the catalogue was generated from.
func DataSource() Source { return catalogue().source }

// A Partition is a part of AWS with accounts, Regions and DNS names of its own.
type Partition struct {
	// ID is the partition in ARNs: "aws", "aws-cn", "aws-us-gov".
	ID string

	// Name is AWS's name for the partition, such as "AWS GovCloud (US)".
	Name string

	// DNSSuffix is the end of its host names, without a leading dot.
	DNSSuffix string

	// DualStackDNSSuffix is the end of most of its dual-stack host names.
	DualStackDNSSuffix string
}

// Partitions returns every partition in catalogue order: commercial, China and
// GovCloud first.
func Partitions() []Partition { return slices.Clone(catalogue().partitions) }

// PartitionOf returns the partition of a Region, and whether the Region is known.
// Announced Regions are known, pseudo-Regions are not.
func PartitionOf(region string) (Partition, bool) {
	c := catalogue()

	i, ok := c.regionIndex[region]
	if !ok {
		return Partition{}, false
	}

	return c.partitions[c.regions[i].partition], true
}

// A Region is an AWS Region in which at least one service is listed.
type Region struct {
	// Name is the code, such as "eu-west-1".
	Name string

	// Description is AWS's name, such as "Europe (Ireland)".
	Description string

	// OptIn says that an account must enable the Region before it can use it.
	OptIn bool

	// Partition is the ID of the partition.
	Partition string
}

// Regions returns the Regions of a partition, sorted by name. The list is empty
// for a partition that does not exist.
func Regions(partition string) []Region {
	c := catalogue()

	return c.filter(func(i int) bool {
		return !c.regions[i].announced && c.regions[i].Partition == partition
	})
}

// AllRegions returns the Regions of all partitions, sorted by name within each partition.
func AllRegions() []Region {
	c := catalogue()

	return c.filter(func(i int) bool { return !c.regions[i].announced })
}

// Names returns the names of Regions.
func Names(regions []Region) []string {
	names := make([]string, len(regions))
	for i, r := range regions {
		names[i] = r.Name
	}
	return names
}

// RegionsOf returns the Regions of all partitions in which a service is listed,
// sorted by name within each partition. The list is empty for a service that does
// not exist or for which AWS publishes no list.
func RegionsOf(service string) []Region {
	c := catalogue()

	s, ok := c.serviceIndex[service]
	if !ok {
		return nil
	}

	return c.filter(func(i int) bool { return c.services[s].offered(i) })
}

// Services returns the ids of the services listed in a Region, sorted. [Resolve]
// takes each of them in that Region.
func Services(region string) []string {
	c := catalogue()

	r, ok := c.regionIndex[region]
	if !ok {
		return nil
	}

	var ids []string

	for i := range c.services {
		if c.services[i].offered(r) {
			ids = append(ids, c.services[i].id)
		}
	}

	return ids
}

// AllServices returns the id of every service, sorted, including services for
// which AWS publishes no list of Regions.
func AllServices() []string {
	c := catalogue()
	ids := make([]string, len(c.services))

	for i := range c.services {
		ids[i] = c.services[i].id
	}

	return ids
}

// ServiceID returns the id of the service with an id or an endpoint prefix
// ("monitoring" for cloudwatch), and whether there is one. Services that share a
// prefix answer at the same hosts; for such a prefix it returns the first id in
// alphabetical order.
func ServiceID(name string) (string, bool) {
	c := catalogue()

	i, ok := c.serviceIndex[name]
	if !ok {
		return "", false
	}

	return c.services[i].id, true
}

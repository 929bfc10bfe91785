// Package endpoints knows which AWS partitions, Regions and services exist,
// which services are offered in which Region, and at which host name each of
// them answers.
//
// The coordinator calls it to expand and check the Regions of a request, the
// tasks call it to turn a target into a host, and the command line lists what
// it knows. It opens no connection and reads no file: everything comes from one
// catalogue inside the binary, generated from the data that botocore ships
// ([DataSource] says which version), so it knows exactly what the AWS SDKs know.
//
// # What Resolve promises
//
// A host is the one that botocore itself sends to, for every service, Region
// and variant: the endpoint rules of the service decide. Operations that put a
// prefix before the host (an account, a "data-") are not covered: it is the
// host they start from. A Region in which the service is not listed, a service
// or a Region that does not exist, and a variant without an endpoint are told
// apart by type. FIPS is never silently ignored. A look-up of a host that was
// looked up before allocates nothing. All functions may be called concurrently.
//
// # What the lists promise
//
// Pseudo-Regions such as aws-global are not Regions. A global service is
// listed in every Region of its partition. A Region that is announced, with no
// service listed in it yet, belongs to its partition but is in no list. Every
// Region of the commercial partition that was launched after 20 March 2019
// needs opt-in. Lists are sorted, except Partitions, and belong to the caller.
//
// # What it does not know
//
// For about a quarter of the services AWS publishes no list of Regions. Those
// resolve in every Region, as in the SDKs, with Endpoint.Listed false, and
// [Services] leaves them out. Nor does the data say whether a name exists in
// DNS: the rules make FIPS and dual-stack names for nearly every service, and
// only trying tells which of them answer.
package endpoints

import "slices"

//go:generate python3 generate.py

// A Source says which release of botocore the catalogue was generated from.
type Source struct {
	// Botocore is the version, such as "1.44.5".
	Botocore string

	// Released is the day that version was built, as YYYY-MM-DD.
	Released string
}

// DataSource returns where the catalogue comes from.
func DataSource() Source { return catalogue().source }

// A Partition is a part of AWS with accounts, Regions and DNS names of its own.
type Partition struct {
	// ID is what stands in ARNs: "aws", "aws-cn", "aws-us-gov".
	ID string

	// Name is AWS's name for it, such as "AWS GovCloud (US)".
	Name string

	// DNSSuffix ends its host names, without a leading dot.
	DNSSuffix string

	// DualStackDNSSuffix ends most of its dual-stack host names.
	DualStackDNSSuffix string
}

// Partitions returns every partition in catalogue order: commercial, China and
// GovCloud first.
func Partitions() []Partition { return slices.Clone(catalogue().partitions) }

// PartitionOf returns the partition a Region belongs to, and whether the Region
// is known. Announced Regions are; pseudo-Regions are not.
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

// Regions returns the Regions of a partition, sorted by name. It is empty for a
// partition that does not exist.
func Regions(partition string) []Region {
	c := catalogue()

	return c.filter(func(i int) bool {
		return !c.regions[i].announced && c.regions[i].Partition == partition
	})
}

// RegionsOf returns the Regions of all partitions in which a service is listed,
// sorted by name within each partition. It is empty for a service that does not
// exist, and for one whose Regions AWS does not list.
func RegionsOf(service string) []Region {
	c := catalogue()

	s, ok := c.serviceIndex[service]
	if !ok {
		return nil
	}

	return c.filter(func(i int) bool { return c.services[s].offered(i) })
}

// Services returns the ids of the services listed in a Region, sorted. Each may
// be given to [Resolve] for that Region.
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

// AllServices returns the id of every service, sorted, whether or not AWS lists
// its Regions.
func AllServices() []string {
	c := catalogue()
	ids := make([]string, len(c.services))

	for i := range c.services {
		ids[i] = c.services[i].id
	}

	return ids
}

// ServiceID returns the id of a service that is named by its id or by its
// endpoint prefix ("monitoring" for cloudwatch), and whether there is one.
// Services that share a prefix answer at the same hosts; the first id in
// alphabetical order is returned then.
func ServiceID(name string) (string, bool) {
	c := catalogue()

	i, ok := c.serviceIndex[name]
	if !ok {
		return "", false
	}

	return c.services[i].id, true
}

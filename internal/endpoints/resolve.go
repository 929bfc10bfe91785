package endpoints

import (
	"strings"
	"sync/atomic"
)

// A Variant selects a kind of endpoint. The zero value selects the plain one.
type Variant struct {
	// FIPS selects an endpoint that uses FIPS 140 validated cryptography.
	FIPS bool

	// DualStack selects an endpoint with IPv4 and IPv6 addresses. Many newer
	// services have only such endpoints; for them it changes nothing.
	DualStack bool
}

// variants is the number of values a Variant has.
const variants = 4

// index is the index of the variant in serviceRow.hosts.
func (v Variant) index() int {
	i := 0
	if v.FIPS {
		i++
	}

	if v.DualStack {
		i += 2
	}

	return i
}

// An Endpoint is where a service answers for one Region.
type Endpoint struct {
	// Service is the id of the service, even if Resolve was given its endpoint
	// prefix.
	Service string

	// Host is the DNS name. The scheme is always https, the port 443.
	Host string

	// Partition is the ID of the Region's partition.
	Partition string

	// SigningRegion is the Region that requests are signed for. It differs from
	// the Region given to Resolve when the service signs for one fixed Region.
	SigningRegion string

	// Global says that the same host serves every Region of the partition.
	Global bool

	// Listed says that AWS lists the service in this Region. False means that AWS
	// publishes no list for the service, or that the list lacks a global service in
	// this partition; the host may not exist.
	Listed bool
}

// Resolve returns where a service answers for a Region. The service is named by
// its id or its endpoint prefix.
//
// The error is an [UnknownServiceError], an [UnknownRegionError], a
// [NotInRegionError] or a [NoEndpointError].
func Resolve(service, region string, v Variant) (Endpoint, error) {
	e, err := ResolveUnlisted(service, region, v)
	c := catalogue()
	if s, ok := c.serviceIndex[service]; ok {
		// The lists of small partitions lack global services, whose hosts are known.
		if r, ok := c.regionIndex[region]; ok && c.services[s].listed() && !c.services[s].offered(r) && !e.Global {
			return Endpoint{}, NotInRegionError{Service: c.services[s].id, Region: region}
		}
	}

	return e, err
}

// ResolveUnlisted is [Resolve] for a service that need not be listed in the Region: AWS
// may offer it there since the catalogue was made. Endpoint.Listed is false then, and the
// error is no NotInRegionError.
func ResolveUnlisted(service, region string, v Variant) (Endpoint, error) {
	c := catalogue()

	s, ok := c.serviceIndex[service]
	if !ok {
		return Endpoint{}, UnknownServiceError{Service: service}
	}

	r, ok := c.regionIndex[region]
	if !ok {
		return Endpoint{}, UnknownRegionError{Region: region}
	}

	slot := &c.regions[r].slots(len(c.services))[s*variants+v.index()]
	if e := slot.Load(); e != nil {
		return *e, nil
	}

	sv := &c.services[s]
	e, ok := c.endpoint(sv, &c.regions[r], v)
	e.Listed = sv.offered(r)
	if !ok {
		return Endpoint{}, NoEndpointError{Service: sv.id, Region: region, Variant: v}
	}

	slot.Store(&e)

	return e, nil
}

// slots returns the cache of the Region's endpoints, with one slot for each
// service and variant. It is allocated when the Region is first used, because a
// worker uses only one Region.
func (r *regionRow) slots(services int) []atomic.Pointer[Endpoint] {
	if p := r.cache.Load(); p != nil {
		return *p
	}

	fresh := make([]atomic.Pointer[Endpoint], services*variants)
	if r.cache.CompareAndSwap(nil, &fresh) {
		return fresh
	}

	return *r.cache.Load()
}

// endpoint returns the endpoint of a service in a Region, if there is one.
func (c *tables) endpoint(s *serviceRow, r *regionRow, v Variant) (Endpoint, bool) {
	text := choose(s.hosts[v.index()], r.Name, r.Partition)
	if text == none {
		return Endpoint{}, false
	}

	host, global := strings.CutPrefix(text, "!")

	host, signing, ok := strings.Cut(host, "@")
	if !ok {
		signing = r.Name
	}

	p := &c.partitions[r.partition]

	return Endpoint{
		Service:       s.id,
		Host:          strings.NewReplacer("*", r.Name, "$", p.DNSSuffix, "%", p.DualStackDNSSuffix).Replace(host),
		Partition:     p.ID,
		SigningRegion: signing,
		Global:        global,
	}, true
}

// none in a host column means that there is no endpoint.
const none = "-"

// choose returns the first alternative of a host column that applies to a
// Region: one that names the Region or its partition, or one without names.
func choose(column, region, partition string) string {
	for alternative := range strings.SplitSeq(column, ";") {
		names, host, ok := strings.Cut(alternative, "=")
		if !ok {
			return alternative
		}

		for name := range strings.SplitSeq(names, ",") {
			if name == region || name == partition {
				return host
			}
		}
	}

	return none
}

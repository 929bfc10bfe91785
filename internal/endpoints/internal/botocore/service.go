package botocore

import "slices"

// A Service is one service of botocore.
type Service struct {
	// Name is what create_client takes, such as "cloudwatch".
	Name string

	// Prefix is the endpoint prefix, such as "monitoring", under which
	// endpoints.json lists it.
	Prefix string

	data  *Data
	rules ruleset
}

// A Query asks for one endpoint.
type Query struct {
	// Region is the name of a Region, real or fictitious.
	Region string

	// FIPS and DualStack ask for those variants.
	FIPS, DualStack bool

	// Parameters has values for parameters of the rules that botocore takes from
	// the operation. Nil where the rules do without.
	Parameters map[string]string
}

// An Answer is an endpoint.
type Answer struct {
	// Host is the host name.
	Host string

	// SigningRegion is the Region that botocore signs for.
	SigningRegion string
}

// TakesFIPS says whether the rules look at FIPS at all. If not, botocore
// answers a request for FIPS with the plain endpoint.
func (s *Service) TakesFIPS() bool {
	_, ok := s.rules.Parameters["UseFIPS"]

	return ok
}

// Listed says whether endpoints.json lists the service in any partition.
func (s *Service) Listed() bool {
	return slices.ContainsFunc(s.data.Partitions, func(p Partition) bool {
		_, ok := p.listing.Services[s.Prefix]

		return ok
	})
}

// Regions returns the names of the Regions of a partition in which the service
// is listed, sorted. A service whose rules give the same host for every Region
// of the partition is global, and listed in all of them if in any.
func (s *Service) Regions(p Partition, global bool) []string {
	l, ok := p.listing.Services[s.Prefix]
	if !ok {
		return nil
	}

	var names []string

	for _, r := range p.Regions {
		_, named := l.Endpoints[r.Name]
		if !r.Announced && (named || global || l.notRegional()) {
			names = append(names, r.Name)
		}
	}

	return names
}

// Resolve applies the rules of the service. The error is a [RefusedError] if
// the rules say that there is no such endpoint.
func (s *Service) Resolve(p Partition, q Query) (Answer, error) {
	host, signing, err := s.rules.resolve(s.data.rules, q)
	if err != nil {
		return Answer{}, err
	}

	if signing == "" {
		signing = s.scope(p, q)
	}

	return Answer{Host: host, SigningRegion: signing}, nil
}

// scope is the signing Region where the rules name none: the credential scope
// of endpoints.json, which botocore still goes by then, or the Region itself.
func (s *Service) scope(p Partition, q Query) string {
	l := p.listing.Services[s.Prefix]

	e, ok := l.Endpoints[q.Region]
	if !ok && l.notRegional() {
		e = l.Endpoints[l.PartitionEndpoint]
	}

	levels := []listedEndpoint{e, l.Defaults, p.listing.Defaults}

	var tags []string
	if q.DualStack {
		tags = append(tags, "dualstack")
	}

	if q.FIPS {
		tags = append(tags, "fips")
	}

	var scopes []*credentialScope

	for _, level := range levels {
		for _, v := range level.Variants {
			slices.Sort(v.Tags)

			if len(tags) > 0 && slices.Equal(v.Tags, tags) {
				scopes = append(scopes, v.CredentialScope)
			}
		}
	}

	for _, level := range levels {
		scopes = append(scopes, level.CredentialScope)
	}

	for _, c := range scopes {
		if c == nil {
			continue
		}

		if c.Region != "" {
			return c.Region
		}

		break
	}

	return q.Region
}

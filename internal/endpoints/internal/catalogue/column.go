package catalogue

import (
	"cmp"
	"errors"
	"slices"
	"strings"

	"meridian/internal/endpoints/internal/botocore"
)

// A column says for one service and variant at which host it answers in each
// Region. It is written as alternatives with ";" between them, the first that
// applies being the one: "names=host" for the Regions or partitions named,
// "host" for all others.
//
// A host is written with "*" for the Region, "$" and "%" for the partition's
// two DNS suffixes, "!" before it if it is the same for every Region of the
// partition, and "@" and the signing Region after it if that is not the Region
// itself. "-" means that there is none.
type column struct{ blocks []block }

// A block is the part of a column that is about one partition.
type block struct {
	partition botocore.Partition
	global    bool
	hosts     []string // one for each Region of the partition
}

// none is written where there is no endpoint.
const none = "-"

// newColumn resolves a service everywhere.
func newColumn(partitions []botocore.Partition, s *botocore.Service, q botocore.Query) (column, error) {
	var c column

	for _, p := range partitions {
		b, err := newBlock(p, s, q)
		if err != nil {
			return column{}, err
		}

		c.blocks = append(c.blocks, b)
	}

	return c, nil
}

// newBlock resolves a service in every Region of a partition, and in one that
// does not exist: what is the same there too is a matter of the partition.
func newBlock(p botocore.Partition, s *botocore.Service, q botocore.Query) (block, error) {
	names := make([]string, 0, len(p.Regions)+1)
	for _, r := range p.Regions {
		names = append(names, r.Name)
	}

	names = append(names, p.Fictitious())

	answers := make([]botocore.Answer, len(names))
	for i, name := range names {
		q.Region = name

		a, err := s.Resolve(p, q)
		if errors.As(err, new(botocore.RefusedError)) {
			continue
		}

		if err != nil {
			return block{}, err
		}

		// botocore would answer with the plain endpoint and not say so.
		if !q.FIPS || s.TakesFIPS() {
			answers[i] = a
		}
	}

	b := block{partition: p, global: true}
	signedAlike := true

	for _, a := range answers {
		b.global = b.global && a.Host != "" && a.Host == answers[0].Host
		signedAlike = signedAlike && a.SigningRegion == answers[0].SigningRegion
	}

	for i := range p.Regions {
		b.hosts = append(b.hosts, b.write(answers[i], names[i], signedAlike))
	}

	return b, nil
}

// write returns a host as it stands in the catalogue.
func (b block) write(a botocore.Answer, region string, signedAlike bool) string {
	if a.Host == "" {
		return none
	}

	host := a.Host
	if h, ok := strings.CutSuffix(host, "."+b.partition.DualStackDNSSuffix); ok {
		host = h + ".%"
	} else if h, ok := strings.CutSuffix(host, "."+b.partition.DNSSuffix); ok {
		host = h + ".$"
	}

	if b.global {
		host = "!" + host
	} else {
		host = strings.ReplaceAll(host, region, "*")
	}

	if signedAlike || a.SigningRegion != region {
		host += "@" + a.SigningRegion
	}

	return host
}

// String returns the column as it is written: the exceptions of single Regions
// first, then those of partitions, then what holds for the rest.
func (c column) String() string {
	rest := tally{}

	for _, b := range c.blocks {
		rest[b.usual()] += len(b.hosts)
	}

	var regions, partitions groups

	for _, b := range c.blocks {
		for i, h := range b.hosts {
			if h != b.usual() {
				regions.add(h, b.partition.Regions[i].Name)
			}
		}

		if b.usual() != rest.top() {
			partitions.add(b.usual(), b.partition.ID)
		}
	}

	return strings.Join(append(append(regions.texts(), partitions.texts()...), rest.top()), ";")
}

// usual is what is written for most Regions of the partition.
func (b block) usual() string {
	t := tally{}
	for _, h := range b.hosts {
		t[h]++
	}

	return t.top()
}

// A tally counts how often each text is there.
type tally map[string]int

// top is the most frequent text, the first in the alphabet among equals.
func (t tally) top() string {
	var best string

	for text, n := range t {
		if c := cmp.Compare(n, t[best]); c > 0 || c == 0 && text < best {
			best = text
		}
	}

	return best
}

// groups are hosts with the names they hold for, in the order of first mention.
type groups []group

// A group is a host and the names it holds for.
type group struct {
	host  string
	names []string
}

// add puts a name into the group of its host.
func (g *groups) add(host, name string) {
	i := slices.IndexFunc(*g, func(x group) bool { return x.host == host })
	if i < 0 {
		i = len(*g)
		*g = append(*g, group{host: host})
	}

	(*g)[i].names = append((*g)[i].names, name)
}

// texts returns the groups as alternatives of a column.
func (g *groups) texts() []string {
	out := make([]string, 0, len(*g))
	for _, x := range *g {
		out = append(out, strings.Join(x.names, ",")+"="+x.host)
	}

	return out
}

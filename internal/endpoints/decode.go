package endpoints

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
)

// format is the first line of a catalogue this package can read.
const format = "meridian endpoints 1"

//go:embed catalogue.txt
var embedded string

//nolint:gochecknoglobals // decoded once, on first use; never changed afterwards.
var catalogue = sync.OnceValue(func() *tables {
	t, err := decode(embedded)
	if err != nil {
		panic("endpoints: " + err.Error())
	}

	return t
})

// tables are the decoded catalogue. Only the caches of its Regions change.
type tables struct {
	source       Source
	partitions   []Partition
	regions      []regionRow
	regionIndex  map[string]int
	services     []serviceRow
	serviceIndex map[string]int
}

// A regionRow is a Region, listed or announced.
type regionRow struct {
	Region

	partition int
	announced bool
	cache     atomic.Pointer[[]atomic.Pointer[Endpoint]]
}

// A serviceRow is a line of the catalogue about one service. Its columns are
// parsed each time they are used.
type serviceRow struct {
	id     string
	prefix string

	// regions has one hexadecimal digit for each four Regions in catalogue
	// order, the first of the four in the lowest bit; "?" means that AWS publishes
	// no list.
	regions string

	// hosts are the host columns, by Variant.index.
	hosts [variants]string
}

// listed reports whether AWS publishes a list of Regions for the service.
func (s *serviceRow) listed() bool { return s.regions != "?" }

// offered reports whether the service is listed in the Region with this index.
func (s *serviceRow) offered(region int) bool {
	if !s.listed() || region/4 >= len(s.regions) {
		return false
	}

	digit := s.regions[region/4] - '0'
	if digit > '9'-'0' {
		digit -= 'a' - '0' - 10
	}

	return digit>>(region%4)&1 == 1
}

// filter returns the Regions with an index that pass accepts.
func (c *tables) filter(pass func(i int) bool) []Region {
	var out []Region

	for i := range c.regions {
		if pass(i) {
			out = append(out, c.regions[i].Region)
		}
	}

	return out
}

// decode reads a catalogue. The first letter of a line is its kind:
//
//	B version date                           botocore's
//	P id suffix dual-stack-suffix name       a partition
//	R name description                       a Region of the last partition
//	A name description                       the same, announced
//	S id prefix regions host host host host  a service
//
// A host column is a list of alternatives, separated by ";". The first that
// applies counts: "names=host" applies to the Regions or partitions named, "host"
// to all. In a host "*" is the Region, "$" the partition's DNS suffix and "%" its
// dual-stack one. "!" before it means that the host is the same for all Regions of
// the partition, "@" and a Region after it that requests are signed for that
// Region. "-" means that there is no endpoint.
func decode(text string) (*tables, error) {
	head, rest, _ := strings.Cut(text, "\n")
	if head != format {
		return nil, errors.New("catalogue: not in the format " + format)
	}

	const regions, services = 64, 640 // more than there are today

	t := &tables{
		regions:      make([]regionRow, 0, regions),
		regionIndex:  make(map[string]int, regions),
		services:     make([]serviceRow, 0, services),
		serviceIndex: make(map[string]int, services),
	}
	n := 1

	for line := range strings.Lines(rest) {
		n++

		if err := t.add(strings.TrimSuffix(line, "\n")); err != nil {
			return nil, fmt.Errorf("catalogue: line %d: %w", n, err)
		}
	}

	for i := range t.services {
		if prefix := t.services[i].prefix; !contains(t.serviceIndex, prefix) {
			t.serviceIndex[prefix] = i
		}
	}

	return t, nil
}

// add adds one line.
func (c *tables) add(line string) error {
	kind, rest, _ := strings.Cut(line, " ")

	switch kind {
	case "B":
		var ok bool
		if c.source.Botocore, c.source.Released, ok = strings.Cut(rest, " "); !ok {
			return errors.New("the source lacks a version or a date")
		}

		return nil
	case "P":
		return c.addPartition(strings.SplitN(rest, " ", 4))
	case "R", "A":
		name, description, _ := strings.Cut(rest, " ")

		return c.addRegion(name, description, kind == "A")
	case "S":
		return c.addService(rest)
	default:
		return fmt.Errorf("unknown kind of line %q", kind)
	}
}

// addPartition adds a partition.
func (c *tables) addPartition(field []string) error {
	if len(field) != 4 {
		return errors.New("a partition has four fields")
	}

	c.partitions = append(c.partitions, Partition{
		ID: field[0], DNSSuffix: field[1], DualStackDNSSuffix: field[2], Name: field[3],
	})

	return nil
}

// addRegion adds a Region to the last partition.
func (c *tables) addRegion(name, description string, announced bool) error {
	if len(c.partitions) == 0 || name == "" || contains(c.regionIndex, name) {
		return fmt.Errorf("Region %q has no partition or no name, or is a duplicate", name)
	}

	last := len(c.partitions) - 1
	c.regionIndex[name] = len(c.regions)
	c.regions = append(c.regions, regionRow{
		Region: Region{
			Name:        name,
			Description: description,
			OptIn:       c.partitions[last].ID == "aws" && !enabledByDefault(name),
			Partition:   c.partitions[last].ID,
		},
		partition: last,
		announced: announced,
	})

	return nil
}

// addService adds a service. Its host columns are not parsed yet.
func (c *tables) addService(rest string) error {
	var field [3 + variants]string

	n := 0
	for f := range strings.SplitSeq(rest, " ") {
		if n == len(field) || f == "" {
			return errors.New("a service has seven fields")
		}

		field[n] = f
		n++
	}

	if n != len(field) || contains(c.serviceIndex, field[0]) {
		return fmt.Errorf("service %q lacks a field or is a duplicate", field[0])
	}

	s := serviceRow{id: field[0], prefix: field[1], regions: field[2], hosts: [variants]string(field[3:])}
	if s.listed() && strings.Trim(s.regions, "0123456789abcdef") != "" {
		return fmt.Errorf("service %q: %q is not hexadecimal", s.id, s.regions)
	}

	c.serviceIndex[s.id] = len(c.services)
	c.services = append(c.services, s)

	return nil
}

// contains reports whether an index has a key.
func contains(m map[string]int, key string) bool {
	_, ok := m[key]

	return ok
}

// Package catalogue writes down what botocore knows about endpoints, in the
// format that package endpoints reads.
//
// The generator calls it, and so does the check that the committed file is
// still what the generator would write.
//
// # What it promises
//
// The same data gives the same bytes. One line stands for one service, so that
// a new version of botocore makes a difference that can be read. A service
// whose rules cannot be evaluated stops the generator: nothing is left out.
package catalogue

import (
	"errors"
	"fmt"
	"strings"

	"meridian/internal/endpoints/internal/botocore"
)

// A Pin is the release of botocore that the catalogue is made from.
type Pin struct {
	// Version is its version.
	Version string

	// Released is the day it was built, as YYYY-MM-DD. botocore does not carry
	// it, so that it is written down beside the version.
	Released string
}

// ParsePin reads a version and a date with a space between them.
func ParsePin(text string) (Pin, error) {
	field := strings.Fields(text)
	if len(field) != 2 {
		return Pin{}, fmt.Errorf("%q is not a version and a date", text)
	}

	return Pin{Version: field[0], Released: field[1]}, nil
}

// Format returns the catalogue.
func Format(d *botocore.Data, pin Pin) (string, error) {
	if d.Version != pin.Version {
		return "", fmt.Errorf("botocore is %s, %s is pinned", d.Version, pin.Version)
	}

	var b strings.Builder

	fmt.Fprintf(&b, "meridian endpoints 1\nB %s %s\n", pin.Version, pin.Released)

	for _, p := range d.Partitions {
		fmt.Fprintf(&b, "P %s %s %s %s\n", p.ID, p.DNSSuffix, p.DualStackDNSSuffix, p.Name)

		for _, r := range p.Regions {
			kind := "R"
			if r.Announced {
				kind = "A"
			}

			fmt.Fprintf(&b, "%s %s %s\n", kind, r.Name, r.Description)
		}
	}

	names, err := d.Services()
	if err != nil {
		return "", err
	}

	used := map[string]bool{}

	for _, name := range names {
		s, err := d.Service(name)
		if err != nil {
			return "", err
		}

		line, err := service(d.Partitions, s, used)
		if err != nil {
			return "", fmt.Errorf("service %s: %w", name, err)
		}

		b.WriteString(line)
	}

	for _, c := range choices() {
		if !used[c.service] {
			return "", fmt.Errorf("service %s needs no choice of %s", c.service, c.parameter)
		}
	}

	return b.String(), nil
}

// A choice settles a parameter that botocore takes from the operation, and that
// changes the host whatever the operation works on.
type choice struct{ service, parameter, value string }

// choices are the parameters without which a service has no endpoint at all,
// and the value for what most people mean by the service.
func choices() []choice {
	return []choice{
		{"acm", "ServiceType", "ACM"},                // the other is ACM-ACME
		{"neptune-graph", "ApiType", "ControlPlane"}, // the other needs a graph's name before the host
	}
}

// service returns the line of one service.
func service(partitions []botocore.Partition, s *botocore.Service, used map[string]bool) (string, error) {
	var parameters map[string]string

	for _, c := range choices() {
		if c.service == s.Name {
			parameters = map[string]string{c.parameter: c.value}
		}
	}

	var columns []string

	var regions roll

	for i := range 4 {
		q := botocore.Query{FIPS: i&1 != 0, DualStack: i&2 != 0, Parameters: parameters}

		c, err := newColumn(partitions, s, q)
		if err != nil {
			return "", err
		}

		columns = append(columns, c.String())

		if i > 0 {
			continue
		}

		for j, p := range partitions {
			regions = regions.with(p, s.Regions(p, c.blocks[j].global))
		}
	}

	if parameters != nil {
		if _, err := newColumn(partitions, s, botocore.Query{}); !errors.As(err, new(botocore.ParameterError)) {
			return "", errors.New("it needs no choice of a parameter")
		}

		used[s.Name] = true
	}

	listed := regions.String()
	if !s.Listed() {
		listed = "?"
	}

	return fmt.Sprintf("S %s %s %s %s\n", s.Name, s.Prefix, listed, strings.Join(columns, " ")), nil
}

// A roll is the set of the Regions of a service: a hexadecimal digit for each
// four Regions of the catalogue, the first of the four in the lowest bit.
type roll []bool

// with returns the roll with the Regions of one more partition, of which those
// named are in. The names are in the order of the partition.
func (r roll) with(p botocore.Partition, names []string) roll {
	for _, region := range p.Regions {
		in := len(names) > 0 && names[0] == region.Name
		if in {
			names = names[1:]
		}

		r = append(r, in)
	}

	return r
}

// String returns the digits.
func (r roll) String() string {
	digits := make([]byte, (len(r)+3)/4)

	for i, in := range r {
		if in {
			digits[i/4] |= 1 << (i % 4)
		}
	}

	for i, d := range digits {
		digits[i] = "0123456789abcdef"[d]
	}

	return string(digits)
}

package main

import (
	"encoding/csv"
	"strings"
)

// names is the value of a flag that lists names: separated by commas or line ends, in
// one value or in several. One that has a comma in it is quoted as in a CSV file. Nil
// means that the flag was not given.
type names []string

// String, Set and Type implement pflag.Value.
func (n *names) String() string { return strings.Join(*n, ",") }

// Set adds the names in value.
func (n *names) Set(value string) error {
	r := csv.NewReader(strings.NewReader(value))
	r.FieldsPerRecord = -1 // as many in each line as there are
	lines, err := r.ReadAll()
	if err != nil {
		return err
	}
	if *n == nil {
		*n = names{}
	}
	for _, line := range lines {
		*n = append(*n, line...)
	}
	return nil
}

// Type names the value in the help. Cobra completes a flag again whose type is a slice.
func (*names) Type() string { return "nameSlice" }

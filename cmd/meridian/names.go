package main

import (
	"encoding/csv"
	"strings"
)

// names is the value of a flag that lists names, separated by commas or line ends. The
// flag can be repeated. A name that contains a comma is quoted as in a CSV file. Nil
// means that the flag was not given. Unlike pflag's string slice it reads every line,
// so that "$(cat regions.txt)" loses none.
type names []string

// String, Set and Type implement pflag.Value.
func (n *names) String() string { return strings.Join(*n, ",") }

// Set adds the names in value.
func (n *names) Set(value string) error {
	r := csv.NewReader(strings.NewReader(value))
	r.FieldsPerRecord = -1 // lines may have different numbers of names
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

// Type names the value in the help. Cobra offers a flag again if its type's name
// contains "Slice".
func (*names) Type() string { return "nameSlice" }

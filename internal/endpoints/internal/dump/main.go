// Command dump prints everything package endpoints knows, for the comparison
// with botocore: one JSON object a line, for every service, Region and variant,
// announced and unlisted ones too.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
)

// main writes to standard output.
func main() {
	out := bufio.NewWriter(os.Stdout)

	// The Regions are arguments: the comparison asks for those botocore has.
	if err := errors.Join(dump(json.NewEncoder(out), os.Args[1:]), out.Flush()); err != nil {
		fmt.Fprintln(os.Stderr, "dump:", err)
		os.Exit(1)
	}
}

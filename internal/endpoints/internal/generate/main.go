// Command generate writes the catalogue of package endpoints from an installed
// botocore, or checks that it is up to date.
package main

import (
	"flag"
	"fmt"
	"os"
)

// main reads the flags.
func main() {
	dir := flag.String("botocore", "", "the `directory` of the botocore package")
	pin := flag.String("pin", "botocore.pin", "the `file` with the version and the date it was built")
	out := flag.String("out", "catalogue.txt", "the `file` to write")
	check := flag.Bool("check", false, "write nothing, and fail if the file would change")
	flag.Parse()

	if err := run(*dir, *pin, *out, *check); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

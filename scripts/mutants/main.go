// Command mutants checks the tests of the engine: it makes one mistake after the other
// in a copy of a file of internal/fanout, and at least one test must fail each time. It
// prints the first test that fails. It exits with 1 if no test fails, if a mistake does
// not compile, or if the file does not have the replaced text exactly once.
//
// Run it at the repository's root, with "make mutants".
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	dir, err := os.MkdirTemp("", "mutants")
	if err == nil {
		err = checkAll(context.Background(), os.Stdout, dir, mutants())
	}
	_ = os.RemoveAll(dir)
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

// Command mutants checks the tests of the engine: it makes one deliberate mistake
// after the other in a copy of a file of internal/fanout, and each has to be
// caught by some test. It prints which, and fails when a mistake is not caught,
// does not compile, or is about a text that the file does not have once.
//
// It runs at the repository's root. "make mutants" does that.
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

// Command figures fills in the figures of README.md and docs/.
//
//	go run ./scripts/figures
//
// A document marks a place with two lines:
//
//	<!-- figures: NAME -->
//	<!-- /figures -->
//
// The text between them is replaced. NAME is one of
//
//   - the name of a table in bench/RESULTS.md, bench/COLD.md or bench/CALL.md, where
//     it stands between "table: NAME" and "/table";
//   - the name of a table of facts of the code, see facts.go;
//   - "$ meridian ARGUMENTS": the output of that command.
package main

import (
	"context"
	"fmt"
	"os"
)

func main() {
	if err := run(context.Background()); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

// run rewrites the documents of the repository in the working directory.
func run(ctx context.Context) error {
	documents, err := fill(ctx, ".")
	if err != nil {
		return err
	}
	for _, d := range documents {
		if d.before == d.after {
			continue
		}
		if err := os.WriteFile(d.file, []byte(d.after), 0o644); err != nil { //nolint:gosec // a document is for everyone to read
			return err
		}
		fmt.Println(d.file) //nolint:forbidigo // the output of this program
	}
	return nil
}

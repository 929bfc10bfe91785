// Command schema writes the JSON Schemas of the messages, and the OpenAPI document of the
// HTTP API, to pkg/protocol/schema: "make schemas". Types come from package protocol,
// descriptions and the values of closed sets from its source, and limits from its constants.
package main

import (
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if err := write("."); err != nil {
		_, _ = fmt.Fprintf(os.Stderr, "schema: %v\n", err)
		os.Exit(1)
	}
}

// write writes the documents of the repository at root.
func write(root string) error {
	all, err := documents(root)
	if err != nil {
		return err
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(root, directory, name+".json"), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// Package schema has the JSON Schemas of the messages of package protocol, and an OpenAPI
// document for the HTTP API. The command prints them; the functions do not link them.
//
// The documents are generated from the Go types, with their comments, limits and closed
// sets: "make schemas" writes them. What the schema of a request refuses,
// [meridian/pkg/protocol.DecodeRequest] refuses too. It refuses more: a schema cannot count
// bytes, or compare two fields. Results and events can have fields that are not in their
// schemas, as for the readers of package protocol.
package schema

import "embed"

//go:embed *.json
var documents embed.FS

// Names returns the names of the documents: of the schemas, in the order in which a run has
// the messages, then of the schemas about kept runs, and "openapi".
func Names() []string {
	return []string{
		"request", "region-request", "region-result", "result", "event", "command", "run-state", "run-page", "event-page", "openapi",
	}
}

// Read returns the document with a name of [Names]. The error says that there is none.
func Read(name string) ([]byte, error) { return documents.ReadFile(name + ".json") }

// Command pictures writes docs/images/run.svg: the timeline of a committed record as a terminal shows
// it.
//
//	go run ./scripts/pictures
//
// It needs no terminal and no browser, and the same record gives the same bytes. The pictures of pages
// are made by the tests of internal/report/page, with Chromium; `make pictures` makes all of them.
package main

import (
	"bytes"
	"fmt"
	"os"

	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// The files, in the repository.
const (
	record  = "scripts/pictures/testdata/run.json"
	picture = "docs/images/run.svg"
)

// width is the width of the terminal, in cells.
const width = 96

func main() {
	svg, err := draw(record)
	if err == nil {
		err = os.WriteFile(picture, svg, 0o644) //nolint:gosec // a picture is for everyone to see
	}
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "pictures:", err)
		os.Exit(1)
	}
}

// draw returns the picture of the timeline of a result in a file.
func draw(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	result, err := protocol.DecodeResult(data)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	var text bytes.Buffer
	text.WriteString("$ meridian show last -o timeline\n")
	if err := report.Timeline(&text, result, report.Options{Width: width, Color: true}); err != nil {
		return nil, err
	}
	return terminal(text.String(), width), nil
}

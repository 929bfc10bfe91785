package main

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strings"

	"charm.land/lipgloss/v2"
)

// The measures of the picture, in pixels. A cell is as wide as a glyph of most fonts of this size.
const (
	cellWidth, cellHeight = 8.4, 18
	fontSize              = 14
	margin                = 16
	bar                   = 28 // above the text
)

// head is the picture's frame. Its colors suit a light page and a dark one.
const head = `<svg xmlns="http://www.w3.org/2000/svg" width="%[1]g" height="%[2]g" viewBox="0 0 %[1]g %[2]g" role="img" aria-labelledby="title">
<title id="title">The timeline of a run in a terminal</title>
<style>
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #d7dee6; white-space: pre; }
.b { font-weight: 700; fill: #ffffff; } .f { fill: #8b98a5; }
.c31 { fill: #ff8a80; } .c32 { fill: #5fd39a; } .c33 { fill: #f5c26b; } .c35 { fill: #d0aaf7; } .c36 { fill: #74d3e6; }
</style>
<rect width="100%%" height="100%%" rx="10" fill="#151b22"/>
<circle cx="20" cy="18" r="5.5" fill="#ff6159"/><circle cx="38" cy="18" r="5.5" fill="#ffbd2e"/><circle cx="56" cy="18" r="5.5" fill="#28c941"/>
`

// style is a sequence that sets the style of the text after it.
var style = regexp.MustCompile(`\x1b\[([0-9;]*)m`)

// terminal returns a picture of a text with styles on a terminal of a width. Each piece of text with one
// style is as wide as its cells, whatever the font is.
func terminal(text string, width int) []byte {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, head, 2*margin+cellWidth*float64(width), float64(bar+2*margin+cellHeight*len(lines)))
	for i, line := range lines {
		column, class := 0, ""
		y := bar + margin + cellHeight*i + fontSize - 2
		for line != "" {
			piece, next, rest := line, "", ""
			if at := style.FindStringSubmatchIndex(line); at != nil {
				piece, next, rest = line[:at[0]], classOf(line[at[2]:at[3]]), line[at[1]:]
			}
			writePiece(&b, piece, class, column, y)
			column, class, line = column+lipgloss.Width(piece), next, rest
		}
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// writePiece writes a piece of text, without the blanks around it.
func writePiece(b *bytes.Buffer, piece, class string, column, y int) {
	text := strings.TrimLeft(piece, " ")
	column += len(piece) - len(text)
	if text = strings.TrimRight(text, " "); text == "" {
		return
	}
	if class != "" {
		class = ` class="` + class + `"`
	}
	fmt.Fprintf(b, `<text%s x="%.1f" y="%d" textLength="%.1f" lengthAdjust="spacingAndGlyphs">%s</text>`+"\n",
		class, margin+cellWidth*float64(column), y, cellWidth*float64(lipgloss.Width(text)), html.EscapeString(text))
}

// classOf returns the classes of the parameters of a style. None reset it.
func classOf(parameters string) string {
	var classes []string
	for p := range strings.SplitSeq(parameters, ";") {
		switch p {
		case "1":
			classes = append(classes, "b")
		case "2":
			classes = append(classes, "f")
		case "31", "32", "33", "35", "36":
			classes = append(classes, "c"+p)
		}
	}
	return strings.Join(classes, " ")
}

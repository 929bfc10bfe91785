// Package page writes a result, or what changed between two, as one HTML page. [Run] writes the
// page of a run: its numbers, its attempts on a time axis, a matrix of its outcomes, and its rows.
// [Difference] writes the page of a difference, and [History] the page of the runs of a name.
//
// The command line calls it. A page is for a person: programs read the result itself.
//
// # What a page promises
//
// It is one file that needs no network and no other file. Everything from a result is text in it:
// never markup, a style or a script. Its Content-Security-Policy lets the browser run and apply
// only what package page has in it, and connect to nothing. It works without scripts; with them its
// tables sort and filter, and the arrow keys move through the matrix. No outcome is shown by its
// color alone. What failed comes first, then the slowest. Every row is in it. A matrix or a timeline
// that would be too large for a browser is cut, and says so.
//
// # Another page
//
// Every page has the layout of layout.html, with the style and the script of page.css and page.js.
// A new kind of page has a template NAME.html that defines "main", and calls render with its name
// and its data. The templates "tiles", "notes", "status", "grid" and "table" of layout.html draw its parts.
package page

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"

	"meridian/internal/difference"
	"meridian/internal/report"
	"meridian/pkg/protocol"
)

// Options says how to write the page of a run. The zero Options lists an output that is an object as
// one row.
type Options struct {
	// Rows lists an output as rows. Nil lists an object as one row with its members.
	Rows report.Rows

	// EveryTarget is passed on to [report.Selection].
	EveryTarget bool

	// Next is the hint for a run that has not ended. Empty means the command that looks up
	// the run.
	Next string
}

// Run writes the page of a result. It returns the error of w.
func Run(w io.Writer, r protocol.Result, o Options) error {
	rows, found := rowsOf(r, o)
	return render(w, "run", titleOf(r), struct {
		Result   protocol.Result
		Heading  heading
		Notes    []string
		Failures failures
		Timeline timeline
		Matrix   matrix
		Rows     table
	}{r, headingOf(r, found), cleaned(report.Notes(r, o.Next)), failuresOf(r), timelineOf(r), matrixOf(r), rows})
}

// Difference writes the page of a difference. It returns the error of w.
func Difference(w io.Writer, d difference.Difference) error {
	return render(w, "difference", "What changed", struct {
		Before, After difference.Compared
		Worse         bool
		Tiles         []tile
		Findings      table
	}{d.Before, d.After, d.Worse, changesOf(d), findingsOf(d)})
}

//go:embed *.html page.css page.js
var files embed.FS

// A document is what the layout shows.
type document struct {
	Title  string
	Policy string
	Style  template.CSS
	Script template.JS
	Body   any
}

// render writes a page of a kind: the layout, and in it the template "main" of the kind's file.
func render(w io.Writer, kind, title string, body any) error {
	layout := template.New("layout.html").Funcs(template.FuncMap{
		"clean": func(text any) string { return report.Clean(fmt.Sprint(text)) },
		"class": class, "mark": mark, "words": words, "when": when, "plain": plain,
	})
	all, err := layout.ParseFS(files, "layout.html", kind+".html")
	if err != nil {
		panic("page: " + err.Error()) // the templates are part of the program
	}
	style, script := read("page.css"), read("page.js")
	out := bufio.NewWriter(w)
	err = all.Execute(out, document{
		title,
		fmt.Sprintf("default-src 'none'; style-src %s; script-src %s; base-uri 'none'; form-action 'none'", hash(style), hash(script)),
		template.CSS(style), template.JS(script), //nolint:gosec // they are embedded
		body,
	})
	if err != nil {
		return err //nolint:wrapcheck // the error of w
	}
	return out.Flush()
}

// read returns an embedded file.
func read(name string) string {
	data, err := files.ReadFile(name)
	if err != nil {
		panic("page: " + err.Error())
	}
	return string(data)
}

// hash returns the source of a style or script in a Content-Security-Policy.
func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

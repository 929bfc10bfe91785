package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"meridian/internal/report/page"
	"meridian/pkg/protocol"
)

const (
	// namelessPage, namelessDifference and namelessHistory are the values of --html without a file. The id
	// of the run replaces the ID in them, and the name of the runs the NAME.
	namelessPage       = "meridian-ID.html"
	namelessDifference = "meridian-diff-ID.html"
	namelessHistory    = "meridian-history-NAME.html"

	// printedPage is the value of --html for standard output.
	printedPage = "-"
)

// addPage gives a command the flag --html. Without a file its value is nameless.
func addPage(cmd *cobra.Command, file *string, nameless string) {
	flags := cmd.Flags()
	flags.StringVar(file, "html", "", "also write a page for a browser to `file`; without a file, to "+nameless)
	flags.Lookup("html").NoOptDefVal = nameless
	_ = cmd.RegisterFlagCompletionFunc("html", cobra.FixedCompletions(nil, cobra.ShellCompDirectiveDefault)) // offers files
}

// joinPage returns the arguments with --html and the file after it joined to --html=file: pflag takes the
// value of a flag with an optional value only in that form.
func joinPage(args []string) []string {
	var joined []string
	for i := 0; i < len(args); i++ {
		if args[i] == "--" {
			return append(joined, args[i:]...)
		}
		if args[i] == "--html" && i+1 < len(args) && (!strings.HasPrefix(args[i+1], "-") || args[i+1] == printedPage) {
			joined = append(joined, args[i]+"="+args[i+1])
			i++
			continue
		}
		joined = append(joined, args[i])
	}
	return joined
}

// hintPage adds a hint to an error of the arguments if there are fewer than most, and --html may have taken
// one as its file.
func hintPage(cmd *cobra.Command, args []string, most int, e *complaintError) error {
	flag := cmd.Flags().Lookup("html")
	if flag == nil || !flag.Changed || len(args) >= most || flag.Value.String() == flag.NoOptDefVal {
		return e
	}
	return e.hint("--html took %s for its file: put --html last, or give it a file", flag.Value)
}

// checkOutput returns the error of the flags that say what to print and write of a result.
func (f *runFlags) checkOutput(changed func(flag string) bool) error {
	if err := f.checkRows(changed); err != nil {
		return err
	}
	return checkPage(f.html, changed)
}

// checkPage returns the error of --html. A file that cannot be written is one.
func checkPage(file string, changed func(flag string) bool) error {
	switch {
	case !changed("html"):
		return nil
	case file == "":
		return usage(`--html: "": want the path of a file`)
	case file == printedPage:
		for _, flag := range []string{"output", "columns", "sort", "count-by"} {
			if changed(flag) {
				return usage("--html - prints the page alone, and --%s cannot be combined with it", flag).hint("set --html to a file")
			}
		}
		return nil
	}
	if info, err := os.Stat(file); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return nil // opening a named pipe waits for its reader, and closing it ends what the reader gets
	}
	place, err := newPageFile(file)
	if err == nil {
		err = place.discard()
	}
	if err != nil {
		return usage("--html: %v", err)
	}
	return nil
}

// refusePrintedPage returns the error of --html - for a command that prints something else.
func (f *runFlags) refusePrintedPage() error {
	if f.html != printedPage {
		return nil
	}
	return usage("--html - is for show, diff and history: this command prints the result").hint("set --html to a file")
}

// writePage writes the page of a run, if it is wanted.
func (c *cli) writePage(f *runFlags, r keptRun) error {
	if f.html == "" {
		return nil
	}
	rows, everyTarget := rowsOf(r.request)
	return c.writeFile(f.html, r.result.RunID, func(w io.Writer) error {
		return page.Run(w, r.result, page.Options{Rows: rows, EveryTarget: everyTarget, Next: f.nextStep(r)})
	})
}

// writeFile writes a page to a file, or to standard output. A file is written whole or not at all. of is the id
// of the run, or the name of the runs.
func (c *cli) writeFile(file, of string, write func(io.Writer) error) error {
	if file == printedPage {
		if err := write(c.stdout); err != nil {
			return failure("write output: %v", err)
		}
		return nil
	}
	if file == namelessPage || file == namelessDifference || file == namelessHistory {
		if !protocol.ValidRunID(of) && file != namelessHistory {
			return failure("the page is not written: the result has no id of a run to name it after").hint("name a file: --html FILE")
		}
		file = strings.NewReplacer("ID", of, "NAME", of).Replace(file)
		if err := c.writeFile(file, of, write); err != nil {
			return err
		}
		c.note("the page is in %s", file)
		return nil
	}
	p, err := newPageFile(file)
	if err != nil {
		return failure("write the page: %v", err)
	}
	if err := errors.Join(write(p), p.Close()); err != nil {
		return failure("write the page: %v", errors.Join(err, p.discard()))
	}
	if err := p.keep(); err != nil {
		return failure("write the page: %v", err)
	}
	return nil
}

// A pageFile is a file that is being written. What is no regular file, such as a pipe, is written
// directly; another file has a temporary name until it is whole.
type pageFile struct {
	*os.File
	path string // where it belongs; empty means that it is there
}

// newPageFile opens a page's file for writing.
func newPageFile(path string) (*pageFile, error) {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		path = to
	}
	info, err := os.Stat(path)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err //nolint:wrapcheck // it names the file
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%s is a directory", path)
	case err == nil && !info.Mode().IsRegular():
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		return &pageFile{file, ""}, err
	}
	mode := fs.FileMode(0o666)
	if err == nil {
		mode = info.Mode().Perm()
	}
	file, err := os.OpenFile(fmt.Sprintf("%s.%s.tmp", path, rand.Text()[:8]), os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if cause, ok := errors.AsType[*fs.PathError](err); ok { // without the temporary name
		err = &fs.PathError{Op: "create", Path: path, Err: cause.Err}
	}
	return &pageFile{file, path}, err
}

// keep gives a closed file its name.
func (p *pageFile) keep() error {
	if p.path == "" {
		return nil
	}
	return os.Rename(p.Name(), p.path)
}

// discard closes and removes a file with a temporary name.
func (p *pageFile) discard() error {
	_ = p.Close() // it may be closed
	if p.path == "" {
		return nil
	}
	return os.Remove(p.Name())
}

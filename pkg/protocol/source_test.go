package protocol_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"meridian/pkg/protocol"
)

// source parses the package's files, without its tests.
func source(t *testing.T) []*ast.File {
	t.Helper()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	return files
}

// constants returns the package's string constants whose names begin with
// prefix, by name.
func constants(t *testing.T, prefix string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, file := range source(t) {
		ast.Inspect(file, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			for i, name := range spec.Names {
				if !strings.HasPrefix(name.Name, prefix) || i >= len(spec.Values) {
					continue
				}
				if lit, ok := spec.Values[i].(*ast.BasicLit); ok && lit.Kind == token.STRING {
					text, err := strconv.Unquote(lit.Value)
					if err != nil {
						t.Fatal(err)
					}
					found[name.Name] = text
				}
			}
			return true
		})
	}
	return found
}

// Version's comment is its changelog: one dated entry for each version, the
// last of them for the present one.
func TestVersionsCommentIsItsChangelog(t *testing.T) {
	t.Parallel()
	var doc string
	for _, file := range source(t) {
		for _, decl := range file.Decls {
			if group, ok := decl.(*ast.GenDecl); ok && group.Tok == token.CONST && group.Doc != nil {
				if spec := group.Specs[0].(*ast.ValueSpec); spec.Names[0].Name == "Version" {
					doc = group.Doc.Text()
				}
			}
		}
	}
	entries := regexp.MustCompile(`(?m)^ *- (.*)$`).FindAllStringSubmatch(doc, -1)
	if len(entries) != protocol.Version {
		t.Errorf("Version's comment has %d entries, want one for each of %d versions:\n%s", len(entries), protocol.Version, doc)
	}
	entry := regexp.MustCompile(`^(\d+) \((\d{4}-\d{2}-\d{2})\): \S`)
	before := time.Time{}
	for i, e := range entries {
		parts := entry.FindStringSubmatch(e[1])
		if parts == nil || parts[1] != strconv.Itoa(i+1) {
			t.Errorf("Version's comment has entry %q, want \"%d (date): what changed\"", e[1], i+1)
			continue
		}
		date, err := time.Parse(time.DateOnly, parts[2])
		if err != nil || date.Before(before) {
			t.Errorf("Version's comment has date %s (%v), want one not before %s", parts[2], err, before.Format(time.DateOnly))
		}
		before = date
	}
}

// Every status constant is in Statuses, each once.
func TestStatusesReturnsEveryStatusThereIs(t *testing.T) {
	t.Parallel()
	listed := map[protocol.Status]bool{}
	for _, s := range protocol.Statuses() {
		if listed[s] {
			t.Errorf("Statuses() lists %s twice", s)
		}
		listed[s] = true
	}
	declared := constants(t, "Status")
	for name, value := range declared {
		if !listed[protocol.Status(value)] {
			t.Errorf("Statuses() lacks %s", name)
		}
	}
	if len(declared) != len(listed) || len(declared) == 0 {
		t.Errorf("Statuses() has %d entries for %d constants", len(listed), len(declared))
	}
}

// Every error name is unique and says whose it is.
func TestErrorNamesAreUniqueAndSayWhoseTheyAre(t *testing.T) {
	t.Parallel()
	prefixed := regexp.MustCompile(`^(States|Lambda|Function|Meridian)\.[A-Z][A-Za-z]+$`)
	seen := map[string]string{}
	for name, value := range constants(t, "Error") {
		if other, twice := seen[value]; twice {
			t.Errorf("%s and %s are both %q", name, other, value)
		}
		seen[value] = name
		if !prefixed.MatchString(value) {
			t.Errorf("%s = %q, want States., Lambda., Function. or Meridian. and a word", name, value)
		}
	}
	if len(seen) < 10 {
		t.Errorf("found %d error names, want all of them", len(seen))
	}
}

// The package imports nothing of ours, nor of anyone's but the standard library.
func TestImportsOnlyTheStandardLibrary(t *testing.T) {
	t.Parallel()
	for _, file := range source(t) {
		for _, imported := range file.Imports {
			path, _ := strconv.Unquote(imported.Path.Value)
			if first, _, _ := strings.Cut(path, "/"); first == "meridian" || strings.Contains(first, ".") {
				t.Errorf("imports %q, want the standard library only", path)
			}
		}
	}
}

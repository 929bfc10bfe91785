package main

import (
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// A source has what reflection does not tell of some packages: comments and constants.
type source struct {
	types     map[string]string // the comment of a type
	fields    map[string]*group // the comment of a field, by Type.Field
	json      map[string]string // the JSON name of a field, by its name in Go
	constants map[string]string // the value of a constant, as a text shows it
	sets      map[string]*set   // the values of a named string type
}

// A group has the comment of one field or several, and their names.
type group struct {
	comment string
	names   []string
}

// A set has the values that a string can have.
type set struct {
	values, comments []string
}

// errorNames is the name of the set of the constants that begin with Error. They have no
// type of their own.
const errorNames = "ErrorName"

// read reads the packages in directories.
func read(directories ...string) (*source, error) {
	s := &source{map[string]string{}, map[string]*group{}, map[string]string{}, map[string]string{}, map[string]*set{}}
	for _, directory := range directories {
		files, err := filepath.Glob(filepath.Join(directory, "*.go"))
		if err != nil {
			return nil, err
		}
		fset, parsed := token.NewFileSet(), []*ast.File(nil)
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			file, err := parser.ParseFile(fset, name, nil, parser.ParseComments)
			if err != nil {
				return nil, err
			}
			parsed = append(parsed, file)
		}
		// Imports are not resolved: the constants need none.
		info := &types.Info{Defs: map[*ast.Ident]types.Object{}}
		config := types.Config{Error: func(error) {}, IgnoreFuncBodies: true}
		_, _ = config.Check(directory, fset, parsed, info)
		for _, file := range parsed {
			for _, d := range file.Decls {
				if declaration, ok := d.(*ast.GenDecl); ok {
					s.declaration(fset, info, declaration)
				}
			}
		}
	}
	return s, nil
}

func (s *source) declaration(fset *token.FileSet, info *types.Info, d *ast.GenDecl) {
	for _, spec := range d.Specs {
		switch spec := spec.(type) {
		case *ast.TypeSpec:
			s.types[spec.Name.Name] = d.Doc.Text()
			if fields, ok := spec.Type.(*ast.StructType); ok {
				s.structure(fset, spec.Name.Name, fields)
			}
		case *ast.ValueSpec:
			for _, name := range spec.Names {
				if c, ok := info.Defs[name].(*types.Const); ok && c.Exported() {
					s.constant(c, d, spec)
				}
			}
		}
	}
}

// structure keeps the comments of fields. A field without one directly below another has
// the comment of that.
func (s *source) structure(fset *token.FileSet, name string, t *ast.StructType) {
	var g *group
	line := 0
	for _, f := range t.Fields.List {
		if f.Doc != nil || fset.Position(f.Pos()).Line != line+1 {
			g = &group{comment: f.Doc.Text()}
		}
		line = fset.Position(f.End()).Line
		for _, id := range f.Names {
			if f.Tag == nil {
				continue
			}
			tag, _ := strconv.Unquote(f.Tag.Value)
			s.json[id.Name], _, _ = strings.Cut(reflect.StructTag(tag).Get("json"), ",")
			s.fields[name+"."+id.Name] = g
			g.names = append(g.names, id.Name)
		}
	}
}

func (s *source) constant(c *types.Const, d *ast.GenDecl, spec *ast.ValueSpec) {
	s.constants[c.Name()] = c.Val().ExactString()
	if c.Val().Kind() != constant.String {
		if n, exact := constant.Int64Val(c.Val()); exact {
			s.constants[c.Name()] = thousands(n)
			if strings.HasSuffix(c.Name(), "Bytes") {
				s.constants[c.Name()] += " bytes"
			}
		}
		return
	}
	of := ""
	if named, ok := c.Type().(*types.Named); ok {
		of = named.Obj().Name()
	} else if strings.HasPrefix(c.Name(), "Error") {
		of = errorNames
		s.types[of] = d.Doc.Text()
	}
	if s.sets[of] == nil {
		s.sets[of] = &set{}
	}
	s.sets[of].values = append(s.sets[of].values, constant.StringVal(c.Val()))
	s.sets[of].comments = append(s.sets[of].comments, spec.Doc.Text())
}

// thousands formats a number with a comma before each three digits.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

var (
	links   = regexp.MustCompile(`\[([A-Z][\w.]*)\]`)
	words   = regexp.MustCompile(`\b[A-Z]\w+\b`)
	spaces  = regexp.MustCompile(`\s+`)
	sources = regexp.MustCompile(`(?s)\n*Source: .*`)
)

// text returns a comment for readers of JSON: fields have their JSON names, and constants
// are their values. names are those of the fields that the comment is about.
func (s *source) text(comment string, names ...string) string {
	comment = sources.ReplaceAllString(comment, "")
	comment = links.ReplaceAllString(comment, "$1")
	for _, name := range names {
		if at := regexp.MustCompile(`\b` + name + `\b`).FindStringIndex(comment); at != nil {
			comment = comment[:at[0]] + s.json[name] + comment[at[1]:]
		}
	}
	comment = words.ReplaceAllStringFunc(comment, func(word string) string {
		switch value, known := s.constants[word]; {
		case known:
			return value
		case word == "Nil":
			return "Left out"
		case strings.ContainsFunc(s.json[word], unicode.IsUpper): // else it may be a word of English
			return s.json[word]
		}
		return word
	})
	return strings.TrimSpace(spaces.ReplaceAllString(comment, " "))
}

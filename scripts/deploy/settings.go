package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// These become names of directories and of files, so they must not have separators.
var (
	// regionName is the form of a Region's name in every partition.
	regionName = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$`)
	// stageName is the form of a stage, which is a part of the stacks' names.
	stageName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9-]*$`)
	// paramName is the form of the name of a parameter in serverless.yml.
	paramName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9]*$`)
)

// regionKey is the key of the Region among what is kept. It is no parameter.
const regionKey = "region"

// The settings of a deployment are what was given, over what is kept of the stage.
type settings struct {
	root    string
	stage   string
	region  string            // of the coordinator
	regions string            // of the workers, as given
	purge   string            // "1" to delete the bucket of the kept runs with the stack, or ""
	options []string          // given for the framework, beside parameters
	given   map[string]string // parameters, and the Region unless one is kept
	kept    map[string]string
}

// newSettings reads and checks what was given, from the environment, and what is kept
// in the root.
func newSettings(root string, getenv func(string) string) (*settings, error) {
	s := &settings{root: root, stage: cmp.Or(getenv("STAGE"), "dev"), regions: getenv("REGIONS"), purge: getenv("PURGE"), given: map[string]string{}}
	if !stageName.MatchString(s.stage) {
		return nil, fmt.Errorf("STAGE %q: want letters, digits and hyphens", s.stage)
	}
	var err error
	if s.kept, err = s.read(); err != nil {
		return nil, err
	}
	architecture := strings.Replace(getenv("GIVEN_ARCH"), "amd64", "x86_64", 1)
	s.give("architecture", architecture)
	s.give("placement", getenv("PLACEMENT"))
	if s.kept[regionKey] == "" {
		s.give(regionKey, getenv("REGION"))
	}
	s.region = cmp.Or(getenv("REGION"), s.value(regionKey), "us-east-1")
	return s, errors.Join(s.giveParams(getenv("PARAMS")), s.check())
}

// give sets a parameter that was given, unless it is empty.
func (s *settings) give(name, value string) {
	if value != "" {
		s.given[name] = value
	}
}

// value returns what was given or else what is kept, or "".
func (s *settings) value(name string) string {
	return cmp.Or(s.given[name], s.kept[name])
}

// giveParams reads PARAMS: --param name=value, and other options of the framework. It
// splits the text into words as a shell does, with quotes, and does nothing else that a
// shell does.
func (s *settings) giveParams(text string) error {
	all, err := split(text)
	for i := 0; err == nil && i < len(all); i++ {
		param, isParam := strings.CutPrefix(all[i], "--param=")
		if all[i] == "--param" && i+1 < len(all) {
			i++
			param, isParam = all[i], true
		}
		if !isParam {
			s.options = append(s.options, all[i])
			continue
		}
		name, value, _ := strings.Cut(param, "=")
		if !paramName.MatchString(name) || name == regionKey || strings.TrimSpace(value) == "" || strings.ContainsAny(value, "\r\n") {
			return fmt.Errorf("PARAMS: --param %q: want name=value, in one line", name)
		}
		s.give(name, strings.TrimSpace(value))
	}
	return err
}

// check returns what is wrong with names that the program itself uses. The framework
// checks the others.
func (s *settings) check() error {
	for _, region := range slices.Concat(words(s.regions), words(s.value("regions")), []string{s.region}) {
		if !regionName.MatchString(region) {
			return fmt.Errorf("%q is not the name of a Region", region)
		}
	}
	if s.purge != "" && s.purge != "1" {
		return fmt.Errorf("PURGE %q: want 1, or nothing", s.purge)
	}
	if a := s.value("architecture"); a != "" && a != "arm64" && a != "x86_64" {
		return fmt.Errorf("the architecture %q: want arm64, or amd64, which is x86_64", a)
	}
	if p := s.value("placement"); p != "" && p != "home" && p != "regional" {
		return fmt.Errorf("the placement %q: want home or regional", p)
	}
	return nil
}

// args returns the arguments of the framework that set the parameters.
func (s *settings) args() []string {
	params := maps.Clone(s.kept)
	maps.Copy(params, s.given)
	delete(params, regionKey)
	args := slices.Clone(s.options)
	for _, name := range slices.Sorted(maps.Keys(params)) {
		args = append(args, "--param", name+"="+params[name])
	}
	return args
}

// file is where the settings of the stage are kept: a line "name=value" for each, and
// lines of comment that begin with #.
func (s *settings) file() string {
	return filepath.Join(s.root, "deploy", "stages", s.stage+".params")
}

func (s *settings) read() (map[string]string, error) {
	content, err := os.ReadFile(s.file())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	kept := map[string]string{}
	for line := range strings.Lines(string(content)) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		name, value = strings.TrimSpace(name), strings.TrimSpace(value)
		if !paramName.MatchString(name) || value == "" {
			return nil, fmt.Errorf("%s: %q: want name=value", s.file(), name)
		}
		kept[name] = value
	}
	return kept, nil
}

// keep writes what was given into the file, unless it is there, and says so. Other lines
// stay.
func (s *settings) keep(out io.Writer) error {
	content, err := os.ReadFile(s.file())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var lines []string
	for line := range strings.Lines(string(content)) {
		name, _, _ := strings.Cut(line, "=")
		if name = strings.TrimSpace(name); s.given[name] != "" {
			line = name + "=" + s.given[name]
		}
		lines = append(lines, strings.TrimRight(line, "\n"))
	}
	changed := false
	for _, name := range slices.Sorted(maps.Keys(s.given)) {
		if s.kept[name] == "" {
			lines = append(lines, name+"="+s.given[name])
		}
		changed = changed || s.kept[name] != s.given[name]
	}
	if !changed {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(s.file()), 0o755); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(out, "%s keeps these settings for the next deployment: commit it\n", s.file())
	return os.WriteFile(s.file(), []byte(strings.Join(lines, "\n")+"\n"), 0o644)
}

// words splits a list at blanks and commas.
func words(list string) []string {
	return strings.FieldsFunc(list, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}

// split splits a text into words at blanks outside of quotes, and takes the quotes
// away.
func split(text string) ([]string, error) {
	var all []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	for _, r := range text {
		switch {
		case r == quote:
			quote = 0
		case quote == 0 && (r == '\'' || r == '"'):
			inWord, quote = true, r
		case quote == 0 && (r == ' ' || r == '\t' || r == '\n'):
			if inWord {
				all = append(all, word.String())
			}
			word.Reset()
			inWord = false
		default:
			inWord = true
			word.WriteRune(r)
		}
	}
	if quote != 0 {
		return nil, fmt.Errorf("PARAMS: a quote %c is not closed", quote)
	}
	if inWord {
		all = append(all, word.String())
	}
	return all, nil
}

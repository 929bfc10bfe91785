package botocore

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// value returns what an argument stands for: a reference, a call, a template or
// itself.
func (s scope) value(argument any) (any, error) {
	switch a := argument.(type) {
	case string:
		return s.expand(a)
	case map[string]any:
		if name, ok := a["ref"].(string); ok {
			return s.values[name], nil
		}

		fn, ok := a["fn"].(string)
		argv, ok2 := a["argv"].([]any)

		if !ok || !ok2 {
			return nil, fmt.Errorf("%v is neither a reference nor a call", a)
		}

		return s.call(call{Fn: fn, Argv: argv})
	default:
		return a, nil
	}
}

// expand fills in the {names} of a template. {A#b} is the member b of A.
func (s scope) expand(template string) (string, error) {
	var b strings.Builder

	for rest := template; ; {
		literal, after, open := strings.Cut(rest, "{")
		b.WriteString(literal)

		if !open {
			return b.String(), nil
		}

		name, after, closed := strings.Cut(after, "}")
		if !closed || strings.HasPrefix(name, "{") {
			return "", fmt.Errorf("template %q", template)
		}

		base, member, nested := strings.Cut(name, "#")
		v := s.values[base]

		if nested {
			m, _ := v.(map[string]any)
			v = m[member]
		}

		text, ok := v.(string)
		if !ok {
			return "", fmt.Errorf("template %q: %s is not a text", template, name)
		}

		b.WriteString(text)

		rest = after
	}
}

// call runs a function of the rules, and gives its result a name if it has one.
func (s scope) call(c call) (any, error) {
	argv := make([]any, len(c.Argv))

	for i, a := range c.Argv {
		v, err := s.value(a)
		if err != nil {
			return nil, err
		}

		argv[i] = v
	}

	result, err := s.run(c.Fn, argv)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Fn, err)
	}

	if c.Assign != "" {
		s.values[c.Assign] = result
	}

	return result, nil
}

// arity is the number of arguments of the functions that are implemented. The
// others work on ARNs, buckets and URLs, which nobody gives us.
func arity(fn string) int {
	switch fn {
	case "isSet", "not", "aws.partition":
		return 1
	case "booleanEquals", "stringEquals", "getAttr", "isValidHostLabel":
		return 2
	default:
		return -1
	}
}

// run runs a function on values.
func (s scope) run(fn string, argv []any) (any, error) {
	if arity(fn) != len(argv) {
		return nil, fmt.Errorf("not implemented with %d arguments", len(argv))
	}

	switch fn {
	case "isSet":
		return argv[0] != nil, nil
	case "not":
		b, ok := argv[0].(bool)

		return !b && (ok || argv[0] == nil), nil
	case "aws.partition":
		name, _ := argv[0].(string)

		return s.partition(name).Outputs, nil
	case "booleanEquals":
		a, ok := argv[0].(bool)
		b, ok2 := argv[1].(bool)

		return a == b, boolError(ok && ok2)
	case "stringEquals":
		a, ok := argv[0].(string)
		b, ok2 := argv[1].(string)

		return a == b, boolError(ok && ok2)
	case "getAttr":
		path, _ := argv[1].(string)

		return attribute(argv[0], path)
	default: // isValidHostLabel
		label, _ := argv[0].(string)
		dots, _ := argv[1].(bool)

		return validLabel(label, dots), nil
	}
}

// boolError is the error of a comparison, if its arguments are not fit for it.
func boolError(ok bool) error {
	if !ok {
		return errors.New("an argument is of the wrong type")
	}

	return nil
}

// partition returns the partition that names the Region or whose pattern it
// fits, or else the first.
func (s scope) partition(region string) rulePartition {
	for _, p := range s.partitions {
		if _, ok := p.Regions[region]; ok || p.pattern.MatchString(region) {
			return p
		}
	}

	return s.partitions[0]
}

// attribute follows a path such as "a.b[0]" into a value.
func attribute(v any, path string) (any, error) {
	for part := range strings.SplitSeq(path, ".") {
		name, index, indexed := strings.Cut(strings.TrimSuffix(part, "]"), "[")

		if name != "" {
			m, ok := v.(map[string]any)
			if !ok {
				return nil, fmt.Errorf("%q of something without members", path)
			}

			v = m[name]
		}

		if indexed {
			i, err := strconv.Atoi(index)
			list, ok := v.([]any)

			if err != nil || !ok || i < 0 {
				return nil, fmt.Errorf("%q of something without elements", path)
			}

			if i >= len(list) {
				return nil, nil
			}

			return list[i], nil
		}
	}

	return v, nil
}

// validLabel says whether a text may be a label of a host name, or several with
// dots between them.
func validLabel(label string, dots bool) bool {
	if dots {
		for part := range strings.SplitSeq(label, ".") {
			if !validLabel(part, false) {
				return false
			}
		}

		return true
	}

	return regexp.MustCompile(`^[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?$`).MatchString(label)
}

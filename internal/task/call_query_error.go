package task

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/jmespath-community/go-jmespath/pkg/functions"
)

// notJSON says what a result has that JSON cannot say.
const notJSON = "a number in its result is infinite or no number, as after a division by zero"

// functionError returns the error of a function of JMESPath in plain words. The library's
// has words of Go, and the whole argument.
func functionError(name string, err error) error {
	text := err.Error()
	switch {
	case strings.HasPrefix(text, "invalid type for: "):
		return errors.New(takes(name))
	case strings.Contains(text, "must be number"), strings.Contains(text, "must be string"), strings.Contains(text, "comparison"):
		return fmt.Errorf("%s compares numbers with numbers, or strings with strings", name)
	}
	if _, ok := errors.AsType[*json.UnsupportedValueError](err); ok {
		return errors.New(notJSON)
	}
	for _, kind := range []string{"invalid arity, ", "invalid value, ", "invalid type, "} {
		text = strings.TrimPrefix(text, kind)
	}
	return errors.New(text)
}

// takes says which arguments a function takes, as in "length takes a string, an array or
// an object".
func takes(name string) string {
	kinds := map[functions.JpType]string{
		functions.JpNumber: "a number", functions.JpString: "a string", functions.JpArray: "an array", functions.JpObject: "an object",
		functions.JpArrayArray: "an array of arrays", functions.JpArrayNumber: "an array of numbers",
		functions.JpArrayString: "an array of strings", functions.JpExpref: "an expression such as &Name", functions.JpAny: "any value",
	}
	var arguments []string
	for _, f := range functions.GetDefaultFunctions() {
		for _, argument := range f.Arguments {
			if f.Name != name || argument.Optional {
				continue
			}
			var or []string
			for _, kind := range argument.Types {
				or = append(or, kinds[kind])
			}
			last := len(or) - 1
			text := or[last]
			if last > 0 {
				text = strings.Join(or[:last], ", ") + " or " + text
			}
			arguments = append(arguments, text)
		}
	}
	return name + " takes " + strings.Join(arguments, ", then ")
}

package task

import (
	"math"
	"reflect"
	"slices"

	"github.com/jmespath-community/go-jmespath/pkg/functions"
)

// safeFunctions returns the functions of JMESPath. Some of the library's panic with
// arguments that are allowed, and sort_by changes its argument, which can be a literal of a
// query that several goroutines use.
func safeFunctions() []functions.FunctionEntry {
	all := functions.GetDefaultFunctions()
	for i := range all {
		handler := all[i].Handler
		switch all[i].Name {
		case "contains":
			all[i].Handler = func(arguments []any) (any, error) {
				list, ok := arguments[0].([]any)
				if !ok {
					return handler(arguments)
				}
				return slices.ContainsFunc(list, func(item any) bool { return reflect.DeepEqual(item, arguments[1]) }), nil
			}
		case "find_first", "find_last":
			all[i].Handler = func(arguments []any) (any, error) {
				if arguments = within(arguments); arguments == nil {
					return nil, nil //nolint:nilnil // null: it is not found
				}
				return handler(arguments)
			}
		case "sort_by":
			all[i].Handler = func(arguments []any) (any, error) {
				list, _ := arguments[0].([]any)
				return handler([]any{slices.Clone(list), arguments[1]})
			}
		}
	}
	return all
}

// within returns the arguments of find_first with the start and the end inside the text,
// or nil when there is nothing between them.
func within(arguments []any) []any {
	arguments = slices.Clone(arguments)
	bounds := []float64{0, float64(len(text(arguments, 0)))}
	for i := 2; i < len(arguments); i++ {
		if at, _ := arguments[i].(float64); at == math.Floor(at) { // else the library says what is wrong
			bounds[i-2] = min(max(at, 0), bounds[1])
			arguments[i] = bounds[i-2]
		}
	}
	if bounds[0] > bounds[1] {
		return nil
	}
	return arguments
}

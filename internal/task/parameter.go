package task

import (
	"reflect"
	"strings"

	"meridian/pkg/protocol"
)

// A Parameter describes one parameter of a task for a person.
type Parameter struct {
	// Name is its name in the request's parameters.
	Name string

	// Kind is the kind of its JSON value, such as "a number".
	Kind string

	// Help says what it means. It is the "help" tag of the field, and can be empty.
	Help string
}

// parametersOf returns the parameters that a struct type has.
func parametersOf(t reflect.Type) []Parameter {
	var all []Parameter
	for field := range t.Fields() {
		if name, _, _ := strings.Cut(field.Tag.Get("json"), ","); name != "" && name != "-" {
			all = append(all, Parameter{name, kindOf(field.Type), field.Tag.Get("help")})
		}
	}
	return all
}

// kindOf returns the kind of JSON value that a parameter of type t takes. A type that
// reads its own JSON says so in its method Kind.
func kindOf(t reflect.Type) string {
	if own, ok := reflect.TypeAssert[interface{ Kind() string }](reflect.Zero(t)); ok {
		return own.Kind()
	}
	return protocol.KindFor(t)
}

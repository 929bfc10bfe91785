package model

import "github.com/aws/smithy-go"

// A Type is the type of a value in an operation's output. The zero Type is not known.
type Type struct{ shape *shape }

// OutputType returns the type of the output. It is a structure.
func (op *Operation) OutputType() Type { return Type{op.output} }

// Kind returns what the value is. For the zero Type it returns none of Smithy's types.
func (t Type) Kind() smithy.ShapeType {
	if t.shape == nil {
		return -1
	}
	return t.shape.typ
}

// Member returns the type of a member of a structure or a union, and whether it has that
// member.
func (t Type) Member(name string) (Type, bool) {
	if m := t.shape.member(name); m != nil {
		return Type{m.shape}, true
	}
	return Type{}, false
}

// Members returns the names of the members of a structure or a union.
func (t Type) Members() []string {
	return names(t.shape)
}

// Item returns the type of the items of a list, or of the values of a map.
func (t Type) Item() Type { return Type{t.shape.item().shape} }

package model

import (
	"maps"

	"github.com/aws/smithy-go"
)

// A Field is a member of an operation's input or output, for a person to read.
type Field struct {
	// Name is the member's name.
	Name string `json:"member"`

	// Type is what its value is, as in "string", "list of structure" or "map of list of
	// integer". A union is a structure with exactly one member.
	Type string `json:"type"`

	// Required says that an input without it is refused.
	Required bool `json:"required,omitzero"`

	// Fields are the members of the structure, also of one in a list or a map. Nil means
	// none, or that they are below the depth asked for or in a structure that contains
	// itself.
	Fields []Field `json:"members,omitzero"`
}

// InputFields returns the members of the input, and those of structures in it down to a
// depth of at least 1.
func (op *Operation) InputFields(depth int) []Field { return op.input.outline(depth, nil) }

// OutputFields returns the members of the output, as InputFields does.
func (op *Operation) OutputFields(depth int) []Field { return op.output.outline(depth, nil) }

// outline returns the members of a structure that is inside of others.
func (s *shape) outline(depth int, inside map[*shape]bool) []Field {
	if s == nil || depth < 1 || inside[s] {
		return nil
	}
	members := s.members()
	fields := make([]Field, len(members))
	for i := range members {
		within := map[*shape]bool{s: true}
		maps.Copy(within, inside)
		m := &members[i]
		prefix, inner := "", m.shape
		for inner.typ == smithy.ShapeTypeList || inner.typ == smithy.ShapeTypeMap {
			if within[inner] { // a list that contains itself
				break
			}
			within[inner] = true
			prefix += typeName(inner.typ) + " of "
			inner = inner.item().shape
		}
		fields[i] = Field{Name: m.name, Type: prefix + typeName(inner.typ), Required: m.required && !m.token}
		if inner.typ == smithy.ShapeTypeStructure || inner.typ == smithy.ShapeTypeUnion {
			fields[i].Fields = inner.outline(depth-1, within)
		}
	}
	return fields
}

// typeName returns the word for a type.
func typeName(typ smithy.ShapeType) string {
	switch typ {
	case smithy.ShapeTypeStructure:
		return "structure"
	case smithy.ShapeTypeUnion:
		return "union"
	case smithy.ShapeTypeList:
		return "list"
	case smithy.ShapeTypeMap:
		return "map"
	case smithy.ShapeTypeBoolean:
		return "boolean"
	case smithy.ShapeTypeInteger:
		return "integer"
	case smithy.ShapeTypeLong:
		return "long"
	case smithy.ShapeTypeFloat, smithy.ShapeTypeDouble:
		return "number"
	case smithy.ShapeTypeBlob:
		return "blob"
	case smithy.ShapeTypeTimestamp:
		return "timestamp"
	case smithy.ShapeTypeDocument:
		return "document"
	default:
		return "string"
	}
}

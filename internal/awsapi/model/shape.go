package model

import (
	"sync"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// A shape is the type of a value. It has the schema that Smithy's protocols read. Its
// members, and those of its schema, are read from the data when they are first used: an
// answer has few of the shapes that it may have.
type shape struct {
	typ    smithy.ShapeType
	schema *smithy.Schema
	sparse bool // a list or map that may have nulls

	// epoch says of a root that a timestamp in its body is seconds since 1970, unless a
	// member says otherwise.
	epoch bool

	// namespace is what its elements in XML have, unless a member says otherwise. Nil
	// means none.
	namespace *traits.XMLNamespace

	// listName is the name in XML of a member of this list's type that has no name of
	// its own.
	listName string

	once  sync.Once
	fill  func()         // nil for a shape without members
	parts []member       // see members
	index map[string]int // of parts, by their name
}

// A member is a part of a shape.
type member struct {
	name     string
	required bool
	token    bool   // an idempotency token
	label    bool   // in the path or in the host: it may not be empty
	bound    bool   // in the header, the path, the query, or the status
	wire     string // its name in the path, when it has another
	json     bool   // a string in a header that is JSON
	shape    *shape
	schema   *smithy.Schema

	// elsewhere says that it selects an endpoint that the catalogue does not have.
	elsewhere bool
}

// members returns the members of a structure or a union in the order of the model, the
// item of a list, or the key and the value of a map. A nil shape has none.
func (s *shape) members() []member {
	if s == nil || s.fill == nil {
		return nil
	}
	s.once.Do(s.fill)
	return s.parts
}

// member returns the member with a name, or nil.
func (s *shape) member(name string) *member {
	members := s.members()
	if i, ok := s.index[name]; ok {
		return &members[i]
	}
	return nil
}

// item returns the item of a list, or the value of a map.
func (s *shape) item() *member {
	members := s.members()
	return &members[len(members)-1]
}

// scalars are the types without members, in the order of generate.py.
//
//nolint:gochecknoglobals // a constant
var scalars = [...]smithy.ShapeType{
	smithy.ShapeTypeString, smithy.ShapeTypeBoolean, smithy.ShapeTypeInteger, smithy.ShapeTypeLong, smithy.ShapeTypeFloat,
	smithy.ShapeTypeDouble, smithy.ShapeTypeBlob, smithy.ShapeTypeTimestamp, smithy.ShapeTypeDocument,
}

// kinds are the types with members, in the order of generate.py.
//
//nolint:gochecknoglobals // a constant
var kinds = [...]smithy.ShapeType{
	smithy.ShapeTypeStructure, smithy.ShapeTypeUnion, smithy.ShapeTypeList, smithy.ShapeTypeMap,
}

// Flags of a shape, which are above the two bits of its kind, in the order of
// generate.py.
const (
	shapeFlattened = 1 << iota
	shapeSparse
	shapeEventStream
	shapeLabel
	shapeNamespace
)

// A builder makes the shapes of a service.
type builder struct {
	texts    texts
	protocol wireProtocol
	shapes   table

	mu    sync.Mutex // guards the rest, and is held while a shape is made
	made  map[int]*shape
	names map[int]string // texts, which members share
	bad   bool
}

// text returns the text with an index.
func (b *builder) text(index int) string {
	text, ok := b.names[index]
	if !ok {
		text = b.texts.at(index)
		b.names[index] = text
	}
	return text
}

// shape returns the shape with a number, for members that are not roots.
func (b *builder) shape(number int) *shape {
	if s, ok := b.made[number]; ok {
		return s
	}
	if number < len(scalars) {
		s := &shape{typ: scalars[number], schema: smithy.NewSchema(smithy.ShapeID{}, scalars[number], 0)}
		b.made[number] = s
		return s
	}
	s := b.read(number, false, nil)
	b.made[number] = s
	return s
}

// root returns the shape of an operation's input or output, or of an error, which has
// schemas of its own: HTTP bindings, the name in XML of the reference to it, and traits.
func (b *builder) root(f *ref, ts ...smithy.Trait) *shape {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.protocol == protocolRESTXML && f.label != "" {
		ts = append(ts, &traits.XMLName{Name: f.label})
	}
	if b.protocol == protocolRESTXML && f.namespace != nil {
		ts = append(ts, f.namespace)
	}
	s := b.read(f.target, true, ts)
	s.epoch = b.protocol == protocolJSON || b.protocol == protocolRESTJSON
	return s
}

// read reads the shape with a number, but not its members.
func (b *builder) read(number int, root bool, ts []smithy.Trait) *shape {
	r := reader{rest: b.shapes.at(number - len(scalars))}
	head := r.number()
	s := &shape{typ: kinds[head&3], sparse: head>>2&shapeSparse != 0}
	label := ""
	if head>>2&shapeLabel != 0 {
		label = b.text(r.number())
	}
	if head>>2&shapeNamespace != 0 {
		s.namespace = b.namespace(&r)
		ts = append(ts, s.namespace)
	}
	if head>>2&shapeFlattened != 0 {
		ts = append(ts, &traits.XMLFlattened{})
	}
	if head>>2&shapeEventStream != 0 {
		ts = append(ts, &traits.Streaming{})
	}
	if r.bad || root && s.typ != smithy.ShapeTypeStructure {
		b.bad = true
		return b.shape(0)
	}
	if s.typ == smithy.ShapeTypeList {
		s.listName = b.listName(r, head>>2, label)
	}
	s.schema = smithy.NewSchema(smithy.ShapeID{Name: label}, s.typ, 0, ts...)
	s.fill = func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.fill(s, &r, root)
	}
	return s
}

// listName returns the listName of a list. r reads its item next.
func (b *builder) listName(r reader, flags int, label string) string {
	if flags&shapeFlattened != 0 {
		if item := b.ref(&r, false); item.label != "" {
			return item.label
		}
	}
	return label
}

// fill reads the members of a shape.
func (b *builder) fill(s *shape, r *reader, root bool) {
	var refs []ref
	payload := 0
	switch s.typ {
	case smithy.ShapeTypeList:
		refs = []ref{b.ref(r, false)}
		refs[0].name = "member"
	case smithy.ShapeTypeMap:
		refs = []ref{b.ref(r, false), b.ref(r, false)}
		refs[0].name, refs[1].name = "key", "value"
	default:
		refs = make([]ref, r.below(len(r.rest)+1))
		payload = r.number()
		for i := range refs {
			refs[i] = b.ref(r, true)
		}
	}
	b.bad = b.bad || r.bad
	bound := root && b.protocol.rest()
	s.parts, s.index = make([]member, len(refs)), make(map[string]int, len(refs))
	for i := range refs {
		f := &refs[i]
		to := b.shape(f.target)
		s.index[f.name] = i
		s.parts[i] = member{
			name: f.name, required: f.required, token: f.is(flagToken), shape: to, bound: bound && f.location != inBody,
			label: f.is(flagHostLabel) || bound && f.location == inPath, wire: f.label,
			json: f.is(flagJSON) && bound && f.location == inHeader, elsewhere: f.is(flagElsewhere),
			schema: s.schema.AddMember(f.name, to.schema, b.traits(f, to, root, bound && payload == i+1)...),
		}
	}
}

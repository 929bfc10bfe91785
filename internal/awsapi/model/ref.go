package model

import (
	"cmp"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// A location is where a member of a REST operation's input or output is, besides the
// body.
type location int

// In the order of generate.py.
const (
	inBody location = iota
	inHeader
	inHeaders
	inPath
	inQuery
	inStatus
)

// Flags of a ref, as bits. Two bits of a name, three of a location and two of a
// timestamp's format are below them.
const (
	flagToken = 1 << (iota + 7)
	flagHostLabel
	flagStreaming
	flagFlattened
	flagAttribute
	flagJSON
	flagEventHeader
	flagEventPayload
	flagQueryName
	flagNamespace
	flagElsewhere
)

// A ref is how a shape uses another, as a member, an item, a key or a value.
type ref struct {
	name      string // "" for an item, a key or a value
	required  bool
	target    int
	label     string // its name on the wire; "" means the name
	location  location
	format    int
	flags     int
	queryName string
	namespace *traits.XMLNamespace
}

// ref reads a ref, with a name or without one.
func (b *builder) ref(r *reader, named bool) ref {
	head := r.number()
	f := ref{required: head&2 != 0}
	if named {
		f.name = b.text(head >> 2)
	}
	f.target = r.number()
	if head&1 == 0 {
		return f
	}
	f.flags = r.number()
	switch f.flags & 3 {
	case 1:
		f.label = strings.ToLower(f.name[:min(1, len(f.name))]) + f.name[min(1, len(f.name)):]
	case 2:
		f.label = b.text(r.number())
	}
	f.location, f.format = location(f.flags>>2&7), f.flags>>5&3
	if f.is(flagQueryName) {
		f.queryName = b.text(r.number())
	}
	if f.is(flagNamespace) {
		f.namespace = b.namespace(r)
	}
	return f
}

// is reports whether a flag is set.
func (f *ref) is(flag int) bool { return f.flags&flag != 0 }

// namespace reads an XML namespace.
func (b *builder) namespace(r *reader) *traits.XMLNamespace {
	return &traits.XMLNamespace{URI: b.text(r.number()), Prefix: b.text(r.number())}
}

// traits returns the Smithy traits of a member that refers to a shape. HTTP bindings
// apply only to members of a root: an operation's input or output, or an error.
func (b *builder) traits(f *ref, to *shape, root, payload bool) []smithy.Trait {
	ts := b.binding(f, to, root)
	if ts == nil {
		ts = b.wireName(f, to)
	}
	if payload {
		ts = append(ts, &traits.HTTPPayload{})
	}
	if f.queryName != "" {
		ts = append(ts, &traits.EC2QueryName{Name: f.queryName})
	}
	if namespace := cmp.Or(f.namespace, to.namespace); namespace != nil {
		ts = append(ts, namespace)
	}
	if f.format != 0 && b.protocol != protocolCBOR { // CBOR has one of its own
		ts = append(ts, &traits.TimestampFormat{Format: [...]string{"", "date-time", "epoch-seconds", "http-date"}[f.format]})
	}
	if f.flags < flagHostLabel {
		return ts
	}
	for _, t := range [...]struct {
		flag  int
		trait smithy.Trait
	}{
		{flagHostLabel, &traits.HostLabel{}},
		{flagStreaming, &traits.Streaming{}},
		{flagFlattened, &traits.XMLFlattened{}},
		{flagAttribute, &traits.XMLAttribute{}},
		{flagEventHeader, &traits.EventHeader{}},
		{flagEventPayload, &traits.EventPayload{}},
	} {
		if f.is(t.flag) {
			ts = append(ts, t.trait)
		}
	}
	return ts
}

// binding returns the traits of a member of a root that is not in the body.
func (b *builder) binding(f *ref, to *shape, root bool) []smithy.Trait {
	if !root || !b.protocol.rest() {
		return nil
	}
	name := f.label
	if name == "" && f.location != inHeaders { // there the label is a prefix
		name = f.name
	}
	switch f.location {
	case inHeader:
		if f.is(flagJSON) {
			return []smithy.Trait{&traits.HTTPHeader{Name: name}, &traits.MediaType{Type: "application/json"}}
		}
		return []smithy.Trait{&traits.HTTPHeader{Name: name}}
	case inHeaders:
		return []smithy.Trait{&traits.HTTPPrefixHeaders{Prefix: name}}
	case inPath:
		return []smithy.Trait{&traits.HTTPLabel{}}
	case inQuery:
		if to.typ == smithy.ShapeTypeMap {
			return []smithy.Trait{&traits.HTTPQueryParams{}}
		}
		return []smithy.Trait{&traits.HTTPQuery{Name: name}}
	case inStatus:
		return []smithy.Trait{&traits.HTTPResponseCode{}}
	default:
		return nil
	}
}

// wireName returns the trait of a name in the body that is not the member's.
func (b *builder) wireName(f *ref, to *shape) []smithy.Trait {
	switch {
	case !b.protocol.xml():
		if f.label != "" {
			return []smithy.Trait{&traits.JSONName{Name: f.label}}
		}
	case f.label != "":
		return []smithy.Trait{&traits.XMLName{Name: f.label}}
	case to.listName != "":
		return []smithy.Trait{&traits.XMLName{Name: to.listName}}
	}
	return nil
}

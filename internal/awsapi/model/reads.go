package model

import (
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/smithy-go"
)

// readVerbs begin the names of operations that only read.
//
//nolint:gochecknoglobals // a constant
var readVerbs = []string{
	"BatchCheck", "BatchDescribe", "BatchGet", "BatchIs", "Count", "Describe", "Get", "Head", "Is", "List", "Lookup", "Search",
}

// ReadOnly reports whether the operation only reads: its model says so, or its name and
// its HTTP method do, or AWS documents it. It can still hand out secrets.
func (op *Operation) ReadOnly() bool {
	if op.has(func(e *exception) bool { return e.changes }) {
		return false
	}
	if op.flags&operationReads != 0 && !begins(op.Name, "Start", "Stop", "BatchStart") { // which some models call reads
		return true
	}
	if op.has(func(e *exception) bool { return e.reads }) {
		return true
	}
	if op.service.protocol.rest() && op.method != http.MethodGet && op.method != http.MethodHead && op.method != http.MethodPost {
		return false
	}
	return begins(op.Name, readVerbs...)
}

// begins reports whether a name begins with one of some verbs: Is, but not Issue.
func begins(name string, verbs ...string) bool {
	return slices.ContainsFunc(verbs, func(verb string) bool {
		rest, ok := strings.CutPrefix(name, verb)
		return ok && (rest == "" || rest[0] < 'a' || rest[0] > 'z')
	})
}

// Idempotent reports whether calling the operation again with the same input has no
// further effect: it only reads, its model says so, or the input has a token that tells
// AWS that a second call is the same one.
func (op *Operation) Idempotent(input map[string]any) bool {
	if op.ReadOnly() || op.flags&operationIdempotent != 0 {
		return true
	}
	return slices.ContainsFunc(op.input.members(), func(m member) bool { return m.token && input[m.name] != nil })
}

// WithTokens returns the input with every missing idempotency token filled in, each with a
// token of its own, also in structures, lists and maps that the input has. The input itself
// does not change. Every attempt of a call has to have the same tokens, so callers fill them
// once.
func (op *Operation) WithTokens(input map[string]any, token func() string) map[string]any {
	if op.input == nil {
		return input
	}
	filled, _ := fill(op.input, input, token).(map[string]any)
	return filled
}

// fill returns a value with tokens.
func fill(t *shape, v any, token func() string) any {
	switch t.typ {
	case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
		object, _ := v.(map[string]any)
		filled := maps.Clone(object)
		if filled == nil {
			filled = map[string]any{}
		}
		for _, m := range t.members() {
			if filled[m.name] != nil {
				filled[m.name] = fill(m.shape, filled[m.name], token)
			} else if m.token {
				filled[m.name] = token()
			}
		}
		return filled
	case smithy.ShapeTypeList:
		list, _ := v.([]any)
		filled := slices.Clone(list)
		for i := range filled {
			if filled[i] != nil {
				filled[i] = fill(t.item().shape, filled[i], token)
			}
		}
		return filled
	case smithy.ShapeTypeMap:
		object, _ := v.(map[string]any)
		filled := maps.Clone(object)
		for key := range filled {
			if filled[key] != nil {
				filled[key] = fill(t.item().shape, filled[key], token)
			}
		}
		return filled
	default:
		return v
	}
}

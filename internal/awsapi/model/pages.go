package model

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
)

// Follows reports whether a call with an input reads further pages. It does not if the
// operation has none, or if the input asks for one page, with a token or a limit.
func (p *Pages) Follows(input map[string]any) bool {
	if p == nil || p.Limit != "" && input[p.Limit] != nil {
		return false
	}
	return !slices.ContainsFunc(p.InputTokens, func(token string) bool { return input[token] != nil })
}

// HasNext reports whether there is a page after this one. A nil Pages has one page only.
func (p *Pages) HasNext(page map[string]any) bool {
	if p == nil {
		return false
	}
	next, _ := p.Merger().Add(page)
	return next != nil
}

// Merger returns a Merger without pages.
func (p *Pages) Merger() *Merger { return &Merger{pages: p, value: map[string]any{}} }

// A Merger makes one answer of many pages.
type Merger struct {
	pages  *Pages
	value  map[string]any
	tokens map[string]any
	added  bool
}

// errSameToken is what botocore fails with too: the call would never end.
var errSameToken = errors.New("AWS gave the same token for the next page again")

// Add adds a page. It returns the input's members for the next one, or nil after the
// last; a member that is nil is not in the next input.
func (m *Merger) Add(page map[string]any) (next map[string]any, err error) {
	for _, key := range m.pages.Results {
		m.append(key, find(key, page))
	}
	if !m.added {
		for _, key := range m.pages.Others {
			set(m.value, key, find(key, page))
		}
	}
	m.added = true
	if m.pages.More != "" && find(m.pages.More, page) != true {
		return nil, nil
	}
	next = map[string]any{}
	more := false
	for i, token := range m.pages.InputTokens {
		value := find(m.pages.OutputTokens[i], page)
		if value == "" {
			value = nil
		}
		next[token], more = value, more || value != nil
	}
	if !more {
		return nil, nil
	}
	if maps.EqualFunc(next, m.tokens, reflect.DeepEqual) {
		return nil, errSameToken
	}
	m.tokens = next
	return next, nil
}

// append adds what a page has for a result to what there is: items to a list, a number
// to a number, a text to a text.
func (m *Merger) append(key string, more any) {
	switch have := find(key, m.value).(type) {
	case nil:
		set(m.value, key, more)
	case []any:
		list, _ := more.([]any)
		set(m.value, key, append(have, list...))
	case float64:
		number, _ := more.(float64)
		set(m.value, key, have+number)
	case string:
		text, _ := more.(string)
		set(m.value, key, have+text)
	}
}

// Value returns the merged answer.
func (m *Merger) Value() map[string]any { return m.value }

// find returns the value of an expression, or nil. Expressions are paths of names, each
// with or without "[-1]" for the last item of a list, and "||" between alternatives.
func find(expression string, in any) any {
	var value any
	for alternative := range strings.SplitSeq(expression, "||") {
		value = in
		for name := range strings.SplitSeq(strings.TrimSpace(alternative), ".") {
			name, last := strings.CutSuffix(name, "[-1]")
			object, _ := value.(map[string]any)
			value = object[name]
			if list, _ := value.([]any); last {
				value = nil
				if len(list) > 0 {
					value = list[len(list)-1]
				}
			}
		}
		if value != nil && value != "" {
			break
		}
	}
	return value
}

// set sets the value of an expression, which is a path of names.
func set(in map[string]any, path string, value any) {
	if value == nil {
		return
	}
	names := strings.Split(path, ".")
	for _, name := range names[:len(names)-1] {
		inner, ok := in[name].(map[string]any)
		if !ok {
			inner = map[string]any{}
			in[name] = inner
		}
		in = inner
	}
	in[names[len(names)-1]] = value
}

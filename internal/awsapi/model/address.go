package model

import (
	"strconv"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
)

// address adds the faults of a member that is in the host's name or in the header, where
// not every text can be.
func (c *checker) address(path string, m *member, v any) {
	text, isText := v.(string)
	if _, ok := smithy.SchemaTrait[*traits.HostLabel](m.schema); ok && isText && !IsHostLabel(text) {
		c.fault(path, v, "begins the host's name; want 1 to 63 letters, digits and hyphens")
	}
	if _, ok := smithy.SchemaTrait[*traits.HTTPHeader](m.schema); ok {
		c.header(path, v)
	}
	if _, ok := smithy.SchemaTrait[*traits.HTTPPrefixHeaders](m.schema); ok {
		object, _ := v.(map[string]any)
		for _, key := range sortedKeys(object) {
			if at := child(path, key); !isHeaderName(key) {
				c.fault(at, nil, "is in the name of a header; want letters, digits and hyphens")
			} else {
				c.header(at, object[key])
			}
		}
	}
}

// header adds the faults of the texts in a header.
func (c *checker) header(path string, v any) {
	if list, ok := v.([]any); ok {
		for i, item := range list {
			c.header(path+"["+strconv.Itoa(i)+"]", item)
		}
	}
	if text, _ := v.(string); strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		c.fault(path, v, "may have no line breaks or other control characters: it is in a header")
	}
}

const alphanumeric = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

// isHeaderName reports whether a text can be in the name of a header.
// Source: https://www.rfc-editor.org/rfc/rfc9110#section-5.6.2
func isHeaderName(s string) bool {
	return s != "" && strings.Trim(s, alphanumeric+"!#$%&'*+-.^_`|~") == ""
}

// IsHostLabel reports whether a text is a label of a host name. A regular expression for it
// would be compiled at every cold start.
func IsHostLabel(s string) bool {
	return len(s) >= 1 && len(s) <= 63 && strings.Trim(s, alphanumeric+"-") == "" && strings.Trim(s, "-") == s
}

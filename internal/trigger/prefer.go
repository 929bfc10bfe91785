package trigger

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"meridian/pkg/protocol"
)

// respondAsync and waitPreference are the preferences that are applied. Others, and those
// with a wrong value, are ignored.
// Source: https://www.rfc-editor.org/rfc/rfc7240
const (
	respondAsync   = "respond-async"
	waitPreference = "wait"
)

// preferences returns the preferences of the header Prefer, by name, with the parameters
// left out. If one is given twice, the first counts.
func (c *call) preferences() map[string]string {
	all := map[string]string{}
	for _, one := range elements(c.header("prefer")) {
		one, _, _ = strings.Cut(one, ";")
		name, value, _ := strings.Cut(one, "=")
		name = strings.ToLower(strings.TrimSpace(name))
		if _, given := all[name]; !given {
			all[name] = strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return all
}

// prefersAsync reports whether the caller prefers an answer before the run has ended.
func (c *call) prefersAsync() bool {
	value, ok := c.preferences()[respondAsync]
	return ok && value == ""
}

// wait returns how long the caller prefers to wait for the end of a run: whole seconds, and
// at most protocol.MaxWaitSeconds. Zero means not at all.
func (c *call) wait() time.Duration {
	seconds, err := strconv.ParseUint(c.preferences()[waitPreference], 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(min(seconds, protocol.MaxWaitSeconds)) * time.Second
}

// unchanged reports whether the caller already has the version of a resource with this tag.
// A mark that a tag is weak does not count.
// Source: https://www.rfc-editor.org/rfc/rfc9110#name-if-none-match
func (c *call) unchanged(tag string) bool {
	return slices.ContainsFunc(elements(c.header("if-none-match")), func(one string) bool {
		one = strings.TrimSpace(one)
		return one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(tag, "W/")
	})
}

// elements returns the elements of a header that is a list. A comma in quotes does not
// separate elements.
func elements(value string) []string {
	quoted := false
	return strings.FieldsFunc(value, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return r == ',' && !quoted
	})
}

package coordinator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"meridian/pkg/protocol"
)

// A placeholder stands for a value in the payload of a worker.
type placeholder string

// The placeholders.
const (
	theRegion  placeholder = "region"
	theAccount placeholder = "account"
	theTarget  placeholder = "target"
	theInput   placeholder = "target.input"
	theTargets placeholder = "targets"
	theRun     placeholder = "run"
	theAttempt placeholder = "attempt"
)

// ofInput is what the placeholder of a member of an input begins with; the path to the member
// follows, names with dots between them.
const ofInput = string(theInput) + "."

// maxMembers bounds the members of inputs that a payload has. Each is looked up in each input.
const maxMembers = 100

// ofTarget reports whether the value is that of one target.
func (p placeholder) ofTarget() bool {
	return p == theTarget || p == theInput || strings.HasPrefix(string(p), ofInput)
}

// placeholders returns the placeholders of an invocation of one target, or of a batch.
func placeholders(batch bool) []placeholder {
	if batch {
		return []placeholder{theRegion, theAccount, theTargets, theRun, theAttempt}
	}
	return []placeholder{theRegion, theAccount, theTarget, theInput, theRun, theAttempt}
}

// The payloads of a worker that has none of its own.
const (
	payloadOfOne   = `{"region":"{region}","target":"{target}","input":"{target.input}","runId":"{run}","attempt":"{attempt}"}`
	payloadOfBatch = `{"region":"{region}","targets":"{targets}","runId":"{run}","attempt":"{attempt}"}`
)

// A template is the payload of a worker, cut at its placeholders.
type template struct {
	parts []part
	tail  []byte // what follows the last part
}

// A part is some bytes of JSON, and the use of a placeholder after them.
type part struct {
	before []byte
	use
}

// A use is how a placeholder is used.
type use struct {
	value placeholder
	text  bool // whether it is put into a string
}

// newTemplate returns the template of a worker's payload, JSON, and what is wrong with it.
func newTemplate(payload json.RawMessage, batch bool) (t template, faults protocol.Faults) {
	if payload == nil {
		payload = json.RawMessage(payloadOfOne)
		if batch {
			payload = json.RawMessage(payloadOfBatch)
		}
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, payload); err != nil { // its fields were read as JSON
		return t, protocol.Faults{{Path: "worker.payload", Detail: err.Error()}}
	}
	c := &cutter{batch: batch}
	c.document(compact.Bytes())
	if batch && c.problems == nil && !c.uses(theTargets) {
		c.addTargets(payload)
	}
	if c.problems == nil && len(c.members()) > maxMembers {
		c.problems = append(c.problems, fmt.Sprintf("has more than %d members of inputs", maxMembers))
	}
	for _, problem := range c.problems {
		faults = append(faults, protocol.Fault{Path: "worker.payload", Detail: problem})
	}
	return c.template, faults
}

// uses reports whether the template has the placeholder.
func (t template) uses(p placeholder) bool {
	return slices.ContainsFunc(t.parts, func(part part) bool { return part.value == p })
}

// members returns the members of inputs that the template has, each once.
func (t template) members() (members []placeholder) {
	for _, part := range t.parts {
		if strings.HasPrefix(string(part.value), ofInput) {
			members = append(members, part.value)
		}
	}
	slices.Sort(members)
	return slices.Compact(members)
}

// count returns how often the template has each use, and its bytes without the values.
func (t template) count() (uses map[use]int, bytes int) {
	uses, bytes = map[use]int{}, len(t.tail)
	for _, part := range t.parts {
		bytes += len(part.before)
		uses[part.use]++
	}
	return uses, bytes
}

// fill returns the payload with these values.
func (t template) fill(v values) []byte {
	var payload []byte
	for _, p := range t.parts {
		payload = append(append(payload, p.before...), v.of(p.use)...)
	}
	return append(payload, t.tail...)
}

// A cutter cuts a payload at its placeholders into a template.
type cutter struct {
	template
	batch    bool
	problems []string
}

// document cuts compact JSON. The names of members are left as they are.
func (c *cutter) document(data []byte) {
	for len(data) > 0 && len(c.problems) <= maxFaults {
		if data[0] != '"' {
			n := bytes.IndexByte(data, '"')
			if n < 0 {
				n = len(data)
			}
			c.tail, data = append(c.tail, data[:n]...), data[n:]
			continue
		}
		end := stringEnd(data)
		var text string
		_ = json.Unmarshal(data[:end], &text) // it is a string
		if isName := end < len(data) && data[end] == ':'; isName || !strings.Contains(text, "{") {
			c.tail = append(c.tail, data[:end]...)
		} else {
			c.text(text)
		}
		data = data[end:]
	}
}

// stringEnd returns the index after the JSON string that data begins with.
func stringEnd(data []byte) int {
	for i := 1; ; i++ {
		switch data[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
}

// text cuts a string.
func (c *cutter) text(text string) {
	if p, rest, ok := c.placeholder(text); ok && rest == "" {
		c.put(p, false)
		return
	}
	c.tail = append(c.tail, '"')
	for {
		brace := strings.IndexByte(text, '{')
		if brace < 0 {
			break
		}
		if brace > 0 {
			c.tail = append(c.tail, inString(text[:brace])...)
		}
		if text = text[brace:]; strings.HasPrefix(text, "{{") {
			c.tail, text = append(c.tail, '{'), text[len("{{"):]
			continue
		}
		p, rest, ok := c.placeholder(text)
		if !ok {
			c.problems = append(c.problems, c.unknown(text))
			return
		}
		c.put(p, true)
		text = rest
	}
	c.tail = append(append(c.tail, inString(text)...), '"')
}

// placeholder returns the placeholder that text begins with, and what follows it.
func (c *cutter) placeholder(text string) (p placeholder, rest string, ok bool) {
	for _, p := range placeholders(c.batch) {
		if rest, ok := strings.CutPrefix(text, "{"+string(p)+"}"); ok {
			return p, rest, true
		}
	}
	if path, isMember := strings.CutPrefix(text, "{"+ofInput); isMember && !c.batch {
		path, rest, ok = strings.Cut(path, "}")
		return placeholder(ofInput + path), rest, ok && path != ""
	}
	return "", text, false
}

// unknown says that text, which begins with a brace, begins with no placeholder.
func (c *cutter) unknown(text string) string {
	if end := strings.IndexByte(text, '}'); end >= 0 {
		text = text[:end+1]
	}
	shown := strconv.Quote(protocol.CutErrorName(text))
	elsewhere := c.batch && strings.HasPrefix(text, "{"+ofInput) ||
		slices.ContainsFunc(placeholders(!c.batch), func(p placeholder) bool { return text == "{"+string(p)+"}" })
	switch {
	case !elsewhere:
	case c.batch:
		return shown + " is for invocations of one target: use {targets}, or leave maxTargetsPerInvocation out"
	default:
		return shown + " is for batches: set maxTargetsPerInvocation to more than 1"
	}
	var names []string
	for _, p := range placeholders(c.batch) {
		names = append(names, "{"+string(p)+"}")
		if p == theInput {
			names = append(names, "{"+ofInput+"MEMBER}")
		}
	}
	return fmt.Sprintf("%s is no placeholder; want %s, or {{ for a brace", shown, strings.Join(names, ", "))
}

// put adds a placeholder.
func (c *cutter) put(p placeholder, text bool) {
	c.parts = append(c.parts, part{c.tail, use{p, text}})
	c.tail = nil
}

// addTargets gives a payload of a batch the member "targets".
func (c *cutter) addTargets(payload json.RawMessage) {
	var members map[string]json.RawMessage
	if json.Unmarshal(payload, &members) != nil {
		c.problems = append(c.problems, `has no {targets}; a batch needs it, or an object, which gets it as its member "targets"`)
		return
	}
	if _, has := members["targets"]; has {
		c.problems = append(c.problems, `has a member "targets" without {targets}, which is the list of a batch`)
		return
	}
	c.tail = bytes.TrimSuffix(c.tail, []byte("}"))
	if len(members) > 0 {
		c.tail = append(c.tail, ',')
	}
	c.tail = append(c.tail, `"targets":`...)
	c.put(theTargets, false)
	c.tail = []byte("}")
}

// inString returns text as it stands in a JSON string.
func inString(text string) []byte {
	quoted := quote(text)
	return quoted[1 : len(quoted)-1]
}

// quote returns text as a JSON string, without escapes for HTML.
func quote(text string) []byte {
	quoted, _ := protocol.Marshal(text) // a text has no error
	return quoted
}

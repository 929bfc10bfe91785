package protocol

import (
	"encoding/json"
	"slices"
)

// A detail is something that Fit can remove.
type detail struct {
	bytes     int // that removing it saves
	remove    func()
	truncated *bool // its part's
}

// details returns the details of one kind in all parts, the largest first. Of equal
// ones, the last is the first to go.
func details(parts []part, list func(part) []detail) (all []detail) {
	for _, p := range parts {
		for _, d := range list(p) {
			d.truncated = p.truncated
			all = append(all, d)
		}
	}
	slices.Reverse(all)
	slices.SortStableFunc(all, func(a, b detail) int { return b.bytes - a.bytes })
	return all
}

// shrink removes details until excess bytes are saved, and marks what lost something.
func shrink(details []detail, truncated *bool, excess int) {
	const markBytes = len(`,"truncated":true`) // a mark takes room itself
	for _, d := range details {
		if excess <= 0 {
			return
		}
		for _, mark := range []*bool{truncated, d.truncated} {
			if !*mark {
				*mark = true
				excess += markBytes
			}
		}
		d.remove()
		excess -= d.bytes
	}
}

// outputBytes returns the length of the field that a target's output takes.
func outputBytes(t TargetOutcome) int {
	if t.Output == nil {
		return 0
	}
	return fieldBytes("output", t.Output)
}

// lengthBytes returns the length of the field that says how long an output was.
func lengthBytes(length int) int { return fieldBytes("droppedOutputBytes", length) }

// outputs leaves out those that are shorter than the field that would replace them.
func (p part) outputs() (all []detail) {
	for i := range p.targets {
		t := &p.targets[i]
		if bytes := outputBytes(*t) - lengthBytes(len(t.Output)); bytes > 0 {
			all = append(all, detail{bytes: bytes, remove: func() { t.Output, t.DroppedOutputBytes = nil, len(t.Output) }})
		}
	}
	return all
}

func (p part) causes() (all []detail) {
	add := func(cause *string) {
		if *cause != "" {
			all = append(all, detail{bytes: fieldBytes("cause", *cause), remove: func() { *cause = "" }})
		}
	}
	for i := range p.targets {
		add(&p.targets[i].Cause)
	}
	if p.attempts != nil {
		for i := range *p.attempts {
			add(&(*p.attempts)[i].Cause)
		}
	}
	return all
}

func (p part) records() (all []detail) {
	for i := range p.targets {
		if t := &p.targets[i]; len(t.Attempts) > 0 {
			all = append(all, detail{bytes: fieldBytes("attempts", t.Attempts), remove: func() { t.Attempts = nil }})
		}
	}
	if p.attempts != nil && len(*p.attempts) > 0 {
		bytes := fieldBytes("attempts", *p.attempts) - fieldBytes("attempts", []Attempt{})
		all = append(all, detail{bytes: bytes, remove: func() { *p.attempts = []Attempt{} }})
	}
	return all
}

func (p part) names() (all []detail) {
	add := func(name *string) {
		if short := shortName(*name); short != *name {
			bytes := fieldBytes("", *name) - fieldBytes("", short)
			all = append(all, detail{bytes: bytes, remove: func() { *name = short }})
		}
	}
	add(p.error)
	for i := range p.targets {
		add(&p.targets[i].Error)
	}
	return all
}

// lengths has what outputs has left.
func (p part) lengths() (all []detail) {
	for i := range p.targets {
		switch t := &p.targets[i]; {
		case t.Output != nil:
			all = append(all, detail{bytes: outputBytes(*t), remove: func() { t.Output = nil }})
		case t.DroppedOutputBytes != 0:
			all = append(all, detail{bytes: lengthBytes(t.DroppedOutputBytes), remove: func() { t.DroppedOutputBytes = 0 }})
		}
	}
	return all
}

// headings cuts the causes of Regions: each is the cause of a target or an attempt, with
// more around it.
func (p part) headings() (all []detail) {
	if p.cause == nil {
		return nil
	}
	if short := shortText(*p.cause, leastCauseBytes); short != *p.cause {
		bytes := fieldBytes("", *p.cause) - fieldBytes("", short)
		all = append(all, detail{bytes: bytes, remove: func() { *p.cause = short }})
	}
	return all
}

// leastNameBytes is how much of an error name Fit keeps, and leastCauseBytes how much of a
// Region's cause, as JSON without the quotes. The first is more than the longest name of
// Step Functions and Lambda; the second begins with what happened.
const (
	leastNameBytes  = 48
	leastCauseBytes = 160
)

// shortName cuts an error name until its JSON has at most leastNameBytes.
func shortName(name string) string { return shortText(name, leastNameBytes) }

// shortText cuts a text until its JSON has at most this number of bytes.
func shortText(text string, bytes int) string {
	const field = len(`,"":""`)
	limit := bytes
	for fieldBytes("", text) > field+bytes {
		text = cut(text, limit)
		limit /= 2
	}
	return text
}

// fieldBytes returns the length of a field as JSON, with its name and a comma.
func fieldBytes(name string, value any) int {
	n := counter(len(`,"":`) + len(name) - len("\n")) // which Encode writes
	_ = json.NewEncoder(&n).Encode(value)             // Fit encodes it too, and returns the error
	return int(n)
}

// A counter is a writer that counts bytes.
type counter int

// Write counts the bytes of p.
func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
}

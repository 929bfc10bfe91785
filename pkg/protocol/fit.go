package protocol

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Fit encodes v, a *Result or a *RegionResult, into at most limit bytes (0
// means no limit). When it does not fit, its Regions lose, one thing after the
// other and only as far as needed, first those with the most of it: the outputs of
// their targets, the causes of their targets and attempts, the records of their
// targets' attempts and their own, and what error names have past 48 bytes. Each
// Region that lost something is marked Truncated, and so is the whole. Outcomes are
// never left out, nor are their statuses and the beginnings of their error names: when
// these alone are too large Fit returns a [TooLargeError].
//
// Fit changes v to what it encoded. A list that is nil is written as [].
func Fit(v answer, limit int) ([]byte, error) {
	parts, truncated := v.parts()
	// Outputs that are too long by themselves are never encoded: there may be many
	// times the limit of them, and the time for it is short.
	outputs := sum(parts, part.outputBytes)
	if limit > 0 && outputs > limit {
		if outputs = sum(parts, part.outputs); outputs > limit {
			shrink(parts, truncated, outputs-limit, part.outputs)
			outputs = limit
		}
	}
	data, err := encode(v, outputs+sum(parts, part.otherBytes))
	if err != nil {
		return nil, err
	}
	for _, loss := range []func(part, bool) int{part.outputs, part.causes, part.records, part.names} {
		if limit <= 0 || len(data) <= limit {
			return data, nil
		}
		shrink(parts, truncated, len(data)-limit, loss)
		if data, err = encode(v, len(data)); err != nil {
			return nil, err
		}
	}
	if len(data) > limit {
		return nil, &TooLargeError{Bytes: len(data), Limit: limit}
	}
	return data, nil
}

// An answer is what Fit makes fit.
type answer interface {
	parts() ([]part, *bool)
	write(e *encoder)
}

// encode returns an answer as JSON, which is expected to have some size.
func encode(v answer, size int) ([]byte, error) {
	e := encoder{b: make([]byte, 0, size)}
	v.write(&e)
	if e.err != nil {
		return nil, fmt.Errorf("encode: %w", e.err)
	}
	return e.b[:len(e.b)-1], nil // without the comma
}

func (r *Result) write(e *encoder) { e.result(r) }

func (r *RegionResult) write(e *encoder) { e.regionResult(r) }

// A part is what loses together: a Region's targets, and its attempts where the
// message has them.
type part struct {
	targets   []TargetOutcome
	attempts  *[]Attempt // the Region's own, or nil
	error     *string    // the Region's own
	truncated *bool      // the mark that it has lost something
}

// parts returns the parts of r, and the mark that any of them has lost something.
func (r *Result) parts() ([]part, *bool) {
	orEmpty(&r.Regions)
	parts := make([]part, len(r.Regions))
	for i := range r.Regions {
		region := &r.Regions[i]
		orEmpty(&region.Attempts)
		orEmpty(&region.Targets)
		parts[i] = part{region.Targets, &region.Attempts, &region.Error, &region.Truncated}
	}
	return parts, &r.Truncated
}

func (r *RegionResult) parts() ([]part, *bool) {
	orEmpty(&r.Targets)
	return []part{{r.Targets, nil, &r.Error, &r.Truncated}}, &r.Truncated
}

func orEmpty[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
	}
}

// shrink applies loss to the parts with the most to lose until excess bytes are
// saved, and sets the marks of those that lost something.
func shrink(parts []part, truncated *bool, excess int, loss func(p part, take bool) (saved int)) {
	savings := make([]int, len(parts))
	order := make([]int, len(parts))
	for i, p := range parts {
		order[i], savings[i] = i, loss(p, false)
	}
	slices.SortStableFunc(order, func(a, b int) int { return savings[b] - savings[a] })
	const markBytes = len(`,"truncated":true`) // the marks cost something too
	if !*truncated {
		excess += markBytes
	}
	for _, i := range order {
		saved := savings[i]
		if !*parts[i].truncated {
			saved -= markBytes
		}
		if excess > 0 && saved > 0 {
			loss(parts[i], true)
			*parts[i].truncated, *truncated = true, true
			excess -= saved
		}
	}
}

// sum returns how many bytes the parts have to lose.
func sum(parts []part, loss func(p part, take bool) (saved int)) (bytes int) {
	for _, p := range parts {
		bytes += loss(p, false)
	}
	return bytes
}

// outputBytes returns how long its outputs are as they stand.
func (p part) outputBytes(bool) (n int) {
	for _, t := range p.targets {
		n += len(t.Output)
	}
	return n
}

// otherBytes returns about how long the rest of it is: an encoder that has to grow
// copies what it has.
func (p part) otherBytes(bool) (n int) {
	const region, invocation, target, attempt = 768, 256, 128, 48
	n = region
	if p.attempts != nil {
		n += invocation * len(*p.attempts)
	}
	for _, t := range p.targets {
		n += target + len(t.Target) + len(t.Error) + len(t.Cause) + attempt*len(t.Attempts)
	}
	return n
}

// Each loss takes something from a part, or else returns how many bytes shorter
// the part's JSON would be without it.

func (p part) outputs(take bool) (saved int) {
	for i := range p.targets {
		switch t := &p.targets[i]; {
		case t.Output == nil:
		case take:
			t.Output = nil
		default:
			saved += len(`,"output":`) + rawBytes(t.Output)
		}
	}
	return saved
}

func (p part) causes(take bool) (saved int) {
	lose := func(cause *string) {
		switch {
		case *cause == "":
		case take:
			*cause = ""
		default:
			saved += fieldBytes("cause", *cause)
		}
	}
	for i := range p.targets {
		lose(&p.targets[i].Cause)
	}
	if p.attempts != nil {
		for i := range *p.attempts {
			lose(&(*p.attempts)[i].Cause)
		}
	}
	return saved
}

func (p part) records(take bool) (saved int) {
	for i := range p.targets {
		switch t := &p.targets[i]; {
		case len(t.Attempts) == 0:
		case take:
			t.Attempts = nil
		default:
			saved += fieldBytes("attempts", t.Attempts)
		}
	}
	switch {
	case p.attempts == nil:
	case take:
		*p.attempts = []Attempt{}
	default:
		saved += fieldBytes("attempts", *p.attempts) - fieldBytes("attempts", []Attempt{})
	}
	return saved
}

func (p part) names(take bool) (saved int) {
	lose := func(name *string) {
		switch short := shortName(*name); {
		case short == *name:
		case take:
			*name = short
		default:
			saved += fieldBytes("", *name) - fieldBytes("", short)
		}
	}
	lose(p.error)
	for i := range p.targets {
		lose(&p.targets[i].Error)
	}
	return saved
}

// leastNameBytes is what Fit leaves of an error name, in JSON and without quotes:
// more than any of Step Functions' or Lambda's has.
const leastNameBytes = 48

// shortName returns an error name cut to leastNameBytes, and further where JSON
// has to escape what is in it.
func shortName(name string) string {
	const field = len(`,"":""`)
	most := leastNameBytes
	for fieldBytes("", name) > field+leastNameBytes {
		name = cut(name, most)
		most /= 2
	}
	return name
}

// fieldBytes returns how long the JSON of a field is, with its comma and name.
func fieldBytes(name string, value any) int {
	data, _ := json.Marshal(value) // all has been encoded once
	return len(`,"":`) + len(name) + len(data)
}

// A TooLargeError says that a result does not fit into Lambda's answer even
// without outputs. Its name is ErrorDataLimitExceeded.
type TooLargeError struct {
	// Bytes is how long the result is, and Limit how long it may be.
	Bytes, Limit int
}

// Error says both lengths and the way out.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("outcomes alone take %d bytes, at most %d fit: ask for fewer Regions or targets in one run",
		e.Bytes, e.Limit)
}

// ErrorName returns ErrorDataLimitExceeded.
func (*TooLargeError) ErrorName() string { return ErrorDataLimitExceeded }

// LeastResultBytes returns an upper bound of the bytes of a result with those
// targets in each Region when it has lost all that Fit can take from it: a run
// for which that does not fit should not be started. It reckons with what the run
// cost.
func LeastResultBytes(targetsByRegion [][]string) int {
	const escape = len(`\u003c`)                     // the most that JSON makes of one byte
	const perResult = 5<<10 + 2*MaxCauseBytes*escape // the run's cause and the cost's note
	const perRegion = 768 + MaxCauseBytes*escape
	const perTarget = len(`{"target":,"status":"NOT_STARTED","error":"","elapsedMs":99999999999.999},`) + leastNameBytes
	bytes := perResult
	for _, targets := range targetsByRegion {
		bytes += perRegion
		for _, target := range targets {
			bytes += perTarget + fieldBytes("", target)
		}
	}
	return bytes
}

package protocol

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Fit encodes v, a *Result or a *RegionResult, as JSON of at most limit bytes. Zero
// means no limit.
//
// If v is too long, Fit removes details in this order, only as many as needed:
//
//   - the outputs of targets
//   - the causes of targets and of attempts
//   - the attempts of targets and of Regions
//   - from error names, what exceeds 48 bytes
//
// In each step the Regions with the most bytes to remove come first. A Region that lost
// something is marked Truncated, and so is v. Fit keeps every outcome with its status
// and the beginning of its error name. If those alone are too long, it returns a
// [TooLargeError].
//
// Fit changes v to what it encoded. A nil list is written as [].
func Fit(v answer, limit int) ([]byte, error) {
	parts, truncated := v.parts()
	if limit > 0 && about(parts) > limit {
		// The outputs may be many times the limit: remove those that do not fit before
		// the rest is encoded.
		outputs, saved := savings(parts, part.outputs)
		shrink(parts, truncated, outputs, saved-limit, part.outputs)
	}
	data, err := encode(v, about(parts))
	if err != nil {
		return nil, err
	}
	for _, loss := range []func(part, bool) int{part.outputs, part.causes, part.records, part.names} {
		if limit <= 0 || len(data) <= limit {
			return data, nil
		}
		each, _ := savings(parts, loss)
		shrink(parts, truncated, each, len(data)-limit, loss)
		if data, err = encode(v, len(data)); err != nil {
			return nil, err
		}
	}
	if len(data) > limit {
		return nil, &TooLargeError{Bytes: len(data), Limit: limit}
	}
	return data, nil
}

// An answer is a message that Fit can shorten.
type answer interface {
	parts() ([]part, *bool)
	write(*writer) error
}

// A part is what Fit shortens together: a Region's targets, and its attempts if the
// message has them.
type part struct {
	targets   []TargetOutcome
	attempts  *[]Attempt // the Region's own, or nil
	error     *string    // the Region's own
	truncated *bool      // whether the part lost something
}

// parts returns the parts of r, and r's own mark that a part lost something.
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

// savings returns how many bytes each part can lose, and their sum.
func savings(parts []part, loss func(p part, take bool) (saved int)) (each []int, all int) {
	each = make([]int, len(parts))
	for i, p := range parts {
		each[i] = loss(p, false)
		all += each[i]
	}
	return each, all
}

// shrink applies loss to the parts with the largest savings until excess bytes are
// saved, and marks the parts that lost something.
func shrink(parts []part, truncated *bool, savings []int, excess int, loss func(p part, take bool) (saved int)) {
	if excess <= 0 {
		return
	}
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return savings[b] - savings[a] })
	const markBytes = len(`,"truncated":true`) // a mark takes room itself
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

// about estimates the length of the parts as JSON. A buffer of that size rarely has to
// grow.
func about(parts []part) (bytes int) {
	const region, invocation, target, attempt = 768, 256, 128, 48
	for _, p := range parts {
		bytes += region
		if p.attempts != nil {
			bytes += invocation * len(*p.attempts)
		}
		for _, t := range p.targets {
			bytes += target + len(t.Target) + len(t.Output) + len(t.Error) + len(t.Cause) + attempt*len(t.Attempts)
		}
	}
	return bytes
}

// Each of the following removes something from a part if take is true. Otherwise it
// returns how many bytes that would save.

func (p part) outputs(take bool) (saved int) {
	for i := range p.targets {
		switch t := &p.targets[i]; {
		case t.Output == nil:
		case take:
			t.Output = nil
		default:
			saved += fieldBytes("output", t.Output)
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

// leastNameBytes is how much of an error name Fit keeps, as JSON without the quotes. It
// is more than the longest name of Step Functions and Lambda.
const leastNameBytes = 48

// shortName cuts an error name until its JSON has at most leastNameBytes.
func shortName(name string) string {
	const field = len(`,"":""`)
	limit := leastNameBytes
	for fieldBytes("", name) > field+leastNameBytes {
		name = cut(name, limit)
		limit /= 2
	}
	return name
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

// A TooLargeError means that a result does not fit, even without all that Fit can
// remove. Its name is ErrorDataLimitExceeded.
type TooLargeError struct {
	// Bytes is the length of the shortened result, and Limit what was allowed.
	Bytes, Limit int
}

// Error returns both lengths and what to do.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("outcomes alone take %d bytes, at most %d fit: ask for fewer Regions or targets in one run",
		e.Bytes, e.Limit)
}

// ErrorName returns ErrorDataLimitExceeded.
func (*TooLargeError) ErrorName() string { return ErrorDataLimitExceeded }

// LeastResultBytes returns an upper bound for the length of a result with these
// targets in each Region, after Fit has removed all that it can. The bound includes
// the cost of the run. A run should not be started if this bound exceeds the limit of
// its answer.
func LeastResultBytes(targetsByRegion [][]string) int {
	const escape = len(`\u003c`)                     // the longest JSON of one byte
	const perResult = 5<<10 + 2*MaxCauseBytes*escape // the cause of the run and the note of its cost
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

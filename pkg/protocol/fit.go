package protocol

import (
	"bytes"
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
	if limit > 0 && about(parts) > limit {
		// Outputs that do not fit are not encoded with the rest: there may be many
		// times the limit of them.
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

// An answer is what Fit makes fit.
type answer interface {
	parts() ([]part, *bool)
	write(*writer) error
}

// A writer encodes an answer piece by piece. json.Marshal of a whole answer of 6 MB
// takes 29 MB, this takes 7.
type writer struct {
	bytes.Buffer
	json *json.Encoder
}

// encode returns an answer as JSON, which is expected to have some size.
func encode(v answer, size int) ([]byte, error) {
	var w writer
	w.Grow(size)
	w.json = json.NewEncoder(&w.Buffer)
	if err := v.write(&w); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return bytes.TrimSuffix(w.Bytes(), []byte("\n")), nil
}

func (r *Result) write(w *writer) error {
	head := *r
	head.Regions = []RegionOutcome{}
	return writeList(w, &head, r.Regions, (*RegionOutcome).write)
}

func (r *RegionOutcome) write(w *writer) error {
	head := *r
	head.Targets = []TargetOutcome{}
	return writeList(w, &head, r.Targets, (*TargetOutcome).write)
}

func (r *RegionResult) write(w *writer) error {
	head := *r
	head.Targets = []TargetOutcome{}
	return writeList(w, &head, r.Targets, (*TargetOutcome).write)
}

func (t *TargetOutcome) write(w *writer) error { return w.json.Encode(t) }

// writeList writes head with elements in its last field, which is an empty list. As
// json.Encoder does, it ends with a line break.
func writeList[T any](w *writer, head any, elements []T, write func(*T, *writer) error) error {
	if err := w.json.Encode(head); err != nil {
		return err
	}
	w.Truncate(w.Len() - len("]}\n"))
	for i := range elements {
		if i > 0 {
			w.Truncate(w.Len() - len("\n"))
			w.WriteByte(',')
		}
		if err := write(&elements[i], w); err != nil {
			return err
		}
	}
	if len(elements) > 0 {
		w.Truncate(w.Len() - len("\n"))
	}
	w.WriteString("]}\n")
	return nil
}

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

// savings returns how many bytes each part can lose, and all of them together.
func savings(parts []part, loss func(p part, take bool) (saved int)) (each []int, all int) {
	each = make([]int, len(parts))
	for i, p := range parts {
		each[i] = loss(p, false)
		all += each[i]
	}
	return each, all
}

// shrink applies loss to the parts with the largest savings until excess bytes are
// saved, and sets the marks of those that lost something.
func shrink(parts []part, truncated *bool, savings []int, excess int, loss func(p part, take bool) (saved int)) {
	if excess <= 0 {
		return
	}
	order := make([]int, len(parts))
	for i := range order {
		order[i] = i
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

// about returns roughly how long the parts are as JSON. A buffer of that size seldom
// has to grow, which would copy it.
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

// Each loss takes something from a part, or else returns how many bytes shorter
// the part's JSON would be without it.

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
	n := counter(len(`,"":`) + len(name) - len("\n")) // which Encode writes
	_ = json.NewEncoder(&n).Encode(value)             // what fails is encoded once more, see Fit
	return int(n)
}

// A counter is a writer that counts bytes.
type counter int

// Write counts the bytes of p.
func (n *counter) Write(p []byte) (int, error) {
	*n += counter(len(p))
	return len(p), nil
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

package protocol

import "fmt"

// Fit encodes v, a *Result or a *RegionResult, as JSON of at most limit bytes. Zero
// means no limit.
//
// If v is too long, Fit removes details in this order, only as many as needed and the
// largest first:
//
//   - the outputs of targets; an outcome then has the length of its output
//   - the causes of targets and of attempts
//   - the attempts of targets and of Regions
//   - from error names, what exceeds 48 bytes
//   - the lengths of the outputs
//   - from the causes of Regions, what exceeds 160 bytes
//
// A Region that lost something is marked Truncated, and so is v. Fit keeps every
// outcome with its status and the beginning of its error name. If those alone are too
// long, it returns a [TooLargeError].
//
// Fit changes v to what it encoded. A nil list is written as [].
func Fit(v answer, limit int) ([]byte, error) {
	parts, truncated := v.parts()
	if limit > 0 && about(parts) > limit {
		// The outputs may be many times the limit: remove those that do not fit before
		// the rest is encoded.
		bytes := 0
		for _, p := range parts {
			for _, t := range p.targets {
				bytes += outputBytes(t)
			}
		}
		shrink(details(parts, part.outputs), truncated, bytes-limit)
	}
	data, err := encode(v, about(parts))
	if err != nil {
		return nil, err
	}
	for _, list := range []func(part) []detail{part.outputs, part.causes, part.records, part.names, part.lengths, part.headings} {
		if limit <= 0 || len(data) <= limit {
			return data, nil
		}
		shrink(details(parts, list), truncated, len(data)-limit)
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

// A part is what Fit marks together: a Region's targets, and its attempts if the
// message has them.
type part struct {
	targets   []TargetOutcome
	attempts  *[]Attempt // the Region's own, or nil
	error     *string    // the Region's own
	cause     *string    // the Region's own in a Result, else nil
	truncated *bool      // whether the part lost something
}

// parts returns the parts of r, and r's own mark that a part lost something.
func (r *Result) parts() ([]part, *bool) {
	orEmpty(&r.Regions)
	parts := make([]part, 0, len(r.Regions)+len(r.Lookups))
	for _, regions := range [][]RegionOutcome{r.Regions, r.Lookups} {
		for i := range regions {
			region := &regions[i]
			orEmpty(&region.Attempts)
			orEmpty(&region.Targets)
			parts = append(parts, part{region.Targets, &region.Attempts, &region.Error, &region.Cause, &region.Truncated})
		}
	}
	return parts, &r.Truncated
}

func (r *RegionResult) parts() ([]part, *bool) {
	orEmpty(&r.Targets)
	return []part{{r.Targets, nil, &r.Error, nil, &r.Truncated}}, &r.Truncated
}

func orEmpty[T any](list *[]T) {
	if *list == nil {
		*list = []T{}
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
	const perRegion = 768 + leastCauseBytes
	const perTarget = len(`{"target":,"status":"NOT_STARTED","error":"","elapsedMs":99999999999.999},`) + leastNameBytes
	bytes, ofTargets := perResult, 0
	for i, targets := range targetsByRegion {
		if i == 0 || !sameList(targets, targetsByRegion[i-1]) { // most Regions share one, of thousands
			ofTargets = 0
			for _, target := range targets {
				ofTargets += perTarget + fieldBytes("", target)
			}
		}
		bytes += perRegion + ofTargets
	}
	return bytes
}

// sameList reports whether two lists are one in memory.
func sameList(a, b []string) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

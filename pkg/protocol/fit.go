package protocol

import (
	"encoding/json"
	"fmt"
	"slices"
)

// Fit encodes v, a *Result or a *RegionResult, into at most limit bytes (0
// means no limit). What does not fit loses, in this order and only as far as
// needed, the Regions with the most to lose first: the outputs of its targets,
// their causes, the records of their attempts. Each loser is marked Truncated,
// and so is the whole. Outcomes are never left out: when they alone are too
// large Fit returns a [TooLargeError].
//
// Fit changes v to what it encoded.
func Fit(v interface{ parts() []part }, limit int) ([]byte, error) {
	data, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	for _, loss := range []func(*TargetOutcome) int{loseOutput, loseCause, loseAttempts} {
		for limit > 0 && len(data) > limit && shrink(v.parts(), len(data)-limit, loss) {
			if data, err = json.Marshal(v); err != nil {
				return nil, fmt.Errorf("encode: %w", err)
			}
		}
	}
	if limit > 0 && len(data) > limit {
		return nil, &TooLargeError{Bytes: len(data), Limit: limit}
	}
	return data, nil
}

// A part is some targets that lose together, and the marks that say so.
type part struct {
	targets []TargetOutcome
	marks   []*bool
}

func (r *Result) parts() []part {
	parts := make([]part, len(r.Regions))
	for i := range r.Regions {
		parts[i] = part{r.Regions[i].Targets, []*bool{&r.Regions[i].Truncated, &r.Truncated}}
	}
	return parts
}

func (r *RegionResult) parts() []part {
	return []part{{r.Targets, []*bool{&r.Truncated}}}
}

// shrink applies loss to the parts with the most to lose until excess bytes are
// saved, and reports whether any part had something to lose. The savings are
// estimates, so the caller looks at the length again.
func shrink(parts []part, excess int, loss func(*TargetOutcome) int) bool {
	savings := make([]int, len(parts))
	order := make([]int, len(parts))
	for i, p := range parts {
		order[i] = i
		for j := range p.targets {
			dry := p.targets[j]
			savings[i] += loss(&dry)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return savings[b] - savings[a] })
	const mark = len(`,"truncated":true`) // costs bytes too: each part's, and once the whole's
	excess += mark
	shrunk := false
	for _, i := range order {
		if excess <= 0 || savings[i] <= mark {
			break
		}
		shrunk = true
		for j := range parts[i].targets {
			loss(&parts[i].targets[j])
		}
		for _, m := range parts[i].marks {
			*m = true
		}
		excess -= savings[i] - mark
	}
	return shrunk
}

// Each loss takes something from an outcome and returns about how many bytes
// shorter its JSON is.

func loseOutput(t *TargetOutcome) int {
	saved := 0
	if t.Output != nil {
		saved = len(`,"output":`) + len(t.Output)
	}
	t.Output = nil
	return saved
}

func loseCause(t *TargetOutcome) int {
	saved := 0
	if t.Cause != "" {
		saved = len(`,"cause":""`) + len(t.Cause)
	}
	t.Cause = ""
	return saved
}

func loseAttempts(t *TargetOutcome) int {
	saved := 0
	if len(t.Attempts) > 0 {
		saved = len(`,"attempts":[]`) + len(t.Attempts)*len(`{"startMs":0,"elapsedMs":0}`)
	}
	t.Attempts = nil
	return saved
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

// LeastResultBytes returns an upper bound of the bytes of a result of so many
// Regions, with those targets in each, when it has lost all that Fit can take
// from it: a run for which that does not fit should not be started.
func LeastResultBytes(regions int, targets []string) int {
	const perResult = 8 << 10 // the run's own fields, its notices and its cause
	const perRegion = 512 + MaxCauseBytes*2
	const perTarget = len(`{"target":"","status":"NOT_STARTED","error":"","elapsedMs":99999999999.999},`)
	bytes := perRegion
	for _, target := range targets {
		bytes += perTarget + len(target)
	}
	return perResult + regions*bytes
}

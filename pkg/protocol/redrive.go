package protocol

import (
	"fmt"
	"path"
	"slices"
)

// A Redrive says what of an ended run is done again: everything that did not succeed and
// was not skipped, or a part of it. The task and the targets stay as they are. Its zero
// value does everything again, under the policies of the request.
type Redrive struct {
	// Regions restricts the redrive to these Regions. Nil means any.
	Regions []string `json:"regions,omitzero" max:"200"`

	// Accounts restricts the redrive to these accounts, by their ids or names. Nil means
	// any.
	Accounts []string `json:"accounts,omitzero" max:"1000"`

	// Errors restricts the redrive to outcomes with these error names. Nil means any.
	Errors []string `json:"errors,omitzero" max:"100"`

	// The value replaces the one in the request's field with this name, and means the same.
	// Nil means that the request's value stays.
	TimeoutSeconds       *float64  `json:"timeoutSeconds,omitzero"`
	RegionTimeoutSeconds *float64  `json:"regionTimeoutSeconds,omitzero"`
	TargetTimeoutSeconds *float64  `json:"targetTimeoutSeconds,omitzero"`
	MaxConcurrency       *int      `json:"maxConcurrency,omitzero"`
	TargetMaxConcurrency *int      `json:"targetMaxConcurrency,omitzero"`
	Retry                []Retrier `json:"retry,omitzero" max:"100"`
	TargetRetry          []Retrier `json:"targetRetry,omitzero" max:"100"`
}

// Selects reports whether the Region, the account and an error of an outcome are among those that d
// restricts the redrive to. The errors are those of the Region and of its targets. An entry of d is
// a pattern of [path.Match], as in "eu-*". Selects does not look at the status.
func (d Redrive) Selects(o *RegionOutcome) bool {
	errors := []string{o.Error}
	for _, t := range o.Targets {
		if !slices.Contains(errors, t.Error) {
			errors = append(errors, t.Error)
		}
	}
	return among(d.Regions, o.Region) && among(d.Accounts, o.Account, o.AccountName) && among(d.Errors, errors...)
}

// Repeats reports whether d does the work of an outcome again: it selects the outcome, and the work
// neither succeeded nor was skipped.
func (d Redrive) Repeats(o *RegionOutcome) bool {
	return o.Status != StatusSucceeded && o.Status != StatusSkipped && d.Selects(o)
}

// SelectsError reports whether an error name is among those that d restricts the redrive to.
func (d Redrive) SelectsError(name string) bool { return among(d.Errors, name) }

// Unknown returns faults for the Regions and accounts of d that a run with these does not have.
func (d Redrive) Unknown(regions, accounts []string) (f Faults) {
	check := func(field string, patterns, known []string) {
		for i, pattern := range patterns {
			if !among([]string{pattern}, known...) {
				f = append(f, UnknownFault(fmt.Sprintf("%s[%d]", field, i), pattern, "among the "+field+" of the run", known))
			}
		}
	}
	check("regions", d.Regions, regions)
	check("accounts", d.Accounts, accounts)
	return f
}

// among reports whether one of these names matches one of the patterns; nil matches any.
func among(patterns []string, names ...string) bool {
	return patterns == nil || slices.ContainsFunc(patterns, func(pattern string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			ok, _ := path.Match(pattern, name) // a pattern that is none matches nothing
			return ok
		})
	})
}

// Apply returns the request of a run with the values of d. That request can have faults
// that neither has: Retry is refused beside a worker.
func (d Redrive) Apply(r Request) Request {
	replace(&r.TimeoutSeconds, d.TimeoutSeconds)
	replace(&r.RegionTimeoutSeconds, d.RegionTimeoutSeconds)
	replace(&r.TargetTimeoutSeconds, d.TargetTimeoutSeconds)
	replace(&r.MaxConcurrency, d.MaxConcurrency)
	replace(&r.TargetMaxConcurrency, d.TargetMaxConcurrency)
	if d.Retry != nil {
		r.Retry = d.Retry
	}
	if d.TargetRetry != nil {
		r.TargetRetry = d.TargetRetry
	}
	return r
}

// replace sets a value to another one if there is one.
func replace[T any](value, by *T) {
	if by != nil {
		*value = *by
	}
}

// Validate returns the faults of the values of d, each with its JSON path. Shared fields
// have the limits of a [Request]. Whether the run has the Regions and the accounts is for
// the coordinator to check.
func (d Redrive) Validate() Faults {
	var f Faults
	f.list("regions", d.Regions, MaxRegions, "leave it out for any Region")
	f.list("accounts", d.Accounts, MaxAccounts, "leave it out for any account")
	f.list("errors", d.Errors, MaxErrorNames, "leave it out for any error")
	shared := d.Apply(Request{})
	f.limits(&shared)
	return f
}

package protocol

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Validate returns the faults of the values of r, each with its JSON path. The
// coordinator checks whether the Regions and the task exist.
func (r Request) Validate() Faults {
	var f Faults
	f.name(r.Name)
	if r.Key != "" && !ValidKey(r.Key) {
		f.add("key", r.Key, "want 1 to %d of A-Z a-z 0-9 %s", MaxKeyLength, spaced(KeyPunctuation))
	}
	f.list("regions", r.Regions, MaxRegions, `leave it out for every commercial Region that needs no opt-in`)
	f.list("excludeRegions", r.ExcludeRegions, MaxRegions, `leave it out for none`)
	f.accounts(&r)
	f.worker(&r)
	f.targets(r.Targets)
	f.limits(&r)
	f.hedge("hedge", r.Hedge)
	if p := r.ToleratedFailurePercentage; p != nil && !(*p >= 0 && *p <= 100) {
		f.add("toleratedFailurePercentage", number(*p), "out of range; want 0 to 100")
	}
	if c := r.ToleratedFailureCount; c != nil && *c < 0 {
		f.add("toleratedFailureCount", *c, "out of range; want 0 or more")
	}
	most := MaxRegions
	if r.Accounts != nil || r.Organization != nil {
		most = MaxItems
	}
	f.whole("minSuccessful", r.MinSuccessful, most, "all")
	if r.MinSuccessful > 0 && r.Waves != nil {
		f.add("minSuccessful", r.MinSuccessful, "cannot be combined with waves; use a tolerance")
	}
	return f
}

// limits checks the fields that a [Redrive] has too, and the size of a batch.
func (f *Faults) limits(r *Request) {
	f.whole("maxConcurrency", r.MaxConcurrency, math.MaxInt32, "as many as there are")
	atOnce, batch := fmt.Sprint(DefaultTargetMaxConcurrency), fmt.Sprint(DefaultMaxTargetsPerInvocation)
	if r.Direct() {
		atOnce, batch = "as many as maxConcurrency allows", "1"
	}
	f.whole("targetMaxConcurrency", r.TargetMaxConcurrency, MaxTargets, atOnce)
	f.whole("maxTargetsPerInvocation", r.MaxTargetsPerInvocation, MaxTargets, batch)
	f.seconds("timeoutSeconds", r.TimeoutSeconds, "what the function's deadline leaves")
	f.seconds("regionTimeoutSeconds", r.RegionTimeoutSeconds, "what is left of the run")
	f.seconds("targetTimeoutSeconds", r.TargetTimeoutSeconds, "what is left of the invocation")
	f.retriers("retry", r.Retry)
	f.retriers("targetRetry", r.TargetRetry)
}

// Validate returns the faults of the values of r, each with its JSON path.
func (r RegionRequest) Validate() Faults {
	var f Faults
	for _, field := range []struct{ path, value string }{
		{"runId", r.RunID}, {"region", r.Region}, {"task", r.Task},
	} {
		if field.value == "" && (field.path != "region" || r.Regions == nil) {
			f.add(field.path, nil, "missing or empty; a worker needs it")
		}
	}
	if r.Batch < 0 {
		f.add("batch", r.Batch, "out of range; want 0 or more")
	}
	if r.Attempt < 1 {
		f.add("attempt", r.Attempt, "out of range; want 1 or more")
	}
	f.work(&r)
	f.inputs(&r)
	f.whole("policy.maxConcurrency", r.Policy.MaxConcurrency, MaxTargets, fmt.Sprint(DefaultTargetMaxConcurrency))
	f.seconds("policy.timeoutSeconds", r.Policy.TimeoutSeconds, "what is left")
	f.retriers("policy.retry", r.Policy.Retry)
	if !(r.BudgetMs >= 0 && r.BudgetMs <= MaxBudgetMs) {
		f.add("budgetMs", number(r.BudgetMs), "out of range; want 0 to %d ms (0 means the worker's own deadline)", MaxBudgetMs)
	}
	return f
}

// work checks what a worker is asked to do: targets in one Region, or in several.
func (f *Faults) work(r *RegionRequest) {
	of := func(path string, targets []string) {
		if targets == nil {
			f.add(path, nil, "missing; a worker needs it")
		}
		f.list(path, targets, MaxTargets, "a worker needs at least one")
		f.unique(path, targets)
	}
	if r.Regions == nil {
		of("targets", r.Targets)
		return
	}
	if r.Region != "" || r.Targets != nil {
		f.add("regions", nil, "want either regions, or region and targets")
	}
	if len(r.Regions) == 0 {
		f.add("regions", nil, "is empty; a worker needs at least one")
	}
	for i, region := range r.Regions {
		at := fmt.Sprintf("regions[%d].", i)
		if region.Region == "" {
			f.add(at+"region", nil, "missing or empty; a worker needs it")
		}
		of(at+"targets", region.Targets)
	}
}

// inputs checks that each input is that of a target.
func (f *Faults) inputs(r *RegionRequest) {
	if r.Inputs == nil {
		return
	}
	known := map[string]bool{}
	for _, region := range r.Work() {
		for _, target := range region.Targets {
			known[target] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Inputs)) {
		if !known[name] {
			f.add("inputs", name, "is none of the targets")
			return
		}
	}
}

// list checks the length of a list and the form of its entries. A nil list is a field
// that was left out.
func (f *Faults) list(path string, values []string, limit int, ifEmpty string) {
	if values != nil && len(values) == 0 {
		f.add(path, values, "is empty; %s", ifEmpty)
	}
	if f.tooMany(path, len(values), limit) {
		return
	}
	for i, value := range values {
		f.entry(fmt.Sprintf("%s[%d]", path, i), value)
	}
}

// entry checks the form of a list's entry.
func (f *Faults) entry(path, value string) {
	if problem := entryProblem(value, MaxTargetLength); problem != "" {
		f.add(path, value, "%s", problem)
	}
}

// tooMany reports whether a list has more than limit entries, which is a fault. Then they
// are not looked at.
func (f *Faults) tooMany(path string, entries, limit int) bool {
	if entries > limit {
		f.add(path, nil, "has %d entries; at most %d", entries, limit)
	}
	return entries > limit
}

// entryProblem returns what is wrong with the form of a list's entry, or "". limit is how
// many bytes it may have.
func entryProblem(value string, limit int) string {
	switch {
	case blank(value):
		return "is blank"
	case len(value) > limit:
		return fmt.Sprintf("has %d bytes; at most %d", len(value), limit)
	case strings.ContainsFunc(value, unicode.IsControl):
		return "has control characters"
	case !utf8.ValidString(value):
		return "is not UTF-8"
	}
	return ""
}

func blank(s string) bool { return strings.TrimSpace(s) == "" }

// unique checks that no value is listed twice, because each target has one outcome.
func (f *Faults) unique(path string, values []string) {
	if len(values) > MaxTargets {
		return // a fault already
	}
	first := make(map[string]int, len(values))
	for i, value := range values {
		if blank(value) {
			continue // a fault already
		}
		if at, twice := first[value]; twice {
			f.add(fmt.Sprintf("%s[%d]", path, i), value, "is listed twice, first as %s[%d]", path, at)
			continue
		}
		first[value] = i
	}
}

func (f *Faults) whole(path string, value, limit int, zero string) {
	if value < 0 || value > limit {
		f.add(path, value, "out of range; want 0 to %d (0 means %s)", limit, zero)
	}
}

func (f *Faults) seconds(path string, value float64, zero string) {
	if !(value >= 0 && value <= MaxSeconds) { // also false for NaN
		f.add(path, number(value), "out of range; want 0 to %d seconds (0 means %s)", MaxSeconds, zero)
	}
}

func (f *Faults) retriers(path string, retriers []Retrier) {
	if f.tooMany(path, len(retriers), MaxRetriers) {
		return
	}
	for i, r := range retriers {
		f.retrier(fmt.Sprintf("%s[%d]", path, i), r, i == len(retriers)-1)
	}
}

// retrier checks r against the rules of the Amazon States Language.
func (f *Faults) retrier(path string, r Retrier, last bool) {
	at := path + ".errorEquals"
	switch all := slices.Contains(r.ErrorEquals, ErrorAll); {
	case f.tooMany(at, len(r.ErrorEquals), MaxErrorNames):
		r.ErrorEquals = nil
	case len(r.ErrorEquals) == 0:
		f.add(at, r.ErrorEquals, "name at least one error; %q matches any error", ErrorAll)
	case all && len(r.ErrorEquals) > 1:
		f.add(at, r.ErrorEquals, "%q must be alone in its list", ErrorAll)
	case all && !last:
		f.add(at, r.ErrorEquals, "%q is allowed only in the last retrier; those after it would never apply", ErrorAll)
	}
	for i, name := range r.ErrorEquals {
		if problem := entryProblem(name, MaxErrorNameBytes); problem != "" {
			f.add(fmt.Sprintf("%s[%d]", at, i), name, "%s", problem)
		} else if name == ErrorRuntime {
			f.add(fmt.Sprintf("%s[%d]", at, i), name, "is never retried: the code panicked; leave it out")
		}
	}
	if !(r.IntervalSeconds >= 0 && r.IntervalSeconds <= MaxSeconds) {
		f.add(path+".intervalSeconds", number(r.IntervalSeconds), "out of range; want more than 0, at most %d", MaxSeconds)
	}
	interval := cmp.Or(r.IntervalSeconds, defaultIntervalSeconds)
	switch n := r.MaxAttempts; {
	case n == nil:
	case *n < 0 || *n > MaxAttempts:
		f.add(path+".maxAttempts", *n, "out of range; want 0 to %d (0 means never)", MaxAttempts)
	case *n > MaxQuickAttempts && interval < 1:
		f.add(path+".maxAttempts", *n, "out of range; want at most %d with an interval below 1 s, which the language does not have", MaxQuickAttempts)
	}
	if r.BackoffRate != 0 && !(r.BackoffRate >= 1) {
		f.add(path+".backoffRate", number(r.BackoffRate), "out of range; want at least 1")
	}
	switch d := r.MaxDelaySeconds; {
	case !(d >= 0 && d < MaxDelaySeconds):
		f.add(path+".maxDelaySeconds", number(d), "out of range; want more than 0, less than %d", MaxDelaySeconds)
	case d > 0 && d <= interval:
		f.add(path+".maxDelaySeconds", number(d), "out of range; want more than intervalSeconds, which is %v", interval)
	}
	if s := r.JitterStrategy; s != "" && s != JitterNone && s != JitterFull {
		f.add(path+".jitterStrategy", s, "want %q or %q", JitterNone, JitterFull)
	}
}

// number returns v as the value of a fault. JSON cannot write NaN and infinities, so
// they become strings.
func number(v float64) any {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return fmt.Sprint(v)
	}
	return v
}

func (f *Faults) hedge(path string, h *Hedge) {
	if h == nil {
		return
	}
	if (h.AfterSeconds == 0) == (h.AfterPercentile == 0) {
		f.add(path, h, "want either afterSeconds or afterPercentile")
	}
	f.seconds(path+".afterSeconds", h.AfterSeconds, "that afterPercentile decides")
	if p := h.AfterPercentile; !(p >= 0 && p < 100) {
		f.add(path+".afterPercentile", number(p), "out of range; want more than 0, less than 100")
	}
	if p := h.MaxExtraPercentage; !(p >= 0 && p <= 100) {
		f.add(path+".maxExtraPercentage", number(p), "out of range; want more than 0, at most 100")
	}
}

package protocol

import "encoding/json"

// A Request asks for one run. Every field is optional: {} runs DefaultTask on
// DefaultTarget in every commercial Region that needs no opt-in.
type Request struct {
	// Name is the caller's own name for the run, 1 to 80 of A-Z a-z 0-9 . _ -
	// It is repeated in the result. Empty means none.
	Name string `json:"name,omitzero"`

	// Task is the kind of work to do for each target. Empty means DefaultTask.
	Task string `json:"task,omitzero"`

	// Parameters is the task's own object. Nil means {}.
	Parameters json.RawMessage `json:"parameters,omitzero"`

	// Partition is the one that Regions' globs range over, such as "aws-cn".
	// Empty means "aws", the commercial one.
	Partition string `json:"partition,omitzero"`

	// Regions lists names (eu-west-1), of any partition, and globs (eu-*).
	// AllRegions is every Region of the partition, and DefaultRegions every one
	// that an account need not opt in to. The result keeps this order; a glob's
	// Regions come in the order of their names. Nil means [DefaultRegions].
	Regions []string `json:"regions,omitzero"`

	// ExcludeRegions lists names and globs to leave out. Nil means none.
	ExcludeRegions []string `json:"excludeRegions,omitzero"`

	// Targets lists what the task works on in each Region, each once, at most
	// MaxTargets. EveryService is every AWS service that is listed in the Region.
	// Nil means [DefaultTarget].
	Targets []string `json:"targets,omitzero"`

	// MaxConcurrency bounds the invocations in flight, 0 or more. Zero means all of
	// them. Whatever it says, the coordinator's own memory is a bound too: 20 for
	// each MB, 5,000 at most. When Lambda throttles, fewer are in flight, down to
	// what it was seen to bear.
	MaxConcurrency int `json:"maxConcurrency,omitzero"`

	// TargetMaxConcurrency bounds the targets that one worker has in hand at
	// once, 0 to MaxTargets. Zero means DefaultTargetMaxConcurrency.
	TargetMaxConcurrency int `json:"targetMaxConcurrency,omitzero"`

	// MaxTargetsPerInvocation bounds the targets of one invocation; a Region
	// with more takes several, which the result merges again. An invocation has
	// fewer when more would not fit into MaxInvocationBytes. 0 to MaxTargets. Zero
	// means DefaultMaxTargetsPerInvocation.
	MaxTargetsPerInvocation int `json:"maxTargetsPerInvocation,omitzero"`

	// TimeoutSeconds bounds the whole run, 0 to MaxSeconds. Zero means what the
	// deadline of the function that runs it leaves.
	TimeoutSeconds float64 `json:"timeoutSeconds,omitzero"`

	// RegionTimeoutSeconds bounds one attempt of an invocation, 0 to MaxSeconds.
	// The worker ends its work earlier by a [Reserve], so that its answer arrives in
	// this time. Zero means what is left of the run.
	RegionTimeoutSeconds float64 `json:"regionTimeoutSeconds,omitzero"`

	// TargetTimeoutSeconds bounds one attempt of a target, 0 to MaxSeconds. Zero
	// means what is left of its invocation.
	TargetTimeoutSeconds float64 `json:"targetTimeoutSeconds,omitzero"`

	// Retry holds the retriers for invocations, scanned in order. Empty means none.
	// Nil means DefaultRetry, with two exceptions: an invocation that was throttled
	// is tried again until the run's time is over, uncounted; and one that may have
	// run is not made again, unless its task may be done twice. A retried invocation
	// is sent only the targets that have not succeeded.
	Retry []Retrier `json:"retry,omitzero"`

	// Hedge gives a slow invocation another one beside it. It is refused for a task
	// that does not say of itself that it may be done twice. Nil means never.
	Hedge *Hedge `json:"hedge,omitzero"`

	// TargetRetry holds the retriers for targets, scanned in order. Nil and
	// empty mean none.
	TargetRetry []Retrier `json:"targetRetry,omitzero"`

	// ToleratedFailurePercentage is how many Regions of a hundred may fail or
	// time out before the run fails, 0 to 100. Nil means that only
	// ToleratedFailureCount decides.
	ToleratedFailurePercentage *float64 `json:"toleratedFailurePercentage,omitzero"`

	// ToleratedFailureCount is how many Regions may fail or time out before the
	// run fails, 0 or more. When both are given, the run fails when either is
	// exceeded; when neither is, it fails with the first Region that does.
	ToleratedFailureCount *int `json:"toleratedFailureCount,omitzero"`

	// FailFast stops the run as soon as the tolerance is exceeded, as Step
	// Functions does. False means that every Region is done all the same.
	FailFast bool `json:"failFast,omitzero"`

	// MinSuccessful stops the run as soon as so many Regions have succeeded, and
	// fails it when so many no longer can; at most the number of its Regions.
	// Without either tolerance, such a run tolerates all failures that leave it
	// possible. Zero means that every Region is waited for.
	MinSuccessful int `json:"minSuccessful,omitzero"`
}

// A Hedge says when a slow invocation gets another one beside it. The first
// answer wins; the other invocation is given up, and stays in the record. Either
// AfterSeconds or AfterPercentile is given.
type Hedge struct {
	// AfterSeconds is how long the first attempt may take, up to MaxSeconds. Zero
	// means that AfterPercentile decides.
	AfterSeconds float64 `json:"afterSeconds,omitzero" zero:"leave it out for afterPercentile"`

	// AfterPercentile makes it a tenth more than the time within which so many of a
	// hundred of the run's attempts so far have succeeded. Above 0 and below 100.
	// Before so many have, and ten at least, nothing is hedged. Zero means that
	// AfterSeconds decides.
	AfterPercentile float64 `json:"afterPercentile,omitzero" zero:"leave it out for afterSeconds"`

	// MaxExtraPercentage bounds the invocations made in this way, in percent of the
	// run's, rounded down: 5 allows one for 20. Up to 100. Zero means 5.
	MaxExtraPercentage float64 `json:"maxExtraPercentage,omitzero" zero:"leave it out for the default, 5"`
}

package protocol

import (
	"encoding/json"
	"reflect"
)

// A Request asks for one run. Every field is optional: {} runs DefaultTask on
// DefaultTarget in every commercial Region that needs no opt-in.
type Request struct {
	// Name is the caller's name for the run: up to MaxNameLength ASCII letters, digits
	// and characters of NamePunctuation. The result repeats it. Empty means none.
	Name string `json:"name,omitzero"`

	// Key makes the start of the run unique: up to MaxKeyLength ASCII letters, digits and
	// characters of KeyPunctuation. The first request with it starts the run, the same
	// request attaches to that run, and another request is refused. A run with a key is
	// kept. Empty means none.
	Key string `json:"key,omitzero"`

	// Keep keeps the run: it survives the end of the coordinator, and can be looked up,
	// stopped and redriven. The coordinator needs a store for it. False means that only a
	// run with a key is kept.
	Keep bool `json:"keep,omitzero"`

	// Task is the kind of work to do for each target. Empty means DefaultTask.
	Task string `json:"task,omitzero"`

	// Parameters is the task's own object. Nil means {}.
	Parameters json.RawMessage `json:"parameters,omitzero"`

	// Worker is a function of the caller's own that does the work, instead of a task. Nil
	// means Task.
	Worker *Worker `json:"worker,omitzero"`

	// Partition is the partition in which the globs of Regions match, such as
	// "aws-cn". Empty means "aws", the commercial one.
	Partition string `json:"partition,omitzero"`

	// Regions lists up to MaxRegions names (eu-west-1) of any partition, and globs (eu-*).
	// AllRegions means every Region of the partition, and DefaultRegions every one that needs no
	// opt-in. EnabledRegions means every one that is enabled in the account of the workers. The
	// result keeps this order; the Regions of a glob are sorted by name. Nil means
	// [DefaultRegions].
	Regions []string `json:"regions,omitzero" max:"200"`

	// ExcludeRegions lists names and globs to leave out. Nil means none.
	ExcludeRegions []string `json:"excludeRegions,omitzero" max:"200"`

	// Accounts lists up to MaxAccounts AWS accounts. The run has an item for each account
	// and Region, at most MaxItems; counts and tolerances are over these items. Nil
	// means the account of the workers' credentials.
	Accounts []Account `json:"accounts,omitzero" max:"1000"`

	// Organization takes the accounts from the AWS organization. Nil means Accounts.
	Organization *Organization `json:"organization,omitzero"`

	// Role is the role that workers assume in each account: a name, or an ARN with
	// {partition} and {account}. Empty means that the accounts have their own, and that
	// one without a role is the account of the workers' credentials: then nothing is
	// assumed.
	Role string `json:"role,omitzero"`

	// ExternalID is the external id that the roles' trust policies ask for. Empty means none.
	ExternalID string `json:"externalId,omitzero"`

	// SessionName is the name of the roles' sessions, which CloudTrail shows. Empty means
	// "meridian-" and the run's id.
	SessionName string `json:"sessionName,omitzero"`

	// SessionTags tags the roles' sessions with the run's id, as [SessionTag]. The trust
	// policies have to allow sts:TagSession for it.
	SessionTags bool `json:"sessionTags,omitzero"`

	// Waves lists the parts of the run that are done one after the other, at most
	// MaxWaves. An item belongs to the first wave that has its account and its Region; the
	// others are a last wave. A wave begins when the wave before it has ended within the
	// tolerance, which counts the wave's items; else the rest is NOT_STARTED. Nil means
	// that all items start at once.
	Waves []Wave `json:"waves,omitzero" max:"100"`

	// Targets lists what the task, or the worker, works on in each Region: at most
	// MaxTargets, none twice. EveryService means every AWS service that is listed in the
	// Region. Nil means the task's default target, which is [DefaultTarget] for most tasks,
	// or, with Worker, the name of the function.
	Targets []Target `json:"targets,omitzero" max:"10000"`

	// MaxConcurrency bounds the invocations in flight, 0 or more. Zero means all of
	// them. The coordinator's memory is a bound too: 20 for each MB, at most 5,000.
	// When Lambda throttles, the coordinator reduces the invocations in flight to what
	// Lambda accepts.
	MaxConcurrency int `json:"maxConcurrency,omitzero"`

	// TargetMaxConcurrency bounds the targets that one worker processes at once, 0 to
	// MaxTargets. Zero means DefaultTargetMaxConcurrency. With Worker, it bounds the
	// invocations in flight in each Region of each account, and zero means MaxConcurrency.
	TargetMaxConcurrency int `json:"targetMaxConcurrency,omitzero"`

	// MaxTargetsPerInvocation bounds the targets of one invocation, 0 to MaxTargets. A
	// Region with more takes several invocations, which the result merges. An
	// invocation has fewer targets if more would exceed MaxInvocationBytes. Zero means
	// DefaultMaxTargetsPerInvocation, or, with Worker, 1.
	MaxTargetsPerInvocation int `json:"maxTargetsPerInvocation,omitzero"`

	// TimeoutSeconds bounds the whole run, 0 to MaxSeconds. Zero means the remaining
	// time of the function that runs it.
	TimeoutSeconds float64 `json:"timeoutSeconds,omitzero"`

	// RegionTimeoutSeconds bounds one attempt of an invocation, 0 to MaxSeconds. The
	// worker stops earlier by a [Reserve], so that its answer arrives in time. Zero
	// means the remaining time of the run. It is refused beside Worker, as Retry is.
	RegionTimeoutSeconds float64 `json:"regionTimeoutSeconds,omitzero"`

	// TargetTimeoutSeconds bounds one attempt of a target, 0 to MaxSeconds. Zero
	// means the remaining time of its invocation. With Worker, it bounds the invocation.
	TargetTimeoutSeconds float64 `json:"targetTimeoutSeconds,omitzero"`

	// Retry holds up to MaxRetriers retriers for invocations, scanned in order. Empty means
	// none. Nil means retriers for the errors of Lambda that pass, see docs/request.md: a
	// throttled invocation and one whose worker cannot run yet are retried until the end
	// of the run, and an invocation that may have run is not retried unless its task is
	// idempotent. A retry is sent only the targets that have not succeeded.
	Retry []Retrier `json:"retry,omitzero" max:"100"`

	// Hedge starts a second invocation beside a slow one. It is refused unless the task, or
	// the worker, is idempotent. Nil means never.
	Hedge *Hedge `json:"hedge,omitzero"`

	// TargetRetry holds up to MaxRetriers retriers for targets, scanned in order. Nil and empty
	// mean none. With Worker, they are the retriers for its invocations, with the default of
	// Retry.
	TargetRetry []Retrier `json:"targetRetry,omitzero" max:"100"`

	// ToleratedFailurePercentage is the percentage of Regions that may fail or time
	// out before the run fails, 0 to 100. Nil means that only ToleratedFailureCount
	// decides.
	ToleratedFailurePercentage *float64 `json:"toleratedFailurePercentage,omitzero"`

	// ToleratedFailureCount is how many Regions may fail or time out before the run
	// fails, 0 or more. If both are given, the run fails when either is exceeded. If
	// neither is given, no failure is tolerated.
	ToleratedFailureCount *int `json:"toleratedFailureCount,omitzero"`

	// FailFast stops the run as soon as the tolerance is exceeded, as Step Functions
	// does. False means that the other Regions are still worked through.
	FailFast bool `json:"failFast,omitzero"`

	// MinSuccessful stops the run when this many Regions have succeeded, and fails it
	// when this many no longer can. It is at most the number of Regions. If neither
	// tolerance is given, the run tolerates failures as long as MinSuccessful can still
	// be reached. Zero means that the run waits for every Region.
	MinSuccessful int `json:"minSuccessful,omitzero"`
}

// A Hedge says when a second invocation is started beside a slow one. The first answer
// wins; the other invocation is given up and remains among the attempts. Exactly one of
// AfterSeconds and AfterPercentile must be given.
type Hedge struct {
	// AfterSeconds is how long the first attempt may take, up to MaxSeconds. Zero
	// means that AfterPercentile decides.
	AfterSeconds float64 `json:"afterSeconds,omitzero" zero:"leave it out for afterPercentile"`

	// AfterPercentile sets the delay to 1.1 times the duration within which this
	// percentage of the run's first attempts so far have succeeded. Above 0 and below
	// 100. Nothing is hedged before this percentage of them, and at least ten, have
	// succeeded. Zero means that AfterSeconds decides.
	AfterPercentile float64 `json:"afterPercentile,omitzero" zero:"leave it out for afterSeconds"`

	// MaxExtraPercentage bounds the second invocations as a percentage of the run's
	// invocations, rounded down: 5 allows one for 20. Up to 100. Zero means 5.
	MaxExtraPercentage float64 `json:"maxExtraPercentage,omitzero" zero:"leave it out for the default, 5"`
}

// Kept reports whether the run of r is kept.
func (r Request) Kept() bool { return r.Keep || r.Key != "" }

// RequestFields returns the JSON names of a Request's fields, in order.
func RequestFields() []string {
	_, names := fieldsOf(reflect.TypeFor[Request]())
	return names
}

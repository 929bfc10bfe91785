// Package protocol defines Meridian's messages. A [Request] starts a run and a [Result]
// ends it. In between, the coordinator sends a [RegionRequest] to a regionworker, which
// answers with a [RegionResult]. An [Event] says what happens in a run.
//
// A run can be kept: a store has its [RunRecord], the log of its events and its
// [ResultRecord]. A [Command] asks a coordinator about kept runs, which answers with a
// [RunState], a [RunPage] or an [EventPage].
//
// The coordinator, the regionworker and the command line import this package; it imports
// none of them. Every message is JSON in lowerCamelCase and uses the names of the Amazon
// States Language where that has one.
//
// # Words
//
// A run is one execution of a request. It does one task, the kind of work, for every
// target in every Region of the request. A target is what the task works on: an AWS
// service, for example. An invocation is one call of the regionworker with a batch of
// one Region's targets; a Region with many targets takes several. An attempt is one try
// of an invocation, or of a target by its worker. An outcome is what became of a Region
// or a target; its [Status] says it in one word.
//
// # Reading
//
// [DecodeRequest], [DecodeRegionRequest] and [DecodeCommand] are strict:
// an unknown field, a field given twice, a wrong type, a null or a value out of range is a
// [Fault] with the JSON path, the value and what is allowed. They report all faults, not
// only the first. The decoders of answers and events refuse wrong types but ignore unknown
// fields, so the two functions can be deployed one after the other.
//
// # Accounting
//
// A result lists every Region and every target of the request once, in the order of
// the request, whatever became of them. [Fit] makes a result small enough for Lambda:
// it removes outputs, causes and attempts, but never an outcome.
//
// # Compatibility
//
// A released field keeps its name and its meaning. New fields may be added, and a
// message without them still decodes. [Version] counts the changes that a worker must
// understand to do its work. A request names the lowest version that its task needs, so an
// older worker still does what it can do, and refuses the rest with
// [ErrorUnsupportedVersion] before it does any work. A worker does the requests of every
// earlier version. The files under testdata/v1 were sent by a released version and must
// decode for ever.
package protocol

// Version is the newest version of the messages between coordinator and worker that this
// program knows. Its comment is its changelog:
//
//   - 1 (2026-11-23): RegionRequest and RegionResult as they are.
//   - 2 (2026-11-29): the tasks call and enabled-regions.
//   - 3 (2026-11-29): RegionRequest has Account and Regions; the task organization.
//   - 4 (2026-11-29): RegionRequest has Inputs.
const Version = 4

// VersionFor returns the lowest version of the messages that has the task. Only the tasks
// that came after version 1 are listed: a worker refuses any other task that it does not
// have, with [ErrorInvalidRequest].
func VersionFor(task string) int {
	switch task {
	case "call", EnabledRegionsTask:
		return 2
	case OrganizationTask:
		return versionOfAccounts
	}
	return 1
}

// versionOfAccounts is the lowest version in which a RegionRequest can have an account, and
// several Regions, and versionOfInputs the lowest in which it can have inputs.
const (
	versionOfAccounts = 3
	versionOfInputs   = 4
)

// Needs returns the lowest version of the messages that a request to a worker needs, see
// [VersionFor].
func (r RegionRequest) Needs() int {
	switch {
	case r.Inputs != nil:
		return max(versionOfInputs, VersionFor(r.Task))
	case r.Account != nil || r.Regions != nil:
		return max(versionOfAccounts, VersionFor(r.Task))
	}
	return VersionFor(r.Task)
}

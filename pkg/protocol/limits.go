package protocol

import (
	"cmp"
	"time"
)

// The limits of the messages. A request that exceeds one is refused with a [Fault]
// before anything is invoked.
const (
	// MaxPayloadBytes is the longest response of a function to a synchronous
	// invocation: 6 MiB and 100 bytes.
	// Source: the error Lambda gives, "Response payload size exceeded maximum
	// allowed payload size (6291556 bytes)".
	MaxPayloadBytes = 6_291_556

	// MaxInvocationBytes is the longest payload of a synchronous invocation: 6 MiB.
	// Source: the error Lambda gives, "payload is too large for the
	// RequestResponse invocation type (limit 6291456 bytes)".
	MaxInvocationBytes = 6 << 20

	// MaxRequestBytes is the longest Request that is read: 1 MiB. Lambda accepts as
	// much for an asynchronous invocation, so a request works however it arrives.
	// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	MaxRequestBytes = 1 << 20

	// MaxRegions bounds the Regions of one run. AWS has fewer than 50 in all
	// partitions; the rest is reserve.
	MaxRegions = 200

	// MaxAccounts bounds the accounts of one run, and MaxItems its items, one for each
	// account and Region. A service control policy, a stack set or an automation is
	// usually rolled out to no more; larger organizations are split by their units.
	MaxAccounts = 1000
	MaxItems    = 10_000

	// MaxAccountNameLength bounds the name of an account in bytes: 50 characters in AWS
	// Organizations, up to four bytes each.
	// Source: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Account.html
	MaxAccountNameLength = 200

	// MaxWaves bounds the waves of one run.
	MaxWaves = 100

	// MaxTargets bounds the targets of one Region.
	MaxTargets = 10_000

	// MaxNameLength bounds the name of a run in characters, as for an execution of
	// Step Functions.
	// Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
	MaxNameLength = 80

	// NamePunctuation is what a run's name can have besides ASCII letters and digits.
	// It is enough for a time in the format of RFC 3339, such as the one that
	// EventBridge Scheduler writes for <aws.scheduler.scheduled-time>. A slash is not
	// allowed, so that a name can be part of a path.
	// Source: https://docs.aws.amazon.com/scheduler/latest/UserGuide/managing-schedule-context-attributes.html
	NamePunctuation = "._-:+"

	// MaxKeyLength bounds the key of a run in characters, and KeyPunctuation is what it can
	// have besides ASCII letters and digits: enough for an ARN, a time, a UUID or base64.
	MaxKeyLength   = 120
	KeyPunctuation = "._-:+=@/"

	// MaxTargetLength bounds one target in bytes. The longest ARN has 2,048.
	// Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_EntityInfo.html
	MaxTargetLength = 2048

	// MaxSeconds is the longest timeout or wait in seconds, as in the Amazon States
	// Language.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
	MaxSeconds = 99_999_999

	// MaxBudgetMs is the longest budget of an invocation in milliseconds. A coordinator
	// whose own time ends later sends this one.
	MaxBudgetMs = MaxSeconds * 1000

	// MaxDelaySeconds is the exclusive upper bound of maxDelaySeconds.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
	MaxDelaySeconds = 31_622_401

	// MaxAttempts is the upper bound of maxAttempts, as in the Amazon States Language.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
	MaxAttempts = 99_999_999

	// MaxQuickAttempts is the upper bound of maxAttempts with an interval below 1 s.
	// The language has no such intervals. They would let one target make thousands of
	// attempts a second, and each is kept in the result.
	MaxQuickAttempts = 1000

	// MaxRetriers bounds a list of retriers, and MaxErrorNames the error names of one. The
	// language bounds neither, but a definition with all of its retriers has at most
	// 1 MB. Retriers for targets are sent with every invocation.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html
	MaxRetriers   = 100
	MaxErrorNames = 100

	// MaxOutputDepth is how deep arrays and objects may be nested in the output of a
	// target. encoding/json refuses a message that is nested deeper than 10,000, so
	// one output could make a whole result unreadable.
	MaxOutputDepth = 1000

	// MaxErrorNameBytes bounds an error name, as in Step Functions: a longer one in a
	// retrier is refused, and any other is cut.
	// Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html
	MaxErrorNameBytes = 256

	// MaxCauseBytes bounds the text of an error in a message. The rest is cut off.
	MaxCauseBytes = 1024
)

// The values used for a field that is left out or 0.
const (
	// DefaultPartition is the partition of a request without one.
	DefaultPartition = "aws"

	// DefaultRegions, in a request's Regions, means every Region of the partition
	// that is enabled in every account.
	DefaultRegions = "*"

	// AllRegions, in a request's Regions, means every Region of the partition,
	// including those that an account has to opt in to.
	AllRegions = "all"

	// EnabledRegions, in a request's Regions, means every Region of the partition that is
	// enabled in the account of the workers. A worker asks AWS which those are, once,
	// with the task EnabledRegionsTask.
	EnabledRegions = "enabled"

	// EnabledRegionsTask is the task that lists the Regions that are enabled in the
	// account. Its output is an [EnabledRegionsOutput].
	EnabledRegionsTask = "enabled-regions"

	// OrganizationTask is the task that lists the accounts of the caller's organization.
	// Its output is an [OrganizationOutput].
	OrganizationTask = "organization"

	// EveryService, in a request's targets, means every AWS service that is listed in
	// the Region.
	EveryService = "*"

	// DefaultTask is the task of a request without one.
	DefaultTask = "resolve"

	// DefaultTarget is the only target of a request without targets.
	DefaultTarget = "dynamodb"

	// DefaultTargetMaxConcurrency is how many targets a worker processes at once:
	// enough to hide the latency of network calls, and far below the 1,024 file
	// descriptors of a Lambda environment.
	DefaultTargetMaxConcurrency = 64

	// DefaultMaxTargetsPerInvocation is the size of a batch. 500 outcomes of 10 KiB
	// each fit into one answer.
	DefaultMaxTargetsPerInvocation = 500
)

// Reserve returns how much of the remaining time a function keeps for its answer: a
// tenth, at most a second. A coordinator keeps it before its own deadline, a worker
// before the end of its budget, so that the answer arrives before the caller gives up.
// For a large run on little CPU a coordinator keeps more, see internal/coordinator.
func Reserve(left time.Duration) time.Duration {
	return min(time.Second, left/10)
}

// UsefulTime returns the least time that a worker starts a target with, by the time it
// has for all of them: a tenth, at most 10 ms. A call of an AWS API in the same Region
// takes about as long. So a worker that its time stops answers up to that much earlier
// than its [Reserve] says. A coordinator starts nothing in its last Reserve, which is
// what its workers keep for their answers.
func UsefulTime(left time.Duration) time.Duration {
	return min(10*time.Millisecond, left/10)
}

// attemptsPerMB is how many attempts a function keeps for each MB of its memory. With the
// longest causes, of MaxCauseBytes, they take a quarter of it.
const attemptsPerMB = 200

// MostAttempts returns how many attempts, of invocations in a coordinator or of targets in
// a worker, a function makes and keeps by its memory. Then it retries nothing more, and
// what fails says so. A memory of 0 is not known, and counts as 256 MB: 51,200 attempts.
func MostAttempts(memoryMB int) int { return cmp.Or(memoryMB, 256) * attemptsPerMB }

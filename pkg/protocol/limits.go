package protocol

import "time"

// The limits of the messages. A request that passes one is refused with a
// [Fault] before anything has been invoked.
const (
	// MaxPayloadBytes is the most that a function can answer to a synchronous
	// invocation: 6 MiB and 100 bytes.
	// Source: the error Lambda gives, "Response payload size exceeded maximum
	// allowed payload size (6291556 bytes)".
	MaxPayloadBytes = 6_291_556

	// MaxInvocationBytes is the most that a function can be sent in a synchronous
	// invocation: 6 MiB.
	// Source: the error Lambda gives, "payload is too large for the
	// RequestResponse invocation type (limit 6291456 bytes)".
	MaxInvocationBytes = 6 << 20

	// MaxRequestBytes is the largest Request that is read: 1 MiB, which is also
	// what Lambda accepts for an asynchronous invocation, so that one request
	// works however it arrives.
	// Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
	MaxRequestBytes = 1 << 20

	// MaxRegions bounds the Regions of one run. AWS has fewer than 50 over all
	// partitions; the rest is room for private ones.
	MaxRegions = 200

	// MaxTargets bounds the targets of one Region.
	MaxTargets = 10_000

	// MaxNameLength is the length of a run's name in characters, as of a Step
	// Functions execution.
	// Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html
	MaxNameLength = 80

	// MaxTargetLength is the length of one target in bytes: that of the longest
	// ARN, 2,048.
	// Source: https://docs.aws.amazon.com/IAM/latest/APIReference/API_EntityInfo.html
	MaxTargetLength = 2048

	// MaxSeconds is the longest time or wait that can be asked for, in seconds,
	// as in the Amazon States Language.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-task.html
	MaxSeconds = 99_999_999

	// MaxDelaySeconds is the bound that maxDelaySeconds stays under.
	// Source: https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html
	MaxDelaySeconds = 31_622_401

	// MaxAttempts is the most retries that one retrier can ask for. The language
	// allows 99,999,999; every attempt is recorded in the result, so Meridian
	// stops at 1,000.
	MaxAttempts = 1000

	// MaxOutputDepth is how deep arrays and objects may be in each other in a
	// target's output. encoding/json reads no message that is deeper than 10,000,
	// so that one output could make a whole result unreadable.
	MaxOutputDepth = 1000

	// MaxErrorNameBytes is how long an error name may be in a result, as in Step
	// Functions; the rest is cut off. Retriers match the whole of it.
	// Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_TaskFailedEventDetails.html
	MaxErrorNameBytes = 256

	// MaxCauseBytes is how much of an error's text crosses the wire; the rest
	// is cut off.
	MaxCauseBytes = 1024
)

// The values that stand for a field that is left out or 0.
const (
	// DefaultPartition is the partition of a request that names none.
	DefaultPartition = "aws"

	// DefaultRegions, among a request's Regions, stands for every Region of the
	// partition that is enabled in every account.
	DefaultRegions = "*"

	// AllRegions, among a request's Regions, stands for every Region of the
	// partition, those included that an account has to opt in to.
	AllRegions = "all"

	// EveryService, among a request's targets, stands for every AWS service that
	// is listed in the Region.
	EveryService = "*"

	// DefaultTask is the task of a request that names none.
	DefaultTask = "resolve"

	// DefaultTarget is the one target of a request that names none.
	DefaultTarget = "dynamodb"

	// DefaultTargetMaxConcurrency is how many targets a worker has in hand at
	// once: enough to hide the latency of network calls, and far from the 1,024
	// file descriptors of a Lambda environment.
	DefaultTargetMaxConcurrency = 64

	// DefaultMaxTargetsPerInvocation is the size of a batch. 500 outcomes of
	// 10 KiB each still fit into one answer.
	DefaultMaxTargetsPerInvocation = 500
)

// Reserve returns how much of the time that is left a function keeps for its
// answer: a tenth, at most a second. A coordinator keeps it before its own
// deadline, a worker before the end of its budget, so that the answer has
// arrived when the one who waits for it gives up. A coordinator keeps more for a
// large run on little CPU, see internal/coordinator.
func Reserve(left time.Duration) time.Duration {
	return min(time.Second, left/10)
}

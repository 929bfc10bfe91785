// Package protocol is what Meridian's parts say to each other: the [Request]
// that starts a run and the [Result] it ends with, and between them the
// [RegionRequest] a coordinator sends to a regionworker and the [RegionResult]
// that comes back.
//
// The coordinator, the regionworker and the command line import it; it imports
// nothing of theirs. Every message is JSON in lowerCamelCase, spelt as the
// Amazon States Language spells the same thing.
//
// # Words
//
// A run is one request carried out. It does one task, the kind of work, for every
// target, which is what the task works on (an AWS service, say), in every Region
// asked for. An invocation is one call of the regionworker, with a batch of one
// Region's targets; a Region with many targets takes several. An attempt is one try
// of an invocation, or of a target by its worker. An outcome is what became of a
// Region or a target, and its [Status] says it in one word.
//
// # Reading
//
// [DecodeRequest] and [DecodeRegionRequest] are strict: an unknown field, a
// field given twice, a wrong type, a null or a value out of range is a [Fault]
// with the JSON path, the value and what is allowed, and all faults are
// reported, not only the first. [DecodeResult] and [DecodeRegionResult] refuse wrong
// types but pass over unknown fields, so that the two functions can be deployed
// one after the other.
//
// # Accounting
//
// A result lists every Region and every target asked for, once, in the order
// asked for, whatever became of it. [Fit] makes a result small enough for
// Lambda by giving up outputs, causes and records of attempts, never by giving
// up an outcome.
//
// # Compatibility
//
// A field, once released, keeps its name and its meaning. Fields are added, and
// a message without them still decodes. [Version] counts the changes that a
// worker must understand to do its work; a worker refuses a version it does not
// know with [ErrorUnsupportedVersion]. The files under testdata/v1 were sent by
// a released version and decode for ever.
package protocol

// Version is the version of the messages between coordinator and worker. Its
// comment is its changelog:
//
//   - 1 (2026-11-23): RegionRequest and RegionResult as they are.
const Version = 1

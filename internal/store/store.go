// Package store keeps objects under keys: in a directory ([Dir]) or in an S3 bucket
// ([Bucket]). The coordinator and the command line keep runs with it. It knows only keys
// and bytes. An object is created once, read, listed and deleted; it never changes.
//
// The package storetest is the suite that both stores pass.
//
// # What Create promises
//
// Of all calls that create a key, in any number of processes, one succeeds. The others
// return [ErrExists].
//
// An object is whole as soon as it can be read or listed: a writer that is killed leaves
// the whole object or none. An object survives a power loss once Create has returned nil.
//
// After any other error the object may exist or not. The caller can call Create again.
//
// Bucket repeats requests. If an earlier request of the call may have created the object,
// and a later one finds the key taken, Bucket reads the object and compares it: with the
// same bytes Create succeeds. So two writers with the same bytes may both succeed. A writer
// that must know whether it won puts a value of its own into the bytes.
//
// # Keys
//
// A key is segments with slashes between them, as in "runs/7/plan.json". It has at most
// [MaxKeyBytes] bytes, and a segment [MaxSegmentBytes]. A segment has ASCII letters, digits
// and the characters "._+:=@%-", and neither begins nor ends with a dot. Every method
// returns an error for another key, and sends or opens nothing.
//
// A key must not be the directory of another: a Dir cannot hold both "a" and "a/b".
//
// # Order
//
// List returns keys in byte order. It skips objects whose names are not keys; others may
// have put them there.
//
// # Faults
//
// Create and Read do not depend on lists. A list may lack the newest keys on servers whose
// lists lag; those of AWS do not.
//
// Bucket repeats a request after a conflict (409), a throttle, a server error, a lost
// connection and ten seconds of silence: five times at most, with growing random waits,
// until the context ends.
package store

import "io/fs"

const (
	// MaxKeyBytes limits a key. S3 allows 1,024 bytes, and macOS a path of 1,024.
	MaxKeyBytes = 512

	// MaxSegmentBytes limits a segment. File systems allow names of 255 bytes, and [Dir] adds
	// up to 52.
	MaxSegmentBytes = 200

	// DefaultLimit is the limit of List when the caller gives none. S3 lists as many keys in
	// one request.
	DefaultLimit = 1000
)

// The errors of the package, for errors.Is. A caller that does not import the package
// checks for fs.ErrExist and fs.ErrNotExist.
var (
	// ErrExists means that the key exists already.
	ErrExists error = &kindError{"the key exists", fs.ErrExist}

	// ErrNotFound means that the key does not exist.
	ErrNotFound error = &kindError{"the key does not exist", fs.ErrNotExist}

	// ErrTooLarge means that the object has more bytes than the caller wants to read.
	ErrTooLarge error = &kindError{text: "the object is too large"}
)

// A kindError is one of the errors above.
type kindError struct {
	text string
	kind error // of the standard library, or nil
}

// Error returns the text.
func (e *kindError) Error() string { return e.text }

// Unwrap returns the standard library's error of the same meaning.
func (e *kindError) Unwrap() error { return e.kind }

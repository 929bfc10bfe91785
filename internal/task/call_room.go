package task

import (
	"cmp"
	"context"
	"fmt"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"

	"golang.org/x/sync/semaphore"
)

// rooms bound the memory of the long answers that are held at once. Bytes are counted as
// AWS sends XML, which takes ten to twenty times as much when it is decoded. A byte of JSON
// or CBOR, which have shorter names and marks, counts as two: it takes up to fifty times as
// much, with items that are nearly empty, and twenty with those of DynamoDB.
//
// An answer beyond 64 KiB takes a small room, of 1 MiB at most, and one beyond that takes a
// large room for all of it. The two come from different semaphores: an answer that waits
// for a small room holds nothing, and one that waits for a large room waits only for
// answers that have both and wait for nothing. So no answers wait for each other.
type rooms struct {
	small, large *semaphore.Weighted
	smallBytes   int64 // of one
	largeBytes   int64 // of all, and so of the longest answer
}

// ownMemory is what a worker takes without any answers, and some.
const ownMemory = 32 << 20

// newRooms returns the rooms in a process with a memory. All small rooms take a 64th of
// what it has beside its own, and all large ones a 32nd.
func newRooms(memory int64) rooms {
	memory = max(memory-ownMemory, memory/2)
	small := memory / 64
	return rooms{
		small: semaphore.NewWeighted(small), smallBytes: min(1<<20, small/4),
		large: semaphore.NewWeighted(memory / 32), largeBytes: memory / 32,
	}
}

// A room is what one answer has of the rooms.
type room struct {
	rooms
	weight       int64 // what one byte of the answer counts
	answer       int64 // the bytes that it may have
	small, large int64 // what is held
}

// room returns a room for an answer of an operation, of at most maxBytes; 0 means the
// default. The memory may allow less.
func (r rooms) room(op *model.Operation, maxBytes int) *room {
	weight := int64(2)
	switch op.Protocol().ID().Name {
	case "awsQuery", "ec2Query", "restXml":
		weight = 1
	}
	return &room{rooms: r, weight: weight, answer: min(int64(cmp.Or(maxBytes, awsapi.DefaultMaxBytes)), r.largeBytes/weight)}
}

// hold waits for more room, and returns its bytes: see [awsapi.API].Hold.
func (r *room) hold(ctx context.Context) (bytes int64, err error) {
	held, all, bytes := &r.small, r.rooms.small, r.smallBytes/r.weight
	if r.small > 0 {
		held, all, bytes = &r.large, r.rooms.large, r.answer
	}
	if *held > 0 {
		return bytes, nil // the limit of the answer ends the call
	}
	if err := all.Acquire(ctx, bytes*r.weight); err != nil {
		return 0, context.Cause(ctx) //nolint:wrapcheck // it says what ended
	}
	*held = bytes * r.weight
	return bytes, nil
}

// free gives the room back, when the answer has become an output.
func (r *room) free() {
	if r == nil {
		return
	}
	r.rooms.small.Release(r.small)
	r.rooms.large.Release(r.large)
}

// reached says that the answer was longer than it may be.
func (r *room) reached() string {
	if r.answer == r.largeBytes/r.weight {
		return fmt.Sprintf("%d bytes reached, as much as the worker's memory allows", r.answer)
	}
	return fmt.Sprintf("maxBytes %d reached", r.answer)
}

// tooLarge returns the error of a first page that is longer than the answer may be.
func (r *room) tooLarge() error {
	raise := "raise maxBytes"
	if r.answer == r.largeBytes/r.weight {
		raise = "give the worker more memory"
	}
	return fmt.Errorf("the first page is longer than %d bytes: %s, or ask for less with the input, such as a limit for a page", r.answer, raise)
}

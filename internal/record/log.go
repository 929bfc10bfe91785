package record

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"sync"
	"time"

	"meridian/pkg/protocol"
)

const (
	// MaxLogFile bounds a file of a log in bytes.
	MaxLogFile = 32 << 20

	// readAhead is how many files of a log are read at once. S3 needs some 20 ms for each.
	readAhead = 32
)

// A Position is a place in a log: the last file and the last event before it. The zero
// Position is the start of a log.
type Position struct {
	File, Sequence int
}

// A File is one file of a log.
type File struct {
	// Header says who wrote the file.
	Header protocol.LogHeader

	// Events has the events of the file, each as its line. A heartbeat has none.
	Events [][]byte
}

// Log yields the files of a log in order, from number after+1. It ends before the first number
// that does not exist, or after an error. It reads up to 32 files at once, after the first ones.
func (r *Runs) Log(ctx context.Context, id string, after int) iter.Seq2[File, error] {
	return func(yield func(File, error) bool) {
		if err := checkID(id); err != nil {
			yield(File{}, err)
			return
		}
		var reading sync.WaitGroup
		defer reading.Wait()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		next := after + 1
		var ahead []chan outcome // of the files before next, in order
		// A caller that polls for new files mostly finds none or one, so reading ahead begins
		// with one.
		for most := 1; ; most = min(2*most, readAhead) {
			for len(ahead) < most {
				n, c := next, make(chan outcome, 1)
				reading.Go(func() { c <- r.file(ctx, id, n) })
				ahead, next = append(ahead, c), next+1
			}
			got := <-ahead[0]
			ahead = ahead[1:]
			if errors.Is(got.err, fs.ErrNotExist) || !yield(got.File, got.err) || got.err != nil {
				return
			}
		}
	}
}

// An outcome is what became of reading a file.
type outcome struct {
	File
	err error
}

// file reads one file of a log.
func (r *Runs) file(ctx context.Context, id string, n int) (o outcome) {
	key := logKey(id, n)
	data, err := r.Store.Read(ctx, key, MaxLogFile)
	if err != nil {
		return outcome{err: err}
	}
	o.Header, o.Events, o.err = protocol.DecodeLogFile(data)
	if o.err == nil && (o.Header.RunID != id || o.Header.Number != n) {
		o.err = fmt.Errorf("its header is that of file %d of run %s", o.Header.Number, o.Header.RunID)
	}
	if o.err != nil {
		return outcome{err: fmt.Errorf("read %s: %w", key, o.err)}
	}
	return o
}

// A line is an encoded event that is not in the log yet.
type line struct {
	data []byte
	at   time.Time // when it was appended
}

// encodeFile returns a file of a log.
func encodeFile(header protocol.LogHeader, lines []line) []byte {
	var b bytes.Buffer
	first, err := json.Marshal(header)
	if err != nil {
		panic("record: " + err.Error()) // a header has nothing that JSON cannot have
	}
	b.Write(first)
	b.WriteByte('\n')
	for _, l := range lines {
		b.Write(l.data)
		b.WriteByte('\n')
	}
	return b.Bytes()
}

// Last returns the last file of a log. A log without files is fs.ErrNotExist. Of n files it reads
// about 2*log2(n).
func (r *Runs) Last(ctx context.Context, id string) (File, error) {
	last, err := r.search(ctx, id, func(protocol.LogHeader) bool { return true })
	if err == nil && last.Header.Number == 0 {
		err = fmt.Errorf("log of run %s: %w", id, fs.ErrNotExist)
	}
	return last, err
}

// Before returns the number after which [Runs.Log] has to begin to yield every event after a
// sequence. It reads as many files as Last does.
func (r *Runs) Before(ctx context.Context, id string, sequence int) (after int, err error) {
	file, err := r.search(ctx, id, func(h protocol.LogHeader) bool { return h.After <= sequence })
	return max(file.Header.Number-1, 0), err
}

// search returns the last file of a log whose header fits, or the zero File. If a header does not
// fit, no later one does.
func (r *Runs) search(ctx context.Context, id string, fits func(protocol.LogHeader) bool) (last File, err error) {
	if err := checkID(id); err != nil {
		return File{}, err
	}
	found, missing := 0, 0 // the greatest number that fits, and the least one that does not
	for n := 1; missing == 0 || found+1 < missing; n = next(found, missing) {
		o := r.file(ctx, id, n)
		switch {
		case o.err == nil && fits(o.Header):
			found, last = n, o.File
		case o.err == nil, errors.Is(o.err, fs.ErrNotExist):
			missing = n
		default:
			return File{}, o.err
		}
	}
	return last, nil
}

// next returns the number to look at next, between one that fits and one that does not. A missing
// of 0 means that none is known.
func next(found, missing int) int {
	if missing == 0 {
		return 2 * found
	}
	return (found + missing) / 2
}

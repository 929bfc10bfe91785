package record_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/record"
	"meridian/pkg/protocol"

	"github.com/google/go-cmp/cmp"
)

// A write is a creation of a file of the log.
type write struct {
	After  time.Duration // since the bubble began
	File   int
	Events []int // their sequences
}

// A bench has a holder and the writes of its store, in a bubble.
type bench struct {
	*record.Holder
	store *memory
	began time.Time

	mu      sync.Mutex
	latency time.Duration                     // of a write
	fail    func(n int) (before, after error) // of write n, from 0
	writes  []write
	data    [][]byte
}

// hold begins a generation in a new store. Writes after that take so long, and fail so; a nil
// fail is never.
func hold(ctx context.Context, t *testing.T, latency time.Duration, fail func(n int) (before, after error)) *bench {
	t.Helper()
	b := &bench{store: &memory{}, began: time.Now()}
	b.store.before = func(_ context.Context, op, _ string, data []byte) error {
		before, _ := b.note(op, data)
		return before
	}
	b.store.after = func(_ context.Context, op, _ string, _ []byte) error {
		_, after := b.note(op, nil)
		return after
	}
	var err error
	if b.Holder, err = (&record.Runs{Store: b.store}).Hold(ctx, runID(), record.Position{}, protocol.Generation{Number: 1}); err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.latency, b.fail, b.writes, b.data = latency, fail, nil, nil
	return b
}

// note notes a write before it is done, and returns how it fails.
func (b *bench) note(op string, data []byte) (before, after error) {
	if op != "create" {
		return nil, nil
	}
	b.mu.Lock()
	latency := b.latency
	b.mu.Unlock()
	if data != nil {
		time.Sleep(latency)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if data != nil {
		header, lines, err := protocol.DecodeLogFile(data)
		if err != nil {
			return err, nil
		}
		b.writes = append(b.writes, write{time.Since(b.began), header.Number, sequences(lines)})
		b.data = append(b.data, data)
	}
	if b.fail == nil {
		return nil, nil
	}
	return b.fail(len(b.writes) - 1)
}

// sequences returns the sequences of events.
func sequences(lines [][]byte) (all []int) {
	for _, line := range lines {
		_, rest, _ := bytes.Cut(line, []byte(`"sequence":`)) // much faster than decoding
		number, _, _ := bytes.Cut(rest, []byte(","))
		n, _ := strconv.Atoi(string(number))
		all = append(all, n)
	}
	return all
}

// append appends events with that many bytes each.
func (b *bench) append(size int, sequences ...int) {
	for _, n := range sequences {
		b.Append(event(n, size))
	}
}

// event returns an event with that many bytes.
func event(sequence, size int) protocol.Event {
	const rest = 200 // of the encoded event, less than that
	return protocol.Event{
		Version: protocol.EventVersion, RunID: runID(), Sequence: sequence, Time: start(), Type: protocol.EventNotice,
		Notice: strings.Repeat("x", max(0, size-rest)),
	}
}

// want checks the writes since the last call.
func (b *bench) want(t *testing.T, want ...write) {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	if diff := cmp.Diff(want, b.writes); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
	b.writes = nil
}

// steal begins another generation after the last file of the log.
func (b *bench) steal(t *testing.T) *record.Holder {
	t.Helper()
	other, err := (&record.Runs{Store: &memory{on: b.store}}).Hold(t.Context(), runID(), b.Position(), protocol.Generation{Number: 2})
	if err != nil {
		t.Fatal(err)
	}
	return other
}

// wantLost checks that an error is that of a loss to generation 2.
func wantLost(t *testing.T, call string, err error) {
	t.Helper()
	if lost, ok := errors.AsType[*record.LostError](err); !ok || *lost != (record.LostError{RunID: runID(), Generation: 2}) {
		t.Errorf("%s = %v, want the loss to generation 2", call, err)
	}
}

// isLost reports whether a holder's Lost is closed.
func isLost(h *record.Holder) bool {
	select {
	case <-h.Lost():
		return true
	default:
		return false
	}
}

func TestHoldCreatesAFileWithOneEvent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := &record.Runs{Store: &memory{}}
		g := protocol.Generation{Number: 3, Redrive: &protocol.Redrive{Errors: []string{"States.Timeout"}}}
		h, err := r.Hold(t.Context(), runID(), record.Position{File: 7, Sequence: 20}, g)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := h.Position(), (record.Position{File: 8, Sequence: 21}); got != want {
			t.Errorf("Position = %v, want %v", got, want)
		}
		for f, err := range r.Log(t.Context(), runID(), 7) {
			if err != nil || len(f.Events) != 1 {
				t.Fatalf("file has %d events, %v", len(f.Events), err)
			}
			holder := f.Header.Holder
			f.Header.Holder = ""
			header := protocol.LogHeader{Version: protocol.RecordVersion, RunID: runID(), Number: 8, After: 20, Generation: 3, Time: time.Now().UTC()}
			if diff := cmp.Diff(header, f.Header); diff != "" || len(holder) < 20 {
				t.Errorf("header, with the holder %q (-want +got):\n%s", holder, diff)
			}
			got, err := protocol.DecodeEvent(f.Events[0])
			want := protocol.Event{
				Version: protocol.EventVersion, RunID: runID(), Sequence: 21, Time: time.Now().UTC(), Type: protocol.EventGenerationStarted, Generation: &g,
			}
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("event: %v (-want +got):\n%s", err, diff)
			}
		}
		if err := h.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAGenerationThatCannotBeEncodedBeginsNot(t *testing.T) {
	t.Parallel()
	s := &memory{}
	g := protocol.Generation{Number: 1, Redrive: &protocol.Redrive{TimeoutSeconds: new(math.NaN())}}
	if _, err := (&record.Runs{Store: s}).Hold(t.Context(), runID(), record.Position{}, g); err == nil || len(s.keys()) > 0 {
		t.Errorf("Hold = %v, with the objects %q; want an error", err, s.keys())
	}
}

func TestHoldIsLostWhenAnotherHolderWasFaster(t *testing.T) {
	t.Parallel()
	inEachStore(t, func(t *testing.T, r *record.Runs) {
		t.Helper()
		const holders = 20
		var done sync.WaitGroup
		var mu sync.Mutex
		var won []*record.Holder
		for range holders {
			done.Go(func() {
				h, err := r.Hold(t.Context(), runID(), record.Position{}, protocol.Generation{Number: 1})
				if lost, ok := errors.AsType[*record.LostError](err); ok && lost.Generation == 1 {
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				won = append(won, h)
			})
		}
		done.Wait()
		if len(won) != 1 {
			t.Fatalf("%d of %d holders have the run, want 1", len(won), holders)
		}
		if err := won[0].Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAFileThatIsNotOursIsALossWhateverItHas(t *testing.T) {
	t.Parallel()
	for _, data := range []string{"", "{}", "{}\n"} {
		s := &memory{objects: map[string][]byte{"runs/" + runID() + "/events/1.jsonl": []byte(data)}}
		_, err := (&record.Runs{Store: s}).Hold(t.Context(), runID(), record.Position{}, protocol.Generation{Number: 1})
		if _, lost := errors.AsType[*record.LostError](err); !lost {
			t.Errorf("Hold after %q = %v, want a loss", data, err)
		}
	}
}

func TestAppendEncodesTheEventBeforeItReturns(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, nil)
		e := event(2, 0)
		e.Attempt = &protocol.Attempt{Batch: 7}
		b.Append(e)
		e.Attempt.Batch = 8
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if _, lines, err := protocol.DecodeLogFile(b.data[0]); err != nil || !bytes.Contains(lines[0], []byte(`"batch":7`)) {
			t.Errorf("event %s, %v; want batch 7", lines, err)
		}
	})
}

func TestAnEventIsWrittenASecondLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, nil)
		time.Sleep(5 * time.Second)
		b.append(0, 2)
		time.Sleep(700 * time.Millisecond)
		b.append(0, 3)
		time.Sleep(299 * time.Millisecond)
		b.want(t)
		time.Sleep(10 * time.Second)
		b.want(t, write{6 * time.Second, 2, []int{2, 3}})
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		b.want(t)
	})
}

func TestEventsOf256KiBAreWrittenAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, nil)
		b.append(250<<10, 2)
		synctest.Wait()
		b.want(t)
		b.append(10<<10, 3)
		synctest.Wait()
		b.want(t, write{0, 2, []int{2, 3}})
		_ = b.Close(t.Context())
	})
}

func TestAFileHasAboutOneMiBUnlessAnEventIsLarger(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, time.Second, nil)
		b.append(2<<20, 2)
		synctest.Wait()
		b.append(400<<10, 3, 4, 5)
		b.append(3<<20, 6)
		b.append(0, 7)
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		b.want(t, write{time.Second, 2, []int{2}}, write{2 * time.Second, 3, []int{3, 4}}, write{3 * time.Second, 4, []int{5}},
			write{4 * time.Second, 5, []int{6}}, write{5 * time.Second, 6, []int{7}})
	})
}

func TestSyncReturnsWhenEverythingBeforeItIsInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 30*time.Millisecond, nil)
		if err := b.Sync(t.Context()); err != nil || time.Since(b.began) > 0 {
			t.Errorf("Sync of nothing = %v after %v", err, time.Since(b.began))
		}
		b.append(0, 2, 3)
		if err := b.Sync(t.Context()); err != nil || time.Since(b.began) != 30*time.Millisecond {
			t.Errorf("Sync = %v after %v", err, time.Since(b.began))
		}
		if got, want := b.Position(), (record.Position{File: 2, Sequence: 3}); got != want {
			t.Errorf("Position = %v, want %v", got, want)
		}
		b.append(0, 4) // what is not synced waits for its second
		time.Sleep(900 * time.Millisecond)
		b.want(t, write{30 * time.Millisecond, 2, []int{2, 3}})
		_ = b.Close(t.Context())
	})
}

func TestSyncsAtTheSameTimeShareAFile(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 30*time.Millisecond, nil)
		const syncs = 100
		var all []int
		for n := range syncs {
			all = append(all, n+2)
		}
		b.append(0, all...)
		var done sync.WaitGroup
		for range syncs {
			done.Go(func() {
				if err := b.Sync(t.Context()); err != nil || time.Since(b.began) != 30*time.Millisecond {
					t.Errorf("Sync = %v after %v", err, time.Since(b.began))
				}
			})
		}
		done.Wait()
		b.want(t, write{30 * time.Millisecond, 2, all})

		// While a file is being written, the next one gathers.
		var mu sync.Mutex
		for range syncs {
			done.Go(func() {
				mu.Lock()
				b.append(0, len(all)+2)
				all = append(all, len(all)+2)
				mu.Unlock()
				if err := b.Sync(t.Context()); err != nil || time.Since(b.began) > 90*time.Millisecond {
					t.Errorf("Sync = %v after %v", err, time.Since(b.began))
				}
			})
		}
		done.Wait()
		if n := len(b.writes); n > 2 {
			t.Errorf("%d files for a burst of %d events and Syncs, want at most 2", n, syncs)
		}
		_ = b.Close(t.Context())
	})
}

func TestALogWithoutEventsGetsAHeartbeatAfter20Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, nil)
		time.Sleep(45 * time.Second)
		b.append(0, 2)
		time.Sleep(30 * time.Second)
		b.want(t, write{20 * time.Second, 2, nil}, write{40 * time.Second, 3, nil}, write{46 * time.Second, 4, []int{2}}, write{66 * time.Second, 5, nil})
		_ = b.Close(t.Context())
	})
}

func TestAWriteIsTriedAgainWithTheSameBytes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, func(n int) (before, after error) {
			if n < 8 {
				return errors.New("no route to host"), nil
			}
			return nil, nil
		})
		b.append(0, 2)
		go func() {
			time.Sleep(time.Second)
			b.append(0, 3)
		}()
		if err := b.Sync(t.Context()); err != nil {
			t.Error(err)
		}
		_ = b.Close(t.Context())
		first := []int{2}
		b.want(t, write{0, 2, first}, write{100 * time.Millisecond, 2, first}, write{300 * time.Millisecond, 2, first},
			write{700 * time.Millisecond, 2, first}, write{1500 * time.Millisecond, 2, first}, write{3100 * time.Millisecond, 2, first},
			write{6300 * time.Millisecond, 2, first}, write{11300 * time.Millisecond, 2, first}, write{16300 * time.Millisecond, 2, first},
			write{16300 * time.Millisecond, 3, []int{3}})
		for _, data := range b.data[:9] {
			if !bytes.Equal(data, b.data[0]) {
				t.Errorf("a retry has other bytes:\n%s\nwant\n%s", data, b.data[0])
			}
		}
	})
}

func TestALostReplyIsNoLoss(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, func(n int) (before, after error) {
			if n == 0 {
				return nil, errors.New("the connection was lost")
			}
			return nil, nil
		})
		b.append(0, 2)
		if err := b.Sync(t.Context()); err != nil || isLost(b.Holder) {
			t.Errorf("Sync = %v; lost: %t", err, isLost(b.Holder))
		}
		if got, want := b.Position(), (record.Position{File: 2, Sequence: 2}); got != want {
			t.Errorf("Position = %v, want %v", got, want)
		}
		b.want(t, write{0, 2, []int{2}}, write{100 * time.Millisecond, 2, []int{2}})
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAHolderThatHasLostTheRunWritesNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, nil)
		other := b.steal(t)
		b.append(9<<20, 2)
		b.append(0, 3)
		go func() { wantLost(t, "Room", b.Room(t.Context())) }()
		wantLost(t, "Sync", b.Sync(t.Context()))
		if <-b.Lost(); isLost(other) {
			t.Error("the other holder has lost the run too")
		}
		wantLost(t, "Err", b.Err())
		b.append(0, 4)
		wantLost(t, "Sync", b.Sync(t.Context()))
		wantLost(t, "Room", b.Room(t.Context()))
		wantLost(t, "Close", b.Close(t.Context()))
		wantLost(t, "Close again", b.Close(t.Context()))
		time.Sleep(time.Minute)
		b.want(t, write{0, 2, []int{2}}) // which was refused
		if err := other.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestAHolderFindsALossWithin20Seconds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, nil)
		other := b.steal(t)
		<-b.Lost()
		if got := time.Since(b.began); got != 20*time.Second {
			t.Errorf("lost after %v, want 20s", got)
		}
		_ = other.Close(t.Context())
	})
}

func TestARunThatIsDeletedIsLost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, func(int) (before, after error) { return fs.ErrExist, nil })
		b.append(0, 2)
		err := b.Sync(t.Context())
		if lost, ok := errors.AsType[*record.LostError](err); !ok || lost.Generation != 0 || !strings.Contains(err.Error(), "another writer") {
			t.Errorf("Sync = %v, want a loss", err)
		}
	})
}

func TestRoomWaitsWhileMoreThan8MiBAreNotInTheLog(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, time.Second, nil)
		b.append(4<<20, 2)
		if err := b.Room(t.Context()); err != nil || time.Since(b.began) != 0 {
			t.Errorf("Room = %v after %v, want at once", err, time.Since(b.began))
		}
		b.append(3<<20, 3, 4, 5)
		if err := b.Room(t.Context()); err != nil || time.Since(b.began) != 2*time.Second {
			t.Errorf("Room = %v after %v, want 2s: 13 MiB, then 9, then 6", err, time.Since(b.began))
		}
		b.append(5<<20, 6)
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Millisecond, errors.New("no time"))
		defer cancel()
		if err := b.Room(ctx); err == nil || err.Error() != "no time" {
			t.Errorf("Room = %v, want the cause of its context's end", err)
		}
		if err := b.Sync(ctx); err == nil || err.Error() != "no time" {
			t.Errorf("Sync = %v, want the cause of its context's end", err)
		}
		_ = b.Close(t.Context())
	})
}

func TestCloseWritesWhatIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, nil)
		b.append(0, 2)
		if err := b.Close(t.Context()); err != nil {
			t.Error(err)
		}
		b.want(t, write{0, 2, []int{2}})
		if err := b.Sync(t.Context()); err != nil {
			t.Errorf("Sync = %v; all is in the log", err)
		}
		b.append(0, 3)
		if err := b.Sync(t.Context()); err == nil {
			t.Error("Sync of an event after Close = nil")
		}
		if err := b.Close(t.Context()); err != nil {
			t.Errorf("Close again = %v", err)
		}
		time.Sleep(time.Minute)
		b.want(t)
	})
}

func TestTheEndOfAContextEndsAHolderAndTheLastErrorSurvives(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		end  func(t *testing.T, b *bench, cancel context.CancelCauseFunc) error
	}{
		{"of Close", func(t *testing.T, b *bench, _ context.CancelCauseFunc) error {
			t.Helper()
			ctx, cancel := context.WithTimeoutCause(t.Context(), 3*time.Second, errors.New("no time"))
			defer cancel()
			return b.Close(ctx)
		}},
		{"of Hold", func(t *testing.T, b *bench, cancel context.CancelCauseFunc) error {
			t.Helper()
			time.Sleep(3 * time.Second)
			cancel(errors.New("no time"))
			return b.Sync(t.Context())
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithCancelCause(t.Context())
				defer cancel(nil)
				b := hold(ctx, t, 0, func(int) (before, after error) { return errors.New("no route to host"), nil })
				b.append(0, 2)
				err := test.end(t, b, cancel)
				if err == nil || time.Since(b.began) != 3*time.Second {
					t.Fatalf("error %v after %v", err, time.Since(b.began))
				}
				want := fmt.Sprintf("write file 2 of the log of run %s: no time; the last error: no route to host", runID())
				if got := b.Err(); got.Error() != want || err.Error() != want || isLost(b.Holder) {
					t.Errorf("Err = %v, and %v; want %s", got, err, want)
				}
			})
		})
	}
}

func TestAnEventThatCannotBeWrittenEndsTheHolder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, nil)
		b.append(0, 2)
		b.append(33<<20, 3)
		b.append(0, 4)
		want := "event 3 of run " + runID() + ": it has "
		for _, err := range []error{b.Sync(t.Context()), b.Err(), b.Close(t.Context())} {
			if err == nil || !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error = %v, want %s…", err, want)
			}
		}
	})
}

func TestAnEventOutOfOrderPanics(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := hold(t.Context(), t, 0, nil)
		for _, sequence := range []int{0, 1, 3} {
			func() {
				defer func() {
					if got, want := recover(), fmt.Sprintf("record: event %d after event 1", sequence); got != want {
						t.Errorf("panic = %v, want %s", got, want)
					}
				}()
				b.append(0, sequence)
			}()
		}
		_ = b.Close(t.Context())
	})
}

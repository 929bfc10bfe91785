package record_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/race"
	"meridian/internal/record"
	"meridian/pkg/protocol"

	"pgregory.net/rapid"
)

// A fate is what happens to a call of a store.
type fate int

const (
	done   fate = iota
	failed      // with an error; a creation may still happen, at any later time
	killed      // its process ended; a creation may still happen
)

// A call is a call of a store that waits for its fate. The request of a creation whose fate
// was an error is on its way: it waits too, without a process.
type call struct {
	process int
	key     string
	data    []byte    // of a creation
	fate    chan fate // nil without a process
}

// An option is what can happen next.
type option struct {
	call int // of those that wait
	fate fate
}

// A world is one execution: some processes carry the same run on, and each call of the
// store waits until the scheduler chooses it. So the calls, and their fates, are the only steps.
type world struct {
	items           int
	kills, failures int // how many may still happen
	anyOrder        bool

	store   memory
	mu      sync.Mutex
	waiting []*call
	running int
	dead    map[int]context.CancelFunc // nil of a process that was killed
	refused map[int]string             // the file that a process has lost to another
	sent    map[string]int             // by item
	wrong   []string
}

// errStore is the error of a call that failed.
var errStore = errors.New("the store has failed")

// view returns the store as a process sees it.
func (w *world) view(process int) *memory {
	return &memory{on: &w.store, before: func(_ context.Context, _, key string, data []byte) error {
		if w.wait(process, key, data) != done {
			return errStore
		}
		if data != nil {
			w.check(process, key, data)
		}
		return nil
	}}
}

// wait returns the fate of a call.
func (w *world) wait(process int, key string, data []byte) fate {
	c := &call{process, key, data, make(chan fate)}
	w.mu.Lock()
	if w.dead[process] == nil {
		w.mu.Unlock()
		return killed
	}
	w.waiting = append(w.waiting, c)
	w.mu.Unlock()
	return <-c.fate
}

// check checks that a process that has lost the run creates no file. Until it has read whose
// file is there, it may create the same one again.
func (w *world) check(process int, key string, data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if lost := w.refused[process]; lost != "" && lost != key {
		w.wrong = append(w.wrong, fmt.Sprintf("process %d creates %s after its loss", process, key))
	}
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	if kept, exists := w.store.objects[key]; exists && !bytes.Equal(kept, data) {
		w.refused[process] = key
	}
}

// start starts a process, which carries the run on once.
func (w *world) start(ctx context.Context, process int) {
	ctx, cancel := context.WithCancel(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.dead[process] = cancel
	w.running++
	go func() {
		defer cancel()
		w.carryOn(ctx, &record.Runs{Store: w.view(process)})
		w.mu.Lock()
		defer w.mu.Unlock()
		w.running--
	}()
}

// carryOn does what a holder does: it reads the log, begins a generation, and does each item that
// was not started, none of which may be done twice.
func (w *world) carryOn(ctx context.Context, r *record.Runs) {
	var at record.Position
	generation := 0
	started := map[string]bool{}
	for f, err := range r.Log(ctx, runID(), 0) {
		if err != nil {
			return
		}
		at.File, generation = f.Header.Number, f.Header.Generation
		for _, data := range f.Events {
			e, _ := protocol.DecodeEvent(data)
			at.Sequence = e.Sequence
			started[e.Region] = true
		}
	}
	h, err := r.Hold(ctx, runID(), at, protocol.Generation{Number: generation + 1})
	if err != nil {
		return
	}
	sequence := h.Position().Sequence
	tell := func(e protocol.EventType, item string) {
		sequence++
		h.Append(protocol.Event{Version: protocol.EventVersion, RunID: runID(), Sequence: sequence, Type: e, Region: item})
	}
	for i := range w.items {
		item := fmt.Sprint("item ", i)
		if started[item] {
			continue
		}
		tell(protocol.EventAttemptStarted, item)
		if h.Sync(ctx) != nil {
			break
		}
		w.mu.Lock()
		w.sent[item]++
		w.mu.Unlock()
		tell(protocol.EventAttemptEnded, item)
	}
	_ = h.Close(ctx)
}

// run lets processes run until all have ended. Choose chooses one of n options.
func (w *world) run(ctx context.Context, processes int, choose func(n int) int) {
	w.mu.Lock()
	w.dead, w.refused, w.sent = map[int]context.CancelFunc{}, map[int]string{}, map[string]int{}
	w.mu.Unlock()
	for process := range processes {
		w.start(ctx, process)
	}
	for {
		synctest.Wait()
		options, running := w.options()
		if running == 0 {
			return
		}
		if len(options) == 0 {
			time.Sleep(100 * time.Millisecond) // until a retry, or a flush
			continue
		}
		o := options[choose(len(options))]
		c := w.take(o)
		switch {
		case o.fate == killed:
			w.kills--
			w.kill(c)
		case o.fate == failed:
			w.failures--
			w.fail(c, failed)
		case c.fate == nil:
			_ = w.store.Create(ctx, c.key, c.data)
		default:
			c.fate <- done
		}
	}
}

// take returns the call of an option, which waits no longer.
func (w *world) take(o option) *call {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.waiting[o.call]
	w.waiting = slices.Delete(w.waiting, o.call, o.call+1)
	return c
}

// kill ends the process of a call.
func (w *world) kill(c *call) {
	w.mu.Lock()
	w.dead[c.process]()
	w.dead[c.process] = nil
	calls := []*call{c}
	w.waiting = slices.DeleteFunc(w.waiting, func(other *call) bool {
		its := other.process == c.process && other.fate != nil
		if its {
			calls = append(calls, other)
		}
		return its
	})
	w.mu.Unlock()
	for _, c := range calls {
		w.fail(c, killed)
	}
}

// fail lets a call fail. A creation stays on its way.
func (w *world) fail(c *call, f fate) {
	if c.data != nil {
		w.mu.Lock()
		w.waiting = append(w.waiting, &call{c.process, c.key, c.data, nil})
		w.mu.Unlock()
	}
	c.fate <- f
}

// options returns what can happen next, and how many processes there are. Without any order,
// the calls of a process happen in the order of their keys.
func (w *world) options() (all []option, running int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	slices.SortStableFunc(w.waiting, func(a, b *call) int {
		return cmp.Or(cmp.Compare(a.process, b.process), strings.Compare(a.key, b.key))
	})
	last := -1
	for i, c := range w.waiting {
		if c.fate != nil && c.process == last && !w.anyOrder {
			continue
		}
		all = append(all, option{i, done})
		if c.fate == nil {
			continue
		}
		if last = c.process; w.failures > 0 {
			all = append(all, option{i, failed})
		}
		if w.kills > 0 {
			all = append(all, option{i, killed})
		}
	}
	return all, w.running
}

// faults returns what is wrong with an execution that has ended.
func (w *world) faults(ctx context.Context) []string {
	for item, n := range w.sent {
		if n > 1 {
			w.wrong = append(w.wrong, fmt.Sprintf("%s was sent %d times", item, n))
		}
	}
	var last protocol.LogHeader
	files, sequence := 0, 0
	for f, err := range (&record.Runs{Store: &w.store}).Log(ctx, runID(), 0) {
		if err != nil {
			return append(w.wrong, err.Error())
		}
		h := f.Header
		files++
		begins := h.Generation == last.Generation+1 && h.Holder != last.Holder && len(f.Events) == 1 &&
			bytes.Contains(f.Events[0], []byte(protocol.EventGenerationStarted))
		goesOn := h.Generation == last.Generation && h.Holder == last.Holder
		if !begins && !goesOn {
			w.wrong = append(w.wrong, fmt.Sprintf("file %d is of generation %d, holder %s, after %d, %s", files, h.Generation, h.Holder,
				last.Generation, last.Holder))
		}
		for _, got := range sequences(f.Events) {
			if sequence++; got != sequence {
				w.wrong = append(w.wrong, fmt.Sprintf("file %d has event %d, want %d", files, got, sequence))
			}
		}
		last = h
	}
	if n := len(w.store.keys()); n != files {
		w.wrong = append(w.wrong, fmt.Sprintf("the log ends after %d files of %d", files, n))
	}
	return w.wrong
}

// finish has a last process carry the run on, and checks that every item was sent, unless its
// process was killed.
func (w *world) finish(ctx context.Context, killed bool) []string {
	w.anyOrder, w.kills, w.failures = false, 0, 0
	sent := w.sent
	w.run(ctx, 1, func(int) int { return 0 })
	for item, n := range sent {
		w.sent[item] += n
	}
	for i := range w.items {
		if n := w.sent[fmt.Sprint("item ", i)]; n == 0 && !killed {
			w.wrong = append(w.wrong, fmt.Sprintf("item %d was not sent", i))
		}
	}
	return w.faults(ctx)
}

// every runs every execution of worlds, and returns how many there are.
func every(t *testing.T, items, kills, failures int) (executions int) {
	t.Helper()
	for prefix := []int{}; ; executions++ {
		var taken, of []int // the choices of this execution, and among how many
		w := &world{items: items, kills: kills, failures: failures}
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			w.run(t.Context(), 2, func(n int) int {
				choice := 0
				if len(taken) < len(prefix) {
					choice = prefix[len(taken)]
				}
				taken, of = append(taken, choice), append(of, n)
				return choice
			})
			wrong = w.finish(t.Context(), w.kills < kills)
		})
		if len(wrong) > 0 {
			t.Fatalf("execution %v: %s", taken, strings.Join(wrong, "; "))
		}
		last := len(taken) - 1
		for last >= 0 && taken[last] == of[last]-1 {
			last--
		}
		if last < 0 {
			return executions + 1
		}
		prefix = append(taken[:last:last], taken[last]+1)
	}
}

func TestEveryInterleavingOfTwoHoldersKeepsOneLogAndSendsNothingTwice(t *testing.T) {
	t.Parallel()
	mixes := []struct{ items, kills, failures int }{{1, 1, 1}, {3, 0, 0}, {1, 2, 0}, {2, 1, 0}, {2, 0, 1}}
	if race.Enabled {
		mixes = mixes[:1]
	}
	for _, test := range mixes {
		t.Run(fmt.Sprintf("%d items, %d killed, %d calls fail", test.items, test.kills, test.failures), func(t *testing.T) {
			t.Parallel()
			t.Logf("%d executions", every(t, test.items, test.kills, test.failures))
		})
	}
}

func TestAnyInterleavingOfHoldersKeepsOneLogAndSendsNothingTwice(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		kills, n := rapid.IntRange(0, 3).Draw(r, "kills"), -1
		w := &world{
			items: rapid.IntRange(1, 6).Draw(r, "items"), kills: kills, failures: rapid.IntRange(0, 8).Draw(r, "failures"), anyOrder: true,
		}
		processes := rapid.IntRange(2, 5).Draw(r, "processes")
		choices := rapid.SliceOfN(rapid.IntRange(0, 1000), 1, 50).Draw(r, "choices")
		var wrong []string
		synctest.Test(t, func(t *testing.T) {
			w.run(t.Context(), processes, func(of int) int {
				n++
				return choices[n%len(choices)] % of
			})
			wrong = w.finish(t.Context(), w.kills < kills)
		})
		if len(wrong) > 0 {
			r.Fatal(strings.Join(wrong, "; "))
		}
	})
}

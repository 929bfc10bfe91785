package runs_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"pgregory.net/rapid"

	"meridian/internal/coordinator"
	"meridian/internal/record"
	"meridian/internal/regionworker"
	"meridian/internal/runs"
	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// A world is what happens outside of the coordinators: the workers, which go on when a coordinator
// dies, and Lambda, which invokes coordinators asynchronously.
type world struct {
	store      record.Store
	idempotent bool
	takes      time.Duration     // the work for one target
	limit      time.Duration     // the timeout of the coordinator's function
	fails      map[string]string // error names by Region; "" and missing mean success
	output     string            // of each target, besides the message

	mu   sync.Mutex
	ran  map[string]int // by Region and target
	next []string       // the runs to continue
	ends []end          // the calls of Ended
}

// An end is a call of Ended.
type end struct {
	RunID, Last string
	Status      protocol.Status
}

// ended is Keeper.Ended.
func (w *world) ended(_ context.Context, result protocol.Result, last *protocol.Result) {
	e := end{RunID: result.RunID, Status: result.Status}
	if last != nil {
		e.Last = last.RunID
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ends = append(w.ends, e)
}

// work is the output of a target.
type work struct {
	Message string `json:"message"`
	Rest    string `json:"rest,omitempty"`
}

// tasks returns the task of the world.
func (w *world) tasks() *task.Registry {
	var traits []task.Trait
	if w.idempotent {
		traits = append(traits, task.Idempotent)
	}
	return task.NewRegistry(task.New("act", "do what the test's world says",
		func(ctx context.Context, in task.Input[struct{}]) (work, error) {
			w.mu.Lock()
			w.ran[in.Region+" "+in.Target.Name]++
			fails := w.fails[in.Region]
			w.mu.Unlock()
			select {
			case <-time.After(w.takes):
			case <-ctx.Done():
				return work{}, ctx.Err()
			}
			if fails != "" {
				return work{}, named(fails)
			}
			return work{in.Target.Name + " in " + in.Region, w.output}, nil
		}, traits...))
}

// A named is an error with a name.
type named string

func (n named) Error() string { return "as the test wants it" }

func (n named) ErrorName() string { return string(n) }

var errDead = errors.New("this process is dead")

// A process is one coordinator.
type process struct {
	*world

	mu    sync.Mutex
	calls int // of the store so far
	dies  int // the call at which it dies; 0 means never
	after bool
	dead  bool
	kill  context.CancelFunc
}

// step counts a call of the store. It returns whether the call is made, and an error if the
// process dies.
func (p *process) step() (made bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls++
	switch {
	case p.dead:
		return false, errDead
	case p.calls == p.dies:
		p.dead = true
		p.kill()
		return p.after, errDead
	}
	return true, nil
}

// called makes a call of the store as a process that may die of it.
func called[T any](p *process, call func() (T, error)) (result T, err error) {
	made, dead := p.step()
	if made {
		result, err = call()
	}
	if dead != nil {
		return result, dead
	}
	return result, err
}

// Create, Read, List and Delete implement record.Store.
func (p *process) Create(ctx context.Context, key string, data []byte) error {
	_, err := called(p, func() (int, error) { return 0, p.store.Create(ctx, key, data) })
	return err
}

func (p *process) Read(ctx context.Context, key string, most int64) ([]byte, error) {
	return called(p, func() ([]byte, error) { return p.store.Read(ctx, key, most) })
}

func (p *process) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	return called(p, func() ([]string, error) { return p.store.List(ctx, prefix, after, limit) })
}

func (p *process) Delete(ctx context.Context, key string) error {
	_, err := called(p, func() (int, error) { return 0, p.store.Delete(ctx, key) })
	return err
}

// Invoke implements coordinator.Invoker. The worker goes on when the process dies.
func (p *process) Invoke(ctx context.Context, _ string, payload []byte) ([]byte, protocol.Attempt, error) {
	p.mu.Lock()
	dead := p.dead
	p.mu.Unlock()
	if dead {
		return nil, protocol.Attempt{}, errDead
	}
	worker := &regionworker.Worker{Tasks: p.tasks()}
	type answer struct {
		data []byte
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		data, err := worker.Handle(context.WithoutCancel(ctx), payload)
		answered <- answer{data, err}
	}()
	select {
	case a := <-answered:
		return a.data, protocol.Attempt{}, a.err
	case <-ctx.Done():
		return nil, protocol.Attempt{}, context.Cause(ctx)
	}
}

// keeper returns a keeper in a process of its own, and the context of an invocation.
func (w *world) keeper(dies int, after bool) (*process, *runs.Keeper, context.Context) {
	p := &process{world: w, dies: dies, after: after}
	ctx, cancel := context.WithCancel(context.Background())
	p.kill = cancel
	if w.limit > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, w.limit)
		p.kill = func() { end(); cancel() }
	}
	k := &runs.Keeper{Coordinator: &coordinator.Coordinator{Invoker: p, Tasks: w.tasks(), MemoryMB: 256}, Store: p, Ended: w.ended}
	if w.limit > 0 {
		k.Next = func(_ context.Context, runID string) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			if p.dead {
				return errDead
			}
			w.mu.Lock()
			defer w.mu.Unlock()
			w.next = append(w.next, runID)
			return nil
		}
	}
	return p, k, ctx
}

// takeNext returns the runs that Lambda has been asked to continue.
func (w *world) takeNext() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := w.next
	w.next = nil
	return next
}

// check checks the result of a run that has ended.
func (w *world) check(t rapid.TB, r protocol.Request, result protocol.Result) {
	t.Helper()
	var regions []string
	for _, o := range result.Regions {
		regions = append(regions, o.Region)
		var targets []string
		for _, target := range o.Targets {
			targets = append(targets, target.Target)
			n := w.ran[o.Region+" "+target.Target]
			switch {
			case !w.idempotent && n > 1:
				t.Errorf("%s %s was done %d times", o.Region, target.Target, n)
			case target.Status == protocol.StatusSucceeded && (n == 0 || !strings.Contains(string(target.Output), target.Target)):
				t.Errorf("%s %s succeeded after %d times, with output %.80s", o.Region, target.Target, n, target.Output)
			case target.Status != protocol.StatusSucceeded && (w.idempotent || target.Error != protocol.ErrorInterrupted):
				t.Errorf("%s %s is %s: %s", o.Region, target.Target, target.Status, target.Error)
			}
		}
		if !slices.Equal(targets, protocol.TargetNames(r.Targets)) {
			t.Errorf("%s has the targets %v", o.Region, targets)
		}
	}
	if !slices.Equal(regions, r.Regions) {
		t.Errorf("outcomes of %v, want %v", regions, r.Regions)
	}
}

// A memory is a store in memory.
type memory struct {
	mu      sync.Mutex
	objects map[string][]byte
}

func (m *memory) Create(_ context.Context, key string, data []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, exists := m.objects[key]; exists {
		return fs.ErrExist
	}
	m.objects[key] = slices.Clone(data)
	return nil
}

func (m *memory) Read(_ context.Context, key string, most int64) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	data, exists := m.objects[key]
	switch {
	case !exists:
		return nil, fs.ErrNotExist
	case int64(len(data)) > most:
		return nil, fmt.Errorf("%s is too large", key)
	}
	return data, nil
}

func (m *memory) List(_ context.Context, prefix, after string, limit int) (keys []string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for key := range m.objects {
		if strings.HasPrefix(key, prefix) && key > after {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys[:min(len(keys), limit)], nil
}

func (m *memory) Delete(_ context.Context, key string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.objects, key)
	return nil
}

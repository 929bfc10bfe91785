package record_test

import (
	"bytes"
	"cmp"
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"meridian/internal/record"
	"meridian/internal/store"
)

// A memory is a store in memory.
type memory struct {
	// before is called before each call, and after after it. With an error of before
	// the call does nothing; an error of after is a reply that was lost. Nil does nothing.
	before, after func(ctx context.Context, op, key string, data []byte) error

	// on has the objects, so that two stores can share them. Nil means that the memory itself has
	// them.
	on *memory

	mu      sync.Mutex
	objects map[string][]byte
}

// do makes a call.
func (m *memory) do(ctx context.Context, op, key string, data []byte, f func(objects map[string][]byte) error) error {
	if m.before != nil {
		if err := m.before(ctx, op, key, data); err != nil {
			return err
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err := m.locked(f); err != nil {
		return err
	}
	if m.after != nil {
		return m.after(ctx, op, key, data)
	}
	return nil
}

func (m *memory) locked(f func(objects map[string][]byte) error) error {
	m = cmp.Or(m.on, m)
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.objects == nil {
		m.objects = map[string][]byte{}
	}
	return f(m.objects)
}

func (m *memory) Create(ctx context.Context, key string, data []byte) error {
	return m.do(ctx, "create", key, data, func(objects map[string][]byte) error {
		if _, exists := objects[key]; exists {
			return fs.ErrExist
		}
		objects[key] = bytes.Clone(data)
		return nil
	})
}

func (m *memory) Read(ctx context.Context, key string, _ int64) (data []byte, err error) {
	err = m.do(ctx, "read", key, nil, func(objects map[string][]byte) error {
		kept, exists := objects[key]
		if !exists {
			return fs.ErrNotExist
		}
		data = bytes.Clone(kept)
		return nil
	})
	return data, err
}

func (m *memory) List(ctx context.Context, prefix, after string, limit int) (keys []string, err error) {
	err = m.do(ctx, "list", prefix, nil, func(objects map[string][]byte) error {
		for _, key := range slices.Sorted(maps.Keys(objects)) {
			if strings.HasPrefix(key, prefix) && key > after && len(keys) < limit {
				keys = append(keys, key)
			}
		}
		return nil
	})
	return keys, err
}

func (m *memory) Delete(ctx context.Context, key string) error {
	return m.do(ctx, "delete", key, nil, func(objects map[string][]byte) error {
		delete(objects, key)
		return nil
	})
}

// keys returns the keys of all objects, in order.
func (m *memory) keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}

// inEachStore runs a test with runs in memory and in a directory.
func inEachStore(t *testing.T, test func(t *testing.T, r *record.Runs)) {
	t.Helper()
	for name, s := range map[string]record.Store{"memory": &memory{}, "directory": &store.Dir{Path: t.TempDir()}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, &record.Runs{Store: s})
		})
	}
}

// Package storetest is the suite that every store of package store passes, in a directory
// and in a bucket. The tests of package store call it.
package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"

	"meridian/internal/store"
)

// A Store keeps objects under keys, see package store.
type Store interface {
	Create(ctx context.Context, key string, data []byte) error
	Read(ctx context.Context, key string, most int64) ([]byte, error)
	List(ctx context.Context, prefix, after string, limit int) ([]string, error)
	Delete(ctx context.Context, key string) error
}

// A starter returns two stores with the same objects, none at first, as two processes
// have them. What it opens, it closes with t.Cleanup.
type starter = func(t *testing.T) (one, other Store)

// Run checks a store. Each of its tests calls start.
func Run(t *testing.T, start func(t *testing.T) (one, other Store)) {
	t.Helper()
	for _, test := range []struct {
		name string
		run  func(t *testing.T, start starter)
	}{
		{"an object is read as it was created", testRead},
		{"no more is read than the caller wants", testMost},
		{"a key is created once", testOnce},
		{"of 200 creations of a key at once one succeeds", testRace},
		{"what is deleted is not there", testDelete},
		{"keys are listed in the order of their bytes", testOrder},
		{"pages hold every key once", testPages},
		{"keys that look alike are different", testAlike},
		{"other keys are refused", testKeys},
		{"a context that has ended does nothing", testEnded},
		{"any calls do what they do to a map", testModel},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.run(t, start)
		})
	}
}

// most is more than any object of the suite has.
const most = 1 << 30

// create creates objects that have their keys as bytes.
func create(t *testing.T, s Store, keys ...string) {
	t.Helper()
	for _, key := range keys {
		if err := s.Create(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
}

// wantRead checks what is read.
func wantRead(t *testing.T, s Store, key string, want []byte) {
	t.Helper()
	got, err := s.Read(t.Context(), key, most)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("Read(%s) = %d bytes, %v, want %d", key, len(got), err, len(want))
	}
}

// wantList checks a list.
func wantList(t *testing.T, s Store, prefix, after string, want ...string) {
	t.Helper()
	got, err := s.List(t.Context(), prefix, after, 0)
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("List(%q, %q) = %q, %v, want %q", prefix, after, got, err, want)
	}
}

// wantError checks an error of package store.
func wantError(t *testing.T, call string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s = %v, want: %v", call, err, want)
	}
}

func testRead(t *testing.T, start starter) {
	t.Helper()
	one, other := start(t)
	for i, data := range [][]byte{nil, {}, {0}, []byte("a\r\nb\x00\xff"), bytes.Repeat([]byte("0123456789abcdef"), 1<<16)} {
		key := fmt.Sprintf("outputs/%d", i)
		if err := one.Create(t.Context(), key, data); err != nil {
			t.Fatal(err)
		}
		wantRead(t, one, key, data)
		wantRead(t, other, key, data)
	}
	for _, key := range []string{"outputs/5", "outputs", "else/where"} {
		_, err := one.Read(t.Context(), key, most)
		wantError(t, "Read of a key that is not there", err, store.ErrNotFound)
		wantError(t, "Read of a key that is not there", err, fs.ErrNotExist)
	}
}

func testMost(t *testing.T, start starter) {
	t.Helper()
	s, _ := start(t)
	create(t, s, "12345")
	for limit, want := range map[int64]error{0: store.ErrTooLarge, 4: store.ErrTooLarge, 5: nil, 6: nil} {
		got, err := s.Read(t.Context(), "12345", limit)
		if wantError(t, fmt.Sprintf("Read of 5 bytes, at most %d", limit), err, want); err != nil && got != nil {
			t.Errorf("Read = %q beside an error", got)
		}
	}
	_, err := s.Read(t.Context(), "1234", 0)
	wantError(t, "Read of a key that is not there, at most 0", err, store.ErrNotFound)
}

func testOnce(t *testing.T, start starter) {
	t.Helper()
	one, other := start(t)
	create(t, one, "runs/1/stop")
	for _, s := range []Store{one, other} {
		for _, data := range []string{"other", "runs/1/stop"} {
			err := s.Create(t.Context(), "runs/1/stop", []byte(data))
			wantError(t, "Create of a key that is there", err, store.ErrExists)
			wantError(t, "Create of a key that is there", err, fs.ErrExist)
		}
		wantRead(t, s, "runs/1/stop", []byte("runs/1/stop"))
	}
}

func testRace(t *testing.T, start starter) {
	t.Helper()
	one, other := start(t)
	const writers = 200
	var done sync.WaitGroup
	results := make([]error, writers)
	for i := range writers {
		done.Go(func() {
			s := one
			if i%2 == 1 {
				s = other
			}
			results[i] = s.Create(t.Context(), "keys/one", fmt.Append(nil, i))
		})
	}
	done.Wait()
	winner := slices.Index(results, nil)
	if winner < 0 {
		t.Fatalf("no Create succeeded: %v", results[0])
	}
	for i, err := range results {
		if i != winner {
			wantError(t, "Create beside another", err, store.ErrExists)
		}
	}
	wantRead(t, one, "keys/one", fmt.Append(nil, winner))
	wantList(t, other, "", "", "keys/one")
}

func testDelete(t *testing.T, start starter) {
	t.Helper()
	one, other := start(t)
	create(t, one, "runs/1/plan.json", "runs/1/result.json")
	for range 2 {
		if err := other.Delete(t.Context(), "runs/1/plan.json"); err != nil {
			t.Error(err)
		}
		_, err := one.Read(t.Context(), "runs/1/plan.json", most)
		wantError(t, "Read of a deleted key", err, store.ErrNotFound)
		wantList(t, one, "", "", "runs/1/result.json")
	}
	if err := one.Delete(t.Context(), "runs/2/plan.json"); err != nil {
		t.Error(err)
	}
	create(t, one, "runs/1/plan.json")
	for _, key := range []string{"runs/1/plan.json", "runs/1/result.json"} {
		if err := one.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
	}
	wantList(t, other, "", "")
	create(t, other, "runs/1/plan.json")
}

func testAlike(t *testing.T, start starter) {
	t.Helper()
	s, _ := start(t)
	keys := []string{
		"names/nightly/1", "names/Nightly/1", "names/NIGHTLY/1", "names/nightlY/1", "names/a:b+c=d@e%25/1", "names/ab/1",
		"aux", "AUX", "Con.json", "con.json", "lpt1/com9", "01JDMVH3S8W3RX6ZV5WZKT4Y2B",
		strings.Repeat("A:", store.MaxSegmentBytes/2) + "/" + strings.Repeat("x", store.MaxSegmentBytes),
		strings.Repeat("abcdefg/", store.MaxKeyBytes/8-1) + "abcdefgh",
	}
	create(t, s, keys...)
	for _, key := range keys {
		wantRead(t, s, key, []byte(key))
	}
	slices.Sort(keys)
	wantList(t, s, "", "", keys...)
	wantList(t, s, "names/Nightly/", "", "names/Nightly/1")
	wantList(t, s, "names/N", "", "names/NIGHTLY/1", "names/Nightly/1")
}

func testKeys(t *testing.T, start starter) {
	t.Helper()
	s, _ := start(t)
	for _, key := range []string{
		"", "/", "a/", "/a", "a//b", ".", "..", "a/../b", "../a", "a/./b", ".a", "a.", "a/.tmp/b", `a\b`, "a b", "a\x00", "ä", "a,b", "a~b", "a*", "a?b",
		"a\nb", "a#b", strings.Repeat("a", store.MaxSegmentBytes+1), strings.Repeat("ab/", store.MaxKeyBytes/3) + "abc",
	} {
		if err := s.Create(t.Context(), key, nil); err == nil {
			t.Errorf("Create(%.40q) = nil, want an error", key)
		}
		if _, err := s.Read(t.Context(), key, most); err == nil || errors.Is(err, store.ErrNotFound) {
			t.Errorf("Read(%.40q) = %v, want that it is no key", key, err)
		}
		if err := s.Delete(t.Context(), key); err == nil {
			t.Errorf("Delete(%.40q) = nil, want an error", key)
		}
	}
	for _, prefix := range []string{"/", "../", "a//", "a/../", "a b", ".tmp/", "a\x00", "ä"} {
		if _, err := s.List(t.Context(), prefix, "", 0); err == nil {
			t.Errorf("List(%q) = nil, want an error", prefix)
		}
	}
	wantList(t, s, "", "")
}

func testEnded(t *testing.T, start starter) {
	t.Helper()
	s, _ := start(t)
	create(t, s, "a")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	wantError(t, "Create", s.Create(ended, "b", nil), context.Canceled)
	_, err := s.Read(ended, "a", most)
	wantError(t, "Read", err, context.Canceled)
	_, err = s.List(ended, "", "", 0)
	wantError(t, "List", err, context.Canceled)
	wantError(t, "Delete", s.Delete(ended, "a"), context.Canceled)
	wantList(t, s, "", "", "a")
}

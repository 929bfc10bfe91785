package store_test

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"meridian/internal/store"
	"meridian/internal/store/storetest"

	"pgregory.net/rapid"
)

const most = 1 << 30

func TestDirPassesTheSuite(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) (one, other storetest.Store) {
		t.Helper()
		path := filepath.Join(t.TempDir(), "new", "store")
		return &store.Dir{Path: path}, &store.Dir{Path: path}
	})
}

// kept returns a Dir with some objects, and its path.
func kept(t *testing.T, keys ...string) (d *store.Dir, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "store")
	d = &store.Dir{Path: path}
	for _, key := range keys {
		if err := d.Create(t.Context(), key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	return d, path
}

// files returns the paths and the modes of everything below a path.
func files(t *testing.T, path string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(path, func(file string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := os.Lstat(file)
		name, _ := filepath.Rel(path, file)
		found = append(found, fmt.Sprintf("%v %s", info.Mode(), filepath.ToSlash(name)))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// A person finds objects by their keys, and only their owner can read them.
func TestFiles(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows has other modes")
	}
	_, path := kept(t, "runs/01JDMVH3/plan.json", "names/Nightly-A/2026:1", "keys/aux")
	want := []string{
		"drwx------ .", "drwx------ .tmp",
		"drwx------ keys", "-rw------- keys/~aux",
		"drwx------ names", "drwx------ names/Nightly-A~101", "-rw------- names/Nightly-A~101/2026,1",
		"drwx------ runs", "drwx------ runs/01JDMVH3~u", "-rw------- runs/01JDMVH3~u/plan.json",
	}
	if got := files(t, path); !slices.Equal(got, want) {
		t.Errorf("files = %q, want %q", got, want)
	}
}

// Names of different keys differ on file systems that ignore case, and Windows allows them.
func TestNamesDifferWithoutCase(t *testing.T) {
	t.Parallel()
	segment := rapid.StringMatching(`[aAbB0:][aAbB0:._-]{0,5}[aA0:]|[cC][oO][nN](\.[aA])?|[lL]pt[0-9]`)
	rapid.Check(t, func(r *rapid.T) {
		d, path := kept(t)
		created := map[string]bool{}
		for _, key := range rapid.SliceOfN(segment, 1, 15).Draw(r, "keys") {
			if err := d.Create(r.Context(), key, nil); err == nil {
				created[key] = true
			} else if !created[key] {
				r.Errorf("Create(%s) = %v", key, err)
			}
		}
		names := map[string]bool{}
		for _, file := range files(t, path)[2:] {
			_, name, _ := strings.Cut(file, " ")
			base, _, _ := strings.Cut(name, ".")
			if strings.ContainsAny(name, `<>:"/\|?*`) || len(base) < 5 && regexp.MustCompile(`(?i)^(con|lpt[0-9])$`).MatchString(base) {
				r.Errorf("%q is no name on Windows", name)
			}
			names[strings.ToLower(name)] = true
		}
		keys, err := d.List(r.Context(), "", "", 0)
		if err != nil || !slices.Equal(keys, slices.Sorted(maps.Keys(created))) || len(names) != len(created) {
			r.Errorf("List = %q, %v and the names %v, want the keys %v", keys, err, names, created)
		}
	})
}

// Deletes leave no empty directories.
func TestDeleteRemovesEmptyDirectories(t *testing.T) {
	t.Parallel()
	d, path := kept(t, "runs/1/events/1.jsonl", "runs/2/plan.json")
	for _, key := range []string{"runs/1/events/1.jsonl", "runs/2/plan.json"} {
		if err := d.Delete(t.Context(), key); err != nil {
			t.Error(err)
		}
	}
	if got := files(t, path); len(got) != 2 {
		t.Errorf("files = %q, want the directory and the temporary one", got)
	}
}

// Creates and Deletes in one directory at once, which is removed whenever it is empty, all
// succeed.
func TestCreateBesideDelete(t *testing.T) {
	t.Parallel()
	d, path := kept(t)
	other := &store.Dir{Path: path}
	var done sync.WaitGroup
	for i := range 8 {
		done.Go(func() {
			key := fmt.Sprintf("runs/1/%d", i)
			for range 50 {
				if err := d.Create(t.Context(), key, []byte(key)); err != nil {
					t.Error(err)
				}
				if err := other.Delete(t.Context(), key); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done.Wait()
}

// The files of dead writers are neither listed nor kept for ever, and those of others stay.
func TestFilesOfOthers(t *testing.T) {
	t.Parallel()
	d, path := kept(t, "runs/1/plan.json")
	torn := func(name string, age time.Duration) string {
		file := filepath.Join(path, filepath.FromSlash(name))
		if err := os.WriteFile(file, []byte("to"), 0o600); err != nil {
			t.Fatal(err)
		}
		then := time.Now().Add(-age)
		if err := os.Chtimes(file, then, then); err != nil {
			t.Fatal(err)
		}
		return file
	}
	old, recent := torn(".tmp/1", 25*time.Hour), torn(".tmp/2", 23*time.Hour)
	for _, name := range []string{"runs/.DS_Store", "runs/A", "runs/a~0", "runs/~b", "runs/a b", "desktop~.ini"} {
		torn(name, 25*time.Hour)
	}
	if err := os.Symlink(filepath.Join(path, "runs"), filepath.Join(path, "link")); err != nil && runtime.GOOS != "windows" {
		t.Fatal(err)
	}
	if err := (&store.Dir{Path: path}).Create(t.Context(), "runs/1/stop", nil); err != nil { // in a new process
		t.Fatal(err)
	}
	if got, err := d.List(t.Context(), "", "", 0); err != nil || !slices.Equal(got, []string{"runs/1/plan.json", "runs/1/stop"}) {
		t.Errorf("List = %q, %v, want the two objects", got, err)
	}
	if _, err := os.Stat(old); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file of a dead writer is there: %v", err)
	}
	if _, err := os.Stat(recent); err != nil {
		t.Errorf("a file that is being written is gone: %v", err)
	}
}

// What is wrong with a directory is in every error.
func TestADirectoryThatIsAFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	d := &store.Dir{Path: path}
	if err := d.Create(t.Context(), "runs/1", nil); err == nil || errors.Is(err, store.ErrExists) {
		t.Errorf("Create = %v, want that it is no directory", err)
	}
	d = &store.Dir{Path: filepath.Join(path, "below")}
	if err := d.Create(t.Context(), "runs/1", nil); err == nil || errors.Is(err, store.ErrExists) {
		t.Errorf("Create = %v, want that it is no directory", err)
	}
}

var writeTo = flag.String("store.write", "", "the directory that the process of TestWriter writes to, until it is killed")

// TestWriter is the process that TestAKilledWriter kills: it creates objects, which begin
// with the hash of the rest, and prints each key that it has created.
func TestWriter(t *testing.T) {
	if *writeTo == "" {
		t.Skip("this is a process of TestAKilledWriter")
	}
	d := &store.Dir{Path: *writeTo}
	for n := 0; ; n++ {
		key, rest := fmt.Sprintf("runs/%d/%d", n%3, n), make([]byte, rand.N(100_000))
		for i := range rest {
			rest[i] = byte(n)
		}
		switch err := d.Create(t.Context(), key, append(hash(rest), rest...)); {
		case err == nil:
			_, _ = fmt.Fprintln(os.Stdout, key)
		case !errors.Is(err, store.ErrExists):
			t.Fatal(err)
		}
	}
}

// hash returns 64 bytes.
func hash(data []byte) []byte {
	sum := sha256.Sum256(data)
	return []byte(hex.EncodeToString(sum[:]))
}

// A writer that is killed leaves no part of an object, and every object whose creation it
// has reported. Others go on where it stopped.
func TestAKilledWriter(t *testing.T) {
	t.Parallel()
	const writers = 10
	path := filepath.Join(t.TempDir(), "store")
	d := &store.Dir{Path: path}
	created := 0
	for range writers {
		writer := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestWriter$", "-store.write="+path)
		out, err := writer.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := writer.Start(); err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		var reported []string
		for n := 1 + rand.N(10); len(reported) < n && lines.Scan(); {
			reported = append(reported, lines.Text())
		}
		for end := time.Now().Add(rand.N(10 * time.Millisecond)); time.Now().Before(end); {
			runtime.Gosched() // into the next creation
		}
		_ = writer.Process.Kill()
		for lines.Scan() {
			reported = append(reported, lines.Text())
		}
		_ = writer.Wait()
		keys, err := d.List(t.Context(), "", "", most)
		if err != nil {
			t.Fatal(err)
		}
		if created += len(reported); len(keys) < created {
			t.Errorf("%d objects of %d that were created", len(keys), created)
		}
		created = len(keys) // one may have been created and not reported
		for _, key := range append(keys, reported...) {
			data, err := d.Read(t.Context(), key, most)
			if err != nil || len(data) < 64 || !slices.Equal(hash(data[64:]), data[:64]) {
				t.Fatalf("Read(%s) = %d bytes, %v, want all of them", key, len(data), err)
			}
		}
	}
	if leftovers := strings.Count(strings.Join(files(t, path), "\n"), ".tmp/"); leftovers > writers {
		t.Errorf("%d temporary files of %d dead writers", leftovers, writers)
	}
}

func TestSizeIsTheBytesOfTheObjectsUnderAPrefix(t *testing.T) {
	t.Parallel()
	d, _ := kept(t, "runs/1/plan.json", "runs/1/stop", "runs/10/stop", "z")
	for i := range store.DefaultLimit + 1 {
		if err := d.Create(t.Context(), fmt.Sprint("many/", i), []byte("12")); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string]int64{"runs/1/": 27, "runs/1": 39, "z": 1, "none/": 0, "many/": 2 * (store.DefaultLimit + 1)} {
		if got, err := d.Size(t.Context(), prefix); got != want || err != nil {
			t.Errorf("Size(%s) = %d, %v, want %d", prefix, got, err, want)
		}
	}
	if _, err := d.Size(t.Context(), "../"); err == nil {
		t.Error("Size(../) = nil, want an error")
	}
}

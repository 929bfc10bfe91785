package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// temporary is the directory of unfinished files. Its name cannot be a segment of a key.
	temporary = ".tmp"

	// abandonedAfter is the age of an unfinished file whose writer is dead. A write takes
	// seconds, but a laptop may sleep for a night in between.
	abandonedAfter = 24 * time.Hour

	// maxRecreations is how often Create starts again after a concurrent Delete has removed
	// an empty directory.
	maxRecreations = 10

	directoryMode = 0o700
)

// A Dir is a store in a directory, with a file for each object. Several processes may use
// the directory at once.
//
// The file system needs hard links; FAT has none. A file is written under a temporary name
// and then linked to its own: rename would replace a file that another writer has put
// there, and O_EXCL would show the file before it is whole.
type Dir struct {
	// Path is the directory. The first Create makes it, readable by its owner only. Required.
	Path string

	sweep sync.Once
}

// Create stores data under a new key. See the package comment.
func (d *Dir) Create(ctx context.Context, key string, data []byte) error {
	if err := checkKey(key); err != nil {
		return err
	}
	err := ctx.Err()
	if err == nil {
		err = d.create(d.file(key), data)
	}
	for n := 0; n < maxRecreations && errors.Is(err, fs.ErrNotExist) && ctx.Err() == nil; n++ {
		err = d.create(d.file(key), data)
	}
	if err != nil {
		return fmt.Errorf("create %s: %w", key, err)
	}
	return nil
}

// create makes the file of an object. An fs.ErrNotExist means that a directory was removed
// in the middle.
func (d *Dir) create(file string, data []byte) error {
	written, err := d.write(data)
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(written) }()
	if err := makeDirectory(filepath.Dir(file)); err != nil {
		return err
	}
	switch err = os.Link(written, file); {
	case err == nil:
	case errors.Is(err, fs.ErrExist):
		if !isLink(written, file) { // NFS may lose the reply and link again
			return ErrExists
		}
	case errors.Is(err, fs.ErrPermission), errors.Is(err, errors.ErrUnsupported):
		return fmt.Errorf("%w; choose a directory on a file system with hard links", err)
	default:
		return err //nolint:wrapcheck // it has the path
	}
	return syncDirectory(filepath.Dir(file))
}

// write writes data to a new temporary file, and syncs it.
func (d *Dir) write(data []byte) (path string, err error) {
	directory := filepath.Join(d.Path, temporary)
	if err := makeDirectory(directory); err != nil {
		return "", err
	}
	d.sweep.Do(func() { removeAbandoned(directory) })
	f, err := os.CreateTemp(directory, "")
	if err != nil {
		return "", err //nolint:wrapcheck // it has the path
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(f.Name())
		return "", err
	}
	return f.Name(), nil
}

// Read returns the object under a key. One of more than most bytes is [ErrTooLarge].
func (d *Dir) Read(ctx context.Context, key string, most int64) (data []byte, err error) {
	if err := checkKey(key); err != nil {
		return nil, err
	}
	if err = ctx.Err(); err == nil {
		data, err = readFile(d.file(key), most)
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", key, err)
	}
	return data, nil
}

// readFile reads a file of at most that many bytes.
func readFile(file string, most int64) ([]byte, error) {
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNotFound
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // it has the path
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err //nolint:wrapcheck // it has the path
	case !info.Mode().IsRegular():
		return nil, ErrNotFound
	case info.Size() > most:
		return nil, ErrTooLarge
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err //nolint:wrapcheck // it has the path
}

// Delete removes the object under a key, if there is one, and directories that become
// empty. After a power loss the object may be back.
func (d *Dir) Delete(ctx context.Context, key string) error {
	if err := checkKey(key); err != nil {
		return err
	}
	err := ctx.Err()
	if err == nil {
		if err = os.Remove(d.file(key)); errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", key, err)
	}
	d.removeEmpty(key)
	return nil
}

// removeEmpty removes the directories of a key, up to the first that is not empty.
func (d *Dir) removeEmpty(key string) {
	for i := strings.LastIndexByte(key, '/'); i > 0; i = strings.LastIndexByte(key[:i], '/') {
		if os.Remove(d.file(key[:i])) != nil {
			return
		}
	}
}

// file returns the file of a key.
func (d *Dir) file(key string) string {
	path := d.Path
	for segment := range strings.SplitSeq(key, "/") {
		path = filepath.Join(path, fileName(segment))
	}
	return path
}

// makeDirectory makes a directory and its parents, and syncs the parents.
func makeDirectory(path string) error {
	err := os.Mkdir(path, directoryMode)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		if err = makeDirectory(filepath.Dir(path)); err != nil {
			return err
		}
		err = os.Mkdir(path, directoryMode)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil // if it is a file, its use fails
	}
	if err != nil {
		return err //nolint:wrapcheck // it has the path
	}
	return syncDirectory(filepath.Dir(path))
}

// syncDirectory syncs the names in a directory. Windows and some network file systems cannot.
func syncDirectory(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err //nolint:wrapcheck // it has the path
	}
	defer func() { _ = f.Close() }()
	if err = f.Sync(); errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) {
		return nil
	}
	return err //nolint:wrapcheck // it has the path
}

// isLink reports whether two paths name the same file.
func isLink(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}

// removeAbandoned removes the files of dead writers.
func removeAbandoned(directory string) {
	entries, _ := os.ReadDir(directory) // after an error the next process sweeps
	for _, entry := range entries {
		if info, err := entry.Info(); err == nil && time.Since(info.ModTime()) > abandonedAfter {
			_ = os.Remove(filepath.Join(directory, entry.Name()))
		}
	}
}

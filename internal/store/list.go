package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// List returns the first keys that begin with prefix and are greater than after, in byte
// order. Fewer than limit means that there are no more. A limit of zero means
// [DefaultLimit].
func (d *Dir) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	if err := checkPrefix(prefix); err != nil {
		return nil, err
	}
	l := listing{prefix: prefix, after: after, limit: cmp.Or(limit, DefaultLimit)}
	whole, _ := splitPrefix(prefix)
	directory := d.Path
	if whole != "" {
		directory = d.file(strings.TrimSuffix(whole, "/"))
	}
	if err := l.walk(ctx, directory, whole); err != nil {
		return nil, fmt.Errorf("list %s: %w", prefix, err)
	}
	return l.keys, nil
}

// A listing is a call of List.
type listing struct {
	prefix, after string
	limit         int
	keys          []string
}

// walk adds the keys in a directory. At is the part of the key that the directory stands for,
// with the slash.
func (l *listing) walk(ctx context.Context, directory, at string) error {
	if err := ctx.Err(); err != nil {
		return err //nolint:wrapcheck // List does
	}
	entries, err := os.ReadDir(directory)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) { // removed meanwhile, or a file
		return nil
	}
	if err != nil {
		return err //nolint:wrapcheck // it has the path
	}
	var keys []string // a directory's ends with a slash, which puts the keys below it in order
	for _, entry := range entries {
		segment, ok := segmentOf(entry.Name())
		switch {
		case !ok:
		case entry.IsDir():
			keys = append(keys, at+segment+"/")
		case entry.Type().IsRegular():
			keys = append(keys, at+segment)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		within, isDirectory := strings.CutSuffix(key, "/")
		switch {
		case len(l.keys) == l.limit:
			return nil
		case !strings.HasPrefix(key, l.prefix) || key <= l.after && !strings.HasPrefix(l.after, key):
		case isDirectory:
			if err := l.walk(ctx, filepath.Join(directory, fileName(within[len(at):])), key); err != nil {
				return err
			}
		case key > l.after && len(key) <= MaxKeyBytes:
			l.keys = append(l.keys, key)
		}
	}
	return nil
}

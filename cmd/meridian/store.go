package main

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"meridian/internal/awsapi/sdkconfig"
	"meridian/internal/record"
	"meridian/internal/store"
)

const (
	// storeVariable is the variable of the environment that means what --store means.
	storeVariable = "MERIDIAN_STORE"

	// noStore is the value of --store that keeps no runs.
	noStore = "none"

	// bucketPrefix begins a value of --store that names a bucket.
	bucketPrefix = "s3://"

	// pruneTime bounds what a run waits for after its result has been printed.
	pruneTime = 2 * time.Second
)

// keptLimits bound what is kept in a directory.
//
//nolint:gochecknoglobals // a constant
var keptLimits = record.Limits{Runs: 200, Age: 30 * 24 * time.Hour, Bytes: 500 << 20}

// A runStore is where runs are kept.
type runStore struct {
	record.Store

	// directory is the directory, or "" for a bucket.
	directory string

	// isNew says that the directory did not exist, and isDefault that no setting names it.
	isNew, isDefault bool
}

// records returns the runs in the store.
func (s *runStore) records() *record.Runs { return &record.Runs{Store: s.Store} }

// checkStore returns the error of --store.
func (f *runFlags) checkStore(changed func(flag string) bool) error {
	switch {
	case changed("store") && f.store == "":
		return usage(`--store: "": want a directory, s3:// and a bucket, or none`)
	case changed("store") && f.function != "":
		return usage("--store is for runs of this process, not for --function").
			hint("the deployed coordinator has a store of its own")
	}
	return nil
}

// storePlace returns the value of --store or of MERIDIAN_STORE, or the error of one that is no place.
func (c *cli) storePlace(f *runFlags) (string, error) {
	place := cmp.Or(f.store, c.lookup(storeVariable))
	bucket, isBucket := strings.CutPrefix(place, bucketPrefix)
	if isBucket && (bucket == "" || strings.Contains(bucket, "/")) || !isBucket && (strings.Contains(place, "://") || strings.HasPrefix(place, "s3:")) ||
		place != noStore && strings.EqualFold(place, noStore) {
		by := "--store"
		if f.store == "" {
			by = storeVariable
		}
		return "", usage("%s: %q: want a directory, s3:// and the name of a bucket, or none", by, place)
	}
	return place, nil
}

// openStore returns the store of --store, of MERIDIAN_STORE, or in the state directory. Nil
// means that runs are not kept.
func (c *cli) openStore(ctx context.Context, f *runFlags) (*runStore, error) {
	place, err := c.storePlace(f)
	if err != nil {
		return nil, err
	}
	if bucket, isBucket := strings.CutPrefix(place, bucketPrefix); isBucket {
		return c.openBucket(ctx, f, bucket)
	}
	s := &runStore{directory: place}
	if place == "" {
		if state := c.stateDirectory(); state != "" {
			s.directory, s.isDefault = filepath.Join(state, "runs"), true
		}
	}
	if s.directory == "" || place == noStore {
		return nil, nil //nolint:nilnil // that nothing is kept is no error
	}
	s.Store = &store.Dir{Path: s.directory}
	_, err = os.Stat(s.directory)
	s.isNew = errors.Is(err, fs.ErrNotExist)
	return s, nil
}

// openBucket returns the store in a bucket in the Region of the AWS configuration.
func (c *cli) openBucket(ctx context.Context, f *runFlags, name string) (*runStore, error) {
	cfg, err := sdkconfig.Load(ctx)
	if err != nil {
		return nil, explainConfig(err)
	}
	if cfg.Region == "" {
		return nil, usage("--store: no Region is set for bucket %s", name).hint("set AWS_REGION to the bucket's Region")
	}
	bucket, err := store.NewBucket(ctx, cfg, name)
	if err != nil {
		return nil, explainConfig(err)
	}
	return &runStore{Store: bucket}, c.signIn(ctx, cfg.Credentials, f.verbose)
}

// stateDirectory returns the directory for what lasts from one command to the next, or "" if
// the environment names none.
// Source: https://specifications.freedesktop.org/basedir-spec/latest/
func (c *cli) stateDirectory() string {
	base := c.lookup("XDG_STATE_HOME")
	if !filepath.IsAbs(base) {
		switch home := c.lookup("HOME"); runtime.GOOS {
		case "windows":
			base = c.lookup("LOCALAPPDATA")
		case "darwin":
			base = filepath.Join(home, "Library", "Application Support")
		default:
			base = filepath.Join(home, ".local", "state")
		}
	}
	if !filepath.IsAbs(base) {
		return ""
	}
	return filepath.Join(base, "meridian")
}

// tidy deletes the oldest runs in a directory while the caller prints, and says where runs are
// kept after the first run. The function that it returns waits for it.
func (c *cli) tidy(ctx context.Context, s *runStore) (wait func()) {
	if s == nil || s.directory == "" {
		return func() {}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pruneTime)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = s.records().Prune(ctx, keptLimits) // the next run tries again
	}()
	return func() {
		<-done
		cancel()
		if _, err := os.Stat(s.directory); s.isNew && s.isDefault && err == nil {
			c.note("runs are kept in %s; --store none turns that off", s.directory)
		}
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A fleet is the workers of some Regions, to be deployed or removed.
type fleet struct {
	Action  string        // "deploy" or "remove"
	Regions []string      // at least one
	Root    string        // where serverless.worker.yml, dist/ and node_modules/ are
	Stage   string        // the stage of every worker
	Home    string        // a Region to skip; empty means none
	AtOnce  int           // Regions at once, at least 1
	Limit   time.Duration // of all the commands of one Region together
	Args    []string      // more arguments of the framework

	out io.Writer // gets one line for each Region
}

// run does the action in every Region. The error lists the Regions in which it failed.
func (f *fleet) run(ctx context.Context) error {
	regions := slices.Compact(slices.Sorted(slices.Values(f.Regions)))
	var (
		wg     sync.WaitGroup
		mu     sync.Mutex
		slots  = make(chan struct{}, f.AtOnce)
		failed = make(map[string]error)
	)
	for _, region := range regions {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			start := time.Now()
			what, err := f.one(ctx, region)

			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[region], what = err, "FAILED"
			}
			_, _ = fmt.Fprintf(f.out, "%-16s %-10s %6.1f s\n", region, what, time.Since(start).Seconds())
		})
	}
	wg.Wait()

	if len(failed) == 0 {
		return nil
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s failed in %d of %d Regions; run it again to repair them:", f.Action, len(failed), len(regions))
	for _, region := range regions {
		if err := failed[region]; err != nil {
			fmt.Fprintf(&b, "\n  %s: %v", region, err)
		}
	}
	return errors.New(b.String())
}

// one does the action in one Region, and returns a word for what it did.
func (f *fleet) one(ctx context.Context, region string) (string, error) {
	if region == f.Home {
		// Its worker is deployed with the coordinator, under the same name.
		return "home", nil
	}
	ctx, cancel := context.WithTimeoutCause(ctx, f.Limit, fmt.Errorf("more than %v: %w", f.Limit, context.DeadlineExceeded))
	defer cancel()

	s, err := f.newService(region)
	if err != nil {
		return "", err
	}
	if f.Action == "remove" {
		_, err := s.serverless(ctx, "remove")
		return "removed", err
	}
	output, err := s.serverless(ctx, "deploy")
	if err != nil && stuck.MatchString(output) {
		if _, err := s.serverless(ctx, "remove"); err != nil {
			return "", err
		}
		output, err = s.serverless(ctx, "deploy")
	}
	if strings.Contains(output, "No changes to deploy") {
		return "unchanged", err
	}
	return "deployed", err
}

// stuck matches CloudFormation's message about a stack that could not be created. Such a
// stack is empty and cannot be updated; it must be removed before it can be created.
var stuck = regexp.MustCompile(`\bis in (the )?'?(ROLLBACK_COMPLETE|REVIEW_IN_PROGRESS)'? state`)

// newService makes a directory for one Region. The framework keeps its working files
// beside the configuration, so two runs must not share a directory.
func (f *fleet) newService(region string) (service, error) {
	root, err := filepath.Abs(f.Root)
	if err != nil {
		return service{}, err
	}
	s := service{
		dir:     filepath.Join(root, "build", "workers", f.Stage, region),
		command: filepath.Join(root, "node_modules", ".bin", "serverless"),
		args:    []string{"--config", "serverless.worker.yml", "--stage", f.Stage, "--region", region},
	}
	s.args = append(s.args, f.Args...)
	if err := errors.Join(os.RemoveAll(s.dir), os.MkdirAll(filepath.Join(s.dir, "dist"), 0o755)); err != nil {
		return service{}, err
	}
	if err := os.CopyFS(filepath.Join(s.dir, "deploy"), os.DirFS(filepath.Join(root, "deploy"))); err != nil {
		return service{}, err
	}
	// The framework reads the parameters of serverless.yml.
	for _, name := range []string{"serverless.worker.yml", "serverless.yml"} {
		config, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			return service{}, err
		}
		if err := os.WriteFile(filepath.Join(s.dir, name), config, 0o644); err != nil {
			return service{}, err
		}
	}
	// A link, to save a copy for each Region.
	zip := filepath.Join("dist", "regionworker.zip")
	return s, os.Symlink(filepath.Join(root, zip), filepath.Join(s.dir, zip))
}

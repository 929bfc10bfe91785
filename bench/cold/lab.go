package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"meridian/bench/rig"
)

// The programs, as their packages' last names.
const (
	bare        = "bare"
	worker      = "regionworker"
	coordinator = "coordinator"
)

// A lab has what is measured, and what it is measured with.
type lab struct {
	directory string
	held      string // what holds a program to a share
	unheld    error  // why nothing does, or nil
	lambda    *lambda
	roots     string // the file of trusted certificates
}

// newLab builds the programs, and starts the endpoint.
func newLab(ctx context.Context, directory string) (*lab, error) {
	l := &lab{directory: directory, roots: filepath.Join(directory, "roots.pem")}
	for name, source := range map[string]string{
		bare: "./bench/cold/bare", worker: "./functions/regionworker", coordinator: "./functions/coordinator",
	} {
		if err := rig.Build(ctx, filepath.Join(directory, name), source); err != nil {
			return nil, err
		}
	}
	if l.held, l.unheld = rig.Holds(); l.unheld != nil {
		fmt.Fprintf(os.Stderr, "No share of a core can be set here, so only a whole machine of %d is measured: %v\n",
			runtime.NumCPU(), l.unheld)
	}
	var err error
	l.lambda, err = newLambda(ctx, l.roots)
	return l, err
}

// close ends the endpoint.
func (l *lab) close() { _ = l.lambda.server.Close() }

// group makes a group held to a share of a core, in percent, where there can be
// one.
func (l *lab) group(share int) (rig.Group, error) {
	if l.unheld == nil {
		return rig.NewGroup(share)
	}
	return rig.Group{}, nil
}

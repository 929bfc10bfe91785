package probe

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// The names of a probe's errors: one for each phase, then one for each expectation.
const (
	ErrorDNS     = "Probe.DNS"
	ErrorConnect = "Probe.Connect"
	ErrorTLS     = "Probe.TLS"
	ErrorHTTP    = "Probe.HTTP"

	ErrorStatus      = "Probe.Status"
	ErrorBody        = "Probe.Body"
	ErrorLatency     = "Probe.Latency"
	ErrorCertificate = "Probe.Certificate"
)

// An Error says which phase or expectation failed, what the probe was doing, and why.
type Error struct {
	// Name is one of the constants.
	Name string

	// Doing is what the probe was doing, as in "connect to example.com".
	Doing string

	// Err is the cause.
	Err error
}

// Error returns Doing and the cause.
func (e *Error) Error() string { return e.Doing + ": " + e.Err.Error() }

// ErrorName returns Name.
func (e *Error) ErrorName() string { return e.Name }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// A slowError is the cause of a phase that exceeded its time.
type slowError struct{ after time.Duration }

func (e *slowError) Error() string { return fmt.Sprintf("not done within %v", e.after) }

// A phase is one part of a hop.
type phase struct {
	name, doing string
	most        time.Duration

	// do runs the phase. It returns an Error only for another phase or an expectation.
	do func(ctx context.Context) error
}

// run runs the phase within its time.
func (p phase) run(ctx context.Context) error {
	slow := &slowError{p.most}
	within, cancel := context.WithTimeoutCause(ctx, p.most, slow)
	defer cancel()
	err := p.do(within)
	switch {
	case err == nil:
		return nil
	case ended(ctx):
		return fmt.Errorf("%s: %w", p.doing, context.Cause(ctx))
	case isNamed(err):
		return err
	case ended(within):
		err = slow
	}
	return &Error{Name: p.name, Doing: p.doing, Err: err}
}

func isNamed(err error) bool {
	_, named := errors.AsType[*Error](err)
	return named
}

// ended reports whether ctx has ended or its deadline has passed: a connection has the
// same deadline, and can fail just before ctx ends.
func ended(ctx context.Context) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= 0 {
		<-ctx.Done()
	}
	return ctx.Err() != nil
}

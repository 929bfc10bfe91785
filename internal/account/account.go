// Package account assumes roles in AWS accounts. Package task uses it for the invocations
// that are for an account.
//
// # What a Role promises
//
// A Role asks the STS of the process's own Region: a dead STS in the item's Region does not
// matter. If that STS cannot be reached, it asks in the item's Region, and then in other
// Regions of the partition. A failure is kept for a moment, so that thousands of targets do
// not each ask again. After a transient failure they wait for that moment to pass: no target
// fails twice with one throttle.
//
// # Errors
//
// Every error is an [Error]. It names the role and who wanted to assume it, and has no
// secrets. When the role does not trust the caller, the error has a trust policy that does.
package account

import (
	"errors"
	"time"
)

// The names of errors. An error of STS has AWS's code as its name.
const (
	// ErrorRole means that a role cannot be assumed for an item: the role is of another
	// account or partition, or its ARN is not valid.
	ErrorRole = "Account.Role"

	// ErrorNoRole means that there is no role, and the worker's credentials belong to
	// another account.
	ErrorNoRole = "Account.NoRole"

	// ErrorProfile means that there is no profile, or that its credentials belong to
	// another account.
	ErrorProfile = "Account.Profile"

	// ErrorUnreachable means that no STS could be asked, or that none answered in time.
	ErrorUnreachable = "Account.Unreachable"
)

// An Error says why there are no credentials of an account. It may be shared by goroutines.
type Error struct {
	// Name is the error's name: AWS's code, or one of the names above.
	Name string

	// Text says what happened.
	Text string

	transient  bool
	retryAfter time.Duration
}

// Error returns the text.
func (e *Error) Error() string { return e.Text }

// ErrorName returns the name.
func (e *Error) ErrorName() string { return e.Name }

// Transient reports whether trying again may help. It does no harm.
func (e *Error) Transient() bool { return e.transient }

// RetryAfter returns the wait that AWS asks for, or 0.
func (e *Error) RetryAfter() time.Duration { return e.retryAfter }

// nameOf returns the name of an error, or "".
func nameOf(err error) string {
	var named interface{ ErrorName() string }
	if errors.As(err, &named) {
		return named.ErrorName()
	}
	return ""
}

// A retryable is an error of a call that says whether trying again may help, and when.
type retryable interface {
	error
	Transient() bool
	RetryAfter() time.Duration
}

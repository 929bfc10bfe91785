package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"meridian/internal/endpoints"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

const (
	// assumeTime is longer than STS takes to answer, a dead connection and a second Region
	// included.
	assumeTime = 10 * time.Second

	// failureKept is how long a role that could not be assumed is not tried again. It is
	// not longer than a retrier's usual first wait.
	failureKept = time.Second

	// transientKept is the same time after a transient error. An earlier call waits until
	// then: to fail with another attempt's error would use up one of its own three attempts.
	transientKept = 100 * time.Millisecond
)

// A Role provides the credentials of a role. It does not keep them: it belongs into a cache,
// which calls Retrieve once at a time.
type Role struct {
	// Access has the role. Required.
	Access protocol.Access

	// RunID names the run, for the session's name and its tag. Required.
	RunID string

	// Home is the process's own Region. Empty means that it has none.
	Home string

	// Region is the Region of an item. Required.
	Region string

	// Call calls an operation of STS, with the credentials that may assume the role. Its
	// errors have a name; those without AWS's answer have the names of the task "call".
	// Required.
	Call func(ctx context.Context, region, operation string, input map[string]any) (answer map[string]any, err error)

	// Caller returns the ARN of the principal of these credentials. Required.
	Caller func(context.Context) (arn string, err error)

	failed atomic.Pointer[failure]
}

// A failure is an error, and until when it is kept.
type failure struct {
	err   *Error
	until time.Time
}

// Retrieve implements aws.CredentialsProvider: it assumes the role. The error is an [Error].
func (r *Role) Retrieve(ctx context.Context) (aws.Credentials, error) {
	if f := r.failed.Load(); f != nil && !f.over(ctx) {
		return aws.Credentials{}, f.err
	}
	ctx, cancel := context.WithTimeout(ctx, assumeTime)
	defer cancel()
	credentials, err := r.assume(ctx)
	if err == nil {
		return credentials, nil
	}
	keep := failureKept
	if err.transient {
		keep = transientKept
	}
	r.failed.Store(&failure{err, time.Now().Add(keep)})
	return aws.Credentials{}, err
}

// over reports whether the role may be tried again. After a transient error it waits until
// then.
func (f *failure) over(ctx context.Context) bool {
	left := time.Until(f.until)
	if left <= 0 || !f.err.transient {
		return left <= 0
	}
	select {
	case <-time.After(left):
		return true
	case <-ctx.Done():
		return false
	}
}

// assume assumes the role.
func (r *Role) assume(ctx context.Context) (aws.Credentials, *Error) {
	if problem := r.problem(); problem != "" {
		return aws.Credentials{}, &Error{Name: ErrorRole, Text: problem}
	}
	answer, err := Anywhere(ctx, r.Home, r.Region, func(ctx context.Context, region string) (map[string]any, error) {
		return r.Call(ctx, region, "sts:AssumeRole", r.input())
	})
	if err != nil {
		return aws.Credentials{}, r.refused(ctx, err)
	}
	issued, _ := answer["Credentials"].(map[string]any)
	text := func(name string) string { s, _ := issued[name].(string); return s }
	expires, err := time.Parse(time.RFC3339, text("Expiration"))
	role, _ := arn.Parse(r.Access.Role) // problem has parsed it
	credentials := aws.Credentials{
		AccessKeyID: text("AccessKeyId"), SecretAccessKey: text("SecretAccessKey"), SessionToken: text("SessionToken"),
		CanExpire: true, Expires: expires, AccountID: role.AccountID, Source: "meridian",
	}
	if err != nil || !credentials.HasKeys() || credentials.SessionToken == "" {
		return aws.Credentials{}, &Error{Name: "Call.BadAnswer", Text: fmt.Sprintf("assume %s: STS answered without credentials", r.Access.Role)}
	}
	return credentials, nil
}

// input returns the input of sts:AssumeRole. It has no duration: the default of an hour is
// also the longest for a role that a role assumes.
//
// Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
func (r *Role) input() map[string]any {
	const most = 64
	name := cmp.Or(r.Access.SessionName, "meridian-"+r.RunID)
	input := map[string]any{"RoleArn": r.Access.Role, "RoleSessionName": name[:min(len(name), most)]}
	if r.Access.ExternalID != "" {
		input["ExternalId"] = r.Access.ExternalID
	}
	if r.Access.SessionTags {
		input["Tags"] = []any{map[string]any{"Key": protocol.SessionTag, "Value": r.RunID}}
	}
	return input
}

// problem returns what is wrong with the role, or "".
func (r *Role) problem() string {
	role := r.Access.Role
	parsed, err := arn.Parse(role)
	if err != nil || parsed.Service != "iam" || !protocol.ValidAccount(parsed.AccountID) || !strings.HasPrefix(parsed.Resource, "role/") {
		return fmt.Sprintf("role %.200q is no ARN of a role", role)
	}
	if account := r.Access.Account; account != "" && account != parsed.AccountID {
		return fmt.Sprintf("role %s is of account %s, not of %s", role, parsed.AccountID, account)
	}
	if partition, known := endpoints.PartitionOf(r.Region); known && partition.ID != parsed.Partition {
		return fmt.Sprintf("role %s is of partition %s, and %s is in %s", role, parsed.Partition, r.Region, partition.ID)
	}
	return ""
}

// refused returns the error of a role that could not be assumed.
func (r *Role) refused(ctx context.Context, err error) *Error {
	role := r.Access.Role
	e := &Error{Name: nameOf(err), Text: "assume " + role + ": ", transient: !answered(err)}
	if failed, ok := errors.AsType[retryable](err); ok {
		e.transient, e.retryAfter = e.transient || failed.Transient(), failed.RetryAfter()
	}
	text := err.Error()
	if id := r.Access.ExternalID; len(id) >= leastExternalID {
		text = strings.ReplaceAll(text, id, externalID)
	}
	switch {
	case e.Name == "":
		e.Name = ErrorUnreachable
	case e.transient:
	default:
		caller, _ := r.Caller(ctx) // the sentence is true without it
		if e.Name == "AccessDenied" && caller != "" {
			e.Text = r.denied(caller, text)
			return e
		}
		e.Text = fmt.Sprintf("assume %s as %s: ", role, cmp.Or(caller, "the worker"))
	}
	e.Text += text
	return e
}

package task

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"meridian/internal/account"
	"meridian/internal/awsapi"
	"meridian/internal/endpoints"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go"
)

// WithAccess returns a context for a [Work] with the credentials of an access; nil means
// the process's own.
func WithAccess(ctx context.Context, access *protocol.Access) context.Context {
	if access == nil {
		return ctx
	}
	return context.WithValue(ctx, accessKey{}, *access)
}

// accessKey is the key of the access in a context.
type accessKey struct{}

// An access names the credentials of an AWS. Zero means the process's own.
type access struct {
	protocol.Access

	runID     string // if the session of the role has it
	partition string // of the Regions
}

// An entry is the AWS of an access.
type entry struct {
	aws  *AWS
	used time.Time
}

// sessionTime is how long the session of a role lasts: an access that was not used for that
// time has nothing to keep.
const sessionTime = time.Hour

// as returns the AWS for the invocation of a context, which is for a Region. The AWS of an
// access is kept while it is in use.
func (a *AWS) as(ctx context.Context, region string) *AWS {
	given, ok := ctx.Value(accessKey{}).(protocol.Access)
	if a == nil || !ok {
		return a
	}
	partition, _ := endpoints.PartitionOf(region)
	key := access{Access: given, partition: partition.ID}
	if given.Role != "" && (given.SessionName == "" || given.SessionTags) {
		key.runID = runID(ctx)
	}
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	if found := a.accounts[key]; found != nil {
		found.used = now
		return found.aws
	}
	idle := sessionTime
	if len(a.accounts) >= protocol.MaxAccounts {
		idle = time.Minute
	}
	for other, e := range a.accounts {
		if now.Sub(e.used) >= idle {
			delete(a.accounts, other)
		}
	}
	of := newAccount(a.process)
	of.own, of.access, of.region = a, key, region
	if a.accounts == nil {
		a.accounts = map[access]*entry{}
	}
	a.accounts[key] = &entry{of, now}
	return of
}

// newAPI returns what calls AWS with the credentials of the access.
func (a *AWS) newAPI(ctx context.Context) (*awsapi.API, error) {
	c, err := a.configuration(ctx)
	if err != nil {
		return nil, err
	}
	from := c.Credentials
	switch {
	case a.own == nil:
	case a.access.Role != "":
		from = a.role(c)
	case a.access.Account == "" && a.access.Profile == "":
		return nil, &CallError{Name: account.ErrorNoRole, Err: errors.New("the account is not known: want its id, a role or a profile")}
	case a.access.Profile == "":
		return a.owned(ctx, c, a.own, account.ErrorNoRole, "the credentials belong to account %s, not to %s: set role")
	default:
		if a.profiles == nil {
			return nil, &CallError{Name: account.ErrorProfile, Err: errors.New("profiles are for runs at the command line: set role")}
		}
		profile, err := a.profiles(ctx, a.access.Profile)
		if err != nil {
			return nil, &CallError{Name: account.ErrorProfile, Err: fmt.Errorf("profile %s: %w", a.access.Profile, plain(err))}
		}
		of := newAccount(a.process)
		of.profile = &awsapi.API{Client: awsapi.New(c.sender, profile.Credentials), Endpoints: c.endpoints}
		return a.owned(ctx, c, of, account.ErrorProfile, "the credentials of profile "+a.access.Profile+" belong to account %s, not to %s")
	}
	return &awsapi.API{Client: awsapi.New(c.sender, from), Endpoints: c.endpoints}, nil
}

// Credentials returns the credentials of an access, for a Region and a run. They are loaded
// on first use, and renewed before they expire.
func (a *AWS) Credentials(access *protocol.Access, region, runID string) aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		api, err := a.as(WithAccess(WithRunID(ctx, runID), access), region).api(ctx)
		if err != nil {
			return aws.Credentials{}, err
		}
		return api.Client.Credentials().Retrieve(ctx)
	})
}

// owned returns what calls AWS with the credentials of an AWS, if they belong to the account
// of the access. Otherwise its error has this name and format.
func (a *AWS) owned(ctx context.Context, c *configuration, of *AWS, name, format string) (*awsapi.API, error) {
	if want := a.access.Account; want != "" {
		id, err := account.Anywhere(ctx, c.Region, a.region, of.Account)
		if err != nil {
			return nil, err //nolint:wrapcheck // it is a CallError
		}
		if id != want {
			return nil, &CallError{Name: name, Err: fmt.Errorf(format, id, want)}
		}
	}
	return of.api(ctx)
}

// role returns what provides the credentials of the role of the access.
func (a *AWS) role(c *configuration) *account.Role {
	return &account.Role{
		Access: a.access.Access, RunID: a.access.runID, Home: c.Region, Region: a.region,
		Call: func(ctx context.Context, region, operation string, input map[string]any) (map[string]any, error) {
			return a.own.ask(ctx, region, operation, input, nil)
		},
		Caller: func(ctx context.Context) (string, error) {
			return a.caller.get(ctx, "", 0, nil, func(ctx context.Context) (string, error) {
				return account.Anywhere(ctx, c.Region, a.region, func(ctx context.Context, region string) (string, error) {
					answer, err := a.own.ask(ctx, region, "sts:GetCallerIdentity", nil, nil)
					arn, _ := answer["Arn"].(string)
					return arn, err
				})
			})
		},
	}
}

// expiredCodes are what services answer when the session of a role has expired. The last one
// is EC2's.
func expiredCodes() []string {
	return []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired"}
}

// expired reports whether a call since began was refused with a code because the session of
// the role of the access has expired. The session is forgotten then, so that the next
// attempt assumes the role anew.
func (a *AWS) expired(code string, began time.Time) bool {
	if a.own == nil || a.access.Role == "" || !slices.Contains(expiredCodes(), code) {
		return false
	}
	if ready, _ := a.ready.known(""); ready.value != nil {
		ready.value.Client.Forget(began)
	}
	return true
}

// failure returns the error of work that began at a time, without the secrets of credentials.
// An error of a client of the SDK becomes an [account.Error] if it wraps one. It is transient
// if it is a throttle, or if the session has expired.
func (a *AWS) failure(err error, began time.Time) error {
	if a == nil || a.process == nil {
		return err
	}
	if inner, ok := errors.AsType[*account.Error](err); ok {
		err = inner
	}
	failed := &workError{err: err, text: err.Error()}
	for _, of := range []*AWS{a, a.own} {
		if of == nil {
			continue
		}
		if ready, _ := of.ready.known(""); ready.value != nil {
			failed.text = ready.value.Client.Conceal(failed.text)
		}
	}
	if refused, ok := errors.AsType[smithy.APIError](err); ok {
		_, throttled := retry.DefaultThrottleErrorCodes[refused.ErrorCode()]
		failed.transient = a.expired(refused.ErrorCode(), began) || throttled
	}
	if failed.text == err.Error() && !failed.transient {
		return err
	}
	return failed
}

// A workError is an error with another text.
type workError struct {
	err       error
	text      string
	transient bool
}

// Error returns the text.
func (e *workError) Error() string { return e.text }

// Unwrap returns the error.
func (e *workError) Unwrap() error { return e.err }

// Transient reports whether trying again may help.
func (e *workError) Transient() bool {
	var inner interface{ Transient() bool }
	return e.transient || errors.As(e.err, &inner) && inner.Transient()
}

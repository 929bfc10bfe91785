package awsapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

const (
	// expiryWindow is how long before their end credentials are renewed: as long as
	// a signature is valid, and as early as the SDK renews the credentials of containers.
	// Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
	expiryWindow = 5 * time.Minute

	// renewPause is the least time between two renewals in the background: the provider
	// may fail, or may not have new credentials yet.
	renewPause = 10 * time.Second
)

// ExpireEarly makes a cache renew credentials five minutes before they expire.
func ExpireEarly(o *aws.CredentialsCacheOptions) { o.ExpiryWindow = expiryWindow }

// Renewing returns what provides the credentials of a cache with [ExpireEarly], as [New]
// says. Another provider is returned as it is.
func Renewing(credentials aws.CredentialsProvider) aws.CredentialsProvider {
	if cache, ok := credentials.(*aws.CredentialsCache); ok {
		return &renewer{cache: cache}
	}
	return credentials
}

// A renewer provides credentials. In the expiryWindow before they expire it renews them in
// the background and still returns the old ones, so a provider that is slow or fails for a
// while neither delays a call nor fails it.
type renewer struct {
	cache *aws.CredentialsCache // with ExpireEarly
	held  atomic.Pointer[heldCredentials]
	next  atomic.Int64 // when they may be renewed next, in Unix nanoseconds
}

// heldCredentials are credentials with the time at which they were retrieved.
type heldCredentials struct {
	aws.Credentials

	since time.Time
}

// Retrieve implements aws.CredentialsProvider. It waits only when there are no
// credentials, or they have expired.
func (r *renewer) Retrieve(ctx context.Context) (aws.Credentials, error) {
	held := r.held.Load()
	if held == nil || held.Expired() {
		return r.renew(ctx)
	}
	if held.CanExpire && time.Until(held.Expires) <= expiryWindow {
		now, next := time.Now(), r.next.Load()
		if now.UnixNano() >= next && r.next.CompareAndSwap(next, now.Add(renewPause).UnixNano()) {
			go func() { _, _ = r.renew(context.WithoutCancel(ctx)) }()
		}
	}
	return held.Credentials, nil
}

// withoutDocument returns a provider's error without the document that the provider could not
// decode: the SDK quotes everything that a credential process prints, secrets included.
func withoutDocument(err error) error {
	if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("credentials are no JSON: %w", wrong)
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("credentials in JSON of another form: %s is %s", wrong.Field, wrong.Value)
	}
	return err
}

// renew takes credentials from the cache, which asks its provider once for all callers.
func (r *renewer) renew(ctx context.Context) (aws.Credentials, error) {
	credentials, err := r.cache.Retrieve(ctx)
	if err != nil {
		return credentials, withoutDocument(err) // retrieve wraps it
	}
	credentials.Expires = credentials.Expires.Add(expiryWindow) // which the cache has taken off
	r.held.Store(&heldCredentials{credentials, time.Now()})
	return credentials, nil
}

// forget drops the credentials that were retrieved before a time.
func (r *renewer) forget(before time.Time) {
	if held := r.held.Load(); held != nil && held.since.Before(before) {
		r.cache.Invalidate() // first: what retrieves meanwhile would hold the same ones
		r.held.CompareAndSwap(held, nil)
	}
}

// retrieve returns credentials, or a [CredentialsError]. White space around them, as in a
// variable of the environment, is not theirs: a signature leaves it out, and HTTP/2 would
// send it.
func (c *Client) retrieve(ctx context.Context) (aws.Credentials, error) {
	if c.credentials == nil {
		return aws.Credentials{}, &CredentialsError{Err: errors.New("none are configured")}
	}
	credentials, err := c.credentials.Retrieve(ctx)
	if err != nil {
		return aws.Credentials{}, &CredentialsError{Err: err}
	}
	for _, s := range []*string{&credentials.AccessKeyID, &credentials.SecretAccessKey, &credentials.SessionToken} {
		*s = strings.TrimSpace(*s)
	}
	c.used.note(credentials)
	return credentials, nil
}

// Credentials returns a provider of the credentials that c signs with, for clients of the
// SDK. Its errors are a [CredentialsError].
func (c *Client) Credentials() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(c.retrieve)
}

// Forget makes the next call retrieve credentials anew, unless those that c has were
// retrieved after a time. It is for credentials that AWS says have expired. It does nothing
// when they came from a cache of the SDK.
func (c *Client) Forget(before time.Time) {
	if r, ok := c.credentials.(*renewer); ok {
		r.forget(before)
	}
}

// Account returns the id of the account that the credentials belong to, or "" when they do
// not say.
func (c *Client) Account(ctx context.Context) string {
	credentials, _ := c.retrieve(ctx) // a call says what is wrong with them
	return credentials.AccountID
}

// A CredentialsError means that there are no credentials to sign with. Nothing was
// sent.
type CredentialsError struct {
	// Err is why there are none.
	Err error
}

// Error says why there are none.
func (e *CredentialsError) Error() string { return "no AWS credentials: " + e.Err.Error() }

// Unwrap returns Err.
func (e *CredentialsError) Unwrap() error { return e.Err }

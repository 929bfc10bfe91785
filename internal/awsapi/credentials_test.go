package awsapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"meridian/internal/awsapi"
)

// A vault is a provider of credentials that live for a while. Its calls take a while, too.
type vault struct {
	lives, takes time.Duration
	err          error
	asked        int
}

func (v *vault) Retrieve(context.Context) (aws.Credentials, error) {
	v.asked++
	id := fmt.Sprint(v.asked)
	time.Sleep(v.takes)
	return session(id, time.Now().Add(v.lives)), v.err
}

// signedBy makes a call and returns the credentials that it was signed with, or the error.
func signedBy(t *testing.T, v aws.CredentialsProvider) func() string {
	t.Helper()
	var id string
	client := awsapi.New(answer(`{}`, func(r *http.Request, _ string) {
		id = r.Header.Get("X-Amz-Security-Token")[len("token of "):]
	}), v)
	return func() string {
		_, err := client.Do(t.Context(), awsapi.Call{Request: serialize(t, `{}`), Output: &lambda.InvokeOutput{}}) //nolint:bodyclose // Do closes it
		if err != nil {
			return err.Error()
		}
		return id
	}
}

// What a process prints in the place of credentials can have them, beside a warning.
func TestTheErrorOfAProviderHasNoDocument(t *testing.T) {
	t.Parallel()
	for _, document := range []string{`WARNING {"SecretAccessKey":"the-secret"}`, `{"SecretAccessKey":"the-secret","Version":"1"}`} {
		var into struct {
			Version int `json:"Version"` //nolint:tagliatelle // its name there
		}
		wrong := json.Unmarshal([]byte(document), &into)
		got := signedBy(t, &vault{err: fmt.Errorf("parse failed of process output: %s, error: %w", document, wrong)})()
		if wrong == nil || strings.Contains(got, "the-secret") || !strings.Contains(got, "JSON") {
			t.Errorf("the error is %q, want it without the document", got)
		}
	}
}

// A provider that is slow, or fails for a while, delays and fails no call while the
// credentials are valid.
func TestCredentialsAreRenewedBesideTheCalls(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		at := func(after time.Duration) { time.Sleep(time.Until(begin.Add(after))) }
		v := &vault{lives: 10 * time.Minute}
		call := signedBy(t, v)
		check := func(want string, asked int) {
			t.Helper()
			before := time.Now()
			got := call()
			took := time.Since(before)
			synctest.Wait()
			if got != want || v.asked != asked || took != 0 {
				t.Errorf("after %v: signed by %s in %v, the provider asked %d times; want %s at once, %d",
					before.Sub(begin), got, took, v.asked, want, asked)
			}
		}
		check("1", 1)
		v.err = errors.New("out of order")
		at(5 * time.Minute)
		check("1", 2)
		check("1", 2) // a failing provider is not asked by every call
		at(5*time.Minute + 10*time.Second)
		check("1", 3)
		v.err, v.takes = nil, 30*time.Second
		at(6 * time.Minute)
		check("1", 4)
		at(6*time.Minute + 20*time.Second)
		check("1", 4) // still being asked
		at(6*time.Minute + 30*time.Second)
		synctest.Wait()
		check("4", 4)
		at(time.Hour) // they have expired
		if got := call(); got != "5" || time.Since(begin) != time.Hour+30*time.Second {
			t.Errorf("signed by %s after %v, want 5 when the provider has answered", got, time.Since(begin))
		}
		v.err = errors.New("out of order")
		at(2 * time.Hour)
		if got := call(); got != "no AWS credentials: failed to refresh cached credentials, out of order" {
			t.Errorf("with expired credentials Do = %s, want the provider's error", got)
		}
	})
}

// Credentials with two minutes left are good for two minutes, and renewed meanwhile.
func TestCredentialsWithTwoMinutesLeftAreRenewed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{lives: 2 * time.Minute}
		call := signedBy(t, v)
		if got := call(); got != "1" || v.asked != 1 {
			t.Errorf("signed by %s, the provider asked %d times, want 1, once", got, v.asked)
		}
		v.lives = time.Hour
		if got := call(); got != "1" {
			t.Errorf("signed by %s, want 1 while they are renewed", got)
		}
		synctest.Wait()
		if got := call(); got != "2" || v.asked != 2 {
			t.Errorf("signed by %s, the provider asked %d times, want 2, twice", got, v.asked)
		}
	})
}

// White space around credentials is neither signed nor sent.
func TestWhiteSpaceAroundCredentialsIsNotSent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		padded := aws.Credentials{AccessKeyID: " one\t", SecretAccessKey: "secret \n", SessionToken: "\ttoken of one\r\n"}
		client := awsapi.New(answer(`{}`, func(r *http.Request, body string) {
			checkSigned(t, r, body, session("one", time.Time{}))
		}), aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return padded, nil }))
		if _, err := client.Do(t.Context(), awsapi.Call{Request: serialize(t, `{}`), Output: &lambda.InvokeOutput{}}); err != nil { //nolint:bodyclose // Do closes it
			t.Errorf("Do = %v, want success", err)
		}
	})
}

// Forget drops only credentials that were retrieved before the call that AWS refused.
func TestForgottenCredentialsAreRetrievedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vault{lives: time.Hour}
		var id string
		client := awsapi.New(answer(`{}`, func(r *http.Request, _ string) { id = r.Header.Get("X-Amz-Security-Token") }), v)
		call := func(want string) {
			t.Helper()
			_, err := client.Do(t.Context(), awsapi.Call{Request: serialize(t, `{}`), Output: &lambda.InvokeOutput{}}) //nolint:bodyclose // Do closes it
			if err != nil || id != "token of "+want {
				t.Errorf("signed with the %s, %v, want the token of %s", id, err, want)
			}
		}
		call("1")
		time.Sleep(time.Second)
		before := time.Now()
		time.Sleep(time.Second)
		client.Forget(before)
		call("2")
		client.Forget(before) // of another call that was signed with the first ones
		call("2")
		if text := client.Conceal("token of 1, token of 2"); text != "token of 1, token of 2" {
			t.Errorf("Conceal hid what is too short for a secret: %s", text)
		}
	})
}

// Conceal hides the secrets of the credentials before a renewal, too, and Credentials gives
// out those that calls are signed with.
func TestConcealHidesTheSecretsThatWereUsed(t *testing.T) {
	t.Parallel()
	n := 0
	client := awsapi.New(nil, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		n++
		return aws.Credentials{AccessKeyID: "id", SecretAccessKey: fmt.Sprintf("secret key number %d", n), SessionToken: fmt.Sprintf("session token number %d", n)}, nil
	}))
	const text = "secret key number 1, session token number 1, secret key number 2, session token number 2"
	if got := client.Conceal(text); got != text {
		t.Errorf("Conceal = %s before there are secrets", got)
	}
	for n := range 2 {
		got, err := client.Credentials().Retrieve(t.Context())
		if want := fmt.Sprintf("secret key number %d", n+1); err != nil || got.SecretAccessKey != want {
			t.Errorf("Retrieve = %s, %v, want %s", got.SecretAccessKey, err, want)
		}
		client.Forget(time.Now().Add(time.Hour))
	}
	if got, want := client.Conceal(text), "(secret), (secret), (secret), (secret)"; got != want {
		t.Errorf("Conceal = %s, want %s", got, want)
	}
}

// Calls that use credentials from before and after a renewal at once have the secrets of both
// hidden.
func TestConcealHidesTheSecretsOfCallsAtOnce(t *testing.T) {
	t.Parallel()
	for range 5000 {
		var n atomic.Int64
		client := awsapi.New(nil, aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "id", SecretAccessKey: fmt.Sprintf("secret key number %d", n.Add(1))}, nil
		}))
		var done sync.WaitGroup
		var used [2]string
		for i := range used {
			done.Go(func() {
				client.Forget(time.Now())
				credentials, err := client.Credentials().Retrieve(t.Context())
				if err != nil {
					t.Error(err)
				}
				used[i] = credentials.SecretAccessKey
			})
		}
		done.Wait()
		if got := client.Conceal(used[0] + used[1]); got != "(secret)(secret)" {
			t.Fatalf("Conceal = %s, want both hidden", got)
		}
	}
}

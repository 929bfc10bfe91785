// Package awsapi calls an operation of an AWS API: [Serialize] makes a request of the
// input by the operation's model, and [Client.Do] signs it, sends it, and reads the
// answer into the output or an error. internal/invoke calls Lambda's Invoke with it.
//
// [API.Call] calls any operation by the models of package model: it checks the input,
// finds the endpoint, and reads all pages. What those models say wrongly, and what is
// refused because it is not proven to work, is in one table, in model/exceptions.go.
//
// Everything that AWS defines is done by AWS's own code: protocols and errors by
// smithy-go, signatures by the SDK's signer, credentials by the SDK's cache. What is
// left out is the SDK's client: its middleware takes more CPU time than the network,
// TLS included.
//
// # What a call promises
//
// It sends one request, or none. It never follows a redirect, and retries only once and
// for one reason: AWS refused the signature, and the answer's date shows that this
// machine's clock is off. The difference is kept for the calls to come.
//
// The request is signed when there is a connection for it, so a signature is never
// older than the request. Credentials that can expire are renewed in their last five
// minutes, while calls still use the old ones. Credentials that expired while the request
// waited are retrieved again. White space around them is not sent.
//
// An answer is read up to [Call.MaxBytes], a refusal up to 64 KiB, and its body is closed.
//
// # Errors
//
// A [CredentialsError] means that there were no credentials, and nothing was sent. An
// awshttp.ResponseError is AWS's refusal. It wraps an error of [Operation.Errors], a
// smithy.GenericAPIError for a code that is not in there, or a
// smithy.DeserializationError when the answer is not in AWS's words. Every other error
// is the Sender's, or comes from reading the answer.
package awsapi

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// DefaultMaxBytes is more than any page of AWS's own APIs has.
	DefaultMaxBytes = 16 << 20

	// maxErrorBytes is more than any error of AWS's has. Thousands of calls may be
	// refused at once.
	maxErrorBytes = 64 << 10
)

// An Operation is one operation of an AWS API, as its model describes it. It may be
// used by several calls at once.
type Operation struct {
	// Schema is the operation's, with its input's and its output's. Required.
	Schema *smithy.OperationSchema

	// Protocol is the one that the service speaks, as in
	// smithy-go/transport/http/protocol. Required.
	Protocol smithyhttp.ClientProtocol

	// Errors has the types of the service's errors. Required; it may be empty.
	Errors *smithy.TypeRegistry

	// SigningName is the service's name in signatures, as in "lambda". Required.
	SigningName string

	// S3 says that the service signs as S3 does: the path as it is sent, and with the
	// body's hash in the header. Others sign the path escaped once more.
	// Source: https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
	S3 bool
}

// A Call is one call of an operation.
type Call struct {
	// Request is what is sent. Required.
	Request *Request

	// Body replaces the request's body. So one Request serves the calls of an operation
	// that differ in a blob payload only. Nil means the body that was serialized. It
	// must not change before the call returns.
	Body []byte

	// Sent is the context of the request once it is sent. It must not end before Do's
	// context, which ends the wait for a connection. Nil means Do's context.
	Sent context.Context

	// Output is filled with the answer. Required when the operation's schema has an
	// output. To a smithy.StreamingOutput the body is handed over unread when the
	// call succeeds; then the caller closes it.
	Output smithy.Deserializable

	// MaxBytes limits the answer's body. Reading more than that fails with an
	// http.MaxBytesError. Zero means 16 MiB.
	MaxBytes int64

	// Reading is called with the number of bytes of each read of the answer's body. Its
	// error ends the call. Nil means that they are not counted.
	Reading func(n int) error

	// Ready is called when there is a connection, before the request is signed, with
	// the time since the call began. A body that it returns is sent instead. Ready is
	// called again when the request moves to another connection. Nil means that
	// nothing changes.
	Ready func(waited time.Duration) []byte
}

// A Sender sends requests, each at most once, and follows no redirects. ctx bounds the
// wait for a connection, the request's own context what follows. It calls
// ready with the request, or with a copy, when there is a connection for it; ready may
// change the header and the body. *wire.Pool is one.
type Sender interface {
	Send(ctx context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error)
}

// A Client makes calls. Make one with [New]. It may be used from several goroutines.
type Client struct {
	sender      Sender
	credentials aws.CredentialsProvider // nil means none
	signer      *v4.Signer
	used        usedCredentials
	clockOffset atomic.Int64 // how far AWS's clock is ahead of this machine's, in nanoseconds
}

// New returns a Client that sends with sender and signs with credentials. They are kept,
// and renewed before they expire; a cache of the SDK's is used as it is, so take the
// credentials from package sdkconfig. With nil every call fails with a [CredentialsError].
func New(sender Sender, credentials aws.CredentialsProvider) *Client {
	switch credentials.(type) {
	case nil, *aws.CredentialsCache, *renewer:
	default:
		credentials = &renewer{cache: aws.NewCredentialsCache(credentials, ExpireEarly)}
	}
	return &Client{sender: sender, credentials: credentials, signer: v4.NewSigner()}
}

// Do makes a call and fills its output. The response has the status and the header,
// and is nil when no answer came; beside an error it is AWS's refusal, or an answer
// that could not be read.
func (c *Client) Do(ctx context.Context, call Call) (*http.Response, error) {
	begin := time.Now()
	response, signed, err := c.once(ctx, &call, begin)
	if c.correctClock(response, signed, err) {
		response, _, err = c.once(ctx, &call, begin)
	}
	return response, err
}

// once makes a call that began at begin. It returns the clock offset that the request
// was signed with, too.
func (c *Client) once(ctx context.Context, call *Call, begin time.Time) (response *http.Response, signed time.Duration, err error) {
	credentials, err := c.retrieve(ctx)
	if err != nil {
		return nil, 0, err
	}
	body := call.Body
	if body == nil {
		body = call.Request.body
	}
	ready := func(r *http.Request) error {
		if call.Ready != nil {
			if later := call.Ready(time.Since(begin)); later != nil {
				body = later
				setBody(r, body)
			}
		}
		if credentials.Expired() {
			if credentials, err = c.retrieve(ctx); err != nil {
				return err
			}
		}
		signed = time.Duration(c.clockOffset.Load())
		return c.sign(r, call.Request, body, credentials, time.Now().Add(signed))
	}
	r := call.Request.under(ctx, cmp.Or(call.Sent, ctx))
	setBody(r, body)
	if response, err = c.sender.Send(ctx, r, ready); err != nil {
		return nil, signed, err //nolint:wrapcheck // the Sender's errors are part of the contract
	}
	return response, signed, deserialize(ctx, call, response)
}

// sign signs r, which was serialized as request and has body.
func (c *Client) sign(r *http.Request, request *Request, body []byte, credentials aws.Credentials, now time.Time) error {
	delete(r.Header, "X-Amz-Security-Token") // of credentials that have expired
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	s3 := request.operation.S3
	if s3 {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	//nolint:wrapcheck // it never fails
	return c.signer.SignHTTP(r.Context(), credentials, r, hash, request.operation.SigningName, request.place.Region, now,
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = s3 })
}

// deserialize reads the answer into the output of call, or returns what AWS refused
// the call with.
func deserialize(ctx context.Context, call *Call, response *http.Response) error {
	limit := cmp.Or(call.MaxBytes, DefaultMaxBytes)
	if response.StatusCode < 200 || response.StatusCode >= 300 {
		limit = min(limit, maxErrorBytes)
	}
	response.Body = http.MaxBytesReader(nil, response.Body, limit)
	if call.Reading != nil {
		response.Body = &countedBody{response.Body, call.Reading}
	}
	op := call.Request.operation
	err := op.Protocol.DeserializeResponse(ctx, op.Schema, op.Errors, &smithyhttp.Response{Response: response}, call.Output)
	if _, streams := call.Output.(smithy.StreamingOutput); !streams || err != nil {
		_ = response.Body.Close()
	}
	if err != nil && (response.StatusCode < 200 || response.StatusCode >= 300) {
		return &awshttp.ResponseError{
			ResponseError: &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: response}, Err: err},
			RequestID:     RequestID(response),
		}
	}
	if err != nil {
		return fmt.Errorf("an answer of type %q: %w", response.Header.Get("Content-Type"), err)
	}
	return nil
}

// A countedBody tells of the bytes that are read.
type countedBody struct {
	io.ReadCloser

	reading func(n int) error
}

// Read implements io.Reader.
func (b *countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if failed := b.reading(n); failed != nil {
		return n, failed
	}
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}

// RequestID returns the id that AWS gave to a call, or "".
func RequestID(response *http.Response) string {
	return cmp.Or(response.Header.Get("X-Amzn-Requestid"), response.Header.Get("X-Amz-Request-Id")) // S3 has the second
}

// RetryAfter returns the wait before a retry that an answer asks for, in the standard
// header or in AWS's own. Zero means none, or no number.
func RetryAfter(response *http.Response) time.Duration {
	for _, header := range []struct {
		name string
		unit time.Duration
	}{
		{"Retry-After", time.Second},
		{"X-Amz-Retry-After", time.Millisecond},
	} {
		n, err := strconv.ParseUint(response.Header.Get(header.name), 10, 31)
		if err == nil && n > 0 {
			return time.Duration(n) * header.unit
		}
	}
	return 0
}

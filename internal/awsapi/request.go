package awsapi

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// userAgent is what AWS's logs say of the caller.
const userAgent = "meridian"

// traceKey is the context's key for the trace that a call belongs to, as
// aws-lambda-go sets it. AWS draws its map of calls with it, and Lambda finds
// functions that call themselves for ever.
// Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-recursion.html
const traceKey = "x-amzn-trace-id"

// A Place is where an operation is called.
type Place struct {
	// Endpoint has a scheme, a host, and a path that the operation's is appended to.
	// Required.
	Endpoint *url.URL

	// Region is the one to sign for. Required.
	Region string
}

// A Request is the input of an operation, serialized for a place. Make one with
// [Serialize]. It may be sent any number of times, also at once.
type Request struct {
	operation *Operation
	place     Place
	http      *http.Request // without its body, not signed
	body      []byte
}

// Serialize returns the request of an operation with an input, which may be nil when
// the operation's schema has none.
func Serialize(ctx context.Context, op *Operation, place Place, in smithy.Serializable) (*Request, error) {
	r := &smithyhttp.Request{Request: &http.Request{
		URL: &url.URL{Scheme: place.Endpoint.Scheme, Host: place.Endpoint.Host}, Header: http.Header{"User-Agent": {userAgent}},
	}}
	if err := op.Protocol.SerializeRequest(ctx, op.Schema, in, r); err != nil {
		return nil, fmt.Errorf("serialize %s: %w", op.Schema.ID().Name, err)
	}
	r.URL.Path, r.URL.RawPath = join(place.Endpoint.Path, r.URL.Path), join(place.Endpoint.EscapedPath(), r.URL.EscapedPath())
	serialized := &Request{operation: op, place: place, http: r.Request}
	if stream := r.GetStream(); stream != nil {
		var err error
		if serialized.body, err = io.ReadAll(stream); err != nil {
			return nil, fmt.Errorf("serialize %s: %w", op.Schema.ID().Name, err)
		}
	}
	return serialized, nil
}

// join returns a path after another. Unlike smithyhttp.JoinPath, it keeps the slash at
// the end of the path "/", which most operations have.
func join(endpoint, path string) string {
	joined := smithyhttp.JoinPath(endpoint, path)
	if strings.HasSuffix(path, "/") && !strings.HasSuffix(joined, "/") {
		joined += "/"
	}
	return joined
}

// URL returns where the request goes. The caller does not change it.
func (r *Request) URL() *url.URL { return r.http.URL }

// under returns the request of a call under ctx, with the context sent and without a body.
func (r *Request) under(ctx, sent context.Context) *http.Request {
	copied := r.http.WithContext(sent)
	u := *r.http.URL // the signer writes to it
	copied.URL, copied.Header = &u, maps.Clone(r.http.Header)
	if trace, ok := ctx.Value(traceKey).(string); ok && trace != "" {
		copied.Header["X-Amzn-Trace-Id"] = []string{trace}
	}
	return copied
}

// setBody makes body the body of a request, without copying it.
func setBody(r *http.Request, body []byte) {
	r.Body, r.GetBody, r.ContentLength = http.NoBody, nil, int64(len(body))
	if len(body) > 0 {
		r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
		r.Body, _ = r.GetBody()
	}
}

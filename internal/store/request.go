package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

const (
	// maxRepeats limits the repetitions of a request. Their waits add up to 1.6 to 3.1 seconds.
	maxRepeats = 5

	// firstWait is the longest wait before the first repetition. Each further one is twice as
	// long. The actual wait is a random part of it, at least half.
	firstWait = 100 * time.Millisecond

	// silence is how long a request waits for more of the answer. S3 takes a fraction of a
	// second.
	silence = 10 * time.Second

	// maxRefusal is as much as awsapi reads of a refusal. An object may have fewer bytes.
	maxRefusal = 64 << 10

	// slowest is the slowest upload in bytes a second: the wait for an answer grows with the
	// body.
	slowest = 64 << 10
)

// An exchange is a request and its answer.
type exchange struct {
	operation string
	input     map[string]any
	body      []byte

	content *content // of GetObject
	answer  map[string]any
}

// operation returns an operation of S3.
func (b *Bucket) operation(name string) (*model.Operation, error) {
	if op, ok := b.operations.Load(name); ok {
		return op.(*model.Operation), nil //nolint:forcetypeassert // nothing else is stored
	}
	op, err := model.Lookup("s3", name) // which takes up to a millisecond
	if err == nil {
		b.operations.Store(name, op)
	}
	return op, err //nolint:wrapcheck // it names the operation
}

// A hostProtocol removes the bucket's name from the path.
type hostProtocol struct {
	smithyhttp.ClientProtocol

	bucket string
}

// SerializeRequest implements smithyhttp.ClientProtocol.
func (p hostProtocol) SerializeRequest(
	ctx context.Context, schema *smithy.OperationSchema, in smithy.Serializable, r *smithyhttp.Request,
) error {
	err := p.ClientProtocol.SerializeRequest(ctx, schema, in, r)
	for _, path := range []*string{&r.URL.Path, &r.URL.RawPath} {
		*path = cmp.Or(strings.TrimPrefix(*path, "/"+p.bucket), "/")
	}
	return err //nolint:wrapcheck // awsapi does
}

// serialize returns the request of an exchange.
func (b *Bucket) serialize(ctx context.Context, op *model.Operation, input map[string]any) (*awsapi.Request, error) {
	if err := op.Check(input).Err(); err != nil { // of the bucket's name
		return nil, err //nolint:wrapcheck // it has the path of the fault
	}
	place, err := b.Endpoints.Place(ctx, op, b.Region, input)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what is wrong
	}
	set := ""
	if b.Endpoints.URL != nil {
		set, _ = b.Endpoints.URL(ctx, op.ServiceID) // Place has returned its error
	}
	protocol := op.Protocol()
	// AWS plans to end support for names in the path. But its certificate covers no names with
	// dots, and a host cannot have the capital letters of old names.
	// Source: https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html
	if set == "" && model.IsHostLabel(b.Name) && b.Name == strings.ToLower(b.Name) {
		protocol = hostProtocol{protocol, b.Name}
		place.Endpoint.Host = b.Name + "." + place.Endpoint.Host
	}
	//nolint:wrapcheck // it names the operation
	return awsapi.Serialize(ctx, &awsapi.Operation{
		Schema: op.Schema(), Protocol: protocol, Errors: op.Errors(), SigningName: op.SigningName, S3: op.S3,
	}, place, op.Input(input))
}

// send sends the request of an exchange, repeatedly as the package comment says. Doubt means
// that a request before the last may have taken effect.
func (b *Bucket) send(ctx context.Context, x *exchange) (doubt bool, err error) {
	op, err := b.operation(x.operation)
	if err != nil {
		return false, err
	}
	request, err := b.serialize(ctx, op, x.input)
	if err != nil {
		return false, err
	}
	wait := firstWait
	for n := 0; ; n++ {
		if end := context.Cause(ctx); end != nil && (err == nil || errors.Is(err, end)) {
			return doubt, end //nolint:wrapcheck // the caller says what was being done
		} else if end != nil {
			return doubt, fmt.Errorf("%w, after: %w", end, err)
		}
		err = b.attempt(ctx, op, request, x)
		again, done := assess(err)
		if !again || n == maxRepeats {
			return doubt, err
		}
		doubt = doubt || done
		select {
		case <-time.After(wait/2 + rand.N(wait/2)):
		case <-ctx.Done():
		}
		wait *= 2
	}
}

// attempt sends the request of an exchange once.
func (b *Bucket) attempt(ctx context.Context, op *model.Operation, request *awsapi.Request, x *exchange) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	patience := silence + time.Duration(len(x.body)/slowest)*time.Second
	silent := time.AfterFunc(patience, func() {
		cancel(fmt.Errorf("no answer from S3 in %v: %w", patience, context.DeadlineExceeded))
	})
	defer silent.Stop()
	out := op.Output()
	call := awsapi.Call{
		Request: request, Body: x.body, Output: out,
		Reading: func(int) error {
			silent.Reset(silence)
			return nil
		},
	}
	if x.content != nil {
		call.Output, call.MaxBytes = x.content, max(x.content.most, maxRefusal)
	}
	response, err := b.Client.Do(ctx, call) //nolint:bodyclose // Do or read closes it
	if err == nil && x.content != nil {
		err = x.content.read(response.ContentLength)
	}
	if end := context.Cause(ctx); err != nil && end != nil {
		return end //nolint:wrapcheck // the caller says what was being done
	}
	x.answer, _ = out.Any().(map[string]any)
	return err //nolint:wrapcheck // the caller says what was being done
}

// assess returns whether to repeat a request, and whether it may have taken effect.
func assess(err error) (again, done bool) {
	status := statusOf(err)
	_, noCredentials := errors.AsType[*awsapi.CredentialsError](err)
	switch {
	case err == nil, noCredentials, errors.Is(err, ErrTooLarge):
		return false, false
	case status == http.StatusConflict, status == http.StatusTooManyRequests:
		return true, false
	case status == 0, status >= http.StatusInternalServerError:
		return true, true
	}
	if _, cut := errors.AsType[*smithy.DeserializationError](err); cut {
		return true, false
	}
	refused, ok := errors.AsType[smithy.APIError](err)
	return ok && refused.ErrorCode() == "RequestTimeout", false // S3 has not got the whole body
}

// statusOf returns the HTTP status of a refusal, or 0.
func statusOf(err error) int {
	if refused, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		return refused.HTTPStatusCode()
	}
	return 0
}

// A content is the body of an object.
type content struct {
	most int64
	body io.ReadCloser
	data []byte
}

// SetPayloadStream implements smithy.StreamingOutput.
func (c *content) SetPayloadStream(body io.ReadCloser) { c.body = body }

// Deserialize implements smithy.Deserializable. It needs nothing from the header.
func (*content) Deserialize(smithy.ShapeDeserializer) error { return nil }

// read reads the body. Size is the announced one, or -1.
func (c *content) read(size int64) (err error) {
	defer func() { _ = c.body.Close() }()
	if size > c.most {
		return ErrTooLarge
	}
	if size >= 0 {
		c.data = make([]byte, size)
		_, err = io.ReadFull(c.body, c.data)
	} else {
		c.data, err = io.ReadAll(c.body)
	}
	if _, long := errors.AsType[*http.MaxBytesError](err); long || int64(len(c.data)) > c.most {
		return ErrTooLarge
	}
	return err //nolint:wrapcheck // attempt's caller says what was being done
}

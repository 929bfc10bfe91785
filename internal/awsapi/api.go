package awsapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"

	"meridian/internal/awsapi/model"

	"github.com/aws/smithy-go"
)

// defaultMaxPages is more pages than most answers have.
const defaultMaxPages = 100

// An API calls operations by their models. It may be used from several goroutines.
type API struct {
	// Client sends the requests. Required.
	Client *Client

	// Endpoints say where services answer. Zero means the plain endpoints.
	Endpoints Endpoints

	// MaxPages limits the pages of an answer. Zero means 100.
	MaxPages int

	// MaxBytes limits the bodies of all pages of an answer together. The pages up to it
	// are the answer; a first page that is longer fails with an http.MaxBytesError. Zero
	// means 16 MiB.
	MaxBytes int64

	// Hold is called before an answer is read beyond its first 64 KiB, and again before it
	// is read beyond the room that Hold returned last. It waits until there is memory for
	// more, and returns for how many bytes of the answer, counted from its start. Its error
	// ends the call. Nil means that there is always memory.
	Hold func(ctx context.Context) (room int64, err error)
}

// shortAnswer is how much of an answer is read before [API.Hold] is called. Most answers
// are shorter, and the 64 calls that a worker makes at once take 4 MiB.
const shortAnswer = 64 << 10

// An Answer is what an operation answered.
type Answer struct {
	// Value is the output, with all pages merged as the AWS CLI does it: the results'
	// items of all pages, and the members that are the same in every page.
	Value map[string]any

	// Pages is the number of pages that were read.
	Pages int

	// More says that there are more pages than MaxPages or MaxBytes allows, or than the one
	// page that the input asks for. TooLong says that MaxBytes was the limit.
	More, TooLong bool
}

// Call calls an operation for a Region and reads its pages. An input that sets a token
// or the limit of a page asks for that one page.
//
// An input with faults is a protocol.InvalidRequestError, and an operation that Meridian
// does not call a [RefusedError]; nothing was sent then. The other errors are those of
// [Client.Do] and [Endpoints.Place].
func (a *API) Call(ctx context.Context, op *model.Operation, region string, input map[string]any) (Answer, error) {
	if refused := op.Refused(); refused != "" {
		return Answer{}, RefusedError{Operation: op.Service + ":" + op.Name, Reason: refused}
	}
	if err := op.Check(input).Err(); err != nil {
		return Answer{}, err //nolint:wrapcheck // it has the paths of the faults
	}
	place, err := a.Endpoints.Place(ctx, op, region, input)
	if err != nil {
		return Answer{}, err
	}
	call := pagedCall{api: a, operation: operation(op), op: op, place: place, room: shortAnswer}
	if !op.Pages.Follows(input) {
		page, err := call.page(ctx, input)
		return Answer{Value: page, Pages: 1, More: op.Pages.HasNext(page)}, err
	}
	return call.all(ctx, input)
}

// operation returns the operation in the form that Client takes.
func operation(op *model.Operation) *Operation {
	return &Operation{Schema: op.Schema(), Protocol: op.Protocol(), Errors: op.Errors(), SigningName: op.SigningName, S3: op.S3}
}

// A pagedCall is one call of an operation, page by page.
type pagedCall struct {
	api       *API
	op        *model.Operation
	operation *Operation
	place     Place
	read      int64 // bytes, of all pages
	room      int64 // for how many of them there is memory
}

// page reads one page.
func (c *pagedCall) page(ctx context.Context, input map[string]any) (map[string]any, error) {
	request, err := Serialize(ctx, c.operation, c.place, c.op.Input(input))
	if err != nil {
		return nil, err
	}
	most := cmp.Or(c.api.MaxBytes, DefaultMaxBytes)
	out := c.op.Output()
	reading := func(n int) (err error) {
		if c.read += int64(n); c.read > c.room && c.api.Hold != nil {
			c.room, err = c.api.Hold(ctx)
		}
		return err
	}
	_, err = c.api.Client.Do(ctx, Call{Request: request, Output: out, MaxBytes: max(1, most-c.read), Reading: reading}) //nolint:bodyclose // Do closes it
	if err != nil {
		return nil, err
	}
	page, _ := out.Any().(map[string]any)
	return page, nil
}

// all reads all pages.
func (c *pagedCall) all(ctx context.Context, input map[string]any) (Answer, error) {
	most := cmp.Or(c.api.MaxPages, defaultMaxPages)
	merged := c.op.Pages.Merger()
	for n := 1; ; n++ {
		page, err := c.page(ctx, input)
		if _, long := errors.AsType[*http.MaxBytesError](err); long && n > 1 {
			return Answer{Value: merged.Value(), Pages: n - 1, More: true, TooLong: true}, nil
		}
		if err != nil {
			return Answer{}, err
		}
		tokens, err := merged.Add(page)
		if err != nil {
			return Answer{}, &smithy.DeserializationError{Err: fmt.Errorf("page %d: %w", n, err)}
		}
		if tokens == nil || n == most {
			return Answer{Value: merged.Value(), Pages: n, More: tokens != nil}, nil
		}
		input = maps.Clone(input)
		if input == nil {
			input = map[string]any{}
		}
		maps.Copy(input, tokens)
	}
}

// A RefusedError says that Meridian does not call an operation. Nothing was sent.
type RefusedError struct {
	// Operation is its name, as in "sdb:Select".
	Operation string

	// Reason is why.
	Reason string
}

// Error names the operation and the reason.
func (e RefusedError) Error() string { return e.Operation + " cannot be called: " + e.Reason }

package mcp

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"meridian/pkg/protocol"
)

// A timeoutError is the cause of the end of a call's context.
type timeoutError struct{ after time.Duration }

// Error says how long the call was given.
func (e *timeoutError) Error() string { return fmt.Sprintf("the call did not end within %v", e.after) }

// Unwrap returns context.DeadlineExceeded.
func (*timeoutError) Unwrap() error { return context.DeadlineExceeded }

// An output is the structured content of an answer.
type output interface {
	// text says the same in a few lines.
	text() string
}

// A handler carries out one call. Its arguments were read strictly.
type handler[In any, Out output] func(ctx context.Context, r *sdk.CallToolRequest, in In) (Out, error)

// add adds a tool with the schemas of its arguments, unless it has one, and of its answer.
func add[In any, Out output](s *server, to *sdk.Server, t sdk.Tool, handle handler[In, Out]) {
	t.OutputSchema = schemaOf[Out]()
	if t.InputSchema == nil {
		t.InputSchema = schemaOf[In]()
	}
	to.AddTool(&t, func(ctx context.Context, r *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
		ctx, done := s.begin(ctx, s.Timeout+reserve)
		defer done()
		answer, err := call(ctx, s, r, handle)
		if err != nil { // the agent reads the text of a tool's error, and can correct its arguments
			answer = &sdk.CallToolResult{}
			answer.SetError(err)
		}
		return answer, nil
	})
}

// begin returns the context of a call, which ends after a limit, or when the server has to end. It has no
// deadline: a run takes that for the deadline of a function, and keeps a reserve of it.
func (s *server) begin(ctx context.Context, limit time.Duration) (_ context.Context, done func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(limit, func() { cancel(&timeoutError{limit}) })
	stop := context.AfterFunc(s.ended, func() { cancel(context.Cause(s.ended)) })
	return ctx, func() {
		stop()
		timer.Stop()
		cancel(nil)
	}
}

// call reads the arguments of a call and carries it out. A panic is the error of the call.
func call[In any, Out output](ctx context.Context, s *server, r *sdk.CallToolRequest, handle handler[In, Out]) (answer *sdk.CallToolResult, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			s.Log.ErrorContext(ctx, "a tool panicked", "tool", r.Params.Name, "panic", panicked, "stack", string(debug.Stack()))
			answer, err = nil, fmt.Errorf("%s failed inside: %v; this is a bug of the server", r.Params.Name, panicked)
		}
	}()
	arguments := []byte(r.Params.Arguments)
	if len(arguments) == 0 {
		arguments = []byte("{}")
	}
	if len(arguments) > protocol.MaxRequestBytes {
		return nil, fmt.Errorf("arguments: %d bytes are too many; at most %d", len(arguments), protocol.MaxRequestBytes)
	}
	var in In
	if err := protocol.DecodeStrict(arguments, &in).Err(); err != nil {
		return nil, err
	}
	out, err := handle(ctx, r, in)
	if err != nil {
		return nil, err
	}
	content, err := protocol.Marshal(out) // json.Marshal escapes < and & for HTML: that makes text six times as long
	if err != nil {
		return nil, fmt.Errorf("encode the answer of %s: %w", r.Params.Name, err)
	}
	// Clients that do not read structured content get the same as text.
	// Source: https://modelcontextprotocol.io/specification/2025-11-25/server/tools#structured-content
	return &sdk.CallToolResult{
		Content:           []sdk.Content{&sdk.TextContent{Text: out.text()}, &sdk.TextContent{Text: string(content)}},
		StructuredContent: json.RawMessage(content),
	}, nil
}

// enter waits for a slot, and returns what frees it. The error is the cause of the end of ctx.
func enter(ctx context.Context, slots chan struct{}) (leave func(), err error) {
	if ctx.Err() == nil { // else select might choose the slot
		select {
		case slots <- struct{}{}:
			return func() { <-slots }, nil
		case <-ctx.Done():
		}
	}
	return nil, context.Cause(ctx) //nolint:wrapcheck // it says what ended
}

// read has the backend plan, list or compare runs, when no other call does. An error after the end of
// ctx is the cause of that end.
func read[T any](ctx context.Context, s *server, do func() (T, error)) (value T, err error) {
	leave, err := enter(ctx, s.reading)
	if err != nil {
		return value, err
	}
	defer leave()
	value, err = do()
	if err != nil && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return value, err
}

// reads are the annotations of a tool that changes nothing, and knows only what the program and its
// kept runs have.
func reads(title string) *sdk.ToolAnnotations {
	return &sdk.ToolAnnotations{Title: title, ReadOnlyHint: true, IdempotentHint: true, DestructiveHint: new(false), OpenWorldHint: new(false)}
}

// acts are the annotations of a tool that asks AWS, and changes something if the server may.
func (s *server) acts(title string) *sdk.ToolAnnotations {
	return &sdk.ToolAnnotations{Title: title, ReadOnlyHint: !s.Writes, IdempotentHint: !s.Writes, DestructiveHint: &s.Writes, OpenWorldHint: new(true)}
}

// count returns a number with its noun.
func count(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}

// limited returns how many rows an answer may have, by the argument maxRows.
func (s *server) limited(maxRows int) (int, error) {
	if maxRows < 0 || maxRows > s.MaxRows {
		return 0, protocol.Faults{protocol.OutOfRangeFault("maxRows", float64(maxRows), 1, float64(s.MaxRows))}.Err()
	}
	return cmp.Or(maxRows, s.MaxRows), nil
}

package invoke

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"meridian/internal/wire"
	"meridian/pkg/protocol"
)

const (
	// answersShare is the part of the memory for the answers that are read and held at
	// once: one in answersShare. What their callers make of them takes about as much again.
	// Another such part is for what has arrived and is not read yet, see wire.Config.
	answersShare = 8

	// defaultMemoryMB is what is assumed of a memory that is not known.
	defaultMemoryMB = 256

	// smallAnswer is how much of an answer is read without a wait: the outcome of a few
	// targets. 5,000 of them in flight take 20 MB.
	smallAnswer = 4 << 10
)

// An output is an InvokeOutput whose payload is read into one buffer of its size.
type output struct {
	lambda.InvokeOutput
	body   io.ReadCloser
	held   int64         // bytes of the Lambda's holding that it has
	waited time.Duration // for them
}

// SetPayloadStream implements smithy.StreamingOutput.
func (o *output) SetPayloadStream(body io.ReadCloser) { o.body = body }

// read reads the payload. Size is the announced one, or -1.
func (l *Lambda) read(ctx context.Context, out *output, size int64) error {
	defer func() { _ = out.body.Close() }()
	var payload bytes.Buffer
	payload.Grow(int(min(max(size, 0), smallAnswer)) + bytes.MinRead) // with room for the last, empty Read
	_, err := payload.ReadFrom(io.LimitReader(out.body, smallAnswer))
	if err == nil && payload.Len() == smallAnswer { // its first bytes are here: others are not kept waiting for nothing
		if err = l.hold(ctx, out, size); err == nil {
			payload.Grow(int(min(max(size-smallAnswer, 0), protocol.MaxPayloadBytes)) + bytes.MinRead)
			_, err = payload.ReadFrom(out.body)
		}
	}
	out.Payload = payload.Bytes()
	if surplus := out.held - int64(payload.Len()); surplus > 0 { // it was not announced
		l.holding.Release(surplus)
		out.held -= surplus
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return answerTooLarge()
	}
	if err != nil {
		return &wire.LostError{Sent: true, Err: err}
	}
	return nil
}

// hold waits until an answer of size bytes may be read, or the longest one if that is -1.
// One alone always may.
func (l *Lambda) hold(ctx context.Context, out *output, size int64) error {
	if size < 0 || size > protocol.MaxPayloadBytes {
		size = protocol.MaxPayloadBytes
	}
	size = min(size, l.holdBytes)
	if !l.holding.TryAcquire(size) {
		begin := time.Now()
		if err := l.holding.Acquire(ctx, size); err != nil {
			return err //nolint:wrapcheck // the context's
		}
		out.waited = time.Since(begin)
	}
	out.held = size
	return nil
}

package main

import (
	"context"
	"errors"
	"io"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// drainTime is how long a client may take to read a message after the end of its session. Clients
// wait two seconds for the end of a server before they kill it.
const drainTime = time.Second

// errNotRead is the error of a message that the client did not read.
var errNotRead = errors.New("the client does not read standard output")

// agentPipe returns standard input and output as a transport. It keeps both open. The SDK waits for
// every message that it writes, so a client that has ended the session and does not read would keep
// the server running: drainTime after the end, messages are dropped.
func (c *cli) agentPipe(ctx context.Context) sdk.Transport {
	ctx, end := context.WithCancel(ctx)
	drained := make(chan struct{})
	context.AfterFunc(ctx, func() { time.AfterFunc(drainTime, func() { close(drained) }) })
	return &sdk.IOTransport{Reader: agentInput{c.stdin, end}, Writer: agentOutput{c.stdout, drained}}
}

// An agentInput is standard input. It calls end when it ends.
type agentInput struct {
	io.Reader
	end func()
}

// Read implements io.Reader.
func (r agentInput) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if err != nil {
		r.end()
	}
	return n, err //nolint:wrapcheck // io.EOF has a meaning
}

// Close does nothing.
func (agentInput) Close() error { return nil }

// An agentOutput is standard output.
type agentOutput struct {
	io.Writer
	drained <-chan struct{} // closed when the client had time to read the last messages
}

// Write writes a message, which must not be changed afterwards.
func (w agentOutput) Write(message []byte) (int, error) {
	written := make(chan error, 1)
	go func() {
		_, err := w.Writer.Write(message)
		written <- err
	}()
	select {
	case err := <-written:
		return len(message), err
	case <-w.drained:
		return 0, errNotRead
	}
}

// Close does nothing.
func (agentOutput) Close() error { return nil }

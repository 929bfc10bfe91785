package main

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// An unread writer blocks until it is closed.
type unread chan struct{}

func (u unread) Write([]byte) (int, error) {
	<-u
	return 0, io.ErrClosedPipe
}

func TestAMessageThatIsNotReadIsDroppedASecondAfterTheEndOfTheSession(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		in, client := io.Pipe()
		out := make(unread)
		defer close(out)
		pipe, _ := (&cli{stdin: in, stdout: out}).agentPipe(t.Context()).(*sdk.IOTransport)
		go func() { _, _ = io.Copy(io.Discard, pipe.Reader) }()
		dropped := make(chan error, 2)
		for range 2 {
			go func() {
				_, err := pipe.Writer.Write([]byte("{}\n"))
				dropped <- err
			}()
		}
		time.Sleep(time.Hour)
		if len(dropped) > 0 {
			t.Error("a message was dropped while the session lasts")
		}
		begin := time.Now()
		_ = client.Close()
		for range 2 {
			if err := <-dropped; !errors.Is(err, errNotRead) {
				t.Errorf("Write() = %v, want %v", err, errNotRead)
			}
		}
		if took := time.Since(begin); took != drainTime {
			t.Errorf("the messages were dropped after %v, want %v", took, drainTime)
		}
	})
}

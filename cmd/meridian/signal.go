package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// A signalError is the cause of a context that a signal has ended.
type signalError struct{ signal os.Signal }

func (e *signalError) Error() string { return e.signal.String() + " signal received" }

// status returns the exit status of a command that a signal has ended, as a shell shows
// it: 130 for an interrupt.
func (e *signalError) status() int {
	number, _ := e.signal.(syscall.Signal)
	return 128 + int(number)
}

// echoTime is how long the same signal may come again without being a second one: timeout(1)
// sends it to the process and to its group.
const echoTime = 500 * time.Millisecond

// untilSignal returns a context that ends with the first signal to stop: an interrupt,
// SIGTERM, or the SIGHUP of a terminal that closes. A second signal ends the process, if
// it comes later than echoTime.
// SIGHUP stays ignored if it is ignored when the process starts, as under nohup.
func untilSignal(ctx context.Context) (_ context.Context, stop func()) {
	ctx, end := context.WithCancelCause(ctx)
	received := make(chan os.Signal, 1)
	signal.Notify(received, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) {
		signal.Notify(received, syscall.SIGHUP)
	}
	go func() {
		select {
		case s := <-received:
			time.AfterFunc(echoTime, func() { signal.Stop(received) })
			end(&signalError{s})
		case <-ctx.Done():
		}
	}()
	return ctx, func() {
		signal.Stop(received)
		end(nil)
	}
}

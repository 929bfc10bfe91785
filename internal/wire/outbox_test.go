package wire_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"meridian/internal/wire"
)

// A slow is a connection that takes a piece whenever the test lets it.
type slow struct {
	let    chan error // what Write is to return
	pieces [][]byte
}

func (s *slow) Write(p []byte) (int, error) {
	s.pieces = append(s.pieces, bytes.Clone(p))
	return len(p), <-s.let
}

// newSlow returns an outbox over a slow connection, and what it has failed with.
func newSlow() (*wire.Outbox, *slow, *[]error) {
	s := &slow{let: make(chan error)}
	var failures []error
	return wire.NewOutbox(s, func(err error) { failures = append(failures, err) }), s, &failures
}

// put puts what the test knows to fit.
func put(t *testing.T, o *wire.Outbox, text string, begun uint32) {
	t.Helper()
	if err := o.Put([]byte(text), begun); err != nil {
		t.Errorf("Put(%.10q, %d) = %v, want no error", text, begun, err)
	}
}

// What is put while the connection is busy leaves in one piece, in order.
func TestFramesOfABurstLeaveTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, s, failures := newSlow()
		put(t, o, "first", 1)
		synctest.Wait()
		var want strings.Builder
		for i := range 1000 {
			text := string(rune('a' + i%26))
			put(t, o, text, uint32(2*i+3))
			want.WriteString(text)
		}
		s.let <- nil
		s.let <- nil
		synctest.Wait()
		if len(s.pieces) != 2 || string(s.pieces[0]) != "first" || string(s.pieces[1]) != want.String() {
			t.Errorf("a burst left as %.40q, want it in one piece after the first", s.pieces)
		}
		if len(*failures) > 0 {
			t.Errorf("failures = %v, want none", *failures)
		}
	})
}

// What fills a packet is written by whoever puts it; less waits for the others.
func TestAPacketsWorthLeavesAtOnce(t *testing.T) {
	t.Parallel()
	var written bytes.Buffer
	o := wire.NewOutbox(&written, func(err error) { t.Error(err) })
	put(t, o, strings.Repeat("x", wire.Packet), 1)
	if got := written.Len(); got != wire.Packet {
		t.Errorf("%d bytes were written when Put returned, want all %d", got, wire.Packet)
	}
}

func TestWhoeverPutsMoreThanTheSizeWaitsUntilTheConnectionTakesSome(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, s, _ := newSlow()
		put(t, o, "taken", 1)
		synctest.Wait()
		put(t, o, strings.Repeat("x", wire.OutboxSize), 3)
		done := false
		go func() {
			put(t, o, "more", 5)
			done = true
		}()
		synctest.Wait()
		if done {
			t.Error("Put returned although the outbox was full")
		}
		s.let <- nil
		synctest.Wait()
		if !done {
			t.Error("Put did not return when the connection had taken some")
		}
		s.let <- nil
		s.let <- nil
		synctest.Wait()
		if n := len(s.pieces); n != 3 {
			t.Errorf("%d pieces were written, want 3", n)
		}
	})
}

func TestAClosedOutboxWritesNothingMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, s, _ := newSlow()
		put(t, o, "taken", 1)
		synctest.Wait()
		put(t, o, strings.Repeat("x", wire.OutboxSize), 5)
		var err error
		go func() { err = o.Put([]byte("more"), 7) }()
		synctest.Wait()
		for _, stream := range []uint32{1, 3, 5} {
			if !o.MayHave(stream) {
				t.Errorf("MayHave(%d) = false before the end, want true: it is yet to be written", stream)
			}
		}
		o.Close()
		synctest.Wait()
		if !errors.Is(err, net.ErrClosed) {
			t.Errorf("Put = %v in an outbox that was closed, want net.ErrClosed", err)
		}
		s.let <- nil
		synctest.Wait()
		if n := len(s.pieces); n != 1 {
			t.Errorf("%d pieces were written, want the one of before", n)
		}
		for stream, want := range map[uint32]bool{1: true, 3: false, 5: false} {
			if got := o.MayHave(stream); got != want {
				t.Errorf("MayHave(%d) = %v after the end, want %v", stream, got, want)
			}
		}
	})
}

func TestAnOutboxSaysThatItsConnectionHasFailed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		broken := errors.New("broken")
		s := &slow{let: make(chan error)}
		var o *wire.Outbox
		var failure error
		o = wire.NewOutbox(s, func(err error) {
			failure = err
			o.Close()
		})
		put(t, o, "first", 1)
		synctest.Wait()
		put(t, o, "second", 3)
		s.let <- broken
		synctest.Wait()
		if !errors.Is(failure, broken) {
			t.Errorf("failure = %v, want %v", failure, broken)
		}
		if len(s.pieces) != 1 || !o.MayHave(1) || o.MayHave(3) {
			t.Errorf("%d pieces were written, MayHave(1, 3) = %v, %v; want 1, true, false", len(s.pieces), o.MayHave(1), o.MayHave(3))
		}
	})
}

// A stuck is a connection that takes nothing for a while.
type stuck struct {
	net.Conn
	since chan struct{} // closed when it takes no more
	ended chan struct{}
}

func (s *stuck) Write(p []byte) (int, error) {
	select {
	case <-s.since:
		<-s.ended
		return 0, net.ErrClosed
	default:
		return s.Conn.Write(p)
	}
}

func (s *stuck) Close() error {
	close(s.ended)
	return s.Conn.Close()
}

// A call that still waited to be written when its connection ended moves to
// another; what was being written may have arrived.
func TestACallThatWaitedToBeWrittenMovesToAnotherConnection(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := newFake(t, 100)
		cfg := f.config(t)
		since := make(chan struct{})
		cfg.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			nc, err := f.dial(ctx, network, address)
			if len(f.all()) > 1 {
				return nc, err
			}
			return &stuck{Conn: nc, since: since, ended: make(chan struct{})}, err
		}
		p := wire.New(cfg)
		defer p.Close()
		if err := call(t, p); err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // whatever else there is to write has been
		close(since)
		errs := make([]error, 2)
		for i := range errs {
			go func() { errs[i] = call(t, p) }()
			synctest.Wait() // the first is being written, the second waits
		}
		_ = f.all()[0].Close()
		synctest.Wait()
		lost, ok := errors.AsType[*wire.LostError](errs[0])
		if !ok || !lost.Sent {
			t.Errorf("the call that was being written: %v, want a LostError, Sent", errs[0])
		}
		if errs[1] != nil {
			t.Errorf("the call that waited: %v, want success", errs[1])
		}
		if n := len(f.all()); n != 2 {
			t.Errorf("%d connections, want 2", n)
		}
	})
}

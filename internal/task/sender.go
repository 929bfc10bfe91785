package task

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"meridian/internal/wire"
)

// deadFor is how long a dead host is not dialled again: longer than most runs, and short
// enough for a warm worker, which may live for hours, to notice that a Region is back.
const deadFor = time.Minute

// A sender sends requests over a pool, and none to dead hosts.
type sender struct {
	pool *wire.Pool
	dead sync.Map // the error and its time, by host
}

// A deadHost says why and since when a host is not dialled.
type deadHost struct {
	at  time.Time
	err error
}

// Send implements [awsapi.Sender].
func (s *sender) Send(ctx context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	host := r.URL.Host
	if found, ok := s.dead.Load(host); ok {
		if d, _ := found.(deadHost); time.Since(d.at) < deadFor {
			return nil, &deadHostError{d.err}
		}
	}
	response, err := s.pool.Send(ctx, r, ready)
	if refused, ok := errors.AsType[*wire.ConnectError](err); ok && refused.Timeout() {
		s.markDead(host, err)
		return nil, &deadHostError{err}
	}
	return response, err //nolint:wrapcheck // the pool's errors are part of the contract
}

// markDead keeps a host from being dialled, and forgets the hosts that may be dialled again:
// a host's name can have a label of the input, so the number of hosts has no bound.
func (s *sender) markDead(host string, err error) {
	now := time.Now()
	s.dead.Range(func(other, found any) bool {
		if d, _ := found.(deadHost); now.Sub(d.at) >= deadFor {
			s.dead.Delete(other)
		}
		return true
	})
	s.dead.Store(host, deadHost{now, err})
}

// A deadHostError is a call to a host that accepts no connection. It is not tried again.
type deadHostError struct{ err error }

// Error says what was dialled, and how long.
func (e *deadHostError) Error() string { return e.err.Error() }

// Unwrap returns the pool's error.
func (e *deadHostError) Unwrap() error { return e.err }

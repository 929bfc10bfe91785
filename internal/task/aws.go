package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"meridian/internal/awsapi"
	"meridian/internal/wire"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"golang.org/x/sync/semaphore"
)

// An AWS calls AWS for a process: it has the credentials, the endpoints, and one pool of
// connections. Make one with [NewAWS]. It may be used from several goroutines.
//
// A host that accepts no connection within [wire.ConnectTimeout] is not dialled again for
// a minute: calls to it fail at once. So a dead Region costs three seconds once, and not
// in each run of that minute.
type AWS struct {
	load    func(context.Context) (aws.Config, error)
	rooms   rooms
	queries *semaphore.Weighted                                                  // one long query
	query   int                                                                  // bytes that a query may take
	dial    func(ctx context.Context, network, address string) (net.Conn, error) // nil means the network

	loaded lookup[*awsapi.API] // has one key
	sender *sender             // nil before the first call, as are the credentials

	credentials aws.CredentialsProvider
}

// NewAWS returns an AWS with the configuration that load returns. It takes from it the
// credentials, the endpoints, the certificates and the proxy. load is called for the first
// call, and again a second after an error.
//
// Long answers wait for each other, as [rooms] says. A query may take a quarter of the
// memory. A memory of 0 MB means that the process is no Lambda function, and counts as 4 GB.
func NewAWS(memoryMB int, load func(context.Context) (aws.Config, error)) *AWS {
	memory := cmp.Or(memoryMB, defaultMemoryMB) << 20
	return &AWS{load: load, rooms: newRooms(int64(memory)), queries: semaphore.NewWeighted(1), query: memory / 4}
}

// defaultMemoryMB counts for a process that is no Lambda function.
const defaultMemoryMB = 4096

// budget returns the budget of a query. Call end when the result is encoded.
func (a *AWS) budget(ctx context.Context) (b *budget, end func()) {
	b = &budget{most: a.query}
	held := false
	b.turn = func() error {
		held = a.queries.Acquire(ctx, 1) == nil
		if !held {
			return context.Cause(ctx) //nolint:wrapcheck // it says what ended
		}
		return nil
	}
	return b, func() {
		if held {
			a.queries.Release(1)
		}
	}
}

// api returns what calls AWS. The error is a [CallError].
func (a *AWS) api(ctx context.Context) (*awsapi.API, error) {
	if a == nil || a.load == nil {
		return nil, &CallError{Name: ErrorCallConfiguration, Err: errors.New("this process has no way to AWS")}
	}
	return a.loaded.get(ctx, "", 0, nil, a.newAPI)
}

// newAPI loads the configuration.
func (a *AWS) newAPI(ctx context.Context) (*awsapi.API, error) {
	cfg, err := a.load(ctx)
	var at awsapi.Endpoints
	if err == nil {
		at, err = awsapi.EndpointsOf(ctx, cfg)
	}
	if err != nil {
		return nil, &CallError{Name: ErrorCallConfiguration, Err: fmt.Errorf("AWS configuration: %w", err)}
	}
	base, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		base = awshttp.NewBuildableClient()
	}
	t := base.GetTransport()
	a.credentials = cfg.Credentials
	a.sender = &sender{pool: wire.New(wire.Config{Dial: a.dial, TLS: t.TLSClientConfig, Proxy: t.Proxy})}
	return &awsapi.API{Client: awsapi.New(a.sender, cfg.Credentials), Endpoints: at}, nil
}

// deadFor is how long a dead host is not dialled again: longer than most runs, and short
// enough for a warm worker, which may live for hours, to notice that a Region is back.
const deadFor = time.Minute

// A sender sends requests over a pool, and none to dead hosts.
type sender struct {
	pool *wire.Pool
	dead sync.Map // the error and its time, by host
}

// A death says why and since when a host is not dialled.
type death struct {
	at  time.Time
	err error
}

// Send implements [awsapi.Sender].
func (s *sender) Send(r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	host := r.URL.Host
	if found, ok := s.dead.Load(host); ok {
		if d, _ := found.(death); time.Since(d.at) < deadFor {
			return nil, &deadHostError{d.err}
		}
	}
	response, err := s.pool.Send(r, ready)
	if refused, ok := errors.AsType[*wire.ConnectError](err); ok && refused.Timeout() {
		s.bury(host, err)
		return nil, &deadHostError{err}
	}
	return response, err //nolint:wrapcheck // the pool's errors are part of the contract
}

// bury keeps a host from being dialled, and drops those that may be dialled again: a host
// can have a label of the input in its name, so there is no end of them.
func (s *sender) bury(host string, err error) {
	now := time.Now()
	s.dead.Range(func(other, found any) bool {
		if d, _ := found.(death); now.Sub(d.at) >= deadFor {
			s.dead.Delete(other)
		}
		return true
	})
	s.dead.Store(host, death{now, err})
}

// A deadHostError is a call to a host that accepts no connection. It is not tried again.
type deadHostError struct{ err error }

// Error says what was dialled, and how long.
func (e *deadHostError) Error() string { return e.err.Error() }

// Unwrap returns the pool's error.
func (e *deadHostError) Unwrap() error { return e.err }

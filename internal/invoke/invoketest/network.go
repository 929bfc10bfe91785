package invoketest

import (
	"cmp"
	"context"
	"net"
	"sync"

	"meridian/internal/wire/wiretest"
)

// A network is where a Server listens.
type network interface {
	listen(region string) net.Listener
	dial(ctx context.Context, address string) (net.Conn, error)
}

// loopback is the machine's loopback interface.
type loopback struct{}

func (loopback) listen(string) net.Listener {
	l, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0") //nolint:forbidigo // nothing is looked up
	if err != nil {
		panic("invoketest: " + err.Error())
	}
	return l
}

func (loopback) dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// memory is a network of pipes. Its addresses are names.
type memory struct{ listeners sync.Map }

func (m *memory) listen(region string) net.Listener {
	l := wiretest.Listen(cmp.Or(region, "lambda") + ".test:80")
	m.listeners.Store(l.Addr().String(), l)
	return l
}

func (m *memory) dial(ctx context.Context, address string) (net.Conn, error) {
	l, ok := m.listeners.Load(address)
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: address, IsNotFound: true}
	}
	return l.(*wiretest.Listener).Dial(ctx, "", "") //nolint:forcetypeassert,wrapcheck // listen stored it; as a dialer does
}

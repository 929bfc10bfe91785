package invoke

import (
	"context"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"meridian/pkg/protocol"
)

// FunctionError is functionError.
func FunctionError(kind string, payload []byte) error { return functionError(kind, payload) }

// Remotes returns for how many Regions l knows the way.
func (l *Lambda) Remotes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.remotes)
}

// MetricsIn is metricsIn.
func MetricsIn(tail, id string) *protocol.Metrics { return metricsIn(tail, id) }

// A Remote is a remote.
type Remote struct{ remote }

// NewRemote returns the function in a Region at an endpoint.
func NewRemote(ctx context.Context, endpoint, region, function string) (*Remote, error) {
	m, err := newRemote(ctx, aws.Config{BaseEndpoint: &endpoint}, region, function)
	if err != nil {
		return nil, err
	}
	return &Remote{*m}, nil
}

// Request is request.
func (m *Remote) Request(ctx context.Context, payload []byte) *http.Request {
	return m.request(ctx, payload)
}

// Sign signs a request of payload.
func (m *Remote) Sign(r *http.Request, payload []byte, credentials aws.Credentials, now time.Time) {
	m.sigV4.sign(r, payload, credentials, now)
}

package invoke

import "meridian/pkg/protocol"

// FunctionError is functionError.
func FunctionError(kind string, payload []byte) error { return functionError(kind, payload) }

// Requests returns for how many Regions l has a request.
func (l *Lambda) Requests() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.requests)
}

// MetricsIn is metricsIn.
func MetricsIn(tail, id string) *protocol.Metrics { return metricsIn(tail, id) }

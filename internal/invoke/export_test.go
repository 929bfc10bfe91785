package invoke

import "meridian/pkg/protocol"

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

package invoke

import "meridian/pkg/protocol"

// FunctionError is functionError.
func FunctionError(kind string, payload []byte) error { return functionError(kind, payload) }

// MetricsIn is metricsIn.
func MetricsIn(tail, id string) *protocol.Metrics { return metricsIn(tail, id) }

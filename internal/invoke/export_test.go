package invoke

import "meridian/pkg/protocol"

// FunctionError is functionError.
func FunctionError(kind string, payload []byte) error { return functionError(kind, payload) }

// MetricsIn is metricsIn.
func MetricsIn(tail, id string) *protocol.Metrics { return metricsIn(tail, id) }

// A Row is a row of the table.
type Row struct {
	Code, Name string
	Status     int
	MayHaveRun bool
	Retried    string // "", "briefly", "untilReady", "atOnce" or "tooFast"
	Hint       protocol.Hint
	Source     string
}

// Rows returns the table.
func Rows() []Row {
	rows := make([]Row, len(table))
	for i, r := range table {
		retried := []string{"", "briefly", "untilReady", "atOnce", "tooFast"}[r.retry]
		rows[i] = Row{r.code, r.name(), r.status, bool(r.ran), retried, r.hint, r.source}
	}
	return rows
}

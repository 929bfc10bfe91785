package invoke

// ConnectTimeout is connectTimeout.
const ConnectTimeout = connectTimeout

// FunctionError is functionError.
func FunctionError(kind string, payload []byte) error { return functionError(kind, payload) }

// Clients returns how many clients l has made.
func (l *Lambda) Clients() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.clients)
}

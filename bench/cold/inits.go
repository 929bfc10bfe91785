package cold

import (
	"bytes"
	"fmt"
	"time"
)

// An inits is what a process prints. It reads the lines of GODEBUG=inittrace=1, which
// say what each package's init took.
type inits struct {
	first, last time.Time    // when the first and the last such line came
	ms          float64      // the sum
	output      bytes.Buffer // everything, for errors
	line        []byte       // the part of a line that has come
}

// Write takes some of the output.
func (i *inits) Write(p []byte) (int, error) {
	now := time.Now()
	_, _ = i.output.Write(p)
	i.line = append(i.line, p...)
	for {
		line, rest, found := bytes.Cut(i.line, []byte("\n"))
		if !found {
			return len(p), nil
		}
		i.line = rest
		var name string
		var at, clock float64
		if _, err := fmt.Sscanf(string(line), "init %s @%f ms, %f ms clock", &name, &at, &clock); err != nil {
			continue
		}
		if i.first.IsZero() {
			i.first = now
		}
		i.last = now
		i.ms += clock
	}
}

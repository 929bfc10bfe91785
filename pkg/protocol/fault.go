package protocol

import (
	"fmt"
	"strings"
)

// A Fault is one thing wrong with a request.
type Fault struct {
	// Path is where it is, as in "retry[0].backoffRate". Empty means the whole
	// document.
	Path string `json:"path"`

	// Value is what stands there, as compact JSON cut to a line's length. Empty
	// means that nothing does.
	Value string `json:"value,omitzero"`

	// Detail says what is wrong with it and what is allowed.
	Detail string `json:"detail"`
}

// String returns the fault on one line: path, value and detail.
func (f Fault) String() string {
	var parts []string
	for _, part := range []string{f.Path, f.Value, f.Detail} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, ": ")
}

// Faults are all the things wrong with a request.
type Faults []Fault //nolint:recvcheck // a slice: only add grows it, all else reads

// Err returns f as an [InvalidRequestError], or nil when there are no faults.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &InvalidRequestError{Faults: f}
}

// Within returns the faults with their paths below path, for a part of a
// message that was read on its own.
func (f Faults) Within(path string) Faults {
	within := make(Faults, len(f))
	for i, fault := range f {
		switch {
		case fault.Path == "":
			fault.Path = path
		case strings.HasPrefix(fault.Path, "["):
			fault.Path = path + fault.Path
		default:
			fault.Path = path + "." + fault.Path
		}
		within[i] = fault
	}
	return within
}

// add appends a fault. The value is shown as JSON.
func (f *Faults) add(path string, value any, format string, args ...any) {
	*f = append(*f, Fault{Path: path, Value: shown(value), Detail: fmt.Sprintf(format, args...)})
}

// An InvalidRequestError refuses a request. Its name is ErrorInvalidRequest.
type InvalidRequestError struct {
	// Faults has at least one entry.
	Faults Faults
}

// Error returns the faults, a line each.
func (e *InvalidRequestError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, fault := range e.Faults {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// ErrorName returns ErrorInvalidRequest.
func (*InvalidRequestError) ErrorName() string { return ErrorInvalidRequest }

// OutOfRange returns the fault of a number at path that is not within least and
// most.
func OutOfRange(path string, value, least, most float64) Fault {
	return Fault{
		Path: path, Value: shown(number(value)),
		Detail: fmt.Sprintf("out of range; want %v to %v", least, most),
	}
}

// NewFault returns the fault of a value at path, shown as JSON.
func NewFault(path string, value any, detail string) Fault {
	return Fault{Path: path, Value: shown(value), Detail: detail}
}

package protocol

import (
	"fmt"
	"slices"
	"strings"
)

// A Fault is one thing wrong with a request.
type Fault struct {
	// Path is its place in the JSON document, as in "retry[0].backoffRate". A field
	// name that is not a word is quoted, as in `retry[0]["back off"]`. Empty means
	// the whole document.
	Path string `json:"path"`

	// Value is the value at Path, as compact JSON cut to the length of a line. Empty
	// means that there is none.
	Value string `json:"value,omitzero"`

	// Detail says what is wrong with the value and what is allowed.
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

// Faults are all the things wrong with a request. Faults of form come first, in the
// order of the document. Faults of values follow, in the order of the message's fields.
// A value that could not be read is one fault and is not validated as well. After 100
// faults, a last one says that there are more.
type Faults []Fault //nolint:recvcheck // a slice: only add and append change it

// maxFaults is how many faults are reported. A request of 1 MiB can have half a
// million, more than a Lambda response can hold.
const maxFaults = 100

// Err returns f as an [InvalidRequestError], or nil when there are no faults.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &InvalidRequestError{Faults: f}
}

// Within returns the faults with path put before their paths. It is for a part of a
// message that was decoded separately.
func (f Faults) Within(path string) Faults {
	if len(f) == 0 {
		return nil
	}
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

// WithoutValues returns the faults with their paths and details only, for a log: a value
// that was refused may be a secret.
func (f Faults) WithoutValues() Faults {
	without := slices.Clone(f)
	for i := range without {
		without[i].Value = ""
	}
	return without
}

// add appends a fault. The value is shown as JSON.
func (f *Faults) add(path string, value any, format string, args ...any) {
	if len(*f) > maxFaults {
		return // do not format texts that are not reported
	}
	f.append(Fault{Path: path, Value: shown(value), Detail: fmt.Sprintf(format, args...)})
}

func (f *Faults) append(fault Fault) {
	if len(*f) == maxFaults {
		fault = Fault{Detail: fmt.Sprintf("there are more faults; these are the first %d", maxFaults)}
	}
	if len(*f) <= maxFaults {
		*f = append(*f, fault)
	}
}

// And returns f followed by those faults of more that are not at or below the path of
// a fault in f: a value that could not be read has its fault already. After 100 faults,
// a last one says that there are more.
func (f Faults) And(more Faults) Faults {
	all := slices.Clip(f)
	for _, fault := range more {
		if !f.cover(fault.Path) {
			all.append(fault)
		}
	}
	return all
}

// cover reports whether f has a fault at path or at a value that contains path.
func (f Faults) cover(path string) bool {
	for _, fault := range f {
		rest, below := strings.CutPrefix(path, fault.Path)
		if below && (fault.Path == "" || rest == "" || rest[0] == '.' || rest[0] == '[') {
			return true
		}
	}
	return false
}

// An InvalidRequestError refuses a request. Its name is ErrorInvalidRequest.
type InvalidRequestError struct {
	// Faults has at least one entry.
	Faults Faults
}

// Error returns the faults, one per line.
func (e *InvalidRequestError) Error() string {
	lines := make([]string, len(e.Faults))
	for i, fault := range e.Faults {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// ErrorName returns ErrorInvalidRequest.
func (*InvalidRequestError) ErrorName() string { return ErrorInvalidRequest }

// OutOfRangeFault returns the fault of a number at path that is not between least and
// most.
func OutOfRangeFault(path string, value, least, most float64) Fault {
	return NewFault(path, number(value), fmt.Sprintf("out of range; want %v to %v", least, most))
}

// NewFault returns the fault of a value at path, shown as JSON.
func NewFault(path string, value any, detail string) Fault {
	return Fault{Path: path, Value: shown(value), Detail: detail}
}

package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// A writer encodes an answer one target at a time, to save memory: for an answer of
// 6 MB it allocates 6 MB, and json.Marshal 37.
type writer struct {
	bytes.Buffer
	json *json.Encoder
}

// encode returns an answer as JSON. size is its expected length.
func encode(v answer, size int) ([]byte, error) {
	var w writer
	w.Grow(size)
	w.json = json.NewEncoder(&w.Buffer)
	if err := v.write(&w); err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	return bytes.TrimSuffix(w.Bytes(), []byte("\n")), nil
}

func (r *Result) write(w *writer) error {
	head := *r
	head.Regions = []RegionOutcome{}
	return writeList(w, &head, r.Regions, (*RegionOutcome).write)
}

func (r *RegionOutcome) write(w *writer) error {
	head := *r
	head.Targets = []TargetOutcome{}
	return writeList(w, &head, r.Targets, (*TargetOutcome).write)
}

func (r *RegionResult) write(w *writer) error {
	head := *r
	head.Targets = []TargetOutcome{}
	return writeList(w, &head, r.Targets, (*TargetOutcome).write)
}

func (t *TargetOutcome) write(w *writer) error { return w.json.Encode(t) }

// writeList writes head with elements in its last field, which must be an empty list.
// Like json.Encoder it ends with a line break.
func writeList[T any](w *writer, head any, elements []T, write func(*T, *writer) error) error {
	if err := w.json.Encode(head); err != nil {
		return err
	}
	w.Truncate(w.Len() - len("]}\n"))
	for i := range elements {
		if i > 0 {
			w.Truncate(w.Len() - len("\n"))
			w.WriteByte(',')
		}
		if err := write(&elements[i], w); err != nil {
			return err
		}
	}
	if len(elements) > 0 {
		w.Truncate(w.Len() - len("\n"))
	}
	w.WriteString("]}\n")
	return nil
}

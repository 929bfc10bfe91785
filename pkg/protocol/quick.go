package protocol

import (
	"bytes"
	"encoding/json"
	"strconv"
)

// A quick reads JSON of a known shape as this package writes it: no white space,
// every field one that it knows, in any order. Each of its methods reads one
// thing and reports whether it was there; what is not is for encoding/json to
// read or to refuse, from the beginning. Reading answers is most of what an
// invocation costs a coordinator beside the network, and reflection most of that.
type quick struct {
	data  []byte
	at    int
	loose bool // whether value has passed over what encoding/json may write in another way
}

// regionResult reads a worker's answer.
func (q *quick) regionResult(r *RegionResult) bool {
	return q.object(func(name []byte) bool {
		switch string(name) {
		case "version":
			return q.integer(&r.Version)
		case "runId":
			return q.text(&r.RunID)
		case "region":
			return q.text(&r.Region)
		case "batch":
			return q.integer(&r.Batch)
		case "status":
			return q.status(&r.Status)
		case "error":
			return q.text(&r.Error)
		case "cause":
			return q.text(&r.Cause)
		case "elapsedMs":
			return q.number(&r.ElapsedMs)
		case "truncated":
			return q.truth(&r.Truncated)
		case "targets":
			return list(q, &r.Targets, q.target)
		}
		return false
	}) && q.at == len(q.data)
}

func (q *quick) target(t *TargetOutcome) bool {
	return q.object(func(name []byte) bool {
		switch string(name) {
		case "target":
			return q.text(&t.Target)
		case "status":
			return q.status(&t.Status)
		case "output":
			return q.raw(&t.Output)
		case "error":
			return q.text(&t.Error)
		case "cause":
			return q.text(&t.Cause)
		case "elapsedMs":
			return q.number(&t.ElapsedMs)
		case "attempts":
			return list(q, &t.Attempts, q.attempt)
		}
		return false
	})
}

// attempt reads an attempt at a target, which has not the fields of an
// invocation's.
func (q *quick) attempt(a *Attempt) bool {
	return q.object(func(name []byte) bool {
		switch string(name) {
		case "startMs":
			return q.number(&a.StartMs)
		case "elapsedMs":
			return q.number(&a.ElapsedMs)
		case "error":
			return q.text(&a.Error)
		case "cause":
			return q.text(&a.Cause)
		case "waitMs":
			return q.number(&a.WaitMs)
		case "abandoned":
			return q.truth(&a.Abandoned)
		}
		return false
	})
}

// object reads an object, whose values field reads.
func (q *quick) object(field func(name []byte) bool) bool {
	if !q.next('{') {
		return false
	}
	for first := true; !q.next('}'); first = false {
		if !first && !q.next(',') {
			return false
		}
		name, plain := q.quoted()
		if !plain || !q.next(':') || !field(name) {
			return false
		}
	}
	return true
}

// list reads an array. A field that is there twice is none that we write.
func list[T any](q *quick, to *[]T, element func(*T) bool) bool {
	if *to != nil || !q.next('[') {
		return false
	}
	*to = []T{}
	for first := true; !q.next(']'); first = false {
		if !first && !q.next(',') {
			return false
		}
		var zero T
		*to = append(*to, zero)
		if !element(&(*to)[len(*to)-1]) {
			return false
		}
	}
	return true
}

// next passes over one character, if it comes next.
func (q *quick) next(c byte) bool {
	if q.at >= len(q.data) || q.data[q.at] != c {
		return false
	}
	q.at++
	return true
}

// quoted reads a string, and reports whether what is between its quotes is the
// string as it stands.
func (q *quick) quoted() (between []byte, plain bool) {
	from := q.at
	if !q.string() {
		return nil, false
	}
	between = q.data[from+1 : q.at-1]
	return between, bytes.IndexByte(between, '\\') < 0
}

func (q *quick) text(to *string) bool {
	from := q.at
	between, plain := q.quoted()
	if plain {
		*to = string(between)
		return true
	}
	return q.at > from && json.Unmarshal(q.data[from:q.at], to) == nil
}

func (q *quick) status(to *Status) bool {
	between, plain := q.quoted()
	if !plain {
		return false
	}
	for _, s := range Statuses() {
		if string(s) == string(between) {
			*to = s // and nothing is allocated
			return true
		}
	}
	*to = Status(between)
	return true
}

func (q *quick) truth(to *bool) bool {
	for _, word := range [...]string{"false", "true"} {
		if bytes.HasPrefix(q.data[q.at:], []byte(word)) {
			q.at += len(word)
			*to = word == "true"
			return true
		}
	}
	return false
}

func (q *quick) integer(to *int) bool {
	from := q.at
	q.digits()
	n, err := strconv.Atoi(string(q.data[from:q.at]))
	*to = n
	return err == nil && (q.data[from] != '0' || q.at == from+1)
}

// number reads a number that is written without an exponent.
func (q *quick) number(to *float64) bool {
	from := q.at
	q.next('-')
	whole := q.at
	if q.digits(); q.at == whole || q.data[whole] == '0' && q.at > whole+1 {
		return false
	}
	if q.next('.') {
		if fraction := q.at; !q.digits() || q.at == fraction {
			return false
		}
	}
	n, err := strconv.ParseFloat(string(q.data[from:q.at]), 64)
	*to = n
	return err == nil && (q.at == len(q.data) || q.data[q.at] != 'e' && q.data[q.at] != 'E')
}

// digits passes over digits, and reports whether there were any.
func (q *quick) digits() bool {
	from := q.at
	for q.at < len(q.data) && '0' <= q.data[q.at] && q.data[q.at] <= '9' {
		q.at++
	}
	return q.at > from
}

// raw reads any value as it stands.
func (q *quick) raw(to *json.RawMessage) bool {
	from := q.at
	if !q.value(MaxOutputDepth) {
		return false
	}
	*to = append((*to)[:0], q.data[from:q.at]...)
	return true
}

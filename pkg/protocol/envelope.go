package protocol

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"unicode/utf8"
)

// An Envelope is what the requests of a run have in common: everything except Region,
// batch, attempt, targets and budget. The policy, which can be long, is encoded once.
// An Envelope also computes the length of a request without encoding the request. It
// assumes the longest attempt and budget, so a request that fits, fits at every
// attempt.
type Envelope struct {
	policy json.RawMessage // nil for the zero policy
	rest   int             // bytes of a request without its Region, batch and targets
}

// An enclosedRequest is a RegionRequest with the encoded policy of its Envelope.
type enclosedRequest struct {
	RegionRequest
	Policy json.RawMessage `json:"policy,omitzero"`
}

// EnvelopeOf returns the Envelope of r. The error says why r cannot be encoded.
func EnvelopeOf(r RegionRequest) (Envelope, error) {
	var e Envelope
	if !reflect.ValueOf(r.Policy).IsZero() {
		var err error
		if e.policy, err = marshal(r.Policy); err != nil {
			return e, err
		}
	}
	r.Region, r.Batch, r.Targets = "", 0, []string{}
	r.Attempt = math.MaxInt32
	r.BudgetMs = MaxBudgetMs - 0.001 // the most digits that a budget can have
	data, err := e.Encode(r)
	e.rest = len(data) - len(`""`) - len("0")
	return e, err
}

// Encode returns r as JSON, as [RegionRequest.Encode] does, but with the policy that
// the Envelope has encoded. The zero Envelope has none and encodes r's own.
func (e Envelope) Encode(r RegionRequest) ([]byte, error) {
	if e.policy == nil {
		return r.Encode()
	}
	return marshal(&enclosedRequest{r, e.policy})
}

// Bytes returns the most bytes that a request with these targets can have.
func (e Envelope) Bytes(region string, batch int, targets []string) int {
	bytes := e.bytes(region, batch) + max(0, len(targets)-1)*len(",")
	for _, target := range targets {
		bytes += stringBytes(target)
	}
	return bytes
}

// bytes is Bytes without targets.
func (e Envelope) bytes(region string, batch int) int {
	return e.rest + stringBytes(region) + len(strconv.Itoa(batch))
}

// Divide cuts the targets of a Region into batches, in order. Each batch has as many
// targets as fit: at most size, which is 1 or more, in a request of at most limit
// bytes. A target that does not fit is a batch of its own. over is the length of the
// longest such request in bytes, or 0 if there is none.
func (e Envelope) Divide(region string, targets []string, size, limit int) (batches [][]string, over int) {
	for len(targets) > 0 {
		n := e.fitting(region, len(batches), targets[:min(size, len(targets))], limit)
		if n == 0 {
			n = 1
			over = max(over, e.Bytes(region, len(batches), targets[:1]))
		}
		batches = append(batches, targets[:n:n])
		targets = targets[n:]
	}
	return batches, over
}

// fitting returns how many of the first targets fit into a batch.
func (e Envelope) fitting(region string, batch int, targets []string, limit int) int {
	room := limit - e.bytes(region, batch) + len(",") // there is no comma before the first
	for i, target := range targets {
		if room -= len(",") + stringBytes(target); room < 0 {
			return i
		}
	}
	return len(targets)
}

// stringBytes returns the length of a string as JSON, as Encode writes it.
func stringBytes(s string) int {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			data, _ := marshal(s) // never fails for a string
			return len(data)
		}
	}
	return len(`""`) + len(s)
}

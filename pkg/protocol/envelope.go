package protocol

import (
	"math"
	"slices"
	"strconv"
	"unicode/utf8"
)

// An Envelope is what the requests of a run's invocations have in common: all but
// Region, batch and targets. It knows how long a request is without encoding it. What
// changes from one attempt to the next counts at its longest, so a request that fits
// does so at every attempt.
type Envelope struct{ rest int }

// EnvelopeOf returns the Envelope of r and of the requests that are like it. The
// error says why r cannot be encoded.
func EnvelopeOf(r RegionRequest) (Envelope, error) {
	r.Region, r.Batch, r.Targets = "", 0, []string{}
	r.Attempt = math.MaxInt32
	r.BudgetMs = MaxSeconds*1000 - 0.001 // the most digits that a budget can have
	data, err := r.Encode()
	return Envelope{len(data) - len(`""`) - len("0")}, err
}

// Bytes returns how many bytes a request with these targets has at most.
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

// Divide cuts the targets of a Region into batches, in order. Each has as many as
// fit: at most most targets, which is 1 or more, in a request of at most limit bytes.
// A target that does not fit by itself is a batch of its own; over is how many bytes
// the longest such request has, or 0 when there is none.
func (e Envelope) Divide(region string, targets []string, most, limit int) (batches [][]string, over int) {
	batches = make([][]string, 0, (len(targets)+most-1)/most)
	if e.holds(region, targets, most, limit) {
		return slices.AppendSeq(batches, slices.Chunk(targets, most)), 0
	}
	for len(targets) > 0 {
		n := e.fitting(region, len(batches), targets[:min(most, len(targets))], limit)
		if n == 0 {
			n = 1
			over = max(over, e.Bytes(region, len(batches), targets[:1]))
		}
		batches = append(batches, targets[:n:n])
		targets = targets[n:]
	}
	return batches, over
}

// holds reports whether any batch fits, whatever is in the targets: then they
// need not be looked at one by one.
func (e Envelope) holds(region string, targets []string, most, limit int) bool {
	longest := 0
	for _, target := range targets {
		longest = max(longest, len(target))
	}
	const escaped = len(`\u0000`) // the most that JSON makes of one byte
	return e.bytes(region, len(targets))+min(most, len(targets))*(escaped*longest+len(`"",`)) <= limit
}

// fitting returns how many of the targets, from the first on, fit into a batch.
func (e Envelope) fitting(region string, batch int, targets []string, limit int) int {
	room := limit - e.bytes(region, batch) + len(",") // the first one has none before it
	for i, target := range targets {
		if room -= len(",") + stringBytes(target); room < 0 {
			return i
		}
	}
	return len(targets)
}

// stringBytes returns how many bytes a string takes in what Encode returns.
func stringBytes(s string) int {
	n := len(`""`)
	for len(s) > 0 {
		r, width := utf8.DecodeRuneInString(s)
		s = s[width:]
		switch {
		case r == '"', r == '\\', r == '\b', r == '\f', r == '\n', r == '\r', r == '\t':
			n += len(`\n`)
		case r < ' ', r == '\u2028', r == '\u2029', r == utf8.RuneError && width == 1:
			n += len(`\u0000`)
		default:
			n += width
		}
	}
	return n
}

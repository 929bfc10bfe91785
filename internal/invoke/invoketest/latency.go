package invoketest

import (
	"bytes"
	"context"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// A Latency returns how long the next call takes. It may be used from several
// goroutines.
type Latency func() time.Duration

// Fixed always returns d.
func Fixed(d time.Duration) Latency { return func() time.Duration { return d } }

// LogNormal draws from a log-normal distribution, as the times of real calls have,
// with a median and a 99th percentile.
func LogNormal(seed uint64, median, p99 time.Duration) Latency {
	const quantile99 = 2.326 // of the normal distribution
	sigma := math.Log(float64(p99)/float64(median)) / quantile99
	return drawn(seed, func(r *rand.Rand) time.Duration {
		return time.Duration(float64(median) * math.Exp(sigma*r.NormFloat64()))
	})
}

// Stragglers returns usual, and factor times that for a share of the calls.
func Stragglers(seed uint64, usual time.Duration, share float64, factor int) Latency {
	return drawn(seed, func(r *rand.Rand) time.Duration {
		if r.Float64() < share {
			return usual * time.Duration(factor)
		}
		return usual
	})
}

func drawn(seed uint64, draw func(*rand.Rand) time.Duration) Latency {
	var mu sync.Mutex
	r := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // for a test, and repeatable
	return func() time.Duration {
		mu.Lock()
		defer mu.Unlock()
		return draw(r)
	}
}

// After waits, and then lets then answer; nil means Work. The wait ends when the
// client disconnects.
func After(l Latency, then Fault) Fault {
	if then == nil {
		then = Work
	}
	return func(w http.ResponseWriter, r *http.Request, work http.Handler) {
		body, err := io.ReadAll(r.Body) // the server notices a disconnect only after that
		if err != nil || !Wait(r.Context(), l()) {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		then(w, r, work)
	}
}

// Wait waits for d, and reports whether ctx lasted that long.
func Wait(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}

package wire_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"meridian/internal/wire"
)

// A connection that comes when nobody waits for it any more makes room for a call to
// another endpoint, which MaxConns has kept waiting, at once.
func TestAConnectionThatComesForNobodyMakesRoom(t *testing.T) {
	t.Parallel()
	for _, prepared := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			server := newFake(t, 100)
			server.connecting = time.Second
			cfg := server.config(t)
			cfg.MaxConns = 1
			p := wire.New(cfg)
			defer p.Close()
			if prepared {
				p.Prepare(lambdaTest, 1)
			} else {
				ctx, cancel := context.WithTimeout(t.Context(), time.Second/2)
				defer cancel()
				var given sync.WaitGroup
				given.Go(func() { _ = callWith(ctx, t, p, lambdaTest.String()) })
				defer given.Wait()
			}
			time.Sleep(time.Second / 4)
			begin := time.Now()
			if err := callAt(t, p, "https://lambda.test:2"); err != nil {
				t.Errorf("prepared %t: RoundTrip = %v, want success", prepared, err)
			}
			if got, want := time.Since(begin), 3*time.Second/4+time.Second; got != want {
				t.Errorf("prepared %t: the call took %v, want %v", prepared, got, want)
			}
		})
	}
}

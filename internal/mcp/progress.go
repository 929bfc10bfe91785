package mcp

import (
	"context"
	"fmt"
	"sync"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"meridian/pkg/protocol"
)

// A progress tells a client how many Regions of a run have settled. Its events do not wait for the
// client: what happens while a notification is on its way is in the next one.
type progress struct {
	wake chan struct{} // has the sender look again
	done chan struct{} // closed when the sender has ended; nil if the client wants no progress

	mu                     sync.Mutex
	settled, failed, total int
	ended                  bool
}

// newProgress returns the progress of a call. Without a token in the call, nothing is sent.
func newProgress(ctx context.Context, r *sdk.CallToolRequest) *progress {
	p := &progress{wake: make(chan struct{}, 1)}
	token := r.Params.GetProgressToken()
	if token == nil || r.Session == nil {
		return p
	}
	p.done = make(chan struct{})
	go p.send(ctx, r.Session, token)
	return p
}

// event counts an event.
func (p *progress) event(e protocol.Event) {
	p.mu.Lock()
	switch {
	case e.Type == protocol.EventRunStarted && e.Started != nil:
		p.total = e.Started.Regions
	case e.Type == protocol.EventRegionSettled && e.Outcome != nil:
		p.settled++
		if e.Outcome.Status.IsFailure() {
			p.failed++
		}
	}
	p.mu.Unlock()
	p.look()
}

// look has the sender look again.
func (p *progress) look() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// send sends what has changed until stop is called.
func (p *progress) send(ctx context.Context, to *sdk.ServerSession, token any) {
	defer close(p.done)
	sent := 0
	for range p.wake {
		p.mu.Lock()
		settled, failed, total, ended := p.settled, p.failed, p.total, p.ended
		p.mu.Unlock()
		if settled > sent {
			message := fmt.Sprintf("%d of %s done", settled, count(total, "Region"))
			if failed > 0 {
				message += fmt.Sprintf(", %d failed", failed)
			}
			_ = to.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ // a client that has gone needs none
				ProgressToken: token, Progress: float64(settled), Total: float64(total), Message: message,
			})
			sent = settled
		}
		if ended {
			return
		}
	}
}

// stop sends the last change, and waits until it is sent. Notifications must not follow the answer.
func (p *progress) stop() {
	p.mu.Lock()
	p.ended = true
	p.mu.Unlock()
	p.look()
	if p.done != nil {
		<-p.done
	}
}

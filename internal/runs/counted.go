package runs

import (
	"context"
	"sync/atomic"

	"meridian/internal/price"
	"meridian/internal/record"
	"meridian/pkg/protocol"
)

// counted is a store that counts the requests to it as S3 prices them.
type counted struct {
	record.Store

	writes, reads atomic.Int64
}

// Create implements record.Store.
func (c *counted) Create(ctx context.Context, key string, data []byte) error {
	c.writes.Add(1)
	return c.Store.Create(ctx, key, data) //nolint:wrapcheck // it is the store
}

// List implements record.Store.
func (c *counted) List(ctx context.Context, prefix, after string, limit int) ([]string, error) {
	c.writes.Add(1)
	return c.Store.List(ctx, prefix, after, limit) //nolint:wrapcheck // it is the store
}

// Read implements record.Store.
func (c *counted) Read(ctx context.Context, key string, most int64) ([]byte, error) {
	c.reads.Add(1)
	return c.Store.Read(ctx, key, most) //nolint:wrapcheck // it is the store
}

// usage returns the requests so far.
func (c *counted) usage() protocol.StoreUsage {
	return protocol.StoreUsage{Writes: int(c.writes.Load()), Reads: int(c.reads.Load())}
}

// charge adds the requests to the store to the cost of a run that has ended, also the write of its
// result. Runs outside of AWS have no cost.
func charge(v *view, result *protocol.Result) {
	cost := result.Summary.Cost
	if cost == nil || cost.Region == "" {
		return
	}
	used, before := v.requests.usage(), v.history.Store()
	used.Writes += before.Writes + 1
	used.Reads += before.Reads
	p, known := price.S3In(cost.Region)
	if used.USD = float64(used.Writes)*p.Write + float64(used.Reads)*p.Read; known && cost.USD > 0 {
		cost.USD += used.USD
	}
	cost.Store = &used
}

package account

import (
	"cmp"
	"context"
	"slices"
	"time"

	"meridian/internal/endpoints"
)

// leastTime is how long a service of AWS takes to answer from another continent.
const leastTime = time.Second

// Anywhere asks for something that has the same answer in every Region of region's partition.
// It asks in home, the process's own Region, if that is in the partition; then, until an
// answer comes, in region and in the other Regions of the partition. It waits for each at most
// half of the time that is left. The error is the first one.
func Anywhere[T any](ctx context.Context, home, region string, ask func(ctx context.Context, region string) (T, error)) (T, error) {
	var first error
	for _, in := range regions(home, region) {
		value, err := within(ctx, in, ask)
		if err == nil || answered(err) {
			return value, err
		}
		first = cmp.Or(first, err)
		if deadline, ok := ctx.Deadline(); ctx.Err() != nil || ok && time.Until(deadline) < leastTime {
			break
		}
	}
	var none T
	return none, first
}

// within asks in one Region.
func within[T any](ctx context.Context, region string, ask func(ctx context.Context, region string) (T, error)) (T, error) {
	if deadline, ok := ctx.Deadline(); ok {
		limited, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
		defer cancel()
		ctx = limited
	}
	return ask(ctx, region)
}

// regions returns the Regions to ask in.
func regions(home, region string) []string {
	partition, known := endpoints.PartitionOf(region)
	var all []string
	if own, ok := endpoints.PartitionOf(home); ok && known && own.ID == partition.ID {
		all = append(all, home)
	}
	if home != region || all == nil {
		all = append(all, region)
	}
	for _, other := range endpoints.Regions(partition.ID) {
		if !other.OptIn && !slices.Contains(all, other.Name) {
			all = append(all, other.Name)
		}
	}
	return all
}

// answered reports whether an error is AWS's answer, which would be the same in another
// Region.
func answered(err error) bool {
	switch nameOf(err) {
	case "", // the time is over
		"Call.Connect", "Call.Lost", // of package task
		"RegionDisabledException": // STS is not enabled in the Region
		return false
	}
	return true
}

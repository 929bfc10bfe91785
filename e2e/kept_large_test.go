//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"meridian/pkg/protocol"
)

// tryLarge keeps a run of 10,000 targets with outputs of 6 KB each.
func (k *kept) tryLarge(ctx context.Context, t *testing.T) {
	const targets, length, batch = 10_000, 6_000, 500
	r := own("large", []string{home})
	r.Worker.Payload, r.Worker.Idempotent, r.MaxTargetsPerInvocation, r.MaxConcurrency = nil, true, batch, 4
	for i := range targets {
		r.Targets = append(r.Targets, protocol.Target{Name: fmt.Sprintf("item-%04d", i), Input: fmt.Appendf(nil, `{"do":"write","bytes":%d}`, length)})
		if i%batch == 0 { // the second coordinator has to read what the first one has kept
			r.Targets[i].Input = fmt.Appendf(nil, `{"do":"write","bytes":%d,"seconds":3}`, length)
		}
	}
	runID := k.start(ctx, t, r)
	state := k.ended(ctx, t, runID)
	k.checkLog(ctx, t, state)
	if c := state.Targets; state.Status != protocol.StatusSucceeded || c.Succeeded != targets || state.Generations < 2 {
		t.Errorf("the run is %s after %d generations: %+v, want %d targets succeeded after 2 or more", state.Status, state.Generations, c, targets)
	}
	bytes := 0
	for _, o := range k.objects(ctx, t, k.bucket, "runs/"+runID+"/") {
		bytes += o.Size
	}
	shown := k.show(ctx, t, runID)
	answer := encoded(t, shown)
	checkOutcomes(t, shown, []string{home}, targets)
	most := k.mostMemory(t)
	t.Logf("%d generations, %.1f s, %.1f MB in the store, %.1f MB shown, at most %d MB of memory",
		state.Generations, state.ElapsedMs/1000, float64(bytes)/1e6, float64(len(answer))/1e6, most)
	if bytes < 50e6 {
		t.Errorf("the store has %d bytes of the run, want 50 MB or more", bytes)
	}
	if notices := encoded(t, shown.Result.Notices); len(answer) > protocol.MaxPayloadBytes || !shown.Result.Truncated || !strings.Contains(notices, "meridian show "+runID) {
		t.Errorf("show answers with %d bytes, truncated %v, notices %s; want at most 6 MiB that say where the rest is", len(answer), shown.Result.Truncated, notices)
	}
	whole, err := protocol.DecodeResult([]byte(k.meridian(ctx, t, "show", runID, "--store", "s3://"+k.bucket, "-o", "json").stdout))
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range whole.Regions[0].Targets {
		if len(o.Output) < length {
			t.Fatalf("the bucket has %d bytes of the output of %s, want %d", len(o.Output), o.Target, length)
		}
	}
	if most >= 256 {
		t.Errorf("a coordinator took %d MB, want less than 256", most)
	}
}

// mostMemory returns how many MB a coordinator's process had at most in memory.
func (k *kept) mostMemory(t *testing.T) (most int) {
	t.Helper()
	for _, pid := range k.aws.children(t, coordinator) {
		status, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid)) // it may have ended
		_, after, _ := strings.Cut(string(status), "VmHWM:")
		kilobytes := 0
		_, _ = fmt.Sscan(after, &kilobytes)
		most = max(most, kilobytes>>10)
	}
	if most == 0 {
		t.Error("no coordinator was found")
	}
	return most
}

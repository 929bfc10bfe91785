//go:build e2e

package e2e

import (
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"meridian/pkg/protocol"
)

// A stored is an object in the bucket of the kept runs.
type stored struct {
	Key  string `xml:"Key"`
	Size int    `xml:"Size"`
}

// objects lists the objects of a bucket with a prefix. There are at most 1,000.
func (d *deployment) objects(ctx context.Context, t *testing.T, bucket, prefix string) []stored {
	t.Helper()
	body, _ := d.aws.do(ctx, t, call{
		service: "s3", region: home, method: http.MethodGet, path: "/" + bucket + "?list-type=2&prefix=" + url.QueryEscape(prefix),
	})
	var page struct {
		Contents    []stored `xml:"Contents"`
		IsTruncated bool     `xml:"IsTruncated"`
	}
	if err := xml.Unmarshal([]byte(body), &page); err != nil || page.IsTruncated {
		t.Fatalf("the objects of %s: %v, more than one page: %v", prefix, err, page.IsTruncated)
	}
	return page.Contents
}

// object reads an object of the bucket.
func (k *kept) object(ctx context.Context, t *testing.T, key string) string {
	t.Helper()
	body, _ := k.aws.do(ctx, t, call{service: "s3", region: home, method: http.MethodGet, path: "/" + k.bucket + "/" + key})
	return body
}

// log reads the log of a run. It checks that its files and its events have no gaps, and that each generation
// begins with a file of its own.
func (k *kept) log(ctx context.Context, t *testing.T, runID string) (events []protocol.Event) {
	t.Helper()
	prefix := "runs/" + runID + "/events/"
	generation, files := 0, len(k.objects(ctx, t, k.bucket, prefix))
	for n := 1; n <= files; n++ {
		header, lines, err := protocol.DecodeLogFile([]byte(k.object(ctx, t, fmt.Sprintf("%s%d.jsonl", prefix, n))))
		if err != nil || header.Number != n || header.RunID != runID {
			t.Fatalf("file %d of %d: %+v, %v", n, files, header, err)
		}
		for i, line := range lines {
			e, err := protocol.DecodeEvent(line)
			if err != nil || e.Sequence != len(events)+1 {
				t.Fatalf("file %d, line %d: event %d after %d events, %v", n, i+1, e.Sequence, len(events), err)
			}
			if begins := e.Type == protocol.EventGenerationStarted; begins && e.Generation.Number != generation+1 || begins != (i == 0 && header.Generation != generation) {
				t.Errorf("file %d of generation %d after %d, line %d: %s", n, header.Generation, generation, i+1, line)
			}
			generation = header.Generation
			events = append(events, e)
		}
	}
	return events
}

// checkLog compares the log of a run that has ended with its state, and every outcome in it with its result.
func (k *kept) checkLog(ctx context.Context, t *testing.T, s protocol.RunState) {
	t.Helper()
	events := k.log(ctx, t, s.RunID)
	count := map[protocol.EventType]int{}
	settled := map[string]int{}
	for _, e := range events {
		count[e.Type]++
		if e.Type == protocol.EventRegionSettled {
			settled[e.Outcome.Region]++
		}
	}
	t.Logf("the log of %s: %v", s.RunID, count)
	if len(events) != s.Events || count[protocol.EventGenerationStarted] != s.Generations {
		t.Errorf("the log has %d events and %d generations, want %d and %d", len(events), count[protocol.EventGenerationStarted], s.Events, s.Generations)
	}
	// A coordinator that dies before it has kept the result leaves that to another generation.
	for len(events) > 1 && events[len(events)-1].Type == protocol.EventGenerationStarted {
		events = events[:len(events)-1]
	}
	if len(events) == 0 || events[len(events)-1].Type != protocol.EventRunEnded {
		t.Errorf("the log of run %s does not end with the run's end", s.RunID)
	}
	if s.Redrives > 0 || s.Result == nil {
		return
	}
	for _, o := range s.Result.Regions {
		if settled[o.Region] != 1 {
			t.Errorf("%s settles %d times in the log, want once", o.Region, settled[o.Region])
		}
	}
}

// tryStoreRoles makes requests to the bucket, which has a run, with the role of each function.
func (k *kept) tryStoreRoles(ctx context.Context, t *testing.T, runID string) {
	one := "/runs/" + runID + "/request.json"
	k.aws.do(ctx, t, call{service: "s3", region: home, method: http.MethodPut, path: "/" + k.bucket + "/other/x", body: "x"})
	code := zipped(t, k.path("build", "probe"))
	for _, role := range []string{"CoordinatorRole", "RegionworkerRole"} {
		k.newProbe(ctx, t, role, code)
	}
	for _, c := range []struct{ role, path, want string }{
		{"CoordinatorRole", one, "200"},
		{"CoordinatorRole", "?list-type=2&prefix=runs%2F", "200"},
		{"CoordinatorRole", "/other/x", "403"},
		{"CoordinatorRole", "?list-type=2&prefix=other%2F", "403"},
		{"RegionworkerRole", one, "403"},
		{"RegionworkerRole", "/other/x", "403"},
		{"RegionworkerRole", "?list-type=2&prefix=runs%2F", "403"},
		{"RegionworkerRole", "?list-type=2", "403"},
	} {
		k.tryStore(ctx, t, c.role, http.MethodGet, c.path, c.want)
	}
}

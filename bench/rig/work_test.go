package rig_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/bench/rig"
	"meridian/pkg/protocol"
)

func TestWorkAnswersAsARegionworkerThatSucceededWithEveryTarget(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.StringMatching(`[a-z0-9.-]{1,20}`)
		q := protocol.RegionRequest{
			Version: protocol.Version, RunID: "01KB0000000000000000000000", Region: name.Draw(t, "region"),
			Batch: rapid.IntRange(0, 10_000).Draw(t, "batch"), Attempt: 1, Task: "sleep",
			Parameters: json.RawMessage(`{"seconds":1}`), Targets: rapid.SliceOfN(name, 1, 5).Draw(t, "targets"), BudgetMs: 59_000,
		}
		request, err := json.Marshal(q)
		if err != nil {
			t.Fatal(err)
		}
		want := protocol.RegionResult{
			Version: protocol.Version, RunID: q.RunID, Region: q.Region, Batch: q.Batch,
			Status: protocol.StatusSucceeded, ElapsedMs: 0.5,
		}
		for _, target := range q.Targets {
			want.Targets = append(want.Targets, protocol.TargetOutcome{
				Target: target, Status: protocol.StatusSucceeded, Output: json.RawMessage(`"` + target + " in " + q.Region + `"`),
				ElapsedMs: 0.5, Attempts: []protocol.Attempt{{ElapsedMs: 0.5}},
			})
		}
		answer := rig.Work(request, 0.5, func(answer *bytes.Buffer, region, target []byte) {
			answer.WriteString(`"` + string(target) + " in " + string(region) + `"`)
		})
		var got protocol.RegionResult
		if err := json.Unmarshal(answer, &got); err != nil {
			t.Fatalf("Work(%s) = %s: %v", request, answer, err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Work(%s) (-want +got):\n%s", request, diff)
		}
	})
}

func TestRespondSendsTheEndOfTheLogIfTheCallerAsks(t *testing.T) {
	t.Parallel()
	for _, asks := range []string{"Tail", ""} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
		r.Header.Set("X-Amz-Log-Type", asks)
		w := httptest.NewRecorder()
		rig.Respond(w, r, 7, []byte("done"))
		if got := w.Body.String(); got != "done" {
			t.Errorf("Respond sent %q, want %q", got, "done")
		}
		if got := w.Header().Get("X-Amzn-Requestid"); got != rig.RequestID(7) {
			t.Errorf("Respond sent the id %q, want %q", got, rig.RequestID(7))
		}
		log, err := base64.StdEncoding.DecodeString(w.Header().Get("X-Amz-Log-Result"))
		if got := bytes.Contains(log, []byte(rig.RequestID(7))); err != nil || got != (asks == "Tail") {
			t.Errorf("asked for %q, Respond sent the log %q, %v", asks, log, err)
		}
	}
}

func TestWaitReportsWhetherItsContextLastedThatLong(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		takes  time.Duration
		caller time.Duration
		want   bool
		after  time.Duration
	}{
		{"it does", time.Second, time.Minute, true, time.Second},
		{"it leaves", time.Minute, time.Second, false, time.Second},
		{"there is nothing to wait for", 0, time.Second, true, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.caller)
				defer cancel()
				begin := time.Now()
				if got := rig.Wait(ctx, tt.takes); got != tt.want {
					t.Errorf("Wait(%v) = %v, want %v", tt.takes, got, tt.want)
				}
				if got := time.Since(begin); got != tt.after {
					t.Errorf("Wait(%v) took %v, want %v", tt.takes, got, tt.after)
				}
			})
		})
	}
}

package rig_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"testing"

	"meridian/bench/rig"
	"meridian/pkg/protocol"
)

func TestWorkAnswersAsARegionworkerThatSucceededWithEveryTarget(t *testing.T) {
	t.Parallel()
	const request = `{"version":1,"runId":"01KB","region":"eu-west-1","batch":7,"attempt":1,"task":"sleep",` +
		`"parameters":{"seconds":1},"targets":["s3","sqs"],"budgetMs":59000}`
	want := protocol.RegionResult{
		Version: 1, RunID: "01KB", Region: "eu-west-1", Batch: 7, Status: protocol.StatusSucceeded, ElapsedMs: 0.5,
	}
	for _, target := range []string{"s3", "sqs"} {
		want.Targets = append(want.Targets, protocol.TargetOutcome{
			Target: target, Status: protocol.StatusSucceeded, Output: json.RawMessage(`"` + target + ` in eu-west-1"`),
			ElapsedMs: 0.5, Attempts: []protocol.Attempt{{ElapsedMs: 0.5}},
		})
	}
	answer := rig.Work([]byte(request), 0.5, func(answer *bytes.Buffer, region, target []byte) {
		answer.WriteString(`"` + string(target) + " in " + string(region) + `"`)
	})
	var got protocol.RegionResult
	if err := json.Unmarshal(answer, &got); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("Work = %s, %v, want %+v", answer, err, want)
	}
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

package protocol_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// logFile returns a file of a log from the golden files.
func logFile(tb testing.TB, name string) []byte {
	tb.Helper()
	data, err := os.ReadFile(filepath.Join(goldenDir, name))
	if err != nil {
		tb.Fatal(err)
	}
	return data
}

// A file of a log is its header and its events, each as its line.
func TestDecodeLogFileReadsTheHeaderAndTheEvents(t *testing.T) {
	t.Parallel()
	header, events, err := protocol.DecodeLogFile(logFile(t, "record_log_file.jsonl"))
	want := keptGoldens()["record_log_header"].(protocol.LogHeader)
	if diff := cmp.Diff(want, header); err != nil || diff != "" || len(events) != 2 {
		t.Fatalf("DecodeLogFile = %d events, %v; want 2 (-want +got):\n%s", len(events), err, diff)
	}
	for i, name := range []string{"event_generation_started", "event_attempt_stored"} {
		e, err := protocol.DecodeEvent(events[i])
		if diff := cmp.Diff(keptEventGoldens()[name], any(e), sameJSON()); err != nil || diff != "" {
			t.Errorf("event %d: %v (-want +got):\n%s", i, err, diff)
		}
	}
}

// A file without events is a heartbeat.
func TestDecodeLogFileReadsAHeartbeat(t *testing.T) {
	t.Parallel()
	line, _, _ := bytes.Cut(logFile(t, "record_log_file.jsonl"), []byte("\n"))
	header, events, err := protocol.DecodeLogFile(append(line, '\n'))
	if err != nil || header.Number != 12 || events != nil {
		t.Errorf("DecodeLogFile = file %d, %d events, %v; want file 12, no events", header.Number, len(events), err)
	}
}

// A file whose header is missing or of another version is an error, and so is a file whose
// last line has no line break.
func TestDecodeLogFileRefusesWhatIsNoLogFile(t *testing.T) {
	t.Parallel()
	const torn = "the last line has no line break"
	const header = `{"version":1,"runId":"` + runID + `","number":1,"generation":1,"holder":"h"}`
	event := string(encode(t, keptEventGoldens()["event_generation_started"]))
	for _, tt := range []struct{ name, in, want string }{
		{"empty", "", "log file of 0 bytes: " + torn},
		{"a torn header", header[:20], "log file of 20 bytes: " + torn},
		{"a header without its line break", header, torn},
		{"a torn event", header + "\n" + event[:30], torn},
		{"an event without its line break", header + "\n" + event, torn},
		{"no JSON", "header\n", "header of a log file: "},
		{"an empty line", "\n" + header + "\n", "header of a log file: "},
		{"an event in the place of the header", event + "\n", "header of a log file: "},
		{"no version", "{}\n", "header of a log file: version is 0, want 1"},
		{"a newer version", strings.Replace(header, `"version":1`, `"version":9`, 1) + "\n", "header of a log file: version is 9, want 1"},
		{"no run", strings.Replace(header, runID, "", 1) + "\n", `header of a log file: run "", number 1, generation 1 and holder "h"; want all of them`},
		{"no number", strings.Replace(header, `"number":1`, `"number":0`, 1) + "\n", "number 0"},
		{"no generation", strings.Replace(header, `"generation":1`, `"generation":-1`, 1) + "\n", "generation -1"},
		{"no holder", strings.Replace(header, `"h"`, `""`, 1) + "\n", `holder ""`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, events, err := protocol.DecodeLogFile([]byte(tt.in))
			if err == nil || !strings.Contains(err.Error(), tt.want) || events != nil {
				t.Errorf("DecodeLogFile(%s) = %d events, %v; want error %s", tt.in, len(events), err, tt.want)
			}
		})
	}
}

// Unknown fields of the outcomes in an answer are ignored.
func TestDecodeTargetsReadsTheOutcomesOfAnAnswer(t *testing.T) {
	t.Parallel()
	answer := keptEventGoldens()["event_attempt_answered"].(protocol.Event).Answer
	got, err := protocol.DecodeTargets(bytes.Replace(answer.Targets, []byte(`"elapsedMs"`), []byte(`"later":1,"elapsedMs"`), 1))
	want := []protocol.TargetOutcome{{
		Target: "s3", Status: protocol.StatusSucceeded, ElapsedMs: 1, Output: []byte(`{"message":"größer & <b>"}`),
	}}
	if diff := cmp.Diff(want, got, sameJSON()); err != nil || diff != "" {
		t.Errorf("DecodeTargets: %v (-want +got):\n%s", err, diff)
	}
	for _, in := range []string{"", "{}", `[{"target":7}]`, `[{}`} {
		if got, err := protocol.DecodeTargets([]byte(in)); got != nil || err == nil || !strings.HasPrefix(err.Error(), "targets of an answer: ") {
			t.Errorf("DecodeTargets(%s) = %v, %v; want an error that says of what", in, got, err)
		}
	}
}

// A file of a log is read whole, or refused: its lines are the bytes that follow the header.
func FuzzDecodeLogFile(f *testing.F) {
	f.Add(logFile(f, "record_log_file.jsonl"))
	f.Add(append(encode(f, keptGoldens()["record_log_header"]), '\n'))
	f.Add([]byte("{}\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		header, events, err := protocol.DecodeLogFile(data)
		if err != nil {
			if events != nil {
				t.Errorf("%d events with error %v, want none", len(events), err)
			}
			return
		}
		_, rest, _ := bytes.Cut(data, []byte("\n"))
		var joined []byte
		for _, e := range events {
			joined = append(append(joined, e...), '\n')
		}
		if header.Version != protocol.RecordVersion || !bytes.Equal(joined, rest) {
			t.Errorf("DecodeLogFile(%q) = %+v and %q, want all lines", data, header, events)
		}
	})
}

package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// RecordVersion is the version of the objects that a kept run consists of. Its comment is
// its changelog:
//
//   - 1 (2026-11-30): RunRecord, KeyRecord, LogHeader and ResultRecord as they are.
const RecordVersion = 1

// A RunRecord is the first object of a kept run: what was asked for, and when.
type RunRecord struct {
	// Version is RecordVersion.
	Version int `json:"version"`

	// RunID names the run.
	RunID string `json:"runId"`

	// StartedAt is when the run was started, in UTC.
	StartedAt time.Time `json:"startedAt"`

	// Request is what was asked for. Its Key is the one that makes the start unique.
	Request Request `json:"request"`
}

// A KeyRecord says which run a key belongs to. Starts with the key attach to that run.
type KeyRecord struct {
	// Version is RecordVersion, and Key the key.
	Version int    `json:"version"`
	Key     string `json:"key"`

	// Run is the record of the run.
	Run RunRecord `json:"run"`
}

// A LogHeader is the first line of each file of a run's log. The events follow, a line
// each, each with a line break. A file without events is a heartbeat.
type LogHeader struct {
	// Version is RecordVersion.
	Version int `json:"version"`

	// RunID names the run, and Number the file: from 1, without gaps.
	RunID  string `json:"runId"`
	Number int    `json:"number"`

	// After is the sequence of the last event before the file. It shows whether an event is
	// in an earlier file without reading the earlier files.
	After int `json:"after"`

	// Generation is the generation that wrote the file. Holder is a random id of its
	// coordinator invocation: of two that begin the same generation, the one whose file is
	// in the log has won.
	Generation int    `json:"generation"`
	Holder     string `json:"holder"`

	// Process names the machine and the process of the holder, so that it is known at once
	// when that has ended. Empty means that nothing is known.
	Process string `json:"process,omitzero"`

	// Time is when the file was written, by the holder's clock, in UTC.
	Time time.Time `json:"time"`
}

// A ResultRecord is the last object of a kept run, or of one of its redrives: the result,
// with the version of the record.
type ResultRecord struct {
	// Version is RecordVersion.
	Version int `json:"version"`

	Result
}

// A Generation says how one coordinator invocation carries a kept run on.
type Generation struct {
	// Number counts the generations of a run, from 1.
	Number int `json:"number"`

	// Redrive says what a redrive does again. Nil means that the generation does what is
	// left.
	Redrive *Redrive `json:"redrive,omitzero"`

	// Store counts the requests to the store of a generation that has ended, without a price.
	// Nil means that it has not ended, or has died.
	Store *StoreUsage `json:"store,omitzero"`
}

// An Answer is what an attempt of a kept run brought back, as the log has it.
type Answer struct {
	// Settled is the status of the attempt's invocation if the attempt was its last. Empty
	// means that the invocation goes on: with a retry, or in another generation.
	Settled Status `json:"settled,omitzero"`

	// Hint is the hint of the attempt's error.
	Hint Hint `json:"hint,omitzero"`

	// WorkerRegion is the AWS Region in which the worker ran. Empty means that it did not
	// answer, or that it did not run on Lambda.
	WorkerRegion string `json:"workerRegion,omitzero"`

	// Older means that the worker is older than the coordinator.
	Older bool `json:"older,omitzero"`

	// Truncated means that the worker's answer lacks outputs, causes or attempts.
	Truncated bool `json:"truncated,omitzero"`

	// At has the indexes of the answer's targets among those of the invocation. Nil means
	// all of them.
	At []int `json:"at,omitzero"`

	// Targets has the outcomes of these targets, a list of [TargetOutcome], as the worker
	// wrote them. DecodeTargets reads them. Nil means that the attempt brought none, or
	// that StoredAs has them.
	Targets json.RawMessage `json:"targets,omitzero"`

	// StoredAs is the key of the object that has the outcomes, because they are too large
	// for the log. Empty means that Targets has them.
	StoredAs string `json:"storedAs,omitzero"`
}

// DecodeTargets reads the outcomes of targets of an [Answer]. Unknown fields are ignored.
func DecodeTargets(data []byte) (targets []TargetOutcome, err error) {
	if err := json.Unmarshal(data, &targets); err != nil {
		return nil, fmt.Errorf("targets of an answer: %w", err)
	}
	return targets, nil
}

// DecodeLogFile reads one file of a log: its header, and the events, each as its line
// without the line break, for [DecodeEvent]. A file whose header is missing or of another
// version is an error, and so is a file whose last line has no line break. The events share
// the memory of data.
func DecodeLogFile(data []byte) (header LogHeader, events [][]byte, err error) {
	if !bytes.HasSuffix(data, []byte("\n")) {
		return header, nil, fmt.Errorf("log file of %d bytes: the last line has no line break", len(data))
	}
	first, rest, _ := bytes.Cut(data, []byte("\n"))
	if err := json.Unmarshal(first, &header); err != nil {
		return header, nil, fmt.Errorf("header of a log file: %w", err)
	}
	if header.Version != RecordVersion {
		return header, nil, fmt.Errorf("header of a log file: version is %d, want %d", header.Version, RecordVersion)
	}
	if header.RunID == "" || header.Number < 1 || header.Generation < 1 || header.Holder == "" {
		return header, nil, fmt.Errorf("header of a log file: run %q, number %d, generation %d and holder %q; want all of them",
			header.RunID, header.Number, header.Generation, header.Holder)
	}
	for line := range bytes.Lines(rest) {
		events = append(events, bytes.TrimSuffix(line, []byte("\n")))
	}
	return header, events, nil
}

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"meridian/pkg/protocol"
)

// checkSchedules returns the faults of the requests in deploy/schedules, one per line, with
// file and field. deploy/schedules.js checks the rest of a file.
func (s *settings) checkSchedules() error {
	files, err := filepath.Glob(filepath.Join(s.root, "deploy", "schedules", "*.json"))
	if err != nil {
		return err
	}
	var faults []string
	for _, file := range files {
		name := "deploy/schedules/" + filepath.Base(file)
		content, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var schedule struct {
			Request json.RawMessage `json:"request"`
		}
		if err := json.Unmarshal(content, &schedule); err != nil {
			faults = append(faults, fmt.Sprintf("%s: %v", name, err))
			continue
		}
		_, wrong := protocol.DecodeRequest(schedule.Request)
		for _, fault := range wrong.Within("request") {
			faults = append(faults, fmt.Sprintf("%s: %v", name, fault))
		}
	}
	if faults == nil {
		return nil
	}
	return fmt.Errorf("%w: %s", errUsage, strings.Join(faults, "\n"))
}

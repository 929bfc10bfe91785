package main

import (
	"strings"
	"testing"
)

func TestATargetIsJudgedByItsMediansAndByEachRound(t *testing.T) {
	t.Parallel()
	r := result{scenario: scenario{name: cold, calls: 35, rounds: 3}, runs: map[string][]measurement{
		coordinator: {{overheadMs: 2, CPUMs: 2}, {overheadMs: 1, CPUMs: 2}, {overheadMs: 1, CPUMs: 2}},
		floor:       {{overheadMs: 1, CPUMs: 1}, {overheadMs: 1, CPUMs: 1}, {overheadMs: 1, CPUMs: 1}},
		sdk:         {{overheadMs: 5, CPUMs: 9}, {overheadMs: 5, CPUMs: 9}, {overheadMs: 5, CPUMs: 9}},
	}}
	var written strings.Builder
	judge(&written, []result{r})
	for _, want := range []string{
		"| TLS, cold: overhead, times the floor's | 35 | 1.00 | at most 1.3 | holds | 2 of 3 |\n",
		"| TLS, cold: CPU, times the floor's | 35 | 2.00 | at most 1.3 | **missed** | 0 of 3 |\n",
		"| TLS, cold: overhead, times less than the SDK's | 35 | 5.00 | at least 3 | holds | 2 of 3 |\n",
	} {
		if !strings.Contains(written.String(), want) {
			t.Errorf("judge wrote\n%s\nwithout %q", written.String(), want)
		}
	}
}

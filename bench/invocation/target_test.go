package invocation

import (
	"strings"
	"testing"

	"meridian/bench/client"
)

func TestATargetIsJudgedByTheMedians(t *testing.T) {
	t.Parallel()
	took := func(overhead, cpu float64) client.Measurement {
		return client.Measurement{OverheadMs: overhead, CPUMs: cpu}
	}
	s := scenario{name: cold, Settings: client.Settings{Calls: 1000}}
	r := result{scenario: s, runs: map[string][]client.Measurement{
		client.Meridian: {took(2, 2), took(1, 2), took(1, 2)},
		client.Floor:    {took(1, 1), took(1, 1), took(1, 1)},
		client.SDK:      {took(5, 9), took(5, 9), took(5, 9)},
	}}
	var written strings.Builder
	judge(&written, []result{r})
	for _, want := range []string{
		"| TLS, cold: overhead, times the floor's | 1,000 | 1.00 | at most 1.5 | holds |\n",
		"| TLS, cold: CPU, times the floor's | 1,000 | 2.00 | at most 1.5 | **missed** |\n",
		"| TLS, cold: overhead, times less than SDK + errgroup | 1,000 | 5.00 | at least 5 | holds |\n",
	} {
		if !strings.Contains(written.String(), want) {
			t.Errorf("judge wrote\n%s\nwithout %q", written.String(), want)
		}
	}
}

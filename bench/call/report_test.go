package call

import (
	"errors"
	"strings"
	"testing"
)

func TestTheReportComparesMediansAndNamesWhatWasLeftOut(t *testing.T) {
	t.Parallel()
	took := func(wall, cpu float64) []asking { return []asking{{wall, cpu}, {wall, cpu}, {99, 99}} }
	whole := results{
		asked: []asked{{regions: 10, runs: map[string][]asking{ours: took(2, 1), threads: took(7, 4), loop: took(50, 30)}}},
		decoded: decoded{runs: map[string][]decoding{
			ours: {{cpuMs: 4, mebibytes: 8, allocations: 2e6}}, typed: {{cpuMs: 2, mebibytes: 3, allocations: 1e6}},
		}},
	}
	alone := results{
		asked:   []asked{{regions: 10, runs: map[string][]asking{ours: took(2, 1)}, missing: errors.New("no python3")}},
		decoded: decoded{runs: map[string][]decoding{ours: {{cpuMs: 4}}}, missing: errUntyped},
	}
	tests := []struct {
		name           string
		results        results
		want, unwanted []string
	}{
		{
			"all", whole,
			[]string{
				"| 10 Regions: time, times less than the AWS CLI loop | 25.00 | at least 20 | holds |\n",
				"| 10 Regions: time, times less than boto3 in threads | 3.50 | at least 3 | holds |\n",
				"| 10 Regions: CPU, times less than boto3 in threads | 4.00 | at least 5 | **missed** |\n",
				"| 1,000 instances: CPU, times the typed client's | 2.00 | at most 3 | holds |\n",
				"| 10 | boto3 in threads | 7 ms | 3.5 | 4 ms | 4.0 |\n",
				"| Meridian | 4 ms | 2.00 | 8 MiB | 2.0 million |\n",
				"| typed client | 2 ms | 1.00 | 3 MiB | 1.0 million |\n",
			},
			[]string{"left out"},
		},
		{
			"Meridian alone", alone,
			[]string{
				"| 10 | Meridian | 2 ms | 1.0 | 1 ms | 1.0 |\n",
				"The AWS CLI and boto3 were left out, because they cannot be installed here: no python3.\n",
				"| Meridian | 4 ms | ? |",
				"The typed client was left out: built without -tags ec2.\n",
			},
			[]string{"at least", "at most", "| boto3", "| AWS CLI", "| typed"},
		},
	}
	for _, tt := range tests {
		var written strings.Builder
		tt.results.write(&written)
		for _, want := range tt.want {
			if !strings.Contains(written.String(), want) {
				t.Errorf("%s: wrote\n%s\nwithout %q", tt.name, written.String(), want)
			}
		}
		for _, unwanted := range tt.unwanted {
			if strings.Contains(written.String(), unwanted) {
				t.Errorf("%s: wrote\n%s\nwith %q", tt.name, written.String(), unwanted)
			}
		}
	}
}

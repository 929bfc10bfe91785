package coordinator_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/pkg/protocol"
)

// Where the workers are known, a request runs where there is one, or is refused before
// anything is invoked.
func TestRegionsAreThoseWithAWorker(t *testing.T) {
	t.Parallel()
	const where = "; the coordinator was deployed for workers in us-east-1, ap-east-1, eu-west-1"
	deployed := []string{"us-east-1", "ap-east-1", "eu-west-1"} // one of them opt-in
	tests := []struct {
		name     string
		request  string
		deployed []string
		want     []string
		refused  string
	}{
		{name: "nothing asked for", request: `{}`, want: []string{"ap-east-1", "eu-west-1", "us-east-1"}},
		{name: "*", request: `{"regions":["*"],"excludeRegions":["ap-*"]}`, want: []string{"eu-west-1", "us-east-1"}},
		{name: "all", request: `{"regions":["all"]}`, want: []string{"ap-east-1", "eu-west-1", "us-east-1"}},
		{name: "globs and names", request: `{"regions":["us-*","eu-west-1"]}`, want: []string{"us-east-1", "eu-west-1"}},
		{name: "its partition", request: `{"partition":"aws"}`, want: []string{"ap-east-1", "eu-west-1", "us-east-1"}},
		{name: "of another partition", request: `{}`, deployed: []string{"us-gov-west-1"}, want: []string{"us-gov-west-1"}},
		{name: "a name without a worker", request: `{"regions":["us-east-1","sa-east-1"]}`, refused: `regions[1]: "sa-east-1": has no worker` + where},
		{name: "a glob without a worker", request: `{"regions":["sa-*"]}`, refused: `regions[0]: "sa-*": matches no Region with a worker` + where},
		{name: "a partition without a worker", request: `{"partition":"aws-cn"}`, refused: `partition: "aws-cn": has no worker` + where},
		{name: "no name of a Region", request: `{"regions":["us-esat-1"]}`, refused: `regions[0]: "us-esat-1": is not a Region; did you mean "us-east-1"?`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			c := refusing(t)
			c.Regional, c.Regions = true, deployed
			if tt.deployed != nil {
				c.Regions = tt.deployed
			}
			r, faults := protocol.DecodeRequest([]byte(tt.request))
			if err := faults.Err(); err != nil {
				t.Fatal(err)
			}
			plan, err := c.Plan(r, 0)
			refused := ""
			if err != nil {
				refused = err.Error()
			}
			var got []string
			for _, region := range plan.Regions {
				got = append(got, region.Region)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || refused != tt.refused {
				t.Errorf("Plan(%s) = %q, want %q; Regions (-want +got):\n%s", tt.request, refused, tt.refused, diff)
			}
		})
	}
}

package call

import (
	"net/http"
	"testing"

	"meridian/bench/meridian"
)

// A redirect sends requests to a server, whatever their host.
type redirect string

func (host redirect) RoundTrip(r *http.Request) (*http.Response, error) {
	r.URL.Scheme, r.URL.Host = "http", string(host)[len("http://"):]
	return http.DefaultTransport.RoundTrip(r)
}

func TestTheServerAnswersForTheRegionThatIsAsked(t *testing.T) {
	t.Parallel()
	url, stop, err := startServer(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	call, err := meridian.NewCall("ec2", "DescribeVpcs", "eu-west-1", keys(), redirect(url))
	if err != nil {
		t.Fatal(err)
	}
	output, err := call(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	vpcs, _ := output["Vpcs"].([]any)
	if len(vpcs) != 1 || vpcs[0].(map[string]any)["VpcId"] != vpc("eu-west-1") { //nolint:forcetypeassert // of a test
		t.Errorf("the server answered %v, want one VPC %s", output, vpc("eu-west-1"))
	}
}

func TestMeridianReadsEveryReservationOfTheLongAnswer(t *testing.T) {
	t.Parallel()
	const want = 3
	decode, err := newDecoder(canned(describeInstances(want)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := decode(t.Context()); got != want || err != nil {
		t.Errorf("decode = %d, %v, want %d reservations", got, err, want)
	}
}

//go:build e2e

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"meridian/internal/endpoints"
)

// TestCatalogue holds the catalogue of internal/endpoints against botocore at the
// pinned version: generated again it is the same to the byte, and it resolves to
// where botocore's own clients send requests. E2E_FULL=1 asks the clients in every
// Region, which takes some minutes; without it those of each service are asked in one.
func TestCatalogue(t *testing.T) {
	part(t, "catalogue", "python3")
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{repo: repo, dir: filepath.Join(repo, "internal", "endpoints"), env: os.Environ()}
	s.machine(t.Context(), t, "make", "build/botocore/pin")
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	python := filepath.Join(repo, "build", "botocore", "bin", "python")
	s.must(ctx, t, python, "generate.py", "--check")

	args := []string{filepath.Join("testdata", "clients.py")}
	if full() {
		args = append(args, "--whole")
	}
	var c comparison
	services, regions := map[string]bool{}, map[string]bool{}
	for line := range strings.Lines(s.must(ctx, t, python, args...).stdout) {
		var client clientEndpoint
		if err := json.Unmarshal([]byte(line), &client); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		services[client.Service], regions[client.Region] = true, true
		c.compare(t, client)
	}

	if got, want := slices.Sorted(maps.Keys(services)), endpoints.AllServices(); !slices.Equal(got, want) {
		t.Errorf("botocore has the services %v, the catalogue %v", got, want)
	}
	for _, p := range endpoints.Partitions() {
		for _, r := range endpoints.Regions(p.ID) {
			if !regions[r.Name] {
				t.Errorf("no client was asked in %s", r.Name)
			}
		}
	}
	t.Logf("%d services in %d Regions, %d cells, %d hosts, %d signing Regions compared", len(services), len(regions), c.cells, c.hosts, c.signed)
	for i, e := range exceptions {
		t.Logf("%5d exceptions: %s of %s, %s, in %s: %s", c.used[i], e.what, e.service, e.variants, e.regions, e.reason)
		if full() && c.used[i] == 0 {
			t.Errorf("the exception for the %s of %s is no longer needed", e.what, e.service)
		}
	}
}

// A clientEndpoint is a line of clients.py: where a client sent its request for one
// service, Region and variant.
type clientEndpoint struct {
	Service   string `json:"service"`
	Region    string `json:"region"`
	Partition string `json:"partition"`
	FIPS      bool   `json:"fips"`
	DualStack bool   `json:"dualStack"`

	// Listed says that AWS lists the service in some Region, Offered that it lists
	// the service in this Region or nowhere.
	Listed  bool `json:"listed"`
	Offered bool `json:"offered"`

	// Host is empty if no request was sent; Error says why.
	Host  string `json:"host"`
	Error string `json:"error"`

	// Signing is empty if the request does not name the Region that it is signed for.
	Signing string `json:"signing"`
	Global  bool   `json:"global"`
}

// variant returns the variant's name in exceptions.
func (c clientEndpoint) variant() string {
	switch {
	case c.FIPS && c.DualStack:
		return "both"
	case c.FIPS:
		return "fips"
	case c.DualStack:
		return "dualstack"
	default:
		return "plain"
	}
}

// A comparison counts what was compared, and the uses of each exception.
type comparison struct {
	cells, hosts, signed int
	used                 [len(exceptions)]int
}

// compare reports the differences between a client and the catalogue, less the
// exceptions.
func (c *comparison) compare(t *testing.T, client clientEndpoint) {
	t.Helper()
	differ := func(what string, got, want any) {
		if got != want && !c.excepts(what, client) {
			t.Errorf("%s of %s in %s, %s: %v, botocore has %v %s",
				what, client.Service, client.Region, client.variant(), got, want, client.Error)
		}
	}
	c.cells++
	e, err := endpoints.Resolve(client.Service, client.Region, endpoints.Variant{FIPS: client.FIPS, DualStack: client.DualStack})
	_, elsewhere := errors.AsType[endpoints.NotInRegionError](err)
	elsewhere = elsewhere || e.Global && !e.Listed && client.Listed // the list lacks it
	differ("listing", !elsewhere, client.Offered)
	if elsewhere || !client.Offered {
		return
	}
	c.hosts++
	differ("host", e.Host, client.Host)
	if e.Host == "" || client.Host == "" {
		return
	}
	if client.Signing != "" {
		c.signed++
		differ("signing Region", e.SigningRegion, client.Signing)
	}
	differ("global", e.Global, client.Global)
	differ("partition", e.Partition, client.Partition)
	differ("listed", e.Listed, client.Listed)
}

// excepts reports whether a difference is an exception, and counts its use.
func (c *comparison) excepts(what string, client clientEndpoint) bool {
	for i, e := range exceptions {
		service, _ := path.Match(e.service, client.Service)
		region := slices.ContainsFunc(strings.Fields(e.regions), func(pattern string) bool {
			ok, _ := path.Match(pattern, client.Region)
			return ok
		})
		variant := slices.Contains(strings.Fields(e.variants), client.variant())
		if e.what == what && service && region && variant && strings.HasPrefix(client.Host+client.Error, e.botocore) {
			c.used[i]++
			return true
		}
	}
	return false
}

// exceptions are where the catalogue and botocore's clients differ on purpose.
// service and regions are patterns; botocore is how the client's host or error
// begins.
var exceptions = [...]struct{ what, service, variants, regions, botocore, reason string }{
	{
		"host", "agent-registry", "fips both", "*", "agent-registry.",
		"its rules ignore FIPS, so botocore sends to the plain host; we refuse",
	},
	{"host", "agent-registry-control", "fips both", "*", "agent-registry-control.", "as agent-registry"},
	{"host", "pricing-plan-manager", "fips both", "*", "pricingplanmanager.", "as agent-registry"},
	{
		"host", "s3", "plain", "us-east-1", "s3.amazonaws.com",
		"botocore alone uses the old global host; we use the Region's own, as the other SDKs do",
	},
	{
		"signing Region", "health", "dualstack both", "us-iso-* us-isob-*", "health",
		"botocore takes it from endpoints.json, which lacks dual-stack here: it signs for us-east-1, which is not in these partitions",
	},
	{
		"host", "*", "dualstack both", "eu-isoe-* us-isof-*", "Unable to construct a modeled endpoint",
		"botocore creates no client, because endpoints.json lacks dual-stack here; other SDKs use the rules, which have the endpoint",
	},
}

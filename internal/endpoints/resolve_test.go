package endpoints_test

import (
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"meridian/internal/endpoints"
)

// TestHostIsTheOneThatBotocoreSendsRequestsTo checks a few of each kind; the
// end-to-end test compares all.
func TestHostIsTheOneThatBotocoreSendsRequestsTo(t *testing.T) {
	t.Parallel()

	plain, fips := endpoints.Variant{}, endpoints.Variant{FIPS: true}
	dual, both := endpoints.Variant{DualStack: true}, endpoints.Variant{FIPS: true, DualStack: true}

	tests := []struct {
		service, region string
		variant         endpoints.Variant
		host, signing   string
		global          bool
	}{
		{"dynamodb", "eu-west-1", plain, "dynamodb.eu-west-1.amazonaws.com", "eu-west-1", false},
		{"dynamodb", "us-west-2", fips, "dynamodb-fips.us-west-2.amazonaws.com", "us-west-2", false},
		{"dynamodb", "us-west-2", dual, "dynamodb.us-west-2.api.aws", "us-west-2", false},
		{"dynamodb", "us-west-2", both, "dynamodb-fips.us-west-2.api.aws", "us-west-2", false},
		{"dynamodb", "us-gov-west-1", fips, "dynamodb.us-gov-west-1.amazonaws.com", "us-gov-west-1", false},
		{"dynamodb", "cn-north-1", dual, "dynamodb.cn-north-1.api.amazonwebservices.com.cn", "cn-north-1", false},
		{"sqs", "eusc-de-east-1", plain, "sqs.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", false},
		{"sqs", "us-iso-east-1", plain, "sqs.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", false},
		{"sqs", "us-isob-east-1", plain, "sqs.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1", false},
		{"sqs", "eu-isoe-west-1", plain, "sqs.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1", false},
		{"sqs", "us-isof-south-1", plain, "sqs.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1", false},
		{"s3", "us-east-1", plain, "s3.us-east-1.amazonaws.com", "us-east-1", false},
		{"s3", "eu-north-1", both, "s3-fips.dualstack.eu-north-1.amazonaws.com", "eu-north-1", false},
		{"cloudwatch", "sa-east-1", plain, "monitoring.sa-east-1.amazonaws.com", "sa-east-1", false},
		{"monitoring", "sa-east-1", plain, "monitoring.sa-east-1.amazonaws.com", "sa-east-1", false},
		{"sts", "ap-south-1", plain, "sts.ap-south-1.amazonaws.com", "ap-south-1", false},
		{"iam", "us-gov-east-1", plain, "iam.us-gov.amazonaws.com", "us-gov-west-1", true},
		{"iam", "cn-northwest-1", plain, "iam.cn-north-1.amazonaws.com.cn", "cn-north-1", true},
		{"route53", "ap-east-1", dual, "route53.global.api.aws", "us-east-1", true},
		{"sdb", "us-east-1", plain, "sdb.amazonaws.com", "us-east-1", false},
		{"eks", "us-east-2", fips, "fips.eks.us-east-2.amazonaws.com", "us-east-2", false},
		{"acm", "eu-west-3", plain, "acm.eu-west-3.amazonaws.com", "eu-west-3", false},
	}

	for _, tt := range tests {
		got, err := endpoints.Resolve(tt.service, tt.region, tt.variant)

		p, _ := endpoints.PartitionOf(tt.region)
		id, _ := endpoints.ServiceID(tt.service)
		want := endpoints.Endpoint{
			Service: id, Host: tt.host, Partition: p.ID,
			SigningRegion: tt.signing, Global: tt.global, Listed: true,
		}

		if err != nil || got != want {
			t.Errorf("Resolve(%s, %s, %+v) = %+v, %v, want %+v", tt.service, tt.region, tt.variant, got, err, want)
		}
	}
}

// A failure is a call of Resolve that fails, with its error and the text.
type failure struct {
	service, region string
	variant         endpoints.Variant
	want            error
	text            string
}

func failures() []failure {
	return []failure{
		{
			"dynamo", "eu-west-1",
			endpoints.Variant{},
			endpoints.UnknownServiceError{Service: "dynamo"},
			`no service is called "dynamo"`,
		},
		{
			"dynamodb", "eu-west-9",
			endpoints.Variant{},
			endpoints.UnknownRegionError{Region: "eu-west-9"},
			`no Region is called "eu-west-9"`,
		},
		{
			"dynamodb", "aws-global",
			endpoints.Variant{},
			endpoints.UnknownRegionError{Region: "aws-global"},
			`no Region is called "aws-global"`,
		},
		{
			"lightsail", "us-gov-west-1",
			endpoints.Variant{FIPS: true},
			endpoints.NotInRegionError{Service: "lightsail", Region: "us-gov-west-1"},
			"lightsail is not listed in us-gov-west-1",
		},
		{
			"s3", "cn-north-1",
			endpoints.Variant{FIPS: true},
			endpoints.NoEndpointError{Service: "s3", Region: "cn-north-1", Variant: endpoints.Variant{FIPS: true}},
			"s3 has no FIPS endpoint in cn-north-1",
		},
		{
			"s3", "cn-north-1",
			endpoints.Variant{FIPS: true, DualStack: true},
			endpoints.NoEndpointError{
				Service: "s3", Region: "cn-north-1", Variant: endpoints.Variant{FIPS: true, DualStack: true},
			},
			"s3 has no FIPS dual-stack endpoint in cn-north-1",
		},
		{
			"cloudfront-keyvaluestore", "us-east-1",
			endpoints.Variant{},
			endpoints.NoEndpointError{Service: "cloudfront-keyvaluestore", Region: "us-east-1"},
			"cloudfront-keyvaluestore has no endpoint of its own in us-east-1",
		},
		{
			"cloudfront-keyvaluestore", "us-east-1",
			endpoints.Variant{DualStack: true},
			endpoints.NoEndpointError{
				Service: "cloudfront-keyvaluestore", Region: "us-east-1", Variant: endpoints.Variant{DualStack: true},
			},
			"cloudfront-keyvaluestore has no dual-stack endpoint in us-east-1",
		},
	}
}

func TestEachKindOfFailureHasItsOwnErrorType(t *testing.T) {
	t.Parallel()

	for _, tt := range failures() {
		got, err := endpoints.Resolve(tt.service, tt.region, tt.variant)
		if !errors.Is(err, tt.want) || got != (endpoints.Endpoint{}) {
			t.Errorf("Resolve(%s, %s, %+v) = %+v, %v, want %#v", tt.service, tt.region, tt.variant, got, err, tt.want)
		}

		if err != nil && err.Error() != tt.text {
			t.Errorf("Resolve(%s, %s, %+v) says %q, want %q", tt.service, tt.region, tt.variant, err, tt.text)
		}
	}
}

func TestFIPSIsNeverSilentlyIgnored(t *testing.T) {
	t.Parallel()

	for _, service := range endpoints.AllServices() {
		for _, dual := range []bool{false, true} {
			plain, err := endpoints.Resolve(service, "us-east-1", endpoints.Variant{DualStack: dual})
			if err != nil {
				continue
			}

			// In the commercial partition a FIPS host has a name of its own.
			fips, err := endpoints.Resolve(service, "us-east-1", endpoints.Variant{FIPS: true, DualStack: dual})
			if err == nil && (fips.Host == plain.Host || !strings.Contains(fips.Host, "fips")) {
				t.Errorf("Resolve(%s) with FIPS = %s, want another host than %s, or an error", service, fips.Host, plain.Host)
			}
		}
	}
}

func TestResolvingTheSameEndpointAgainAllocatesNothing(t *testing.T) {
	v := endpoints.Variant{FIPS: true, DualStack: true}

	resolve := func() {
		if e, err := endpoints.Resolve("dynamodb", "ap-southeast-2", v); err != nil || e.Host == "" {
			t.Errorf("Resolve() = %v, %v", e, err)
		}
	}

	resolve()

	if n := testing.AllocsPerRun(100, resolve); n != 0 {
		t.Errorf("Resolve() allocates %v times, want 0", n)
	}
}

func TestAllFunctionsAreSafeForConcurrentUse(t *testing.T) {
	t.Parallel()

	var wg sync.WaitGroup

	for range 8 {
		wg.Go(func() {
			for _, r := range endpoints.Regions("aws") {
				for _, s := range endpoints.Services(r.Name)[:20] {
					e, err := endpoints.Resolve(s, r.Name, endpoints.Variant{})
					if id, ok := endpoints.ServiceID(s); err != nil || !ok || id != e.Service {
						t.Errorf("Resolve(%s, %s) = %+v, %v", s, r.Name, e, err)
					}
				}
			}
		})
	}

	wg.Wait()
}

func TestResolveTakesEachOfServices(t *testing.T) {
	t.Parallel()

	host := regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+$`)

	for _, p := range endpoints.Partitions() {
		for _, r := range endpoints.Regions(p.ID) {
			for _, s := range endpoints.Services(r.Name) {
				for i := range 4 {
					e, err := endpoints.Resolve(s, r.Name, endpoints.Variant{FIPS: i&1 != 0, DualStack: i&2 != 0})
					if _, ok := errors.AsType[endpoints.NoEndpointError](err); ok && i > 0 {
						continue
					}

					_, ok := endpoints.PartitionOf(e.SigningRegion)
					if err != nil || !host.MatchString(e.Host) || !ok || e.Partition != p.ID || !e.Listed {
						t.Errorf("Resolve(%s, %s, %d) = %+v, %v, want an endpoint", s, r.Name, i, e, err)
					}
				}
			}
		}
	}
}

func TestGlobalServicesResolveInPartitionsWhoseListLacksThem(t *testing.T) {
	t.Parallel()

	for _, tt := range []struct{ service, region, host, signing string }{
		{"iam", "eusc-de-east-1", "iam.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
		{"organizations", "eusc-de-east-1", "organizations.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
		{"route53", "eusc-de-east-1", "route53.amazonaws.eu", "eusc-de-east-1"},
		{"account", "us-gov-east-1", "account.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
	} {
		got, err := endpoints.Resolve(tt.service, tt.region, endpoints.Variant{})
		if err != nil || got.Host != tt.host || got.SigningRegion != tt.signing || !got.Global || got.Listed {
			t.Errorf("Resolve(%s, %s) = %+v, %v; want %s, unlisted", tt.service, tt.region, got, err, tt.host)
		}

		if slices.Contains(endpoints.Services(tt.region), tt.service) {
			t.Errorf("Services(%q) has %q, want it not there", tt.region, tt.service)
		}
	}
}

func TestUnlistedServicesResolveInEveryRegionWithListedFalse(t *testing.T) {
	t.Parallel()

	unlisted := 0

	for _, s := range endpoints.AllServices() {
		if len(endpoints.RegionsOf(s)) > 0 || s == "cloudfront-keyvaluestore" {
			continue
		}

		unlisted++

		for _, p := range endpoints.Partitions() {
			for _, r := range endpoints.Regions(p.ID) {
				e, err := endpoints.Resolve(s, r.Name, endpoints.Variant{})
				if err != nil || e.Listed {
					t.Errorf("Resolve(%s, %s) = %+v, %v, want it unlisted", s, r.Name, e, err)
				}

				if slices.Contains(endpoints.Services(r.Name), s) {
					t.Errorf("Services(%q) has %q, want it not there", r.Name, s)
				}
			}
		}
	}

	if all := len(endpoints.AllServices()); unlisted < all/8 || unlisted > all/2 {
		t.Errorf("%d of %d services are unlisted, want about a quarter", unlisted, all)
	}
}

// pinned returns the content of botocore.pin.
func pinned(t *testing.T) string {
	t.Helper()

	text, err := os.ReadFile("botocore.pin")
	if err != nil {
		t.Fatal(err)
	}

	return strings.TrimSpace(string(text))
}

func BenchmarkResolve(b *testing.B) {
	b.ReportAllocs()

	for b.Loop() {
		if _, err := endpoints.Resolve("dynamodb", "eu-west-1", endpoints.Variant{}); err != nil {
			b.Fatal(err)
		}
	}
}

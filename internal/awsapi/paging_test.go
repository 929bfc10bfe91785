package awsapi_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"meridian/internal/awsapi"
	"meridian/internal/endpoints"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/google/go-cmp/cmp"
)

// Pages are merged as the AWS CLI does it: the items of all pages, and what is the same in
// every page; numbers are added.
func TestCallReadsAllPages(t *testing.T) {
	t.Parallel()
	api, got := stub(
		t,
		response{body: `{"Items":[{"a":{"S":"1"}}],"Count":1,"ScannedCount":5,"LastEvaluatedKey":{"a":{"S":"1"}},"ConsumedCapacity":{"TableName":"t"}}`},
		response{body: `{"Items":[],"Count":0,"ScannedCount":5,"LastEvaluatedKey":{"a":{"S":"2"}}}`},
		response{body: `{"Items":[{"a":{"S":"3"}}],"Count":1,"ScannedCount":1}`},
	)
	answer, err := api.Call(t.Context(), lookup(t, "dynamodb:Scan"), "eu-west-1", object(t, `{"TableName":"t"}`))
	if err != nil {
		t.Fatal(err)
	}
	want := object(t, `{"Items":[{"a":{"S":"1"}},{"a":{"S":"3"}}],"Count":2,"ScannedCount":11,"ConsumedCapacity":{"TableName":"t"}}`)
	if diff := cmp.Diff(want, answer.Value); diff != "" || answer.Pages != 3 || answer.More {
		t.Errorf("%d pages, more %v (-want +got):\n%s", answer.Pages, answer.More, diff)
	}
	if want := `{"ExclusiveStartKey":{"a":{"S":"2"}},"TableName":"t"}`; canonical(t, strings.SplitN((*got)[2], " ", 3)[2]) != want {
		t.Errorf("the last request is %s, want %s", (*got)[2], want)
	}
}

// Reading stops after MaxPages and says that there is more. An input with a token or a
// limit asks for that page only, and the answer says whether there is more.
func TestCallStopsAtMaxPages(t *testing.T) {
	t.Parallel()
	page := response{body: `{"TableNames":["a"],"LastEvaluatedTableName":"a"}`}
	next := response{body: `{"TableNames":["b"],"LastEvaluatedTableName":"b"}`}
	last := response{body: `{"TableNames":["c"]}`}
	for _, test := range []struct {
		input     string
		max       int
		responses []response
		want      string
		more      bool
	}{
		{`{}`, 1, []response{page}, `{"TableNames":["a"]}`, true},
		{`{}`, 2, []response{page, next}, `{"TableNames":["a","b"]}`, true},
		{`{"Limit":1}`, 2, []response{page}, `{"TableNames":["a"],"LastEvaluatedTableName":"a"}`, true},
		{`{"Limit":1}`, 2, []response{last}, `{"TableNames":["c"]}`, false},
		{`{"ExclusiveStartTableName":"0"}`, 2, []response{page}, `{"TableNames":["a"],"LastEvaluatedTableName":"a"}`, true},
		{`{"ExclusiveStartTableName":"b"}`, 2, []response{last}, `{"TableNames":["c"]}`, false},
	} {
		api, _ := stub(t, test.responses...)
		api.MaxPages = test.max
		answer, err := api.Call(t.Context(), lookup(t, "dynamodb:ListTables"), "eu-west-1", object(t, test.input))
		if diff := cmp.Diff(object(t, test.want), answer.Value); err != nil || diff != "" || answer.More != test.more || answer.Pages != len(test.responses) {
			t.Errorf("%s: %d pages, more %v, %v (-want +got):\n%s", test.input, answer.Pages, answer.More, err, diff)
		}
	}
}

// A call that would never end fails.
func TestCallFailsWhenATokenComesAgain(t *testing.T) {
	t.Parallel()
	page := response{body: `{"TableNames":["a"],"LastEvaluatedTableName":"a"}`}
	api, _ := stub(t, page, page)
	_, err := api.Call(t.Context(), lookup(t, "dynamodb:ListTables"), "eu-west-1", nil)
	if err == nil || !strings.Contains(err.Error(), "page 2: AWS gave the same token") {
		t.Errorf("error %v", err)
	}
}

// MaxBytes limits the bodies of all pages together: the pages up to it are the answer, and
// a first page that is longer fails.
func TestCallLimitsTheBytesOfAllPages(t *testing.T) {
	t.Parallel()
	pages := []response{
		{body: `{"TableNames":["a"],"LastEvaluatedTableName":"a"}`}, {body: `{"TableNames":["b"],"LastEvaluatedTableName":"b"}`}, {body: `{"TableNames":["c"]}`},
	}
	first := int64(len(pages[0].body))
	total := first + int64(len(pages[1].body)+len(pages[2].body))
	for most, want := range map[int64]int{0: 3, total: 3, total - 1: 2, first: 1, first - 1: 0, 1: 0} {
		api, _ := stub(t, pages...)
		api.MaxBytes = most
		answer, err := api.Call(t.Context(), lookup(t, "dynamodb:ListTables"), "eu-west-1", nil)
		if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge != (want == 0) || (err != nil) != tooLarge {
			t.Errorf("with at most %d bytes: %v", most, err)
		}
		cut := want == 1 || want == 2
		if answer.Pages != want || answer.TooLong != cut || answer.More != cut {
			t.Errorf("with at most %d bytes: %+v, want %d pages", most, answer, want)
		}
	}
}

// An input with faults, and an operation that is refused, are not sent.
func TestCallSendsNothingWithFaults(t *testing.T) {
	t.Parallel()
	api, _ := stub(t)
	_, err := api.Call(t.Context(), lookup(t, "ec2:DescribeVpcs"), "eu-west-1", object(t, `{"vpcs":1}`))
	if _, ok := errors.AsType[*protocol.InvalidRequestError](err); !ok {
		t.Errorf("an unknown member: %v", err)
	}
	for name, reason := range map[string]string{
		"sdb:ListDomains":                 "its service does not take signatures of version 4",
		"sts:AssumeRoleWithWebIdentity":   "it takes no signature, but credentials of its own in the input",
		"timestream-query:Query":          "its endpoint has to be asked for with DescribeEndpoints first",
		"logs:StartLiveTail":              "it is a stream of events",
		"ec2:CopySnapshot":                "it needs a presigned URL for the other Region",
		"neptune-graph:ExecuteQuery":      "it answers at a host of its own, which the catalogue of endpoints does not have",
		"cloudsearchdomain:Suggest":       "it answers at an endpoint of its own; set AWS_ENDPOINT_URL_CLOUDSEARCH_DOMAIN",
		"glacier:UploadArchive":           "it needs a tree hash of the archive",
		"bedrock-runtime:ConverseStream":  "it is a stream of events",
		"s3:WriteGetObjectResponse":       "its body is a stream, which is not signed",
		"codecatalyst:ListSpaces":         "its service does not take signatures of version 4",
		"lambda:InvokeWithResponseStream": "it is a stream of events",
	} {
		input := map[string]any{}
		if name == "cloudsearchdomain:Suggest" {
			input = map[string]any{"query": "q", "suggester": "s"}
		}
		_, err := api.Call(t.Context(), lookup(t, name), "us-east-1", input)
		if want := (awsapi.RefusedError{Operation: name, Reason: reason}); !errors.Is(err, want) {
			t.Errorf("%s: %v, want %v", name, err, want)
		}
	}
}

// The endpoint is the catalogue's, or one that is set; a host prefix has only labels of
// host names.
func TestPlace(t *testing.T) {
	t.Parallel()
	set := func(u string) awsapi.Endpoints {
		return awsapi.Endpoints{URL: func(context.Context, string) (string, error) { return u, nil }}
	}
	for _, test := range []struct {
		name, operation, region, input string
		endpoints                      awsapi.Endpoints
		want, signed, err              string
	}{
		{"regional", "ec2:DescribeVpcs", "eu-west-1", `{}`, awsapi.Endpoints{}, "https://ec2.eu-west-1.amazonaws.com", "eu-west-1", ""},
		{"global", "iam:ListUsers", "eu-west-1", `{}`, awsapi.Endpoints{}, "https://iam.amazonaws.com", "us-east-1", ""},
		{"fips", "ec2:DescribeVpcs", "us-east-1", `{}`, awsapi.Endpoints{Variant: endpoints.Variant{FIPS: true}}, "https://ec2-fips.us-east-1.amazonaws.com", "us-east-1", ""},
		{"unknown Region", "ec2:DescribeVpcs", "eu-west-9", `{}`, awsapi.Endpoints{}, "", "", `no Region is called "eu-west-9"`},
		{"set", "ec2:DescribeVpcs", "eu-west-1", `{}`, set("http://127.0.0.1:4566/a"), "http://127.0.0.1:4566/a", "eu-west-1", ""},
		{"set, global", "iam:ListUsers", "eu-west-1", `{}`, set("http://127.0.0.1:4566"), "http://127.0.0.1:4566", "us-east-1", ""},
		{"set, unknown Region", "ec2:DescribeVpcs", "local-1", `{}`, set("http://localhost:4566"), "http://localhost:4566", "local-1", ""},
		{"set wrongly", "ec2:DescribeVpcs", "eu-west-1", `{}`, set("ftp://u:secret@x"), "", "", `the endpoint "ftp://u:xxxxx@x" is not an http or https URL; correct AWS_ENDPOINT_URL`},
		{"prefix", "iotsitewise:ListAssets", "eu-west-1", `{}`, awsapi.Endpoints{}, "https://api.iotsitewise.eu-west-1.amazonaws.com", "eu-west-1", ""},
		{"prefix, set", "iotsitewise:ListAssets", "eu-west-1", `{}`, set("https://vpce.example"), "https://api.vpce.example", "eu-west-1", ""},
		{"prefix, local", "iotsitewise:ListAssets", "eu-west-1", `{}`, set("http://localhost:1"), "http://localhost:1", "eu-west-1", ""},
		{"prefix of the input", "s3control:ListJobs", "eu-west-1", `{"AccountId":"123456789012"}`, awsapi.Endpoints{}, "https://123456789012.s3-control.eu-west-1.amazonaws.com", "eu-west-1", ""},
		{"no label", "s3control:ListJobs", "eu-west-1", `{"AccountId":"evil.example/"}`, awsapi.Endpoints{}, "", "", `AccountId: "evil.example/" begins the host's name; want 1 to 63 letters, digits and hyphens`},
		{"no label either", "s3control:ListJobs", "eu-west-1", `{"AccountId":"-1"}`, awsapi.Endpoints{}, "", "", `AccountId: "-1" begins the host's name; want 1 to 63 letters, digits and hyphens`},
	} {
		place, err := test.endpoints.Place(t.Context(), lookup(t, test.operation), test.region, object(t, test.input))
		if test.err != "" {
			if err == nil || err.Error() != test.err {
				t.Errorf("%s: %v, want %s", test.name, err, test.err)
			}
			continue
		}
		if err != nil || place.Endpoint.String() != test.want || place.Region != test.signed {
			t.Errorf("%s: %v, %v, want %s signed for %s", test.name, place, err, test.want, test.signed)
		}
	}
}

// The path of an endpoint that is set is before the operation's, which keeps its slash.
func TestCallKeepsThePathOfTheEndpoint(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"dynamodb:ListTables": "POST http://127.0.0.1/a%2Fb/ {}", "lambda:ListFunctions": "GET http://127.0.0.1/a%2Fb/2015-03-31/functions",
	} {
		api, got := stub(t, response{body: `{}`})
		api.Endpoints.URL = func(context.Context, string) (string, error) { return "http://127.0.0.1/a%2Fb", nil }
		if _, err := api.Call(t.Context(), lookup(t, name), "eu-west-1", nil); err != nil || strings.TrimSuffix((*got)[0], "/") != want {
			t.Errorf("%s sent %s, %v, want %s", name, (*got)[0], err, want)
		}
	}
}

// One call is enough for services with one host for a partition, and for what every
// Region answers alike.
func TestOnce(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"iam:ListUsers": true, "organizations:ListAccounts": true, "route53:ListHostedZones": true, "s3:ListBuckets": true,
		"s3:ListObjectsV2": false, "ec2:DescribeVpcs": false, "sts:GetCallerIdentity": false,
	} {
		if got := (awsapi.Endpoints{}).Once(lookup(t, name), "eu-west-1"); got != want {
			t.Errorf("Once(%s) = %v, want %v", name, got, want)
		}
	}
}

// Endpoints are read as the SDK reads them.
func TestEndpointsOf(t *testing.T) { //nolint:paralleltest // it sets the environment
	for _, test := range []struct {
		name string
		env  map[string]string
		want string
	}{
		{"none", nil, "https://dynamodb.us-east-1.amazonaws.com"},
		{"all", map[string]string{"AWS_ENDPOINT_URL": "http://all"}, "http://all"},
		{"one", map[string]string{"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_DYNAMODB": "http://one"}, "http://one"},
		{"another", map[string]string{"AWS_ENDPOINT_URL_EC2": "http://one"}, "https://dynamodb.us-east-1.amazonaws.com"},
		{"ignored", map[string]string{"AWS_ENDPOINT_URL": "http://all", "AWS_ENDPOINT_URL_DYNAMODB": "http://one", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, "https://dynamodb.us-east-1.amazonaws.com"},
		{"fips", map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, "https://dynamodb-fips.us-east-1.amazonaws.com"},
		{"dual-stack", map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, "https://dynamodb.us-east-1.api.aws"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Setenv("AWS_CONFIG_FILE", "/dev/null")
			t.Setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			cfg, err := config.LoadDefaultConfig(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			found, err := awsapi.EndpointsOf(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			place, err := found.Place(t.Context(), lookup(t, "dynamodb:ListTables"), "us-east-1", nil)
			if err != nil || place.Endpoint.String() != test.want {
				t.Errorf("%v, %v, want %s", place.Endpoint, err, test.want)
			}
		})
	}
}

// Hold is called before more is read than there is room for: beyond 64 KiB, and beyond the
// room that it returned last, all pages together. Its error ends the call.
func TestHoldIsAskedForRoomAsAnAnswerGrows(t *testing.T) {
	t.Parallel()
	page := func(next string) response {
		return response{body: `{"TableNames":["` + strings.Repeat("n", 50<<10) + `"]` + next + `}`}
	}
	full := errors.New("no memory")
	for _, test := range []struct {
		name  string
		rooms []int64 // that Hold returns; then it fails
		want  error
	}{
		{"enough", []int64{1 << 20}, nil},
		{"in steps", []int64{100 << 10, 150 << 10, 1 << 20}, nil},
		{"not enough", []int64{100 << 10}, full},
		{"none", nil, full},
	} {
		api, _ := stub(t, page(`,"LastEvaluatedTableName":"a"`), page(`,"LastEvaluatedTableName":"b"`), page(`,"LastEvaluatedTableName":"c"`), page(""))
		asked := 0
		api.Hold = func(context.Context) (int64, error) {
			if asked++; asked > len(test.rooms) {
				return 0, full
			}
			return test.rooms[asked-1], nil
		}
		answer, err := api.Call(t.Context(), lookup(t, "dynamodb:ListTables"), "eu-west-1", nil)
		if !errors.Is(err, test.want) || test.want == nil && (answer.Pages != 4 || asked != len(test.rooms)) {
			t.Errorf("%s: %d pages, %v, asked %d times, want %v and %d times", test.name, answer.Pages, err, asked, test.want, len(test.rooms))
		}
	}
}

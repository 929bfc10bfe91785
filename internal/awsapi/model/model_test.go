package model_test

import (
	_ "embed"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"meridian/internal/awsapi/model"

	"github.com/google/go-cmp/cmp"
)

//go:embed models.bin
var models string

// lookup returns an operation of AWS by its full name.
func lookup(tb testing.TB, name string) *model.Operation {
	tb.Helper()
	service, operation, err := model.Split(name)
	if err != nil {
		tb.Fatal(err)
	}
	op, err := model.Lookup(service, operation)
	if err != nil {
		tb.Fatal(err)
	}
	return op
}

// object decodes a JSON object, or nil.
func object(tb testing.TB, text string) map[string]any {
	tb.Helper()
	var value map[string]any
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	return value
}

// Every operation can be looked up, and its data is sound.
func TestLookupOfEveryOperation(t *testing.T) {
	t.Parallel()
	count, reads, pages := 0, 0, 0
	for _, service := range model.Services() {
		for _, name := range model.Operations(service) {
			op, err := model.Lookup(service, name)
			if err != nil {
				t.Errorf("Lookup(%s, %s): %v", service, name, err)
				continue
			}
			count++
			if op.ReadOnly() {
				reads++
			}
			if op.Pages != nil {
				pages++
			}
			if op.Service != service || op.Name != name || op.SigningName == "" || op.ServiceID == "" {
				t.Errorf("Lookup(%s, %s) = %s:%s, signed for %q, with the id %q", service, name, op.Service, op.Name, op.SigningName, op.ServiceID)
			}
			if strings.Contains(op.HostPrefix, "{") && len(op.InputFields(1)) == 0 {
				t.Errorf("%s:%s has the host prefix %s and no input", service, name, op.HostPrefix)
			}
		}
	}
	// botocore 1.44.5 has 439 services; later ones have more.
	if services := len(model.Services()); services < 439 || count < 19796 || reads < 8000 || pages < 3449 {
		t.Errorf("%d services, %d operations, %d reads, %d with pages", services, count, reads, pages)
	}
}

func TestLookupNamesTheNearest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		service, operation string
		want               model.UnknownError
		text               string
	}{
		{"ec3", "DescribeVpcs", model.UnknownError{Service: "ec3", Nearest: "ec2"}, `no service is called "ec3"; did you mean "ec2"?`},
		{
			"ec2", "describe-vpcs",
			model.UnknownError{Service: "ec2", Operation: "describe-vpcs", Nearest: "DescribeVpcs"},
			`ec2 has no operation "describe-vpcs"; did you mean "DescribeVpcs"?`,
		},
		{
			"sts", "Zzz", model.UnknownError{Service: "sts", Operation: "Zzz"}, `sts has no operation "Zzz"`,
		},
		{"", "", model.UnknownError{}, `no service is called ""`},
	} {
		op, err := model.Lookup(test.service, test.operation)
		got, ok := errors.AsType[model.UnknownError](err)
		if op != nil || !ok || got != test.want || err.Error() != test.text {
			t.Errorf("Lookup(%q, %q) = %v, %v, want %s", test.service, test.operation, op, err, test.text)
		}
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for name, ok := range map[string]bool{"ec2:DescribeVpcs": true, "a:b:c": true, "ec2": false, ":b": false, "ec2:": false, "": false} {
		if _, _, err := model.Split(name); (err == nil) != ok {
			t.Errorf("Split(%q) = %v", name, err)
		}
	}
}

// Lists are sorted, and the list for a service that does not exist is empty.
func TestListsAreSorted(t *testing.T) {
	t.Parallel()
	if services := model.Services(); !slices.IsSorted(services) || !slices.Contains(services, "ec2") {
		t.Errorf("Services() = %v", services)
	}
	if operations := model.Operations("dynamodb"); !slices.IsSorted(operations) || !slices.Contains(operations, "GetItem") {
		t.Errorf("Operations(dynamodb) = %v", operations)
	}
	if operations := model.Operations("none"); operations != nil {
		t.Errorf("Operations(none) = %v", operations)
	}
}

// A fault has the path of the value, and says what is allowed.
func TestCheckFaults(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, operation, input string
		want                   []string
	}{
		{"nothing", "ec2:DescribeVpcs", ``, nil},
		{"null is as if it were not there", "ec2:DescribeVpcs", `{"VpcIds":null,"Nope":null}`, []string{"Nope: is not a member; known are Filters, VpcIds, NextToken, MaxResults, DryRun"}},
		{"nearest name", "ec2:DescribeVpcs", `{"VpcIDs":["a"]}`, []string{"VpcIDs: is not a member; did you mean VpcIds?"}},
		{"unknown in a list", "ec2:DescribeVpcs", `{"Filters":[{"Name":"a"},{"name":"b"}]}`, []string{"Filters[1].name: is not a member; did you mean Name?"}},
		{"wrong types", "ec2:DescribeVpcs", `{"DryRun":"yes","MaxResults":1.5,"VpcIds":"a","Filters":[[]]}`, []string{
			`DryRun: "yes": want true or false`, `Filters[0]: []: want an object`,
			`MaxResults: 1.5: want a whole number of at most 32 bits`, `VpcIds: "a": want a list`,
		}},
		{"32 bits", "ec2:DescribeVpcs", `{"MaxResults":2147483648}`, []string{`MaxResults: 2147483648: want a whole number of at most 32 bits`}},
		{"null in a list", "ec2:DescribeVpcs", `{"VpcIds":["a",null]}`, []string{"VpcIds[1]: null is not allowed here"}},
		{"required", "dynamodb:GetItem", `{}`, []string{"TableName: is required", "Key: is required"}},
		{"required inside", "dynamodb:GetItem", `{"TableName":"t","Key":{"a b":{"S":1}}}`, []string{`Key["a b"].S: 1: want text`}},
		{"union", "dynamodb:GetItem", `{"TableName":"t","Key":{"a":{"S":"x","N":"1"}}}`, nil}, // no union in the model
		{"empty in the path", "lambda:GetFunction", `{"FunctionName":""}`, []string{`FunctionName: "": may not be empty: it is a part of the address`}},
		{"blob", "kms:Decrypt", `{"CiphertextBlob":"%"}`, []string{`CiphertextBlob: "%": want bytes as text in base64`}},
		{
			"timestamp", "cloudtrail:LookupEvents", `{"StartTime":"yesterday","EndTime":1e300}`,
			[]string{
				`EndTime: 1e+300: want a time such as 2026-01-02T15:04:05Z, or seconds since 1970`,
				`StartTime: "yesterday": want a time such as 2026-01-02T15:04:05Z, or seconds since 1970`,
			},
		},
		{"timestamps", "cloudtrail:LookupEvents", `{"StartTime":"2026-01-02","EndTime":1767323045.5}`, nil},
		{"no input", "iot:DescribeEventConfigurations", `{"a":1}`, []string{"a: is not a member"}},
		{"another host", "events:PutEvents", `{"EndpointId":"a.b","Entries":[]}`, []string{`EndpointId: "a.b": selects a host of its own, which the catalogue of endpoints does not have`}},
		{"presigned", "rds:CopyDBSnapshot", `{"SourceDBSnapshotIdentifier":"a","TargetDBSnapshotIdentifier":"b","SourceRegion":"eu-west-1"}`, []string{`SourceRegion: "eu-west-1": it needs a presigned URL for the other Region`}},
		{"directory bucket", "s3:ListObjectsV2", `{"Bucket":"a--usw2-az1--x-s3"}`, []string{`Bucket: "a--usw2-az1--x-s3": want the name of a general purpose bucket`}},
		{"access point", "s3:ListObjectsV2", `{"Bucket":"arn:aws:s3:us-west-2:1:accesspoint/a"}`, []string{`Bucket: "arn:aws:s3:us-west-2:1:accesspoint/a": want the name of a general purpose bucket`}},
		{"bucket", "s3:ListObjectsV2", `{"Bucket":"a.b-c"}`, nil},
		{"header", "s3:HeadObject", `{"Bucket":"bucket","Key":"k","IfMatch":"a\r\nX: y"}`, []string{`IfMatch: "a\r\nX: y": may have no line breaks or other control characters: it is in a header`}},
		{"headers of a kind", "s3:PutObject", `{"Bucket":"bucket","Key":"k","Metadata":{"":"","a b":"c","d":"e\n","f-g":"h i\tß"}}`, []string{
			`Metadata[""]: is in the name of a header; want letters, digits and hyphens`,
			`Metadata["a b"]: is in the name of a header; want letters, digits and hyphens`,
			`Metadata.d: "e\n": may have no line breaks or other control characters: it is in a header`,
		}},
		{"list in a header", "s3:GetObjectAttributes", `{"Bucket":"bucket","Key":"k","ObjectAttributes":["ETag","a\u0000"]}`, []string{
			`ObjectAttributes[1]: "a\u0000": may have no line breaks or other control characters: it is in a header`,
		}},
		{"host", "s3control:ListJobs", `{"AccountId":"evil.example.com/"}`, []string{`AccountId: "evil.example.com/": begins the host's name; want 1 to 63 letters, digits and hyphens`}},
	} {
		var got []string
		var input any
		if test.input != "" {
			input = object(t, test.input)
		}
		for _, fault := range lookup(t, test.operation).Check(input) {
			got = append(got, fault.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: %s: (-want +got):\n%s", test.name, test.operation, diff)
		}
	}
}

// An input has to be an object, and a token that is required is filled later.
func TestCheckOfOtherValues(t *testing.T) {
	t.Parallel()
	if got := lookup(t, "ec2:DescribeVpcs").Check([]any{}).Err(); got == nil || got.Error() != "[]: want an object" {
		t.Errorf("Check of a list: %v", got)
	}
	if got := lookup(t, "ec2:DescribeVpcs").Check(map[string]any{"MaxResults": json.Number("1e1"), "DryRun": true}); got != nil {
		t.Errorf("Check of a json.Number: %v", got)
	}
	op := lookup(t, "iotsitewise:CreateGateway")
	if got := op.Check(map[string]any{"gatewayName": "a", "gatewayPlatform": map[string]any{}}); got != nil {
		t.Errorf("Check without a token: %v", got)
	}
	many := make([]any, 200)
	if got := lookup(t, "ec2:DescribeVpcs").Check(map[string]any{"VpcIds": many}); len(got) != 101 {
		t.Errorf("%d faults, want 100 and the one that says that there are more: %v", len(got), got[:1])
	}
}

// What an operation is, by its model, its name and the table of exceptions.
func TestKindsOfOperations(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct{ read, secret, idempotent, once bool }{
		"ec2:DescribeInstances":                         {read: true, idempotent: true},
		"ec2:RunInstances":                              {},
		"s3:ListBuckets":                                {read: true, idempotent: true, once: true},
		"s3:HeadBucket":                                 {read: true, idempotent: true},
		"secretsmanager:GetSecretValue":                 {read: true, secret: true, idempotent: true},
		"ssm:GetParametersByPath":                       {read: true, secret: true, idempotent: true},
		"sts:GetSessionToken":                           {read: true, secret: true, idempotent: true},
		"ec2:GetVpnConnectionDeviceSampleConfiguration": {read: true, secret: true, idempotent: true},
		"sts:AssumeRole":                                {},
		"networkflowmonitor:GetMonitor":                 {read: true, idempotent: true},
		"ivs:StartViewerSessionRevocation":              {},
		"redshift:GetClusterCredentials":                {},
		"dynamodb:GetItem":                              {read: true, idempotent: true},
		"dynamodb:Query":                                {read: true, idempotent: true},
		"dynamodb:ExecuteStatement":                     {},
		"logs:FilterLogEvents":                          {read: true, idempotent: true},
		"iam:SimulatePrincipalPolicy":                   {read: true, idempotent: true},
		"stepfunctions:GetActivityTask":                 {},
		"lightsail:GetInstanceAccessDetails":            {read: true, secret: true, idempotent: true},
		"emr:DescribeCluster":                           {read: true, idempotent: true},
		"lambda:ListFunctions":                          {read: true, idempotent: true},
		"lambda:Invoke":                                 {},
		"dynamodb:TransactWriteItems":                   {},
		"cloudwatch:GetMetricData":                      {read: true, idempotent: true},
	} {
		op := lookup(t, name)
		if op.ReadOnly() != want.read || op.Secret() != want.secret || op.Idempotent(nil) != want.idempotent || op.Once() != want.once {
			t.Errorf("%s: reads %v, secret %v, idempotent %v, once %v; want %+v", name, op.ReadOnly(), op.Secret(), op.Idempotent(nil), op.Once(), want)
		}
	}
}

// A token makes a call idempotent. Each that is missing is filled, also inside; what is
// there stays, and the input does not change.
func TestWithTokens(t *testing.T) {
	t.Parallel()
	n := 0
	token := func() string { n++; return strings.Repeat("t", n) }
	op := lookup(t, "dynamodb:TransactWriteItems")
	input := object(t, `{"TransactItems":[]}`)
	filled := op.WithTokens(input, token)
	if diff := cmp.Diff(object(t, `{"TransactItems":[],"ClientRequestToken":"t"}`), filled); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(input) != 1 || !op.Idempotent(filled) || op.Idempotent(input) {
		t.Errorf("the input is %v now, and %v is idempotent: %v", input, filled, op.Idempotent(filled))
	}
	if again := op.WithTokens(filled, token); again["ClientRequestToken"] != "t" || n != 1 {
		t.Errorf("filled again: %v", again)
	}
	if filled := op.WithTokens(nil, token); filled["ClientRequestToken"] != "tt" {
		t.Errorf("without an input: %v", filled)
	}
	if none := lookup(t, "ec2:DescribeVpcs").WithTokens(nil, token); len(none) != 0 {
		t.Errorf("without a token in the model: %v", none)
	}
}

// An outline ends where a structure contains itself, and at the depth asked for.
func TestOutline(t *testing.T) {
	t.Parallel()
	fields := lookup(t, "dynamodb:GetItem").InputFields(1)
	if len(fields) == 0 || fields[0].Name != "TableName" || fields[0].Type != "string" || !fields[0].Required || fields[1].Type != "map of structure" || fields[1].Fields != nil {
		t.Errorf("InputFields(1) = %+v", fields)
	}
	deep := lookup(t, "dynamodb:GetItem").InputFields(100)
	value := deep[1].Fields
	list := value[slices.IndexFunc(value, func(f model.Field) bool { return f.Name == "L" })]
	if list.Type != "list of structure" || list.Fields != nil {
		t.Errorf("a value in a value: %+v", list)
	}
	if fields := lookup(t, "ec2:DescribeVpcs").OutputFields(0); fields != nil {
		t.Errorf("OutputFields(0) = %+v", fields)
	}
}

func TestOpenRefusesOtherData(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "meridian models 2\n", "meridian models 1\n", models[:1000], "x" + models} {
		if _, err := model.Open(text); err == nil {
			t.Errorf("Open of %d bytes succeeds", len(text))
		}
	}
	if _, err := model.Open(models); err != nil {
		t.Errorf("Open(models.bin) = %v", err)
	}
}

// Damaged data gives errors or wrong names, and no panic.
func FuzzDamage(f *testing.F) {
	f.Add(20, byte(0xff), 0)
	f.Add(700_000, byte(0x80), 3)
	f.Add(len(models)-1, byte(0), 100)
	names := []string{"ec2:DescribeInstances", "s3:GetObject", "dynamodb:GetItem", "sts:GetCallerIdentity", "route53:ListResourceRecordSets"}
	f.Fuzz(func(t *testing.T, offset int, value byte, step int) {
		damaged := []byte(models)
		for i := range 64 { // far apart, so that every table gets some
			at := (offset + i*(step&0xffff)*997) % len(damaged)
			damaged[max(at, -at)] ^= value + byte(i)
		}
		data, err := model.Open(string(damaged))
		if err != nil {
			return
		}
		data.Operations("ec2")
		for _, name := range names {
			service, operation, _ := model.Split(name)
			op, err := data.Lookup(service, operation)
			if err != nil {
				continue
			}
			op.Check(map[string]any{"a": 1.0})
			op.Refused()
			op.ReadOnly()
			op.OutputFields(3)
		}
	})
}

func BenchmarkLookup(b *testing.B) {
	for _, name := range []string{"ec2:DescribeInstances", "sts:GetCallerIdentity", "quicksight:DescribeDashboardDefinition"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			service, operation, _ := model.Split(name)
			for b.Loop() {
				if _, err := model.Lookup(service, operation); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

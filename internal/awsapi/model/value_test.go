package model_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"meridian/internal/awsapi/model"
)

// read deserializes an answer of an operation.
func read(t *testing.T, name, body string) (any, error) {
	t.Helper()
	op := lookup(t, name)
	out := op.Output()
	err := op.Protocol().DeserializeResponse(t.Context(), op.Schema(), op.Errors(), &smithyhttp.Response{Response: &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
	}}, out)
	return out.Any(), err
}

// What the model does not know is dropped, nulls are left out, numbers stay exact, and
// times and bytes are texts.
func TestOutputValues(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, operation, body, want string }{
		{"unknown members", "dynamodb:ListTables", `{"TableNames":["a",null],"Novel":{"x":[{}]}}`, `{"TableNames":["a"]}`},
		{"empty", "dynamodb:ListTables", `{}`, `{}`},
		{"times and bytes", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":1767323045.25,"Arn":null}}`, `{"KeyMetadata":{"CreationDate":"2026-01-02T03:04:05.25Z"}}`},
		{"bytes", "kms:Encrypt", `{"CiphertextBlob":"AAE="}`, `{"CiphertextBlob":"AAE="}`},
		{"a list in XML", "ec2:DescribeVpcs", `<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>`, `{"Vpcs":[]}`},
		{"both events of S3", "s3:GetBucketNotification", `<N><TopicConfiguration><Event>a</Event><Event>b</Event></TopicConfiguration></N>`, `{"TopicConfiguration":{"Events":["a","b"]}}`},
		{
			"a policy", "iam:GetRole",
			`<GetRoleResponse><GetRoleResult><Role><RoleName>%7B%7D</RoleName><AssumeRolePolicyDocument>%7B%22Statement%22%3A%5B%22a+%2B%25%22%5D%7D</AssumeRolePolicyDocument></Role></GetRoleResult></GetRoleResponse>`,
			`{"Role":{"RoleName":"%7B%7D","AssumeRolePolicyDocument":{"Statement":["a++%"]}}}`,
		},
		{
			"a policy that is not encoded", "iam:GetRolePolicy",
			`<GetRolePolicyResponse><GetRolePolicyResult><PolicyDocument>{"a":"5%"}</PolicyDocument></GetRolePolicyResult></GetRolePolicyResponse>`, `{"PolicyDocument":{"a":"5%"}}`,
		},
		{
			"a template in JSON", "cloudformation:GetTemplate",
			`<GetTemplateResponse><GetTemplateResult><TemplateBody>{"Resources":{}}</TemplateBody></GetTemplateResult></GetTemplateResponse>`, `{"TemplateBody":{"Resources":{}}}`,
		},
		{
			"a template in YAML", "cloudformation:GetTemplate",
			`<GetTemplateResponse><GetTemplateResult><TemplateBody>Resources: %7B%7D</TemplateBody></GetTemplateResult></GetTemplateResponse>`, `{"TemplateBody":"Resources: %7B%7D"}`,
		},
		{"a console's text", "ec2:GetConsoleOutput", `<GetConsoleOutputResponse><output>YQr/</output></GetConsoleOutputResponse>`, `{"Output":"a\n\ufffd"}`},
		{"no headers of a kind", "s3:HeadObject", ``, `{"Metadata":{}}`},
	} {
		got, err := read(t, test.operation, test.body)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if diff := cmp.Diff(object(t, test.want), got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", test.name, diff)
		}
	}
}

// A timestamp that is seconds since 1970 can have any year that RFC 3339 can write, in the
// body and in a header. Any other number is an answer that cannot be read.
func TestOutputTimestamps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, operation, body, want string }{
		{"the last second", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":253402300799}}`, "9999-12-31T23:59:59Z"},
		{"the year 1", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":-62135596800}}`, "0001-01-01T00:00:00Z"},
		{"milliseconds", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":1767323045.123}}`, "2026-01-02T03:04:05.123Z"},
		{"milliseconds that binary has not", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":1795968878.446}}`, "2026-11-29T16:14:38.446Z"},
		{"microseconds", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":1767323045.123999}}`, "2026-01-02T03:04:05.123Z"},
		{"an exponent", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":2.53402300799E11}}`, "9999-12-31T23:59:59Z"},
		{"after the last", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":253402300800}}`, ""},
		{"infinity", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":"Infinity"}}`, ""},
		{"NaN", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":"NaN"}}`, ""},
		{"a text", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":"x"}}`, ""},
	} {
		got, err := read(t, test.operation, test.body)
		if _, unreadable := errors.AsType[*smithy.DeserializationError](err); unreadable != (test.want == "") || err != nil && !unreadable {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if test.want == "" {
			continue
		}
		if diff := cmp.Diff(object(t, `{"KeyMetadata":{"CreationDate":"`+test.want+`"}}`), got); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", test.name, diff)
		}
	}
}

// A timestamp is sent in the format of its protocol and of its place, in every year.
func TestInputTimestamps(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, operation, input, want string }{
		{"JSON", "cloudtrail:LookupEvents", `{"EndTime":"9999-12-31T23:59:59Z"}`, `{"EndTime":253402300799}`},
		{"seconds", "cloudtrail:LookupEvents", `{"EndTime":-62135596800}`, `{"EndTime":-62135596800}`},
		{"a fraction", "cloudtrail:LookupEvents", `{"EndTime":"2026-01-02T03:04:05.25Z"}`, `{"EndTime":1767323045.25}`},
		{"XML", "ec2:DescribeSpotPriceHistory", `{"EndTime":"9999-12-31T23:59:59Z"}`, `EndTime=9999-12-31T23%3A59%3A59Z`},
		{"the query", "groundstation:ListGroundStationReservations", `{"groundStationId":"g","startTime":"0001-01-01","endTime":"9999-12-31T23:59:59.5Z"}`, `endTime=253402300799.5&startTime=-62135596800`},
		{"REST with JSON", "xray:GetTraceSummaries", `{"StartTime":"0001-01-01","EndTime":"9999-12-31"}`, `{"StartTime":-62135596800,"EndTime":253402214400}`},
	} {
		op := lookup(t, test.operation)
		r := smithyhttp.NewStackRequest().(*smithyhttp.Request) //nolint:forcetypeassert // it is documented
		if err := op.Protocol().SerializeRequest(t.Context(), op.Schema(), op.Input(object(t, test.input)), r); err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		got, err := io.ReadAll(r.GetStream())
		if err != nil {
			t.Fatal(err)
		}
		if len(got) == 0 {
			got = []byte(r.URL.RawQuery)
		}
		if !strings.Contains(string(got), test.want) {
			t.Errorf("%s: sends %s, want %s", test.name, got, test.want)
		}
	}
}

// An answer that is nested without end is an error, and no overflow of the stack.
func TestOutputIsNotNestedWithoutEnd(t *testing.T) {
	t.Parallel()
	deep := func(n int) string { return strings.Repeat(`{"L":[`, n) + `{"S":"x"}` + strings.Repeat(`]}`, n) }
	for n, ok := range map[int]bool{400: true, 600: false} {
		_, err := read(t, "dynamodb:GetItem", `{"Item":{"a":`+deep(n)+`}}`)
		if (err == nil) != ok {
			t.Errorf("%d levels: %v", n, err)
		}
	}
}

// Every value that Check has no fault in can be serialized, for every protocol.
func TestCheckedInputsAreSerialized(t *testing.T) {
	t.Parallel()
	operations := []*model.Operation{
		lookup(t, "ec2:RunInstances"), lookup(t, "dynamodb:PutItem"), lookup(t, "iam:CreateRole"), lookup(t, "lambda:CreateFunction"),
		lookup(t, "s3:PutBucketLifecycleConfiguration"), lookup(t, "route53:ChangeResourceRecordSets"), lookup(t, "eventbridgev2:CreateSubscriber"),
		lookup(t, "bedrock-runtime:Converse"),
	}
	rapid.Check(t, func(rt *rapid.T) {
		op := rapid.SampledFrom(operations).Draw(rt, "operation")
		input, _ := draw(rt, "structure", op.InputFields(4), 0).(map[string]any)
		if op.Check(input) != nil {
			return
		}
		r := smithyhttp.NewStackRequest().(*smithyhttp.Request) //nolint:forcetypeassert // it is documented
		if err := op.Protocol().SerializeRequest(t.Context(), op.Schema(), op.Input(input), r); err != nil {
			rt.Errorf("%s: %v", op.Name, err)
		}
	})
}

// draw draws a value of a type, which may be wrong.
func draw(t *rapid.T, typ string, fields []model.Field, depth int) any {
	if rapid.IntRange(0, 60).Draw(t, "wrong") == 0 {
		return rapid.SampledFrom([]any{nil, "x", 1.5, true, []any{}, map[string]any{}}).Draw(t, "value")
	}
	if item, ok := strings.CutPrefix(typ, "list of "); ok {
		return []any{draw(t, item, fields, depth+1)}
	}
	if item, ok := strings.CutPrefix(typ, "map of "); ok {
		return map[string]any{rapid.String().Draw(t, "key"): draw(t, item, fields, depth+1)}
	}
	switch typ {
	case "structure", "union":
		object := map[string]any{}
		for _, field := range fields {
			if len(object) == 1 && typ == "union" {
				break
			}
			if field.Required || rapid.IntRange(0, depth+2).Draw(t, "set") == 0 {
				object[field.Name] = draw(t, field.Type, field.Fields, depth+1)
			}
		}
		return object
	case "boolean":
		return rapid.Bool().Draw(t, "boolean")
	case "integer", "long":
		return float64(rapid.Int32().Draw(t, "integer"))
	case "number":
		return rapid.Float64().Draw(t, "number")
	case "blob":
		return "AAE="
	case "timestamp":
		return "2026-01-02T03:04:05Z"
	case "document":
		return []any{[]any{map[string]any{"a": nil}}}
	default:
		return rapid.String().Draw(t, "string")
	}
}

// Each error has AWS's code and message, and its members as a value.
func TestServiceError(t *testing.T) {
	t.Parallel()
	op := lookup(t, "dynamodb:TransactWriteItems")
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException","Message":"cancelled","CancellationReasons":[{"Code":"None"}]}`
	err := op.Protocol().DeserializeResponse(t.Context(), op.Schema(), op.Errors(), &smithyhttp.Response{Response: &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body)),
	}}, op.Output())
	got, ok := err.(*model.ServiceError) //nolint:errorlint // it is not wrapped
	if !ok || got.Error() != "TransactionCanceledException: cancelled" || got.ErrorFault() != smithy.FaultUnknown {
		t.Fatalf("error %v", err)
	}
	if diff := cmp.Diff(object(t, `{"Message":"cancelled","CancellationReasons":[{"Code":"None"}]}`), got.Any()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// An error's message is read in the spelling of the other services, too.
func TestTheMessageOfAnErrorMayBeSpeltDifferently(t *testing.T) {
	t.Parallel()
	op := lookup(t, "organizations:ListAccounts") // the model says "Message"
	err := op.Protocol().DeserializeResponse(t.Context(), op.Schema(), op.Errors(), &smithyhttp.Response{Response: &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"__type":"AccessDeniedException","message":"no"}`)),
	}}, op.Output())
	if err == nil || err.Error() != "AccessDeniedException: no" {
		t.Errorf("error %v, want AccessDeniedException: no", err)
	}
}

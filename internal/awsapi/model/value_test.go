package model_test

import (
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
		{"empty", "dynamodb:ListTables", ``, `{}`},
		{"times and bytes", "kms:DescribeKey", `{"KeyMetadata":{"CreationDate":1767323045.25,"Arn":null}}`, `{"KeyMetadata":{"CreationDate":"2026-01-02T03:04:05.25Z"}}`},
		{"bytes", "kms:Encrypt", `{"CiphertextBlob":"AAE="}`, `{"CiphertextBlob":"AAE="}`},
		{"a list in XML", "ec2:DescribeVpcs", `<DescribeVpcsResponse><vpcSet/></DescribeVpcsResponse>`, `{"Vpcs":[]}`},
		{"both events of S3", "s3:GetBucketNotification", `<N><TopicConfiguration><Event>a</Event><Event>b</Event></TopicConfiguration></N>`, `{"TopicConfiguration":{"Events":["a","b"]}}`},
		{
			"a policy", "iam:GetRole",
			`<R><GetRoleResult><Role><RoleName>%7B%7D</RoleName><AssumeRolePolicyDocument>%7B%22Statement%22%3A%5B%22a+%2B%25%22%5D%7D</AssumeRolePolicyDocument></Role></GetRoleResult></R>`,
			`{"Role":{"RoleName":"%7B%7D","AssumeRolePolicyDocument":{"Statement":["a++%"]}}}`,
		},
		{
			"a policy that is not encoded", "iam:GetRolePolicy",
			`<R><GetRolePolicyResult><PolicyDocument>{"a":"5%"}</PolicyDocument></GetRolePolicyResult></R>`, `{"PolicyDocument":{"a":"5%"}}`,
		},
		{
			"a template in JSON", "cloudformation:GetTemplate",
			`<R><GetTemplateResult><TemplateBody>{"Resources":{}}</TemplateBody></GetTemplateResult></R>`, `{"TemplateBody":{"Resources":{}}}`,
		},
		{
			"a template in YAML", "cloudformation:GetTemplate",
			`<R><GetTemplateResult><TemplateBody>Resources: %7B%7D</TemplateBody></GetTemplateResult></R>`, `{"TemplateBody":"Resources: %7B%7D"}`,
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

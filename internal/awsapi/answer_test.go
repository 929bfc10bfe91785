package awsapi_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// An answer with a status of success is read only if it is the operation's: a page of a
// proxy is no empty list. An answer that may be empty is an empty output.
func TestCallReadsOnlyAnswersOfTheOperation(t *testing.T) {
	t.Parallel()
	const (
		vpcs  = `<vpcSet><item><vpcId>vpc-1</vpcId></item></vpcSet>`
		page  = `<!DOCTYPE html><html><body>Sign in</body></html>`
		empty = "the answer is empty"
	)
	bucket := map[string]any{"Bucket": "bucket"}
	for _, test := range []struct {
		name, operation string
		input           map[string]any
		response        response
		want, err       string
	}{
		{name: "EC2, nothing", operation: "ec2:DescribeVpcs", err: empty},
		{
			name: "EC2, after a declaration and a comment", operation: "ec2:DescribeVpcs", want: `{"Vpcs":[{"VpcId":"vpc-1"}]}`,
			response: response{body: "<?xml version=\"1.0\"?>\n<!-- c -->\n<DescribeVpcsResponse xmlns=\"u\">" + vpcs + "</DescribeVpcsResponse>\n"},
		},
		{
			name: "EC2, a page", operation: "ec2:DescribeVpcs", response: response{body: "<html>" + vpcs + "</html>"},
			err: "the answer is an element html, not DescribeVpcsResponse",
		},
		{name: "EC2, an end that is missing", operation: "ec2:DescribeVpcs", response: response{body: "<DescribeVpcsResponse>" + vpcs}, err: "unexpected EOF"},
		{name: "EC2, no element", operation: "ec2:DescribeVpcs", response: response{body: "OK"}, err: "EOF"},
		{name: "query, nothing", operation: "sts:GetCallerIdentity", err: empty},
		{name: "query, a page", operation: "sts:GetCallerIdentity", response: response{body: page}, err: "the answer is an element html, not GetCallerIdentityResponse"},
		{name: "query, no output", operation: "iam:DeleteUser", input: map[string]any{"UserName": "u"}, want: `{}`},
		{name: "query, no output and a page", operation: "iam:DeleteUser", input: map[string]any{"UserName": "u"}, response: response{body: page}, err: "an element html"},
		{name: "JSON, nothing", operation: "dynamodb:ListTables", err: empty},
		{name: "JSON, white space", operation: "dynamodb:ListTables", response: response{body: "\r\n"}, err: empty},
		{name: "JSON, a page", operation: "dynamodb:ListTables", response: response{body: page}, err: "a page for a browser"},
		{name: "JSON, null", operation: "dynamodb:ListTables", response: response{body: "null"}, err: "EOF"},
		{name: "JSON, a list", operation: "dynamodb:ListTables", response: response{body: "[]"}, err: "expected"},
		{name: "JSON, the type of an output", operation: "dynamodb:ListTables", response: response{body: `{"__type":"a#ListTablesOutput","TableNames":["a"]}`}, want: `{"TableNames":["a"]}`},
		{name: "JSON, no output and a page", operation: "kms:EnableKey", input: map[string]any{"KeyId": "k"}, response: response{body: page}, err: "a page for a browser"},
		{name: "JSON, no output", operation: "kms:EnableKey", input: map[string]any{"KeyId": "k"}, want: `{}`},
		{name: "REST with JSON, nothing", operation: "lambda:ListFunctions", err: empty},
		{name: "REST with JSON, no content", operation: "lambda:ListFunctions", response: response{status: http.StatusNoContent}, want: `{}`},
		{name: "REST with JSON, nothing after a change", operation: "lambda:TagResource", input: map[string]any{"Resource": "r", "Tags": map[string]any{}}, want: `{}`},
		{name: "REST with XML, nothing", operation: "s3:ListBuckets", err: empty},
		{name: "REST with XML, a page", operation: "s3:ListBuckets", response: response{body: page}, err: "a page for a browser"},
		{name: "REST with XML, a page of route53", operation: "route53:ListHostedZones", response: response{body: page}, err: "a page for a browser"},
		{name: "REST with XML, a page for a payload", operation: "cloudfront:ListDistributions", response: response{body: page}, err: "a page for a browser"},
		{name: "REST with XML, nothing for a payload", operation: "cloudfront:ListDistributions", err: empty},
		{name: "REST with XML, text", operation: "s3:ListBuckets", response: response{body: "OK"}, err: "no element"},
		{name: "REST with XML, no output", operation: "s3:DeleteBucket", input: bucket, want: `{}`},
		{name: "REST with XML, no output and a page", operation: "s3:DeleteBucket", input: bucket, response: response{body: page}, err: "a page for a browser"},
		{
			name: "REST with XML, content", operation: "s3:GetBucketPolicy", input: bucket, response: response{body: page},
			want: `{"Policy":"` + page + `"}`,
		},
		{name: "CBOR, a page", operation: "partnercentral-revenue-measurement:GetRevenueAttribution", input: map[string]any{"Catalog": "AWS", "Identifier": "i"}, response: response{body: page}, err: "a page for a browser"},
	} {
		api, _ := stub(t, test.response)
		region := "eu-west-1"
		if strings.HasPrefix(test.operation, "partnercentral") {
			region = "us-east-1"
		}
		answer, err := api.Call(t.Context(), lookup(t, test.operation), region, test.input)
		if test.err != "" {
			if _, ok := errors.AsType[*smithy.DeserializationError](err); !ok || !strings.Contains(err.Error(), test.err) {
				t.Errorf("%s: %v, %v, want %s", test.name, answer.Value, err, test.err)
			}
			continue
		}
		if diff := cmp.Diff(object(t, test.want), answer.Value); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, diff)
		}
	}
}

// A refusal with a status of success is a refusal.
func TestCallFindsRefusalsInAnswers(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		operation, input, body, code, message string
	}{
		{"s3:ListBuckets", `{}`, `<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>slow</Message></Error>`, "SlowDown", "slow"},
		{"s3:CopyObject", `{"Bucket":"bucket","Key":"k","CopySource":"b/k"}`, "<?xml version=\"1.0\"?>\n \n <Error><Code>InternalError</Code><Message>again</Message></Error>", "InternalError", "again"},
		{"route53:ListHostedZones", `{}`, `<ErrorResponse><Error><Code>Throttling</Code><Message>slow</Message></Error></ErrorResponse>`, "Throttling", "slow"},
		{"sts:GetCallerIdentity", `{}`, `<ErrorResponse><Error><Code>Throttling</Code><Message>slow</Message></Error></ErrorResponse>`, "Throttling", "slow"},
		{"dynamodb:ListTables", `{}`, `{"__type":"ThrottlingException"}`, "ThrottlingException", ""},
		{"dynamodb:ListTables", `{}`, `{"__type":"com.amazonaws.dynamodb.v20120810#InternalServerError","message":"again"}`, "InternalServerError", "again"},
		{"lambda:ListFunctions", `{}`, `{"__type":"TooManyRequestsException","message":"slow"}`, "TooManyRequestsException", "slow"},
	} {
		api, _ := stub(t, response{body: test.body})
		_, err := api.Call(t.Context(), lookup(t, test.operation), "eu-west-1", object(t, test.input))
		apiErr, ok := errors.AsType[smithy.APIError](err)
		if !ok || apiErr.ErrorCode() != test.code || apiErr.ErrorMessage() != test.message {
			t.Errorf("%s, %s: %v, want %s: %s", test.operation, test.body, err, test.code, test.message)
		}
	}
}

// A value that cannot be read is an error of one line that names its member.
func TestCallNamesTheValueThatCannotBeRead(t *testing.T) {
	t.Parallel()
	instance := func(member string) response {
		return response{body: `<DescribeInstancesResponse><reservationSet><item><instancesSet><item>` + member +
			`</item></instancesSet></item></reservationSet></DescribeInstancesResponse>`}
	}
	bucket := map[string]any{"Bucket": "bucket", "Key": "k"}
	for _, test := range []struct {
		operation string
		input     map[string]any
		response  response
		want      string
	}{
		{"ec2:DescribeInstances", nil, instance(`<launchTime>garbage</launchTime>`), `Reservations: [0]: Instances: [0]: LaunchTime: parsing time "garbage" as `},
		{"ec2:DescribeInstances", nil, instance(`<amiLaunchIndex>x</amiLaunchIndex>`), `Instances: [0]: AmiLaunchIndex: strconv.ParseInt: parsing "x": invalid syntax`},
		{"ec2:DescribeInstances", nil, instance(`<ebsOptimized>maybe</ebsOptimized>`), `EbsOptimized: parse bool "maybe"`},
		{
			"iam:ListUsers", nil,
			response{body: `<ListUsersResponse><ListUsersResult><Users><member><CreateDate>yesterday</CreateDate></member></Users></ListUsersResult></ListUsersResponse>`},
			`Users: [0]: CreateDate: parsing time "yesterday" as `,
		},
		{"s3:HeadObject", bucket, response{header: http.Header{"Last-Modified": {"yesterday"}}}, `LastModified: parsing time "yesterday" as `},
		{"dynamodb:DescribeTable", map[string]any{"TableName": "t"}, response{body: `{"Table":{"ItemCount":"x"}}`}, `Table: ItemCount: expected number, got "x"`},
	} {
		api, _ := stub(t, test.response)
		_, err := api.Call(t.Context(), lookup(t, test.operation), "eu-west-1", test.input)
		if _, ok := errors.AsType[*smithy.DeserializationError](err); !ok || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v, want %s", test.operation, err, test.want)
		}
	}
}

package awsapi_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"
)

// lookup returns an operation of AWS by its full name.
func lookup(t *testing.T, name string) *model.Operation {
	t.Helper()
	service, operation, err := model.Split(name)
	if err != nil {
		t.Fatal(err)
	}
	op, err := model.Lookup(service, operation)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// object decodes a JSON object.
func object(t *testing.T, text string) map[string]any {
	t.Helper()
	var value map[string]any
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	return value
}

// canonical returns JSON with its keys in order and its numbers as they are.
func canonical(t *testing.T, text string) string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return string(again)
}

// A response is what a stub answers.
type response struct {
	status int
	header http.Header
	body   string
}

// stub returns an API that answers with responses, one after the other, and the requests
// that it got, each as a line and its body.
func stub(t *testing.T, responses ...response) (*awsapi.API, *[]string) {
	t.Helper()
	var got []string
	return &awsapi.API{Client: awsapi.New(sendFunc(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		got = append(got, strings.TrimSpace(r.Method+" "+r.URL.String()+" "+string(body)))
		if len(got) > len(responses) {
			t.Errorf("request %d: %s", len(got), got[len(got)-1])
			return nil, errors.New("too many requests")
		}
		next := responses[len(got)-1]
		if next.header == nil {
			next.header = http.Header{}
		}
		return &http.Response{StatusCode: max(next.status, 200), Header: next.header, Body: io.NopCloser(strings.NewReader(next.body))}, nil
	}), keys())}, &got
}

// Each protocol writes the request that AWS wants, and reads the answer.
func TestCallSpeaksEveryProtocol(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, input, request string
		response             response
		want                 string
	}{
		{
			"ec2:DescribeVpcs", `{"VpcIds":["vpc-1"],"Filters":[{"Name":"state","Values":["available"]}]}`,
			"POST https://ec2.eu-west-1.amazonaws.com/ Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=state&Filter.1.Value.1=available&VpcId.1=vpc-1",
			response{body: `<DescribeVpcsResponse><requestId>r</requestId><vpcSet><item><vpcId>vpc-1</vpcId><isDefault>true</isDefault><novel>x</novel></item></vpcSet></DescribeVpcsResponse>`},
			`{"Vpcs":[{"VpcId":"vpc-1","IsDefault":true}]}`,
		},
		{
			"dynamodb:ListTables", ``, `POST https://dynamodb.eu-west-1.amazonaws.com/ {}`,
			response{body: `{"TableNames":["a","b"],"Novel":{"x":[1]}}`},
			`{"TableNames":["a","b"]}`,
		},
		{
			"sts:GetCallerIdentity", ``, `POST https://sts.eu-west-1.amazonaws.com/ Action=GetCallerIdentity&Version=2011-06-15`,
			response{body: `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`},
			`{"Account":"1"}`,
		},
		{
			"lambda:GetFunction", `{"FunctionName":"a b","Qualifier":"live"}`,
			`GET https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/a%20b?Qualifier=live`,
			response{body: `{"Configuration":{"Timeout":3,"CodeSize":9007199254740993,"Environment":{"Variables":{"A":"b"}}},"Tags":null}`},
			`{"Configuration":{"Timeout":3,"CodeSize":9007199254740993,"Environment":{"Variables":{"A":"b"}}}}`,
		},
		{
			"lambda:Invoke", `{"FunctionName":"f","Payload":"e30="}`,
			`POST https://lambda.eu-west-1.amazonaws.com/2015-03-31/functions/f/invocations {}`,
			response{header: http.Header{"X-Amz-Function-Error": {"Unhandled"}}, body: `[1]`},
			`{"StatusCode":200,"FunctionError":"Unhandled","Payload":"WzFd"}`,
		},
		{
			"s3:HeadObject", `{"Bucket":"b.c","Key":"a/b c+d"}`, `HEAD https://s3.eu-west-1.amazonaws.com/b.c/a/b%20c%2Bd`,
			response{header: http.Header{"Last-Modified": {"Fri, 02 Jan 2026 03:04:05 GMT"}, "Content-Length": {"5"}, "X-Amz-Meta-Owner": {"me"}}},
			`{"LastModified":"2026-01-02T03:04:05Z","ContentLength":5,"Metadata":{"owner":"me"}}`,
		},
		{
			"s3:GetBucketLocation", `{"Bucket":"bucket"}`, `GET https://s3.eu-west-1.amazonaws.com/bucket?location=`,
			response{body: `<?xml version="1.0"?><LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">eu-west-1</LocationConstraint>`},
			`{"LocationConstraint":"eu-west-1"}`,
		},
		{
			"route53:GetHostedZone", `{"Id":"/hostedzone/Z1"}`, `GET https://route53.amazonaws.com/2013-04-01/hostedzone/Z1`,
			response{body: `<GetHostedZoneResponse><HostedZone><Id>/hostedzone/Z1</Id></HostedZone></GetHostedZoneResponse>`},
			`{"HostedZone":{"Id":"/hostedzone/Z1"}}`,
		},
		{
			"ec2:RunInstances", `{"MinCount":1,"MaxCount":1,"UserData":"#!"}`,
			"POST https://ec2.eu-west-1.amazonaws.com/ Action=RunInstances&Version=2016-11-15&MaxCount=1&MinCount=1&UserData=IyE%3D",
			response{body: `<RunInstancesResponse/>`},
			`{}`,
		},
		{
			"partnercentral-revenue-measurement:GetRevenueAttribution", `{"Catalog":"AWS","Identifier":"i"}`,
			"POST https://partnercentral-prm.global.api.aws/service/PartnerCentralRevenueMeasurement/operation/GetRevenueAttribution \xbf\x67Catalog\x63AWS\x6aIdentifier\x61i\xff",
			response{header: http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}}, body: "\xa1\x67Catalog\x63AWS"},
			`{"Catalog":"AWS"}`,
		},
	} {
		api, got := stub(t, test.response)
		var input map[string]any
		if test.input != "" {
			input = object(t, test.input)
		}
		region := "eu-west-1"
		if strings.HasPrefix(test.name, "partnercentral") {
			region = "us-east-1"
		}
		answer, err := api.Call(t.Context(), lookup(t, test.name), region, input)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		sorted := func(request string) string { // of a form, the order does not matter
			u, err := url.ParseQuery(request)
			if err != nil {
				t.Fatal(err)
			}
			return u.Encode()
		}
		if sorted((*got)[0]) != sorted(test.request) {
			t.Errorf("%s sent\n%s, want\n%s", test.name, (*got)[0], test.request)
		}
		want, err := json.Marshal(answer.Value)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(canonical(t, test.want), canonical(t, string(want))); diff != "" {
			t.Errorf("%s: (-want +got):\n%s", test.name, diff)
		}
	}
}

// A refusal that is not in AWS's words is an error of the HTTP status.
func TestCallNamesErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, operation string
		response        response
		code, message   string
	}{
		{"html", "dynamodb:ListTables", response{status: 502, body: "<html>Bad Gateway</html>"}, "502", "Bad Gateway"},
		{"empty", "sts:GetCallerIdentity", response{status: 503}, "503", "Service Unavailable"},
		{"no code", "dynamodb:ListTables", response{status: 500, body: `{}`}, "500", "Internal Server Error"},
		{"unknown status", "sts:GetCallerIdentity", response{status: 599}, "599", "HTTP status 599"},
		{"type in the header", "lambda:ListFunctions", response{status: 429, header: http.Header{"X-Amzn-Errortype": {"TooManyRequestsException:http://x"}}}, "TooManyRequestsException", ""},
		{"no such page", "s3:ListBuckets", response{status: 404}, "404", "Not Found"},
		{"no such bucket", "s3:HeadBucket", response{status: 404}, "NotFound", "Not Found"},
		{"another's bucket", "s3:HeadBucket", response{status: 403}, "Forbidden", "Forbidden"},
		{"a bucket elsewhere", "s3:HeadBucket", response{status: 301}, "MovedPermanently", "Moved Permanently"},
		{"an unknown status of a HEAD", "s3:HeadBucket", response{status: 599}, "599", "HTTP status 599"},
		{"query", "iam:GetUser", response{status: 404, body: `<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>none</Message></Error></ErrorResponse>`}, "NoSuchEntity", "none"},
		{"ec2", "ec2:DescribeVpcs", response{status: 403, body: `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>no</Message></Error></Errors></Response>`}, "UnauthorizedOperation", "no"},
		{"late", "s3:ListBuckets", response{body: `<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>slow</Message></Error>`}, "SlowDown", "slow"},
		{
			"members that do not fit", "dynamodb:ListTables",
			response{status: 400, body: `{"__type":"x#TransactionCanceledException","Message":"m","CancellationReasons":"x"}`},
			"TransactionCanceledException", "m",
		},
		{
			"query compatible", "sqs:ListQueues",
			response{status: 400, header: http.Header{"X-Amzn-Query-Error": {"AWS.SimpleQueueService.NonExistentQueue;Sender"}}, body: `{"__type":"com.amazonaws.sqs#QueueDoesNotExist","message":"none"}`},
			"AWS.SimpleQueueService.NonExistentQueue", "none",
		},
		{
			"modeled", "dynamodb:ListTables",
			response{status: 400, body: `{"__type":"com.amazonaws.dynamodb.v20120810#ResourceNotFoundException","message":"none"}`},
			"ResourceNotFoundException", "none",
		},
	} {
		api, _ := stub(t, test.response)
		var input map[string]any
		if test.operation == "s3:HeadBucket" {
			input = map[string]any{"Bucket": "bucket"}
		}
		_, err := api.Call(context.Background(), lookup(t, test.operation), "eu-west-1", input)
		apiErr, ok := errors.AsType[smithy.APIError](err)
		if !ok || apiErr.ErrorCode() != test.code || apiErr.ErrorMessage() != test.message {
			t.Errorf("%s: %v, want %s: %s", test.name, err, test.code, test.message)
		}
	}
}

package task_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/task"
	"meridian/pkg/protocol"
)

// The outputs of calls that hand out secrets are not kept. Those of other tasks are.
func TestCallKnowsTheTargetsWithSecrets(t *testing.T) {
	t.Parallel()
	secret := task.Builtin().Secret("call", nil)
	for target, want := range map[string]bool{
		"secretsmanager:GetSecretValue": true, "iam:CreateAccessKey": true, "ec2:DescribeVpcs": false, "s3:PutObject": false, "ec2:Nonsense": false,
	} {
		if got := secret(target); got != want {
			t.Errorf("%s has a secret: %v, want %v", target, got, want)
		}
	}
	for _, name := range []string{"resolve", "sleep", "probe", "nonsense"} {
		if task.Builtin().Secret(name, nil) != nil {
			t.Errorf("the outputs of %s can have secrets", name)
		}
	}
}

// The same task speaks every protocol, and its output is the query's result with its
// columns in the order of the expression.
func TestCallQueriesTheAnswerInEveryProtocol(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, target, parameters string
		answers                  []answer
		want                     string
		sent                     []string
	}{
		{
			name: "ec2", target: "ec2:DescribeVpcs",
			parameters: `{"query":"Vpcs[].{id: VpcId, cidr: CidrBlock}","input":{"Filters":[{"Name":"tag:of","Values":["{region}"]}]}}`,
			answers:    []answer{{body: fmt.Sprintf(vpcs, "")}},
			want:       `{"result":[{"cidr":"10.0.0.0/16","id":"vpc-1"},{"cidr":"10.1.0.0/16","id":"vpc-2"}],"columns":["id","cidr"],"pages":1}`,
			sent:       []string{"eu-west-1 / Action=DescribeVpcs&Version=2016-11-15&Filter.1.Name=tag%3Aof&Filter.1.Value.1=eu-west-1"},
		},
		{
			name: "query", target: "sts:GetCallerIdentity", parameters: `{"query":"Account"}`,
			answers: []answer{{body: `<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`}},
			want:    `{"result":"123456789012","pages":1}`,
			sent:    []string{"eu-west-1 / Action=GetCallerIdentity&Version=2011-06-15"},
		},
		{
			name: "json, two pages as one", target: "dynamodb:ListTables", parameters: `{"query":"length(TableNames)"}`,
			answers: []answer{{body: `{"TableNames":["a","b"],"LastEvaluatedTableName":"b"}`}, {body: `{"TableNames":["c"]}`}},
			want:    `{"result":3,"pages":2}`,
			sent:    []string{"eu-west-1 / {}", `eu-west-1 / {"ExclusiveStartTableName":"b"}`},
		},
		{
			name: "rest-json", target: "lambda:ListFunctions", parameters: `{"query":"Functions[*].[FunctionName]"}`,
			answers: []answer{{body: `{"Functions":[{"FunctionName":"f"}]}`}},
			want:    `{"result":[["f"]],"pages":1}`,
			sent:    []string{"eu-west-1 /2015-03-31/functions"},
		},
		{
			name: "rest-xml", target: "s3:ListBuckets", parameters: `{}`,
			answers: []answer{{body: `<ListAllMyBucketsResult><Buckets><Bucket><Name>b</Name></Bucket></Buckets></ListAllMyBucketsResult>`}},
			want:    `{"result":{"Buckets":[{"Name":"b"}]},"pages":1}`,
			sent:    []string{"eu-west-1 /"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := &stub{t: t, answers: test.answers}
			output, err := call(t, calling(t, "reads", cloud(t, s)), test.target, test.parameters)
			if err != nil {
				t.Fatal(err)
			}
			if string(output) != test.want {
				t.Errorf("output %s, want %s", output, test.want)
			}
			got := slices.Clone(s.got)
			for i := range got { // the order of a form's fields is not fixed
				if a, b := strings.Split(got[i], "&"), strings.Split(test.sent[i], "&"); len(a) == len(b) {
					slices.Sort(a[1:])
					slices.Sort(b[1:])
					got[i], test.sent[i] = strings.Join(a, "&"), strings.Join(b, "&")
				}
			}
			if diff := cmp.Diff(test.sent, got); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// What is left out is said in the output.
func TestCallSaysWhatWasCut(t *testing.T) {
	t.Parallel()
	page := answer{body: fmt.Sprintf(vpcs, more)}
	other := answer{body: fmt.Sprintf(vpcs, "<nextToken>again</nextToken>")}
	for _, test := range []struct {
		name, parameters string
		answers          []answer
		want             string
	}{
		{"pages", `{"query":"length(Vpcs)","maxPages":2}`, []answer{page, other}, `{"result":4,"pages":2,"cut":"maxPages 2 reached"}`},
		{"rows", `{"query":"Vpcs[].VpcId","maxRows":1}`, []answer{{body: fmt.Sprintf(vpcs, "")}}, `{"result":["vpc-1"],"pages":1,"cut":"maxRows 1 reached"}`},
		{"rows that are just enough", `{"query":"Vpcs[].VpcId","maxRows":2}`, []answer{{body: fmt.Sprintf(vpcs, "")}}, `{"result":["vpc-1","vpc-2"],"pages":1}`},
		{"a limit in the input", `{"query":"length(Vpcs)","input":{"MaxResults":5}}`, []answer{page}, `{"result":2,"pages":1,"cut":"there are more pages than the one that the input asks for"}`},
		{"a limit in the input, and the last page", `{"query":"length(Vpcs)","input":{"MaxResults":5}}`, []answer{{body: fmt.Sprintf(vpcs, "")}}, `{"result":2,"pages":1}`},
		{"bytes", `{"query":"length(Vpcs)","maxBytes":300}`, []answer{page, other}, `{"result":2,"pages":1,"cut":"maxBytes 300 reached"}`},
		{
			"pages and rows", `{"query":"Vpcs[].VpcId","maxPages":1,"maxRows":1}`,
			[]answer{page},
			`{"result":["vpc-1"],"pages":1,"cut":"maxPages 1 reached, maxRows 1 reached"}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			output, err := call(t, calling(t, "reads", cloud(t, &stub{t: t, answers: test.answers})), "ec2:DescribeVpcs", test.parameters)
			if err != nil || string(output) != test.want {
				t.Errorf("output %s, %v, want %s", output, err, test.want)
			}
		})
	}
}

// Errors keep AWS's code as their name, and say whether trying again may help.
func TestCallNamesErrorsByTheirCode(t *testing.T) {
	t.Parallel()
	refusal := func(status int, code string) answer {
		return answer{status: status, body: `<Response><Errors><Error><Code>` + code + `</Code><Message>no</Message></Error></Errors><RequestID>id</RequestID></Response>`}
	}
	for _, test := range []struct {
		name, target, parameters string
		answer                   answer
		want                     string
		transient                bool
	}{
		{"denied", "ec2:DescribeVpcs", "", refusal(403, "UnauthorizedOperation"), "UnauthorizedOperation", false},
		{"throttled", "ec2:DescribeVpcs", "", refusal(503, "RequestLimitExceeded"), "RequestLimitExceeded", true},
		{"broken", "ec2:DescribeVpcs", "", refusal(500, "InternalError"), "InternalError", true},
		{"a change is throttled", "ec2:DeleteVpc", `{"input":{"VpcId":"vpc-1"}}`, refusal(503, "RequestLimitExceeded"), "RequestLimitExceeded", true},
		{"a change is broken", "ec2:CreateVpc", `{"input":{"CidrBlock":"10.0.0.0/16"}}`, refusal(500, "InternalError"), "InternalError", false},
		{"a change with a token is broken", "ec2:RunInstances", `{"input":{"MinCount":1,"MaxCount":1}}`, refusal(500, "InternalError"), "InternalError", true},
		{"a gateway", "ec2:DescribeVpcs", "", answer{status: 502, body: "<html>Bad Gateway</html>"}, "Call.BadAnswer", true},
		{"no AWS", "dynamodb:ListTables", "", answer{body: "hello"}, "Call.BadAnswer", false},
		{"a value that cannot be read", "ec2:DescribeVpcs", "", answer{body: `<DescribeVpcsResponse><vpcSet><item><isDefault>x</isDefault></item></vpcSet></DescribeVpcsResponse>`}, "Call.BadAnswer", false},
		{"too large", "ec2:DescribeVpcs", `{"maxBytes":100}`, answer{body: fmt.Sprintf(vpcs, "")}, "Call.TooLarge", false},
		{"a query that does not fit", "ec2:DescribeVpcs", `{"query":"abs(Vpcs)"}`, answer{body: fmt.Sprintf(vpcs, "")}, "Call.Query", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			parameters := test.parameters
			if parameters == "" {
				parameters = "{}"
			}
			_, err := call(t, calling(t, "*:*", cloud(t, &stub{t: t, answers: []answer{test.answer}})), test.target, parameters)
			failed, ok := errors.AsType[*task.CallError](err)
			if !ok || failed.ErrorName() != test.want || failed.Transient() != test.transient {
				t.Errorf("error %v (%T), want %s, transient %v", err, err, test.want, test.transient)
			}
		})
	}
}

// A refusal without a body has the name of its status, the id of the request, and the Region
// that the bucket is in.
func TestCallNamesRefusalsOfABucket(t *testing.T) {
	t.Parallel()
	elsewhere := map[string]string{"X-Amz-Bucket-Region": "us-west-2", "X-Amz-Request-Id": "id"}
	for _, test := range []struct {
		answer     answer
		name, want string
	}{
		{answer{status: 404}, "NotFound", "Not Found (HTTP 404)"},
		{answer{status: 403, header: elsewhere}, "Forbidden", "Forbidden (HTTP 403, request id)"},
		{answer{status: 301, header: elsewhere}, "MovedPermanently", "Moved Permanently; the bucket is in us-west-2: ask that Region (HTTP 301, request id)"},
	} {
		_, err := call(t, calling(t, "reads", cloud(t, &stub{t: t, answers: []answer{test.answer}})), "s3:HeadBucket", `{"input":{"Bucket":"bucket"}}`)
		failed, ok := errors.AsType[*task.CallError](err)
		if !ok || failed.ErrorName() != test.name || failed.Error() != test.want || failed.Transient() {
			t.Errorf("%d: error %v, want %s: %s", test.answer.status, err, test.name, test.want)
		}
	}
}

// Every attempt at a target in a run has the same token, and no other target has it.
func TestCallGivesEveryAttemptTheSameToken(t *testing.T) {
	t.Parallel()
	s := &stub{t: t, answers: slices.Repeat([]answer{{body: `<RunInstancesResponse></RunInstancesResponse>`}}, 4)}
	tasks := calling(t, "ec2:RunInstances", cloud(t, s))
	work := prepare(t, tasks, "call", json.RawMessage(`{"input":{"MinCount":1,"MaxCount":1}}`))
	for _, of := range [][2]string{{"run", "eu-west-1"}, {"run", "eu-west-1"}, {"run", "us-east-1"}, {"other", "eu-west-1"}} {
		if _, err := work(task.WithRunID(t.Context(), of[0]), of[1], protocol.Target{Name: "ec2:RunInstances"}); err != nil {
			t.Fatal(err)
		}
	}
	var tokens []string
	for _, request := range s.got {
		_, token, _ := strings.Cut(request, "ClientToken=")
		token, _, _ = strings.Cut(token, "&")
		tokens = append(tokens, token)
	}
	if len(tokens[0]) != 36 || tokens[0] != tokens[1] || tokens[0] == tokens[2] || tokens[0] == tokens[3] || tokens[2] == tokens[3] {
		t.Errorf("tokens %q, want the first two the same", tokens)
	}
}

// A worker calls what its operator allows, and says why not, and what to set.
func TestCallIsAllowedByTheWorkersOperatorOnly(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		allow, target string
		want          string // "" means allowed
	}{
		{"reads", "ec2:DescribeVpcs", ""},
		{"ec2:Describe*, s3:ListBuckets", "ec2:DescribeVpcs", ""},
		{"reads,ec2:Delete*", "ec2:DescribeVpcs", ""},
		{"sts:*", "sts:GetSessionToken", ""},
		{"", "ec2:DescribeVpcs", "ec2:DescribeVpcs is not allowed here (it only reads): MERIDIAN_CALL_ALLOW is not set, which allows nothing; set MERIDIAN_CALL_ALLOW=ec2:DescribeVpcs for the worker"},
		{"reads", "ec2:DeleteVpc", `ec2:DeleteVpc is not allowed here (it does more than read): MERIDIAN_CALL_ALLOW is "reads"; set MERIDIAN_CALL_ALLOW=reads,ec2:DeleteVpc for the worker`},
		{"reads", "sts:GetSessionToken", `sts:GetSessionToken is not allowed here (it hands out secrets): MERIDIAN_CALL_ALLOW is "reads"; set MERIDIAN_CALL_ALLOW=reads,sts:GetSessionToken for the worker`},
		{"ec2:describe*", "ec2:DescribeVpcs", `ec2:DescribeVpcs is not allowed here (it only reads): MERIDIAN_CALL_ALLOW is "ec2:describe*"; set MERIDIAN_CALL_ALLOW=ec2:describe*,ec2:DescribeVpcs for the worker`},
	} {
		handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if test.want != "" {
				t.Errorf("%q: %s was called", test.allow, test.target)
			}
			_, _ = w.Write([]byte("<x></x>"))
		})
		parameters := `{}`
		if test.target == "ec2:DeleteVpc" {
			parameters = `{"input":{"VpcId":"vpc-1"}}`
		}
		_, err := call(t, calling(t, test.allow, cloud(t, handler)), test.target, parameters)
		denied, ok := errors.AsType[*task.NotAllowedError](err)
		if test.want == "" {
			if ok {
				t.Errorf("%q does not allow %s: %v", test.allow, test.target, err)
			}
			continue
		}
		if !ok || denied.Error() != test.want || denied.ErrorName() != "Call.NotAllowed" {
			t.Errorf("%q: %v, want %s", test.allow, err, test.want)
		}
	}
	for _, wrong := range []string{"ec2", "ec2:[", "read", "ec2:Describe*;s3:*:x"} {
		if _, err := task.Builtin().Configure(settings{"MERIDIAN_CALL_ALLOW": wrong}.lookup, nil); err == nil {
			t.Errorf("MERIDIAN_CALL_ALLOW=%s is accepted", wrong)
		}
	}
}

// Without credentials, and without a way to AWS, the error says so.
func TestCallWithoutCredentials(t *testing.T) {
	t.Parallel()
	_, err := call(t, calling(t, "reads", nil), "ec2:DescribeVpcs", `{}`)
	if failed, ok := errors.AsType[*task.CallError](err); !ok || failed.Name != "Call.Configuration" {
		t.Errorf("error %v, want Call.Configuration", err)
	}
	none := task.NewAWS(0, func(context.Context) (aws.Config, error) { return aws.Config{}, nil }, nil)
	_, err = call(t, calling(t, "reads", none), "ec2:DescribeVpcs", `{}`)
	if failed, ok := errors.AsType[*task.CallError](err); !ok || failed.Name != protocol.ErrorNoCredentials {
		t.Errorf("error %v, want %s", err, protocol.ErrorNoCredentials)
	}
}

// A result is listed as rows.
func TestCallListsItsResultAsRows(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ result, want string }{
		{`[{"id":1},{"id":[2]}]`, `[{"id":1},{"id":[2]}]`},
		{`["a",null,3]`, `[{"value":"a"},{"value":3}]`},
		{`{"id":1}`, `[{"id":1}]`},
		{`"text"`, `[{"value":"text"}]`},
		{`null`, `null`},
		{`[]`, `null`},
	} {
		out := task.CallOutput{Result: json.RawMessage(test.result), Columns: []string{"id"}}
		columns, rows := out.Rows()
		got, err := json.Marshal(rows)
		if err != nil || string(got) != test.want || !slices.Equal(columns, out.Columns) {
			t.Errorf("rows of %s = %s, %v, want %s", test.result, got, columns, test.want)
		}
	}
}

// "{account}" is the account of the credentials, which AWS is asked for once.
func TestCallFillsInTheAccount(t *testing.T) {
	t.Parallel()
	page := answer{body: fmt.Sprintf(vpcs, "")}
	s := &stub{t: t, answers: []answer{{body: identity}, page, page}}
	tasks := calling(t, "ec2:Describe*", cloud(t, s)) // who one is needs no permission
	for _, parameters := range []string{ofTheAccount, strings.Replace(ofTheAccount, "{account", `\u007baccount`, 1)} {
		if output, err := call(t, tasks, "ec2:DescribeVpcs", parameters); err != nil || string(output) != `{"result":2,"pages":1}` {
			t.Errorf("output %s, %v, want two VPCs", output, err)
		}
	}
	if len(s.got) != 3 || !strings.Contains(s.got[0], "GetCallerIdentity") || !strings.Contains(s.got[1], "Filter.1.Value.1=123456789012") || !strings.Contains(s.got[2], "Filter.1.Value.1=123456789012") {
		t.Errorf("requests %q, want the identity once, and its account as the filter", s.got)
	}
	refused := &stub{t: t, answers: []answer{{status: 403, body: `<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no</Message></Error></ErrorResponse>`}}}
	_, err := call(t, calling(t, "reads", cloud(t, refused)), "ec2:DescribeVpcs", ofTheAccount)
	failed, ok := errors.AsType[*task.CallError](err)
	if !ok || failed.Name != "InvalidClientTokenId" || len(refused.got) != 1 {
		t.Errorf("without an identity: %v after %q, want InvalidClientTokenId, and nothing else asked", err, refused.got)
	}
}

// An answer that breaks off is a lost call, in whichever protocol: a read is tried again.
func TestCallThatLosesItsAnswerIsTriedAgainIfItMayBe(t *testing.T) {
	t.Parallel()
	for target, start := range map[string]string{
		"ec2:DescribeVpcs": "<DescribeVpcsResponse><vpcSet>", "dynamodb:ListTables": `{"TableNames":["a",`,
		"lambda:ListFunctions": `{"Functions":[{`, "s3:ListBuckets": "<ListAllMyBucketsResult><Buckets>", "sts:GetCallerIdentity": "<Get",
		"ec2:CreateInternetGateway": "<CreateInternetGatewayResponse>",
	} {
		server := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, start)
			panic(http.ErrAbortHandler)
		})
		_, err := call(t, calling(t, "reads,ec2:Create*", cloud(t, server)), target, `{}`)
		failed, ok := errors.AsType[*task.CallError](err)
		if !ok || failed.Name != "Call.Lost" || failed.Transient() != (target != "ec2:CreateInternetGateway") {
			t.Errorf("%s: %v, want Call.Lost, and tried again if it reads", target, err)
		}
	}
}

// The same token for ever is an answer that cannot be used.
func TestCallEndsWhenTheSameTokenComesAgain(t *testing.T) {
	t.Parallel()
	page := answer{body: fmt.Sprintf(vpcs, more)}
	_, err := call(t, calling(t, "reads", cloud(t, &stub{t: t, answers: []answer{page, page}})), "ec2:DescribeVpcs", `{}`)
	if failed, ok := errors.AsType[*task.CallError](err); !ok || failed.Name != "Call.BadAnswer" || !strings.Contains(err.Error(), "page 2: AWS gave the same token") {
		t.Errorf("%v, want Call.BadAnswer", err)
	}
}

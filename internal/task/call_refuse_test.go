package task_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"meridian/internal/task"
)

// Bad input is refused before anything is sent: each fault has its path and says what is
// allowed. Package model tests the faults of each kind of value.
func TestCallRefusesBadInputWithPathAndHint(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		parameters string
		targets    []string
		want       []string
	}{
		{``, []string{"ec2"}, []string{`targets[0]: "ec2": want an operation, such as ec2:DescribeVpcs`}},
		{``, []string{"*"}, []string{`targets[0]: "*": want an operation, such as ec2:DescribeVpcs`}},
		{``, []string{"ec2:DescribeVpc"}, []string{`targets[0]: "ec2:DescribeVpc": is not an operation of ec2; did you mean "ec2:DescribeVpcs"?`}},
		{``, []string{"ec2:describe-vpcs"}, []string{`targets[0]: "ec2:describe-vpcs": is not an operation; write "ec2:DescribeVpcs"`}},
		{``, []string{"ec2 describe-instances"}, []string{`targets[0]: "ec2 describe-instances": want an operation, such as ec2:DescribeVpcs; write "ec2:DescribeInstances"`}},
		{``, []string{"EC2:DescribeVpcs"}, []string{`targets[0]: "EC2:DescribeVpcs": is not an operation; write "ec2:DescribeVpcs"`}},
		{``, []string{"ec3:DescribeVpcs"}, []string{`targets[0]: "ec3:DescribeVpcs": is not an operation: ec3 is not a service; did you mean "ec2"?`}},
		{``, []string{"martian:DescribeVpcs"}, []string{`targets[0]: "martian:DescribeVpcs": is not an operation: martian is not a service`}},
		{``, []string{"ec2:Frobnicate"}, []string{`targets[0]: "ec2:Frobnicate": is not an operation of ec2`}},
		{``, []string{"ec2:DescribeVpcs", "s3:ListBucket"}, []string{`targets[1]: "s3:ListBucket": is not an operation of s3; did you mean "s3:ListBuckets"?`}},
		{``, []string{"sdb:Select"}, []string{`targets[0]: "sdb:Select": cannot be called: its service does not take signatures of version 4`}},
		{`{"input":[]}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.input: []: want an object, got an array`}},
		{`{"input":"VpcIds"}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.input: "VpcIds": want an object, got a string`}},
		{`{"input":null}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.input: null: null is not allowed; leave the field out`}},
		{`{"input":{"VpcId":["a"]}}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.input.VpcId: is not a member; did you mean VpcIds?`}},
		{`{"input":{"filters":[]}}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.input.filters: is not a member; did you mean Filters?`}},
		{`{"input":{"Filters":[{"Nam":"a"}]}}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.input.Filters[0].Nam: is not a member; did you mean Name?`}},
		{`{"input":{"MaxResults":"5"}}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.input.MaxResults: "5": want a whole number of at most 32 bits`}},
		{`{"input":{"MaxResults":5,"MaxResults":6}}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.input.MaxResults: 6: given twice`}},
		{`{"input":{"x":1}}`, []string{"sts:GetCallerIdentity"}, []string{`parameters.input.x: is not a member`}},
		{``, []string{"dynamodb:DescribeTable"}, []string{`parameters.input.TableName: is required`}},
		{`{"input":{"logGroupName":"g","startTime":"yesterday"}}`, []string{"logs:FilterLogEvents"}, []string{`parameters.input.startTime: "yesterday": want a whole number of at most 64 bits`}},
		{`{"input":{"VpcIds":["a"]}}`, []string{"ec2:DescribeVpcs", "ec2:DescribeSubnets"}, []string{`parameters.input.VpcIds: ec2:DescribeSubnets: is not a member; known are Filters, SubnetIds, NextToken, MaxResults, DryRun`}},
		{`{"query":"Vpcs["}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.query: "Vpcs[": is not JMESPath, at character 6: Expected TOKStar, received: TOKEOF`}},
		{`{"query":"Vpcs[].{id VpcId}"}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.query: "Vpcs[].{id VpcId}": is not JMESPath, at character 12: Expected TOKColon, received: TOKUnquotedIdentifier`}},
		{`{"query":"lengh(Vpcs)"}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.query: "lengh(Vpcs)": calls lengh, which is not a function of JMESPath; did you mean "length"?`}},
		{`{"query":"Vpcs[?State=="}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.query: "Vpcs[?State==": is not JMESPath, at character 14: Incomplete expression`}},
		{`{"query":5}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.query: 5: want a string, got a number`}},
		{`{"maxPages":-1}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.maxPages: -1: out of range; want 1 to 10000`}},
		{`{"maxPages":0}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.maxPages: 0: out of range; want 1 to 10000`}},
		{`{"maxRows":1.5}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.maxRows: 1.5: want a whole number, without fraction or exponent`}},
		{`{"maxBytes":99999999999}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.maxBytes: 99999999999: out of range; want 1 to 67108864`}},
		{`{"maxpages":1}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.maxpages: 1: unknown field; did you mean "maxPages"?`}},
		{`{"Input":{}}`, []string{"ec2:DescribeVpcs"}, []string{`parameters.Input: {}: unknown field; did you mean "input"?`}},
		{`{"input":{"VpcId":"a"},"query":"[","maxRows":-1}`, []string{"ec2:DescribeVpc"}, []string{`parameters.maxRows: -1: out of range; want 1 to 1000000`, `parameters.query: "[": is not JMESPath, at character 2: Incomplete expression`, `targets[0]: "ec2:DescribeVpc": is not an operation of ec2; did you mean "ec2:DescribeVpcs"?`}},
	} {
		var parameters json.RawMessage
		if test.parameters != "" {
			parameters = json.RawMessage(test.parameters)
		}
		var got []string
		for _, fault := range task.Builtin().Check("call", parameters, test.targets) {
			got = append(got, fault.String())
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("Check(%s, %q) (-want +got):\n%s", test.parameters, test.targets, diff)
		}
	}
}

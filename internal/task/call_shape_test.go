package task_test

import (
	"encoding/json"
	"fmt"
	"testing"

	"meridian/internal/task"
)

// A query that asks for what the answer cannot have is refused: it would find nothing, as
// if there were nothing.
func TestAQueryForWhatTheAnswerDoesNotHaveIsRefused(t *testing.T) {
	t.Parallel()
	const there = ", which the answer does not have there"
	for _, test := range []struct{ target, query, problem string }{
		{"ec2:DescribeVolumes", "Volume[].{id: VolumeId}", "takes Volume" + there + "; did you mean Volumes?"},
		{"ec2:DescribeVolumes", "Volumes[].{id: VolumeID}", "takes VolumeID" + there + "; did you mean VolumeId?"},
		{"ec2:DescribeVolumes", "Volumes.VolumeId", "takes VolumeId of a list; write [].VolumeId to take it of each element"},
		{"ec2:DescribeVolumes", "Volumes[?Sise > `5`].VolumeId", "takes Sise" + there + "; did you mean Size?"},
		{"ec2:DescribeVolumes", "sort_by(Volumes, &Sizes)[0].VolumeId", "takes Sizes" + there + "; did you mean Size?"},
		{"ec2:DescribeVolumes", "Volumes[].{id: VolumeId} | [].ids", "takes ids" + there + "; did you mean id?"},
		{"ec2:DescribeVolumes", "length(Vols)", "takes Vols" + there + "; `meridian operations` shows what it has"},
		{"ec2:DescribeVolumes", "Volumes[].Attachments[].Frobnicate", "takes Frobnicate" + there + "; `meridian operations` shows what it has"},
		{"ec2:DescribeInstances", "Reservations[].Instances[0].State.Names", "takes Names" + there + "; did you mean Name?"},
		{"ec2:DescribeInstances", "Reservations[*].Instances[*].[InstanceId, Stat]", "takes Stat" + there + "; did you mean State?"},
		{"dynamodb:ListTables", "@.TableName", "takes TableName" + there + "; did you mean TableNames?"},

		{"ec2:DescribeVolumes", "Volumes[].{id: VolumeId, on: Attachments[0].InstanceId, tags: Tags[?Key=='Name'] | [0].Value}", ""},
		{"ec2:DescribeVolumes", "Volumes[?State=='available' && Size > `100`] | sort_by(@, &Size) | reverse(@)[:5].VolumeId", ""},
		{"ec2:DescribeVolumes", "max_by(Volumes, &Size).VolumeId", ""},
		{"ec2:DescribeVolumes", "Volumes[].Tags[].{k: Key, v: Value}[] | [?k=='a'].v", ""},
		{"ec2:DescribeVolumes", "map(&VolumeId, Volumes)[].x", ""}, // of what map makes nothing is known
		{"ec2:DescribeVolumes", "let $v = Volumes in $v[].Anything", ""},
		{"ec2:DescribeInstances", "Reservations[].Instances[].[InstanceId, State.Name]", ""},
		{"ec2:DescribeInstances", "Reservations[].Instances | [].InstanceId", ""},
		{"ec2:DescribeInstances", "Reservations[*].Instances[*].InstanceId[]", ""},
		{"sqs:GetQueueAttributes", "Attributes.ApproximateNumberOfMessages", ""},
		{"sqs:GetQueueAttributes", "Attributes.*", ""},
		{"dynamodb:GetItem", "Item.anything.S", ""},
		{"lambda:ListFunctions", "Functions[?starts_with(FunctionName, 'a')].Environment.Variables.PATH", ""},
		{"iam:GetPolicyVersion", "PolicyVersion.Document.Statement[].Action", ""}, // decoded, whatever is in there
		{"s3:ListBuckets", "Buckets[].Name", ""},
		{"s3:ListBuckets", "@", ""},
		{"ec2:DeleteVpc", "`1`", ""},
		{"s3:GetBucketLocation", "LocationConstraint", ""}, // of a bucket with placeholders in its name
	} {
		set := map[string]any{"query": test.query}
		if input := inputOf(test.target); input != nil {
			set["input"] = input
		}
		parameters, _ := json.Marshal(set)
		got, want := task.Builtin().Check("call", parameters, []string{test.target}).Err(), ""
		if test.problem != "" {
			want = fmt.Sprintf("parameters.query: %q: %s", test.query, test.problem)
		}
		if text := fmt.Sprint(got); text != want && (want != "" || got != nil) {
			t.Errorf("%s, %s: %v, want %q", test.target, test.query, got, want)
		}
	}
}

// inputOf returns an input with what an operation requires.
func inputOf(target string) map[string]any {
	return map[string]map[string]any{
		"sqs:GetQueueAttributes": {"QueueUrl": "https://sqs.example.com/1/q"},
		"dynamodb:GetItem":       {"TableName": "t", "Key": map[string]any{"id": map[string]any{"S": "1"}}},
		"iam:GetPolicyVersion":   {"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "VersionId": "v1"},
		"ec2:DeleteVpc":          {"VpcId": "vpc-1"},
		"s3:GetBucketLocation":   {"Bucket": "logs-{region}-{account}"},
	}[target]
}

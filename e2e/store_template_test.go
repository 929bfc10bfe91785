//go:build e2e

package e2e

import (
	"context"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// tryStore checks what the parameters of the store change in the template.
func (s *site) tryStore(ctx context.Context, t *testing.T) {
	const key = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef"
	byDefault := map[string]any{
		"RunsBucket": "AES256 90", "plain HTTP": "Deny s3:* ${RunsBucket.Arn} ${RunsBucket.Arn}/*",
		"Sweep": `ENABLED rate(5 minutes) {"command":"sweep"}`, "output": "${RunsBucket}",
		"STORE_BUCKET": "${RunsBucket}", "MAX_RUN_SECONDS": "86400", "MAX_GENERATIONS": "100",
		"retries": "2 in 3600 s", "the schedule's retries": "2 in 900 s", "RecursiveLoop": "Allow",
	}
	with := func(changes map[string]any) map[string]any {
		all := maps.Clone(byDefault)
		for name, value := range changes {
			if all[name] = value; value == nil {
				delete(all, name)
			}
		}
		return all
	}
	for _, c := range []struct {
		name   string
		params []string
		want   map[string]any
	}{
		{"as it comes", nil, byDefault},
		{"none", []string{"store=DISABLED"}, map[string]any{
			"MAX_RUN_SECONDS": "86400", "MAX_GENERATIONS": "100", "retries": "0 in 60 s", "the schedule's retries": "0 in 60 s",
		}},
		{"none, with a key", []string{"store=DISABLED", `kmsKeys={"us-east-1":"` + key + `"}`}, map[string]any{
			"MAX_RUN_SECONDS": "86400", "MAX_GENERATIONS": "100", "retries": "0 in 60 s", "the schedule's retries": "0 in 60 s",
		}},
		{"plain HTTP", []string{"storeTlsOnly=DISABLED"}, with(map[string]any{"plain HTTP": nil})},
		{
			"other values",
			[]string{"runRetentionDays=7", "maxRunSeconds=3600", "maxGenerations=5", "sweep=DISABLED", "sweepExpression=rate(1 hour)"},
			with(map[string]any{
				"RunsBucket": "AES256 7", "MAX_RUN_SECONDS": "3600", "MAX_GENERATIONS": "5",
				"Sweep": `DISABLED rate(1 hour) {"command":"sweep"}`,
			}),
		},
		{"a key", []string{`kmsKeys={"us-east-1":"` + key + `"}`}, with(map[string]any{
			"RunsBucket": "aws:kms " + key + " true 90",
			"key": "kms:GenerateDataKey on " + key + " if StringEquals kms:EncryptionContext:aws:s3:arn ${RunsBucket.Arn}, " +
				"kms:Decrypt on " + key + " if StringEquals kms:EncryptionContext:aws:s3:arn ${RunsBucket.Arn}",
		})},
	} {
		t.Run(c.name, func(t *testing.T) {
			var args []string
			for _, param := range c.params {
				args = append(args, "--param", param)
			}
			m := s.pack(ctx, t, "serverless.yml", args...)
			s.check(t, m)
			if diff := cmp.Diff(c.want, m.store()); diff != "" {
				t.Errorf("the store (-want +got):\n%s", diff)
			}
		})
	}
}

// store returns what a template has for kept runs, as texts.
func (t template) store() map[string]any {
	found := map[string]any{}
	add := func(name string, values ...any) {
		var texts []string
		for _, value := range values {
			if value != nil && text(value) != "${AWS::NoValue}" {
				texts = append(texts, text(value))
			}
		}
		if texts != nil {
			found[name] = strings.Join(texts, " ")
		}
	}
	for id, r := range t.Resources {
		switch r.Type {
		case "AWS::S3::Bucket":
			if id != "ServerlessDeploymentBucket" {
				rule := list(at(r.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration"))[0]
				add(id, at(rule, "ServerSideEncryptionByDefault", "SSEAlgorithm"), at(rule, "ServerSideEncryptionByDefault", "KMSMasterKeyID"),
					at(rule, "BucketKeyEnabled"), at(list(at(r.Properties, "LifecycleConfiguration", "Rules"))[0], "ExpirationInDays"))
			}
		case "AWS::S3::BucketPolicy":
			for _, s := range statements(r.Properties["PolicyDocument"]) {
				if text(r.Properties["Bucket"]) == "${RunsBucket}" && text(at(s, "Condition", "Bool", "aws:SecureTransport")) == "false" && s["Principal"] == "*" {
					add("plain HTTP", append([]any{s["Effect"], s["Action"]}, list(s["Resource"])...)...)
				}
			}
		case "AWS::Scheduler::Schedule":
			if target := r.Properties["Target"]; id == "ScheduleOfReachable" {
				add("the schedule's retries", at(target, "RetryPolicy", "MaximumRetryAttempts"), "in", at(target, "RetryPolicy", "MaximumEventAgeInSeconds"), "s")
			} else {
				add(id, r.Properties["State"], r.Properties["ScheduleExpression"], at(target, "Input"))
			}
		case "AWS::Lambda::EventInvokeConfig":
			add("retries", r.Properties["MaximumRetryAttempts"], "in", r.Properties["MaximumEventAgeInSeconds"], "s")
		case "AWS::Lambda::Function":
			name := ""
			if id != "CoordinatorLambdaFunction" {
				name = id + " "
			}
			add(name+"RecursiveLoop", r.Properties["RecursiveLoop"])
			for _, variable := range []string{"STORE_BUCKET", "MAX_RUN_SECONDS", "MAX_GENERATIONS"} {
				add(name+variable, at(r.Properties, "Environment", "Variables", variable))
			}
		case "AWS::IAM::Role":
			var keys []string
			for _, allowed := range t.allowed(id) {
				if strings.HasPrefix(allowed, "kms:") {
					keys = append(keys, allowed)
				}
			}
			if keys != nil {
				add("key", strings.Join(keys, ", "))
			}
		}
	}
	add("output", at(t.Outputs["RunsBucket"], "Value"))
	return found
}

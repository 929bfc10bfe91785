//go:build e2e

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// A template has the parts of a CloudFormation template that the rules read.
type template struct {
	Resources map[string]resource
	Outputs   map[string]any
}

// A resource is one resource of a template.
type resource struct {
	Type                                string
	DeletionPolicy, UpdateReplacePolicy string
	Properties                          map[string]any
}

// anyResource lists the actions that are allowed on every resource, because the service
// has none that a policy could name before: what tracing uses, in a function with
// tracing, and what a function in a VPC needs.
func (t template) anyResource(role string) []string {
	var actions []string
	for _, r := range t.Resources {
		if r.Type != "AWS::Lambda::Function" || text(r.Properties["Role"]) != "${"+role+".Arn}" {
			continue
		}
		if at(r.Properties, "TracingConfig", "Mode") == "Active" {
			actions = append(actions, "xray:PutTraceSegments", "xray:PutTelemetryRecords")
		}
		if r.Properties["VpcConfig"] != nil {
			actions = append(actions, "ec2:CreateNetworkInterface", "ec2:DescribeNetworkInterfaces", "ec2:DescribeSubnets",
				"ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses", "ec2:UnassignPrivateIpAddresses")
		}
	}
	return actions
}

// faults returns the violations of the rules that hold for every deployment.
func (t template) faults() []string {
	var faults []string
	roles := map[string]string{} // by the function that has it
	groups := map[string]bool{}  // the names of the log groups
	for _, id := range slices.Sorted(maps.Keys(t.Resources)) {
		r := t.Resources[id]
		fault := func(format string, args ...any) {
			faults = append(faults, id+": "+fmt.Sprintf(format, args...))
		}
		switch r.Type {
		case "AWS::IAM::Role":
			t.role(id, fault)
		case "AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy", "AWS::IAM::User", "AWS::IAM::Group":
			fault("a %s: a role's policies are written in the role", r.Type)
		case "AWS::Lambda::Url":
			fault("a function URL")
		case "AWS::Lambda::Permission":
			if p := text(r.Properties["Principal"]); !strings.HasSuffix(p, ".amazonaws.com") || r.Properties["SourceArn"] == nil {
				fault("lets %s invoke a function, from anywhere", p)
			}
		case "AWS::Lambda::Function":
			role := text(r.Properties["Role"])
			if other := roles[role]; other != "" {
				fault("shares its role with %s", other)
			}
			roles[role] = id
			if at(r.Properties, "LoggingConfig", "LogFormat") != "JSON" {
				fault("does not log JSON")
			}
		case "AWS::Logs::LogGroup":
			groups[text(r.Properties["LogGroupName"])] = true
			if days, _ := r.Properties["RetentionInDays"].(float64); days <= 0 {
				fault("keeps its events for ever")
			}
		case "AWS::ApiGatewayV2::Route":
			if kind := r.Properties["AuthorizationType"]; kind != "AWS_IAM" {
				fault("the route %v is authorised by %v", r.Properties["RouteKey"], kind)
			}
		case "AWS::ApiGatewayV2::Stage":
			if rate, _ := at(r.Properties, "DefaultRouteSettings", "ThrottlingRateLimit").(float64); rate <= 0 {
				fault("is not throttled")
			}
			if format := text(at(r.Properties, "AccessLogSettings", "Format")); !strings.Contains(format, "$context.status") {
				fault("has no access log")
			}
		case "AWS::S3::Bucket":
			if id != "ServerlessDeploymentBucket" { // the framework's
				bucket(r, fault)
			}
		case "AWS::Scheduler::Schedule":
			retried(at(r.Properties, "Target", "RetryPolicy"), strings.Contains(text(at(r.Properties, "Target", "Input")), scheduledKey), fault)
		case "AWS::Lambda::EventInvokeConfig":
			function, _, _ := strings.Cut(strings.TrimPrefix(text(r.Properties["FunctionName"]), "${"), "}")
			bucket := at(t.Resources[function].Properties, "Environment", "Variables", "STORE_BUCKET")
			retried(r.Properties, bucket != nil && text(bucket) != "${AWS::NoValue}", fault)
		default:
			t.watched(r, fault)
		}
	}
	for _, id := range roles {
		if name := "/aws/lambda/" + text(t.Resources[id].Properties["FunctionName"]); !groups[name] {
			faults = append(faults, id+": has no log group "+name)
		}
	}
	return faults
}

// scheduledKey ends a key that is the same for each delivery of a scheduled request.
const scheduledKey = `-<aws.scheduler.scheduled-time>"`

// retried checks how an asynchronous invocation is retried: only if its run is kept, and not for
// long.
func retried(policy any, kept bool, fault func(string, ...any)) {
	attempts, isNumber := at(policy, "MaximumRetryAttempts").(float64)
	seconds, isLimited := at(policy, "MaximumEventAgeInSeconds").(float64)
	if !isNumber || attempts != 0 && !kept {
		fault("is retried, and its run is not kept")
	}
	if !isLimited || seconds > 3600 {
		fault("is retried for more than an hour")
	}
}

// bucket returns the violations of a bucket.
func bucket(r resource, fault func(string, ...any)) {
	if r.DeletionPolicy != "Retain" || r.UpdateReplacePolicy != "Retain" {
		fault("is deleted with the stack, or when it is replaced")
	}
	if r.Properties["BucketName"] != nil {
		fault("has the fixed name %s", text(r.Properties["BucketName"]))
	}
	for _, setting := range []string{"BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"} {
		if at(r.Properties, "PublicAccessBlockConfiguration", setting) != true {
			fault("may be public: without %s", setting)
		}
	}
	rules := list(at(r.Properties, "BucketEncryption", "ServerSideEncryptionConfiguration"))
	if len(rules) != 1 || at(rules[0], "ServerSideEncryptionByDefault", "SSEAlgorithm") == nil {
		fault("does not say how it is encrypted")
	}
	owners := list(at(r.Properties, "OwnershipControls", "Rules"))
	if len(owners) != 1 || at(owners[0], "ObjectOwnership") != "BucketOwnerEnforced" {
		fault("has objects of other owners")
	}
	rules = list(at(r.Properties, "LifecycleConfiguration", "Rules"))
	if len(rules) != 1 || at(rules[0], "Status") != "Enabled" || at(rules[0], "Prefix") != nil || at(rules[0], "ExpirationInDays") == nil {
		fault("keeps its objects for ever")
	} else if at(rules[0], "AbortIncompleteMultipartUpload", "DaysAfterInitiation") != 1.0 {
		fault("keeps parts of objects")
	}
}

// patterns are the policies whose resources are patterns: those of the parameters accountRole,
// workerAccountRole and workerFunctions, and that of the kept runs. Nothing else in the
// template has a pattern.
var patterns = []string{
	"RegionworkerRole account-roles", "CoordinatorRole account-roles", "CoordinatorRole invoke-functions", "CoordinatorRole runs",
}

// role returns the violations of a role.
func (t template) role(id string, fault func(string, ...any)) {
	properties := t.Resources[id].Properties
	for _, s := range statements(properties["AssumeRolePolicyDocument"]) {
		switch at(s, "Principal", "Service") {
		case "lambda.amazonaws.com":
		case "scheduler.amazonaws.com":
			only, _ := at(s, "Condition", "StringEquals").(map[string]any)
			if text(only["aws:SourceAccount"]) != "${AWS::AccountId}" ||
				text(only["aws:SourceArn"]) != "arn:${AWS::Partition}:scheduler:${AWS::Region}:${AWS::AccountId}:schedule-group/default" {
				fault("may be assumed for the schedules of others")
			}
		default:
			fault("may be assumed by %v", s["Principal"])
		}
	}
	// Only the worker's role may have policies that are not written in it.
	for _, arn := range list(properties["ManagedPolicyArns"]) {
		if id != "RegionworkerRole" {
			fault("has the policy %s", text(arn))
		}
	}
	for _, policy := range list(properties["Policies"]) {
		for _, s := range statements(at(policy, "PolicyDocument")) {
			if s["NotAction"] != nil || s["NotResource"] != nil {
				fault("says what it does not allow")
			}
			for _, action := range list(s["Action"]) {
				if strings.Contains(text(action), "*") {
					fault("allows the action %s", text(action))
				}
			}
			for _, r := range append(list(s["Resource"]), list(s["Resources"])...) {
				free := text(r) == "*" && !slices.ContainsFunc(list(s["Action"]), func(action any) bool {
					return !slices.Contains(t.anyResource(id), text(action))
				})
				if !free && !slices.Contains(patterns, id+" "+text(at(policy, "PolicyName"))) && strings.Contains(text(r), "*") {
					fault("allows the resource %s", text(r))
				}
			}
		}
	}
}

// allowed lists the permissions of a role's own policies as "action on resource", with " if "
// and the condition.
func (t template) allowed(role string) []string {
	var all []string
	for _, policy := range list(t.Resources[role].Properties["Policies"]) {
		for _, s := range statements(at(policy, "PolicyDocument")) {
			condition := ""
			for operator, keys := range object(s["Condition"]) {
				for key, values := range object(keys) {
					condition += fmt.Sprint(" if ", operator, " ", key)
					for _, value := range list(values) {
						condition += " " + text(value)
					}
				}
			}
			for _, action := range list(s["Action"]) {
				for _, r := range list(s["Resource"]) {
					all = append(all, text(action)+" on "+text(r)+condition)
				}
			}
		}
	}
	return all
}

// statements returns the statements of a policy document.
func statements(document any) []map[string]any {
	var all []map[string]any
	for _, s := range list(at(document, "Statement")) {
		if m, isMap := s.(map[string]any); isMap {
			all = append(all, m)
		}
	}
	return all
}

// at follows keys into nested maps, and returns nil if one is missing.
func at(v any, keys ...string) any {
	for _, key := range keys {
		v = object(v)[key]
	}
	return v
}

// object returns a value that is a map, or nil.
func object(v any) map[string]any {
	m, _ := v.(map[string]any)
	return m
}

// list returns a value that is a list or a single item as a list.
func list(v any) []any {
	switch v := v.(type) {
	case nil:
		return nil
	case []any:
		return v
	}
	return []any{v}
}

// text formats a value as CloudFormation's Fn::Sub does. It supports the functions that
// our templates use.
func text(v any) string {
	m, isMap := v.(map[string]any)
	if !isMap {
		return fmt.Sprint(v)
	}
	if sub, isText := m["Fn::Sub"].(string); isText {
		return sub
	}
	if ref, isText := m["Ref"].(string); isText {
		return "${" + ref + "}"
	}
	if get := list(m["Fn::GetAtt"]); len(get) == 2 {
		return fmt.Sprintf("${%v.%v}", get[0], get[1])
	}
	// An unknown function must not count as harmless.
	return fmt.Sprintf("*%v", v)
}

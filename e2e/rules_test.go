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
	Type       string
	Properties map[string]any
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
		case "AWS::Scheduler::Schedule":
			if n, isNumber := at(r.Properties, "Target", "RetryPolicy", "MaximumRetryAttempts").(float64); !isNumber || n != 0 {
				fault("is retried")
			}
		case "AWS::Lambda::EventInvokeConfig":
			if n, isNumber := r.Properties["MaximumRetryAttempts"].(float64); !isNumber || n != 0 {
				fault("asynchronous invocations are retried")
			}
		}
	}
	for _, id := range roles {
		if name := "/aws/lambda/" + text(t.Resources[id].Properties["FunctionName"]); !groups[name] {
			faults = append(faults, id+": has no log group "+name)
		}
	}
	return faults
}

// patterns are the policies whose resources are patterns: those of the parameters accountRole,
// workerAccountRole and workerFunctions. Nothing else in the template has a pattern.
var patterns = []string{"RegionworkerRole account-roles", "CoordinatorRole account-roles", "CoordinatorRole invoke-functions"}

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

// allowed lists the permissions of a role's own policies as "action on resource".
func (t template) allowed(role string) []string {
	var all []string
	for _, policy := range list(t.Resources[role].Properties["Policies"]) {
		for _, s := range statements(at(policy, "PolicyDocument")) {
			for _, action := range list(s["Action"]) {
				for _, r := range list(s["Resource"]) {
					all = append(all, text(action)+" on "+text(r))
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
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
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

//go:build e2e

package e2e

import (
	"context"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pack packages a configuration of the site and returns its template.
func (s *site) pack(ctx context.Context, t *testing.T, config string, args ...string) template {
	t.Helper()
	s.must(ctx, t, s.serverless(), append([]string{"package", "--config", config}, args...)...)
	return decode[template](t, s.read(t, ".serverless", "cloudformation-template-update-stack.json"))
}

// check fails the test for the faults of the template that pack has returned. It keeps the
// template for cfn-lint, which takes most of its time to start.
func (s *site) check(t *testing.T, m template) {
	t.Helper()
	for _, fault := range m.faults() {
		t.Error(fault)
	}
	name := fmt.Sprintf("templates/%02d of %s.json", len(s.templates), path.Base(t.Name()))
	s.write(t, name, []byte(s.read(t, ".serverless", "cloudformation-template-update-stack.json")))
	s.templates = append(s.templates, name)
}

func TestTemplate(t *testing.T) {
	part(t, "template", "npm", "python3")
	s := newSite(t)
	tools := s.tools(t.Context(), t)
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	// Their contents do not matter here.
	for _, name := range []string{"coordinator", "regionworker"} {
		s.write(t, "dist/"+name+".zip", []byte("a zip"))
	}

	const (
		own     = "logs:CreateLogStream on ${%LogGroup.Arn};logs:PutLogEvents on ${%LogGroup.Arn}"
		invoke  = "lambda:InvokeFunction on arn:${AWS::Partition}:lambda:%:${AWS::AccountId}:function:meridian-dev-regionworker"
		traced  = "Active"
		through = "PassThrough"
	)
	rights := func(pattern string, values ...string) (all []string) {
		for _, value := range values {
			all = append(all, strings.Split(strings.ReplaceAll(pattern, "%", value), ";")...)
		}
		return all
	}
	traces := []string{"xray:PutTraceSegments on *", "xray:PutTelemetryRecords on *"}
	schedule := []string{"lambda:InvokeFunction on ${CoordinatorLambdaFunction.Arn}"}
	var runs []string
	for _, action := range []string{"GetObject", "PutObject", "DeleteObject"} {
		runs = append(runs, rights("s3:"+action+" on ${RunsBucket.Arn}/%/*", "runs", "keys", "names", "days", "open")...)
	}
	runs = append(runs, "s3:ListBucket on ${RunsBucket.Arn} if StringLikeIfExists s3:prefix runs/* keys/* names/* days/* open/*",
		"lambda:InvokeFunction on arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:"+coordinator)
	for _, c := range []struct {
		name    string
		config  string
		args    []string
		tracing string
		regions string              // of the workers, as the coordinator is told
		rights  map[string][]string // by role
	}{
		{
			"as it comes", "serverless.yml", nil, traced, "",
			map[string][]string{
				"CoordinatorRole":  slices.Concat(traces, rights(invoke, "${AWS::Region}"), runs, rights(own, "Coordinator")),
				"RegionworkerRole": append(slices.Clone(traces), rights(own, "Regionworker")...),
				"ScheduleRole":     schedule,
			},
		},
		{
			"placement regional", "serverless.yml",
			[]string{"--param", "placement=regional", "--param", "regions=eu-west-1, us-east-1 eu-west-1"},
			traced, "eu-west-1,us-east-1",
			map[string][]string{
				"CoordinatorRole":  slices.Concat(traces, rights(invoke, "eu-west-1", "us-east-1"), runs, rights(own, "Coordinator")),
				"RegionworkerRole": append(slices.Clone(traces), rights(own, "Regionworker")...),
				"ScheduleRole":     schedule,
			},
		},
		{
			"not traced, and without a store", "serverless.yml",
			[]string{"--param", "tracing=PassThrough", "--param", "store=DISABLED"},
			through, "",
			map[string][]string{
				"CoordinatorRole":  append(rights(invoke, "${AWS::Region}"), rights(own, "Coordinator")...),
				"RegionworkerRole": rights(own, "Regionworker"),
				"ScheduleRole":     schedule,
			},
		},
		{
			"the worker alone", "serverless.worker.yml",
			[]string{"--region", "eu-west-1"},
			traced, "",
			map[string][]string{"RegionworkerRole": append(slices.Clone(traces), rights(own, "Regionworker")...)},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := s.pack(ctx, t, c.config, c.args...)
			s.check(t, got)
			roles := map[string][]string{}
			for id, r := range got.Resources {
				switch r.Type {
				case "AWS::IAM::Role":
					roles[id] = got.allowed(id)
				case "AWS::Lambda::Function":
					if mode := at(r.Properties, "TracingConfig", "Mode"); mode != c.tracing {
						t.Errorf("%s is traced %v, want %s", id, mode, c.tracing)
					}
					if r.Properties["Runtime"] != "provided.al2023" || !slices.Equal(list(r.Properties["Architectures"]), []any{"arm64"}) {
						t.Errorf("%s runs on %v %v, want provided.al2023 on arm64", id, r.Properties["Runtime"], r.Properties["Architectures"])
					}
					if level := at(r.Properties, "LoggingConfig", "ApplicationLogLevel"); level != "INFO" {
						t.Errorf("%s logs from %v on, want INFO", id, level)
					}
					// The HTTP API stops waiting for a function after 30 s.
					if seconds, _ := r.Properties["Timeout"].(float64); seconds <= 0 || seconds >= 30 {
						t.Errorf("%s has %v s, want less than 30", id, seconds)
					}
				}
			}
			if coordinator, there := got.Resources["CoordinatorLambdaFunction"]; there {
				if regions := at(coordinator.Properties, "Environment", "Variables", "WORKER_REGIONS"); regions != c.regions {
					t.Errorf("the coordinator is told of workers in %q, want %q", regions, c.regions)
				}
			}
			if diff := cmp.Diff(c.rights, roles); diff != "" {
				t.Errorf("what the roles allow (-want +got):\n%s", diff)
			}
		})
	}

	t.Run("the schedules", func(t *testing.T) { s.trySchedules(ctx, t) })

	t.Run("alarms and a dashboard", func(t *testing.T) { s.tryAlarms(ctx, t) })

	t.Run("the store", func(t *testing.T) { s.tryStore(ctx, t) })

	t.Run("the routes", func(t *testing.T) {
		got := map[string][]string{}
		for _, r := range s.pack(ctx, t, "serverless.yml").Resources {
			if method, path, ok := strings.Cut(text(r.Properties["RouteKey"]), " "); ok && r.Type == "AWS::ApiGatewayV2::Route" {
				got[path] = append(got[path], method)
				slices.Sort(got[path])
			}
		}
		want := map[string][]string{
			"/runs": {"ANY", "GET", "POST"}, "/runs/{id}": {"ANY", "GET"}, "/runs/{id}/events": {"ANY", "GET"},
			"/runs/{id}/stop": {"ANY", "POST"}, "/runs/{id}/redrive": {"ANY", "POST"}, "/runs/{id}/resume": {"ANY", "POST"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("routes (-want +got):\n%s", diff)
		}
	})

	// Each parameter that is off by default, off and on.
	t.Run("what may be added", func(t *testing.T) {
		const key, other = "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef", "arn:aws:kms:eu-west-1:123456789012:key/12345678-89ab-cdef-0123-456789abcdef"
		const policy = "arn:aws:iam::aws:policy/ReadOnlyAccess"
		on := []string{
			"coordinatorConcurrency=3", "workerConcurrency=0", "workerPolicies=" + policy,
			"callAllow=reads,ec2:StopInstances", "accountRole=meridian-read,arn:aws:iam::*:role/ops/reader",
			"workerFunctions=resize,arn:aws:lambda:eu-west-1:111122223333:function:other", "workerAccountRole=meridian-invoke,arn:aws:iam::*:role/ops/invoker",
			`workerEnvironment={"MERIDIAN_PROBE_ALLOW":"10.0.0.0/8"}`, `tags={"team":"network"}`,
			`workerVpc={"us-east-1":{"subnets":["subnet-01234567","subnet-12345678"],"securityGroups":["sg-01234567"]}}`,
			`kmsKeys={"us-east-1":"` + key + `","eu-west-1":"` + other + `"}`,
		}
		added := func(config, region string, params ...string) map[string]any {
			args := []string{"--region", region}
			for _, p := range params {
				args = append(args, "--param", p)
			}
			m := s.pack(ctx, t, config, args...)
			s.check(t, m)
			state := decode[map[string]any](t, s.read(t, ".serverless", "serverless-state.json"))
			found := map[string]any{}
			add := func(name string, value any) {
				if value != nil && !cmp.Equal(value, []any{}) && !cmp.Equal(value, map[string]any{}) {
					found[name] = value
				}
			}
			add("tags", at(state, "service", "provider", "stackTags"))
			for id, r := range m.Resources {
				switch r.Type {
				case "AWS::Lambda::Function":
					add(id+" reserves", r.Properties["ReservedConcurrentExecutions"])
					add(id+" VPC", r.Properties["VpcConfig"])
					add(id+" key", r.Properties["KmsKeyArn"])
				case "AWS::Logs::LogGroup":
					add(id+" key", r.Properties["KmsKeyId"])
				case "AWS::IAM::Role":
					add(id+" policies", r.Properties["ManagedPolicyArns"])
				}
			}
			environment, _ := at(m.Resources["RegionworkerLambdaFunction"].Properties, "Environment", "Variables").(map[string]any)
			delete(environment, "SSL_CERT_DIR")
			add("environment", environment)
			if slices.ContainsFunc(m.allowed("RegionworkerRole"), func(s string) bool { return s == "ec2:CreateNetworkInterface on *" }) {
				found["network interfaces"] = true
			}
			for _, id := range []string{"RegionworkerRole", "CoordinatorRole"} {
				for _, allowed := range m.allowed(id) {
					if role, ok := strings.CutPrefix(allowed, "sts:AssumeRole on "); ok {
						found[id+" assumes"] = append(list(found[id+" assumes"]), role)
					}
				}
			}
			for _, allowed := range m.allowed("CoordinatorRole") {
				function, ok := strings.CutPrefix(allowed, "lambda:InvokeFunction on ")
				if ok && !strings.HasSuffix(function, regionworker) && !strings.HasSuffix(function, coordinator) {
					found["invokes"] = append(list(found["invokes"]), function)
				}
			}
			if names := at(m.Resources["CoordinatorLambdaFunction"].Properties, "Environment", "Variables", "WORKER_FUNCTIONS"); text(names) != "${AWS::NoValue}" {
				add("functions", names)
			}
			return found
		}
		for _, config := range []string{"serverless.yml", "serverless.worker.yml"} {
			if diff := cmp.Diff(map[string]any{}, added(config, home)); diff != "" {
				t.Errorf("%s as it comes has (-want +got):\n%s", config, diff)
			}
		}
		want := map[string]any{
			"CoordinatorLambdaFunction reserves": 3.0, "CoordinatorLambdaFunction key": key,
			"RegionworkerLambdaFunction reserves": 0.0, "RegionworkerLambdaFunction key": key,
			"RegionworkerLambdaFunction VPC": map[string]any{
				"SubnetIds": []any{"subnet-01234567", "subnet-12345678"}, "SecurityGroupIds": []any{"sg-01234567"},
			},
			"CoordinatorLogGroup key": key, "RegionworkerLogGroup key": key, "HttpApiLogGroup key": key,
			"RegionworkerRole policies": []any{policy}, "network interfaces": true,
			"RegionworkerRole assumes": []any{"arn:${AWS::Partition}:iam::*:role/meridian-read", "arn:aws:iam::*:role/ops/reader"},
			"CoordinatorRole assumes":  []any{"arn:${AWS::Partition}:iam::*:role/meridian-invoke", "arn:aws:iam::*:role/ops/invoker"},
			"functions":                "resize,arn:aws:lambda:eu-west-1:111122223333:function:other",
			"invokes": []any{
				"arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:resize", "arn:${AWS::Partition}:lambda:*:${AWS::AccountId}:function:resize:*",
				"arn:aws:lambda:eu-west-1:111122223333:function:other", "arn:aws:lambda:eu-west-1:111122223333:function:other:*",
			},
			"environment": map[string]any{"MERIDIAN_PROBE_ALLOW": "10.0.0.0/8", "MERIDIAN_CALL_ALLOW": "reads,ec2:StopInstances"}, "tags": map[string]any{"team": "network"},
		}
		if diff := cmp.Diff(want, added("serverless.yml", home, on...)); diff != "" {
			t.Errorf("with all of it (-want +got):\n%s", diff)
		}
		// What belongs to a Region is only there.
		abroad := map[string]any{
			"RegionworkerLambdaFunction reserves": 0.0, "RegionworkerLambdaFunction key": other, "RegionworkerLogGroup key": other,
			"RegionworkerRole policies": []any{policy}, "environment": want["environment"], "tags": want["tags"],
			"RegionworkerRole assumes": want["RegionworkerRole assumes"],
		}
		if diff := cmp.Diff(abroad, added("serverless.worker.yml", "eu-west-1", on...)); diff != "" {
			t.Errorf("a worker abroad with all of it (-want +got):\n%s", diff)
		}
	})

	t.Run("a stage of its own", func(t *testing.T) {
		config := s.read(t, "serverless.yml")
		t.Cleanup(func() { s.write(t, "serverless.yml", []byte(config)) })
		s.write(t, "serverless.yml", []byte(strings.Replace(config, "\nparams:\n",
			"\nparams:\n  prod: {architecture: x86_64, schedule: ENABLED, workerMemory: 512}\n", 1)))
		m := s.pack(ctx, t, "serverless.yml", "--stage", "prod", "--param", "workerTimeout=20")
		if got := m.Resources["ScheduleOfReachable"].Properties["State"]; got != "ENABLED" {
			t.Errorf("the schedule of prod is %v, want ENABLED", got)
		}
		settings := `{"architecture":"x86_64","schedule":"ENABLED","workerMemory":512,"workerTimeout":"20"}`
		if got := at(m.Outputs["Settings"], "Value"); got != settings {
			t.Errorf("the stack remembers %v, want %s", got, settings)
		}
		for name, m := range map[string]template{"beside": m, "alone": s.pack(ctx, t, "serverless.worker.yml", "--stage", "prod", "--region", "eu-west-1")} {
			worker := m.Resources["RegionworkerLambdaFunction"].Properties
			if worker["MemorySize"] != 512.0 || !slices.Equal(list(worker["Architectures"]), []any{"x86_64"}) {
				t.Errorf("the worker %s the coordinator has %v MB on %v, want 512 on x86_64", name, worker["MemorySize"], worker["Architectures"])
			}
		}
	})

	// The framework takes a second to start, so a command has several.
	t.Run("refused parameters", func(t *testing.T) {
		for _, refused := range []map[string]string{
			{
				"placement=everywhere":              `param "placement" is "everywhere"`,
				"workerConcurrency=some":            `param "workerConcurrency": want a number, or "none"`,
				"accountRole=arn:aws:iam::1:user/x": `param "accountRole": want the name of a role, or a pattern such as arn:aws:iam::*:role/meridian-read, not arn:aws:iam::1:user/x`,
				"workerFunctions=resize:PROD":       `param "workerFunctions": want the names of functions, or their ARNs, without :QUALIFIER, not resize:PROD`,
				"callAllow=ec2":                     `param "callAllow": want patterns such as ec2:Describe*, or "reads", not ec2`,
				"store=on":                          `param "store": want ENABLED or DISABLED, not "on"`,
				"alarms=on":                         `param "alarms": want ENABLED or DISABLED, not "on"`,
			},
			{
				"placement=regional":                               `param "regions" must list`,
				"workerFunctions=*":                                `param "workerFunctions": want the names of functions`,
				"workerAccountRole=arn:aws:iam::1:user/x":          `param "workerAccountRole": want the name of a role`,
				"workerEnvironment=hunter2":                        `param "workerEnvironment": want an object`,
				`kmsKeys={"mars":"arn:aws:kms:us-east-1:1:key/k"}`: `param "kmsKeys": want the names of Regions, not mars`,
			},
			{
				`workerEnvironment={"A":["b"]}`:                    `param "workerEnvironment": want a text for A`,
				`workerVpc={"us-east-1":{"subnets":["subnet-1"]}}`: `param "workerVpc": want {"subnets"`,
			},
			{"shedule=ENABLED": "no such param: shedule"},
			{"scheduleExpression=rate(5 minutes)": `no such param: scheduleExpression: it has become "expression" in deploy/schedules/reachable.json`},
		} {
			args := []string{"package"}
			for param := range refused {
				args = append(args, "--param", param)
			}
			out := s.command(ctx, t, s.env, s.serverless(), args...)
			if out.status == 0 || strings.Contains(out.stdout, "\n    at ") {
				t.Errorf("%q: exit status %d, want 1 without a stack: %s%s", args, out.status, out.stdout, out.stderr)
			}
			for param, want := range refused {
				if !strings.Contains(out.stdout, want) {
					t.Errorf("%s: want %s: %s%s", param, want, out.stdout, out.stderr)
				}
			}
			if strings.Contains(out.stdout+out.stderr, "hunter2") {
				t.Errorf("the value hunter2 is printed: %s%s", out.stdout, out.stderr)
			}
		}
	})

	t.Run("cfn-lint", func(t *testing.T) {
		// W3005 is about a DependsOn that the framework generates.
		args := []string{"--ignore-checks", "W3005", "--", "deploy/account-role.yml"}
		s.must(ctx, t, filepath.Join(tools, "cfn-lint"), append(args, s.templates...)...)
	})
}

// TestRules breaks each rule in the template.
func TestRules(t *testing.T) {
	part(t, "template", "npm")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := newSite(t)
	for _, name := range []string{"coordinator", "regionworker"} {
		s.write(t, "dist/"+name+".zip", []byte("a zip"))
	}
	s.pack(ctx, t, "serverless.yml")
	source := s.read(t, ".serverless", "cloudformation-template-update-stack.json")

	statement := func(m template, role string) map[string]any {
		policies := list(m.Resources[role].Properties["Policies"])
		return statements(at(policies[len(policies)-1], "PolicyDocument"))[0]
	}
	for _, c := range []struct {
		name string
		do   func(template)
		want string
	}{
		{"any action", func(m template) { statement(m, "CoordinatorRole")["Action"] = "lambda:*" }, "CoordinatorRole: allows the action lambda:*"},
		{"any resource", func(m template) { statement(m, "RegionworkerRole")["Resource"] = "*" }, "RegionworkerRole: allows the resource *"},
		{"part of a resource", func(m template) {
			statement(m, "CoordinatorRole")["Resource"] = []any{map[string]any{"Fn::Sub": "arn:aws:lambda:*:1:function:f"}}
		}, "CoordinatorRole: allows the resource arn:aws:lambda:*:1:function:f"},
		{"any resource but for a trace", func(m template) {
			m.Resources["RegionworkerLambdaFunction"].Properties["TracingConfig"] = map[string]any{"Mode": "PassThrough"}
		}, "RegionworkerRole: allows the resource *"},
		{"the schedules of others", func(m template) {
			delete(statements(m.Resources["ScheduleRole"].Properties["AssumeRolePolicyDocument"])[0], "Condition")
		}, "ScheduleRole: may be assumed for the schedules of others"},
		{"no access log", func(m template) { delete(m.Resources["HttpApiStage"].Properties, "AccessLogSettings") }, "HttpApiStage: has no access log"},
		{"a policy of AWS's", func(m template) {
			m.Resources["ScheduleRole"].Properties["ManagedPolicyArns"] = []any{"arn:aws:iam::aws:policy/AdministratorAccess"}
		}, "ScheduleRole: has the policy arn:aws:iam::aws:policy/AdministratorAccess"},
		{"a policy beside the roles", func(m template) { m.Resources["Extra"] = resource{Type: "AWS::IAM::Policy"} }, "Extra: a AWS::IAM::Policy: a role's policies are written in the role"},
		{"everybody's role", func(m template) {
			statements(m.Resources["CoordinatorRole"].Properties["AssumeRolePolicyDocument"])[0]["Principal"] = "*"
		}, "CoordinatorRole: may be assumed by *"},
		{"one role for both", func(m template) {
			m.Resources["RegionworkerLambdaFunction"].Properties["Role"] = m.Resources["CoordinatorLambdaFunction"].Properties["Role"]
		}, "RegionworkerLambdaFunction: shares its role with CoordinatorLambdaFunction"},
		{"a function URL", func(m template) { m.Resources["Extra"] = resource{Type: "AWS::Lambda::Url"} }, "Extra: a function URL"},
		{"a public function", func(m template) {
			m.Resources["Extra"] = resource{Type: "AWS::Lambda::Permission", Properties: map[string]any{"Principal": "*"}}
		}, "Extra: lets * invoke a function, from anywhere"},
		{"an open route", func(m template) { delete(m.Resources["HttpApiRoutePostRuns"].Properties, "AuthorizationType") }, "HttpApiRoutePostRuns: the route POST /runs is authorised by <nil>"},
		{"no throttling", func(m template) { delete(m.Resources["HttpApiStage"].Properties, "DefaultRouteSettings") }, "HttpApiStage: is not throttled"},
		{"logs for ever", func(m template) { delete(m.Resources["CoordinatorLogGroup"].Properties, "RetentionInDays") }, "CoordinatorLogGroup: keeps its events for ever"},
		{"no log group", func(m template) { delete(m.Resources, "CoordinatorLogGroup") }, "CoordinatorLambdaFunction: has no log group /aws/lambda/meridian-dev-coordinator"},
		{"a schedule without a key", func(m template) {
			object(m.Resources["ScheduleOfReachable"].Properties["Target"])["Input"] = "{}"
		}, "ScheduleOfReachable: is retried, and its run is not kept"},
		{"a retried sweep", func(m template) {
			object(at(m.Resources["Sweep"].Properties, "Target", "RetryPolicy"))["MaximumRetryAttempts"] = 1.0
		}, "Sweep: is retried, and its run is not kept"},
		{"the schedule's own retries", func(m template) {
			delete(object(m.Resources["ScheduleOfReachable"].Properties["Target"]), "RetryPolicy")
		}, "ScheduleOfReachable: is retried, and its run is not kept"},
		{"retried without a store", func(m template) {
			delete(object(at(m.Resources["CoordinatorLambdaFunction"].Properties, "Environment", "Variables")), "STORE_BUCKET")
		}, "CoordinatorLambdaEvConf: is retried, and its run is not kept"},
		{"retried for hours", func(m template) {
			delete(m.Resources["CoordinatorLambdaEvConf"].Properties, "MaximumEventAgeInSeconds")
		}, "CoordinatorLambdaEvConf: is retried for more than an hour"},
		{"a bucket that goes with the stack", func(m template) {
			bucket := m.Resources["RunsBucket"]
			bucket.DeletionPolicy = ""
			m.Resources["RunsBucket"] = bucket
		}, "RunsBucket: is deleted with the stack, or when it is replaced"},
		{"a fixed name", func(m template) { m.Resources["RunsBucket"].Properties["BucketName"] = "runs" }, "RunsBucket: has the fixed name runs"},
		{"a public bucket", func(m template) {
			object(m.Resources["RunsBucket"].Properties["PublicAccessBlockConfiguration"])["BlockPublicPolicy"] = false
		}, "RunsBucket: may be public: without BlockPublicPolicy"},
		{"no encryption", func(m template) { delete(m.Resources["RunsBucket"].Properties, "BucketEncryption") }, "RunsBucket: does not say how it is encrypted"},
		{"other owners", func(m template) { delete(m.Resources["RunsBucket"].Properties, "OwnershipControls") }, "RunsBucket: has objects of other owners"},
		{"an open queue", func(m template) { m.Resources["Extra"] = resource{Type: "AWS::SQS::Queue"} }, "Extra: is not encrypted"},
		{"a topic with AWS's key", func(m template) {
			m.Resources["Extra"] = resource{Type: "AWS::SNS::Topic", Properties: map[string]any{"KmsMasterKeyId": "alias/aws/sns"}}
		}, "Extra: has the key alias/aws/sns, with which alarms may not be able to publish"},
		{"a topic for all", func(m template) {
			m.Resources["Extra"] = resource{Type: "AWS::SNS::TopicPolicy", Properties: map[string]any{"PolicyDocument": map[string]any{
				"Statement": map[string]any{"Effect": "Allow", "Principal": "*", "Action": "sns:Publish"},
			}}}
		}, "Extra: lets more than the alarms of the stage publish"},
		{"an alarm that looks back too far", func(m template) {
			m.Resources["Extra"] = resource{Type: "AWS::CloudWatch::Alarm", Properties: map[string]any{"Period": 300.0, "EvaluationPeriods": 289.0}}
		}, "Extra: looks back over 289 periods of 300 s"},
		{"an alarm for nobody", func(m template) {
			m.Resources["Extra"] = resource{Type: "AWS::CloudWatch::Alarm", Properties: map[string]any{"Period": 300.0, "EvaluationPeriods": 1.0}}
		}, "Extra: tells no topic"},
		{"runs for ever", func(m template) { delete(m.Resources["RunsBucket"].Properties, "LifecycleConfiguration") }, "RunsBucket: keeps its objects for ever"},
	} {
		t.Run(c.name, func(t *testing.T) {
			broken := decode[template](t, source)
			c.do(broken)
			if got := broken.faults(); !slices.Contains(got, c.want) {
				t.Errorf("faults() = %q, want %q", got, c.want)
			}
		})
	}
}

package trigger

import "encoding/json"

// A shape is the documented form of one kind of event.
type shape struct {
	what string
	kind kind

	// paths are names, with slashes between them, of fields that every event of the kind
	// has. At least one is no field of a Request.
	paths []string

	// texts are strings that every event of the kind has, by path. "" stands for any but
	// the empty one.
	texts map[string]string
}

func (s shape) fits(o object) bool {
	for _, path := range s.paths {
		if o.at(path) == nil {
			return false
		}
	}
	for path, want := range s.texts {
		if got := o.text(path); got == "" || want != "" && got != want {
			return false
		}
	}
	return true
}

// shapes returns the kinds of events. The first that fits counts: an authorizer's request
// also has the fields of an HTTP request.
//
// Sources: https://docs.aws.amazon.com/lambda/latest/dg/lambda-services.html and the page
// of each service; https://github.com/aws/aws-lambda-go/tree/main/events
func shapes() []shape {
	other := func(what string, paths ...string) shape { return shape{what: what, kind: kindOther, paths: paths} }
	return []shape{
		other("a request of API Gateway to an authorizer", "type", "methodArn"),
		other("a request of API Gateway to an authorizer", "type", "routeArn"),
		other("a request of AppSync to an authorizer", "authorizationToken", "requestContext"),
		{"an HTTP API event", kindHTTP, []string{"requestContext/http/method"}, map[string]string{"version": "2.0"}},
		{"an EventBridge event", kindEventBridge, []string{"detail"}, map[string]string{"detail-type": "", "source": ""}},
		other("an event of an Application Load Balancer", "requestContext/elb"),
		other("an event of VPC Lattice", "requestContext/serviceNetworkArn"),
		other("an event of VPC Lattice", "raw_path", "method"),
		other("the record of an asynchronous invocation for a destination", "requestContext/functionArn", "requestContext/condition"),
		other("an event of an API Gateway WebSocket API", "requestContext/connectionId"),
		other("an API Gateway event of payload format 1.0", "httpMethod"),
		other("an API Gateway event other than an HTTP request of payload format 2.0", "requestContext"),

		other("an event of Amazon Data Firehose", "deliveryStreamArn", "records"),
		other("an event of Kinesis Data Analytics", "applicationArn", "records"),
		other("an event of Apache Kafka", "bootstrapServers", "records"),
		other("an event of Amazon MQ", "eventSource", "messages"),
		other("an event of Amazon MQ", "eventSource", "rmqMessagesByQueue"),
		other("an event of Amazon DocumentDB", "eventSource", "events"),
		other("an event with records", "Records"),
		other("an event of CloudWatch Logs", "awslogs"),
		other("an event of a CloudWatch alarm", "alarmArn", "alarmData"),

		other("a request of an AppSync resolver", "info/fieldName"),
		other("a request of AppSync Events", "info/channel"),
		other("an event of a Cognito user pool", "triggerSource", "userPoolId"),
		other("an event of Cognito Sync", "identityPoolId", "datasetName"),
		other("an event of AWS Config", "invokingEvent", "resultToken"),
		other("a request of a CloudFormation custom resource", "RequestType", "ResponseURL"),
		other("a request of a CloudFormation macro", "fragment", "transformId"),
		other("a job of CodePipeline", "CodePipeline.job"),
		other("an event of CodeDeploy", "DeploymentId", "LifecycleEventHookExecutionId"),
		other("a rotation of Secrets Manager", "SecretId", "ClientRequestToken"),
		other("a request of S3 Batch Operations", "invocationSchemaVersion", "tasks"),
		other("a request of S3 Object Lambda", "xAmzRequestId", "userRequest"),
		other("an event of Amazon Connect", "Name", "Details"),
		other("a request of Amazon Lex", "bot", "invocationSource"),
		other("a request of an Amazon Bedrock agent", "actionGroup", "agent"),
		other("a request of an Alexa skill", "session", "request"),
		other("a directive of an Alexa smart home skill", "directive"),
		other("a sign-in to AWS Transfer Family", "username", "serverId"),
		other("a connection of AWS Client VPN", "connection-id", "endpoint-id"),
		other("a request of AWS IoT to an authorizer", "signatureVerified", "protocolData"),
		other("a request of AWS IoT to provision a device", "claimCertificateId", "certificateId"),
		other("an event of an AWS IoT button", "serialNumber", "clickType"),
		other("an event of AWS IoT 1-Click", "deviceEvent", "deviceInfo"),
		other("an execution of a durable function", "DurableExecutionArn"),
	}
}

// recordsOf returns " of …" with the service that an event's records are of, or "". Other
// names than these are left out: they may be anything, and what is refused is logged.
func recordsOf(o object) string {
	var records []object
	if json.Unmarshal(o["Records"], &records) != nil || len(records) == 0 {
		return ""
	}
	if records[0]["cf"] != nil {
		return " of CloudFront"
	}
	for _, name := range []string{"eventSource", "EventSource"} { // SNS spells it so
		switch source := records[0].text(name); source {
		case "aws:codecommit", "aws:dynamodb", "aws:kinesis", "aws:s3", "aws:ses", "aws:sns", "aws:sqs":
			return ` of "` + source + `"`
		}
	}
	return ""
}

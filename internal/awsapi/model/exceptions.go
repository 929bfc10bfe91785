package model

import (
	"path"
	"strings"
)

// An exception is how some operations differ from what their models say.
type exception struct {
	// name has the service and the operation, as a pattern.
	name string

	// refused is why Meridian does not call the operation or, with a member, why that may
	// not be set. Empty means that it may.
	refused string

	// member is a member of the input that may not be set, except to the texts that only
	// accepts. A nil only accepts none.
	member string
	only   func(string) bool

	// header has a name and a value that the service wants and the model leaves out.
	header [2]string

	// noEndpoint says that the service answers only at endpoints that its users look up.
	noEndpoint bool

	// once says that every Region gives the same answer, though each has an endpoint of
	// its own.
	once bool

	// changes says that the operation does more than read, though its name says that it
	// reads.
	changes bool

	// reads says that the operation only reads, though its name does not say so.
	reads bool

	// inBase64 is a member that people give as plain text and the service wants in base64.
	inBase64 string

	// lastPart lists members with paths. The service takes the last part of the path only.
	lastPart []string

	// decode changes the texts of some members of the answer, which decoded lists, into
	// what they encode.
	decode  func(string) any
	decoded []string

	// reason says where the exception comes from.
	reason string
}

// Refusals that the data has a number for, in the order of generate.py.
//
//nolint:gochecknoglobals // a constant
var refusals = [...]string{
	"",
	"it takes no signature, but credentials of its own in the input",
	"its body is a stream, which is not signed",
	"it answers at a host of its own, which the catalogue of endpoints does not have",
	"its endpoint has to be asked for with DescribeEndpoints first",
}

const (
	presigned = "it needs a presigned URL for the other Region"
	customKey = "keys of your own are not supported"
	ownHost   = "botocore's endpoint rules give a host that does not serve it"
	readLevel = "the Service Authorization Reference gives it, or the action that it needs, the access level Read or List"
	handler   = "botocore/handlers.py: "
)

// exceptions are all of them. What is not proven to work is refused by name.
//
//nolint:gochecknoglobals // a table
var exceptions = [...]exception{
	{name: "apigateway:*", header: [2]string{"Accept", "application/json"}, reason: handler + "add_accept_header"},

	{name: "glacier:*", header: [2]string{"X-Amz-Glacier-Version", "2012-06-01"}, reason: handler + "add_glacier_version"},
	{name: "glacier:Upload*", refused: "it needs a tree hash of the archive", reason: handler + "add_glacier_checksums"},

	{name: "ec2:CopySnapshot", refused: presigned, reason: handler + "inject_presigned_url_ec2"},
	{name: "ec2:RunInstances", inBase64: "UserData", reason: handler + "base64_encode_user_data"},
	{name: "autoscaling:CreateLaunchConfiguration", inBase64: "UserData", reason: handler + "base64_encode_user_data"},

	{name: "rds:*", member: "SourceRegion", refused: presigned, reason: handler + "inject_presigned_url_rds"},
	{name: "neptune:*", member: "SourceRegion", refused: presigned, reason: handler + "inject_presigned_url_rds"},
	{name: "docdb:*", member: "SourceRegion", refused: presigned, reason: handler + "inject_presigned_url_rds"},

	{name: "machinelearning:Predict", refused: "it answers at an endpoint in its input", reason: handler + "switch_host_machinelearning"},

	{
		name: "route53:*", lastPart: []string{"Id", "HostedZoneId", "DelegationSetId", "ResourceId"},
		reason: handler + "fix_route53_ids: answers have /hostedzone/ before an id",
	},

	{
		name: "iam:*", decode: policy,
		decoded: []string{"AssumeRolePolicyDocument", "AssumeRolePolicyDocumentTemplate", "Document", "PolicyDocument"},
		reason:  handler + "json_decode_policies",
	},
	{name: "cloudformation:GetTemplate", decode: parsed, decoded: []string{"TemplateBody"}, reason: handler + "json_decode_template_body"},
	{name: "ec2:GetConsoleOutput", decode: console, decoded: []string{"Output"}, reason: handler + "decode_console_output"},

	{
		name: "s3:ListBuckets", once: true,
		reason: "every Region lists the buckets of all: https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListBuckets.html",
	},
	{
		name: "s3:*", member: "Bucket", only: plainBucket,
		refused: "want the name of a general purpose bucket",
		reason: "ARNs, access points and directory buckets have hosts and signatures of their own: " +
			"https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html",
	},
	{
		name: "s3*:*", member: "ChecksumAlgorithm", only: func(name string) bool { return name == "CRC32" },
		refused: "want CRC32",
		reason:  "the only checksum that is computed here",
	},
	{name: "s3:*", member: "SSECustomerKey", refused: customKey, reason: handler + "sse_md5"},
	{name: "s3:*", member: "CopySourceSSECustomerKey", refused: customKey, reason: handler + "copy_source_sse_md5"},

	{name: "apigatewaymanagementapi:*", noEndpoint: true, reason: ownHost},
	{name: "cloudfront-keyvaluestore:*", noEndpoint: true, reason: ownHost},
	{name: "cloudsearchdomain:*", noEndpoint: true, reason: ownHost},
	{name: "kinesis-video-archived-media:*", noEndpoint: true, reason: ownHost},
	{name: "kinesis-video-media:*", noEndpoint: true, reason: ownHost},
	{name: "kinesis-video-signaling:*", noEndpoint: true, reason: ownHost},
	{name: "kinesis-video-webrtc-storage:*", noEndpoint: true, reason: ownHost},
	{name: "mediastore-data:*", noEndpoint: true, reason: ownHost},

	{
		name: "cognito-identity:GetOpenIdTokenForDeveloperIdentity", changes: true,
		reason: "it makes an identity when there is none",
	},

	{name: "redshift:GetClusterCredentials", changes: true, reason: "it makes a user with AutoCreate"},
	{name: "redshift-serverless:GetCredentials", changes: true, reason: "it makes a user when there is none"},
	{name: "stepfunctions:GetActivityTask", changes: true, reason: "it takes a task, which no other worker gets then"},

	{name: "cloudformation:EstimateTemplateCost", reads: true, reason: readLevel},
	{name: "cloudformation:ValidateTemplate", reads: true, reason: readLevel},
	{name: "config:SelectAggregateResourceConfig", reads: true, reason: readLevel},
	{name: "config:SelectResourceConfig", reads: true, reason: readLevel},
	{name: "dynamodb:Query", reads: true, reason: readLevel},
	{name: "dynamodb:Scan", reads: true, reason: readLevel},
	{name: "dynamodb:TransactGetItems", reads: true, reason: readLevel},
	{name: "elasticbeanstalk:CheckDNSAvailability", reads: true, reason: readLevel},
	{name: "events:TestEventPattern", reads: true, reason: readLevel},
	{name: "iam:SimulateCustomPolicy", reads: true, reason: readLevel},
	{name: "iam:SimulatePrincipalPolicy", reads: true, reason: readLevel},
	{name: "logs:FilterLogEvents", reads: true, reason: readLevel},
	{name: "rds:DownloadDBLogFilePortion", reads: true, reason: readLevel},
	{name: "route53:TestDNSAnswer", reads: true, reason: readLevel},
	{name: "route53domains:CheckDomainAvailability", reads: true, reason: readLevel},
	{name: "route53domains:ViewBilling", reads: true, reason: readLevel},
	{name: "servicediscovery:DiscoverInstances", reads: true, reason: readLevel},
	{name: "servicediscovery:DiscoverInstancesRevision", reads: true, reason: readLevel},
	{name: "wafv2:CheckCapacity", reads: true, reason: readLevel},
}

// plainBucket reports whether a name is that of a general purpose bucket. Older ones may
// have capital letters, and 255 bytes.
func plainBucket(name string) bool {
	other := strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
	return len(name) >= 3 && len(name) <= 255 && other == "" && !strings.HasSuffix(name, "--x-s3")
}

// has reports whether one of the operation's exceptions has a property.
func (op *Operation) has(property func(*exception) bool) bool {
	found := false
	op.each(func(e *exception) { found = found || property(e) })
	return found
}

// each calls f with the operation's exceptions.
func (op *Operation) each(f func(*exception)) {
	for i := range exceptions {
		if ok, _ := path.Match(exceptions[i].name, op.Service+":"+op.Name); ok {
			f(&exceptions[i])
		}
	}
}

// Refused says why Meridian does not call the operation. Empty means that it does.
func (op *Operation) Refused() string {
	refused := ""
	if number := op.flags >> refusalShift; number < len(refusals) {
		refused = refusals[number]
	}
	if op.service.flags&serviceNotSigV4 != 0 {
		refused = "its service does not take signatures of version 4"
	}
	if op.schema.IsInputEventStream() || op.schema.IsOutputEventStream() {
		refused = "it is a stream of events"
	}
	op.each(func(e *exception) {
		if e.refused != "" && e.member == "" {
			refused = e.refused
		}
	})
	return refused
}

// NoEndpoint reports whether the service answers only at endpoints that its users look
// up, and that have to be set.
func (op *Operation) NoEndpoint() bool {
	return op.has(func(e *exception) bool { return e.noEndpoint })
}

// Once reports whether every Region of a partition gives the same answer, though each
// has an endpoint of its own.
func (op *Operation) Once() bool { return op.has(func(e *exception) bool { return e.once }) }

// exceptions adds the faults of members that may not be set.
func (c *checker) exceptions(op *Operation, input map[string]any) {
	for _, m := range op.input.members() {
		if m.elsewhere && input[m.name] != nil {
			c.fault(m.name, input[m.name], "selects a host of its own, which the catalogue of endpoints does not have")
		}
	}
	op.each(func(e *exception) {
		value := input[e.member]
		if text, _ := value.(string); value != nil && e.member != "" && (e.only == nil || !e.only(text)) {
			c.fault(e.member, value, e.refused)
		}
	})
}

package model

import (
	"regexp"
	"sync"

	"github.com/aws/smithy-go"
)

// secretName matches the names of reads that hand out secrets. It is compiled on first use:
// at start, it would delay every cold start.
//
//nolint:gochecknoglobals // a constant
var secretName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^(?:Batch)?Get\w*(?:Credentials|Password|PasswordData|Secret|SecretValue|ApiKeys?|Token|` +
		`(?:Presigned|Signed|Embed|Login|Upload|Session)U(?:RL|rl))(?:$|For|From|With)`)
})

// Secret reports whether an operation that only reads hands out secrets: by its name, or
// because a member of its answer is one.
func (op *Operation) Secret() bool {
	return (secretName().MatchString(op.Name) || secretMember(op.Service+":"+op.Name) != "") && op.ReadOnly()
}

// secretWrite matches the names of operations that change something, and whose answers can have
// a secret that was made for the caller, such as iam:CreateAccessKey.
//
//nolint:gochecknoglobals // a constant
var secretWrite = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`AccessKey|Password|Credential|Secret|Token|ApiKey|KeyPair|Login|Assume|Certificate|Webhook|DataKey|Decrypt|StreamKey|CreateChannel`)
})

// HandsOutSecrets reports whether the answer of an operation can have a secret. For a read,
// [Operation.Secret] says so; for a change, its own name or the name of a member of its
// answer. Such an answer is not kept.
func (op *Operation) HandsOutSecrets() bool {
	return op.Secret() || !op.ReadOnly() && (secretWrite().MatchString(op.Name) || len(SecretMembers(op.OutputType())) > 0)
}

// memberName matches the names of members that are secrets.
//
//nolint:gochecknoglobals // a constant
var memberName = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(?i)(password|passphrase|secret|secret(value|string|binary)|(secretaccess|secret|private|api|stream|shared|specific)key|` +
		`(app|nwk)s?key|credentials?|(unlock|activation)code|activationkey|base32stringseed|material|` +
		`(access|auth|bearer|billing|callback|device|export|gateway|grafana|hec|id|import|join|jwt|oauth|refresh|registration|secret|security|session|unit|verification)token)$`)
})

// SecretMembers returns the members in a type, at any depth, that have the names of secrets.
// Some are harmless.
func SecretMembers(in Type) []string { return secretMembers(in, map[Type]bool{}) }

func secretMembers(in Type, seen map[Type]bool) (names []string) {
	if seen[in] {
		return nil
	}
	seen[in] = true
	switch in.Kind() {
	case smithy.ShapeTypeList, smithy.ShapeTypeMap:
		return secretMembers(in.Item(), seen)
	case smithy.ShapeTypeStructure, smithy.ShapeTypeUnion:
		for _, name := range in.Members() {
			member, _ := in.Member(name)
			if member.Kind() == smithy.ShapeTypeString || member.Kind() == smithy.ShapeTypeBlob {
				if memberName().MatchString(name) {
					names = append(names, name)
				}
				continue
			}
			names = append(names, secretMembers(member, seen)...)
		}
	default:
	}
	return names
}

// secretMember returns the secret in the answer of an operation, or "". It knows the
// operations that do not show it by their own names. A member is a secret if it gives access
// by itself, without another permission. So neither the name of a secret is one, nor a
// password that AWS blanks out; when it is not known whether AWS does, the member counts as
// a secret.
//
// A test finds other reads that have members with the names of secrets.
func secretMember(operation string) string {
	switch operation {
	case "gamelift:GetComputeAccess", "gamelift:GetInstanceAccess", "s3control:GetDataAccess", "cloudwatchomni:GetSpaceDataAccess",
		"codepipeline:GetJobDetails", "codepipeline:GetThirdPartyJobDetails", "lightsail:GetBucketAccessKeys":
		return "credentials of AWS"
	case "datazone:GetConnection", "datazone:ListConnections":
		return "credentials of AWS, passwords and tokens of the connection"
	case "athena:GetSessionEndpoint", "emr:GetSessionEndpoint", "emr-serverless:GetSessionEndpoint", "glue:GetSessionEndpoint":
		return "the token of a session"
	case "lightsail:GetInstanceAccessDetails":
		return "the password or the private key of an instance"
	case "lightsail:GetRelationalDatabase", "lightsail:GetRelationalDatabases":
		return "the new password of a database"
	case "glue:GetConnection", "glue:GetConnections":
		return "the password in ConnectionProperties"
	case "glue:BatchGetJobs", "glue:GetJob", "glue:GetJobs":
		return "the token for the repository of a job"
	case "datasync:DescribeLocationFsxOntap", "datasync:DescribeLocationFsxOpenZfs", "mediapackage:DescribeChannel", "mediapackage:ListChannels",
		"quicksight:DescribeAssetBundleImportJob", "lexv2-models:DescribeBotRecommendation", "cloudhsmv2:DescribeClusters",
		"kinesis-video-signaling:GetIceServerConfig", "amplify:GetApp", "amplify:GetBranch", "amplify:ListApps", "amplify:ListBranches":
		return "a password"
	case "amplifybackend:GetBackendAuth", "cognito-idp:DescribeIdentityProvider", "cognito-idp:GetIdentityProviderByIdentifier",
		"cognito-idp:DescribeUserPoolClient", "cognito-idp:ListUserPoolClientSecrets", "wickr:GetOidcInfo", "wickr:GetOpentdfConfig":
		return "the secret of a client of OAuth"
	case "appsync:ListApiKeys", "dataexchange:GetAsset", "dataexchange:GetJob", "dataexchange:ListJobs", "dataexchange:ListRevisionAssets",
		"pinpoint:GetBaiduChannel", "pinpoint:GetGcmChannel":
		return "the key of an API"
	case "ssm:GetParameter", "ssm:GetParameterHistory", "ssm:GetParameters", "ssm:GetParametersByPath":
		return "SecureString parameters, decrypted on demand"
	case "ec2:DescribeVpnConnections", "ec2:GetVpnConnectionDeviceSampleConfiguration", "ds:DescribeDirectories",
		"invoicing:GetProcurementPortalPreference", "storagegateway:DescribeChapCredentials":
		return "a secret that both sides share"
	case "ivs:GetStreamKey", "ivs:BatchGetStreamKey", "ivs-realtime:GetIngestConfiguration", "ivs:GetChannel", "ivs:BatchGetChannel",
		"ivs:GetStreamSession":
		return "the key or the passphrase of a stream"
	case "iotwireless:GetWirelessDevice", "iot-managed-integrations:GetManagedThing", "iot-managed-integrations:ListDiscoveredDevices":
		return "the keys of a device"
	case "workspaces-thin-client:GetEnvironment", "workspaces-thin-client:ListEnvironments", "snowball:GetJobUnlockCode", "interconnect:GetConnection":
		return "the code that activates or unlocks something"
	case "chime-sdk-meetings:GetAttendee", "chime-sdk-meetings:ListAttendees", "gamelift:GetPlayerConnectionDetails":
		return "the token to join"
	case "chime:GetBot", "chime:ListBots", "codepipeline:ListWebhooks", "connecthealth:GetPatientInsightsJob", "firehose:DescribeDeliveryStream",
		"managedblockchain:GetAccessor", "marketplace-agreement:GetAgreementEntitlements":
		return "a token of another service"
	}
	return ""
}

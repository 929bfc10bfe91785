package model_test

import (
	"os"
	"regexp"
	"testing"

	"meridian/internal/awsapi/model"
	"meridian/internal/race"
)

// harmless are members whose names are those of secrets, of operations that do not hand out
// any, each with its reason. Those of a service stand behind its name.
var harmless = map[string]string{
	"cognito-sync:SyncSessionToken": signed,

	"appstream:AccountPassword":            blank,
	"dms:AsmPassword":                      blank,
	"dms:AuthPassword":                     blank,
	"dms:Password":                         blank,
	"dms:SaslPassword":                     blank,
	"dms:SslClientKeyPassword":             blank,
	"docdb:MasterUserPassword":             blank,
	"ec2:ClientSecret":                     blank,
	"elbv2:ClientSecret":                   blank,
	"emr:ADDomainJoinPassword":             blank,
	"emr:KdcAdminPassword":                 blank,
	"emr:CrossRealmTrustPrincipalPassword": blank,
	"fsx:FsxAdminPassword":                 blank,
	"neptune:MasterUserPassword":           blank,
	"rds:MasterUserPassword":               blank,
	"redshift:MasterUserPassword":          blank,
	"codebuild:secret":                     "only in the answer that creates the webhook",
	"iam:Base32StringSeed":                 "only in the answer that creates the device",
	"securityhub:Credential":               finding,
	"securityhub:MasterUserPassword":       finding,
	"securityhub:PreSharedKey":             finding,

	"apigateway:authorizerCredentials":     reference,
	"apigateway:credentials":               reference,
	"appmesh:privateKey":                   "the path of a file",
	"codebuild:credential":                 reference,
	"ec2:SqlServerCredentials":             reference,
	"fsx:DomainJoinServiceAccountSecret":   reference,
	"iot:secretKey":                        "the name of a member of the secret",
	"kendra:Credentials":                   reference,
	"mediaconvert:CertificateSecret":       reference,
	"mediapackage:CdnIdentifierSecret":     reference,
	"mediapackage-vod:CdnIdentifierSecret": reference,

	"eks:activationCode":                 "only until a cluster elsewhere is registered, of which EKS knows nothing else",
	"ivs-realtime:publicKeyMaterial":     "it is public",
	"ses:VerificationToken":              "it is in the public DNS",
	"wafv2:APIKey":                       "it is made for public pages",
	"grafana:grafanaToken":               "it names an account of Grafana Labs",
	"chime-sdk-identity:DeviceToken":     "the address of a device",
	"chime-sdk-identity:VoipDeviceToken": "the address of a device",

	"kms:ImportToken":                    signed,
	"payment-cryptography:ExportToken":   signed,
	"payment-cryptography:ImportToken":   signed,
	"lakeformation:WorkUnitToken":        signed,
	"sagemaker:CallbackToken":            signed,
	"taxsettings:taxDocumentAccessToken": signed,
}

const (
	blank     = "AWS blanks it out or leaves it out"
	finding   = "a finding has what AWS Config records, which leaves it out"
	reference = "the ARN or the name of a secret or of a role"
	signed    = "of use only in a call that needs a permission of its own"
)

// A read whose answer has a member with the name of a secret hands out secrets, or the
// member is listed as harmless.
func TestReadsWithSecretsAreKnown(t *testing.T) {
	race.Skip(t, "takes long, on one goroutine")
	t.Parallel()
	found := map[string]bool{}
	for _, service := range model.Services() {
		for _, operation := range model.Operations(service) {
			op := lookup(t, service+":"+operation)
			if !op.ReadOnly() || op.Secret() {
				continue
			}
			for _, member := range model.SecretMembers(op.OutputType()) {
				found[service+":"+member] = true
				if harmless[service+":"+member] == "" {
					t.Errorf("%s:%s has a member %s; add it to secretMember, or the member to the test's harmless ones", service, operation, member)
				}
			}
		}
	}
	for member := range harmless {
		if !found[member] {
			t.Errorf("no read has the member %s", member)
		}
	}
}

// A change hands out a secret if its name, or that of a member of its answer, says so.
func TestWhatHandsOutSecrets(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"secretsmanager:GetSecretValue": true, "ssm:GetParameters": true, "sts:GetSessionToken": true, // reads
		"iam:CreateAccessKey": true, "iam:CreateLoginProfile": true, "iam:CreateServiceSpecificCredential": true,
		"sts:AssumeRole": true, "kms:Decrypt": true, "kms:GenerateDataKey": true, "ec2:CreateKeyPair": true,
		"redshift:GetClusterCredentials": true, "appsync:CreateApiKey": true, "iot:CreateKeysAndCertificate": true,
		"iam:CreateVirtualMFADevice": true, "cognito-idp:CreateUserPoolClient": true, "cognito-idp:InitiateAuth": true, // by a member
		"ivs:CreateStreamKey": true, "ivs:CreateChannel": true, "chime-sdk-meetings:CreateAttendee": true,
		"ec2:DescribeInstances": false, "ec2:RunInstances": false, "s3:ListBuckets": false, "s3:PutObject": false, "iam:ListAccessKeys": false,
		"lambda:ListFunctions": false, "ec2:TerminateInstances": false, "dynamodb:PutItem": false, "sqs:SendMessage": false,
	} {
		if got := lookup(t, name).HandsOutSecrets(); got != want {
			t.Errorf("%s: HandsOutSecrets = %v, want %v", name, got, want)
		}
	}
}

// Each operation in secrets.go is one that reads, so that a wrong name is noticed.
func TestKnownSecretsExist(t *testing.T) {
	t.Parallel()
	source, err := os.ReadFile("secrets.go")
	if err != nil {
		t.Fatal(err)
	}
	known := regexp.MustCompile(`"([a-z0-9-]+:\w+)"`).FindAllSubmatch(source, -1)
	if len(known) < 70 {
		t.Errorf("only %d operations", len(known))
	}
	for _, match := range known {
		if op := lookup(t, string(match[1])); !op.Secret() {
			t.Errorf("%s does not only read", match[1])
		}
	}
}

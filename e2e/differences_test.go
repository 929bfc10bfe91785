//go:build e2e

package e2e

import (
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A listedDifference is one that has a reason.
type listedDifference struct {
	call   string // "emulator service:Operation", as a pattern
	member string // the path without indexes, as a pattern
	reason string

	// volatile says that the member differs on each call; it is not compared.
	volatile bool

	// alike reports whether two values are the same in a sense. Nil means that all are.
	alike func(want, got any) bool
}

var indexes = regexp.MustCompile(`\[\d+\]`)

// covers reports whether it lists a member with its values.
func (d *listedDifference) covers(call, at string, want, got any) bool {
	if want == got && !d.volatile || d.alike != nil && !d.alike(want, got) {
		return false
	}
	called, _ := path.Match(d.call, call)
	found, _ := path.Match(d.member, indexes.ReplaceAllLiteralString(at, ""))
	return called && found
}

// milliseconds reports whether two times are the same to the millisecond.
func milliseconds(want, got any) bool {
	w, isTime := instant(want)
	g, areTimes := instant(got)
	return isTime && areTimes && w.Truncate(time.Millisecond).Equal(g)
}

// instant returns a value as a time, and whether it is one.
func instant(value any) (time.Time, bool) {
	text, _ := value.(string)
	t, err := time.Parse(time.RFC3339Nano, text)
	return t, err == nil
}

// unreadable reports whether botocore could not read an error that is the HTTP status here.
// It takes text for a very long item of CBOR.
func unreadable(want, got any) bool {
	text, _ := got.(string)
	status, err := strconv.Atoi(text)
	return (want == "ResponseParserError" || want == "MemoryError") && err == nil && http.StatusText(status) != ""
}

// sameToken reports whether both ended for a token that came twice.
func sameToken(want, got any) bool {
	text, _ := got.(string)
	return want == "PaginationError" && strings.HasSuffix(text, "AWS gave the same token for the next page again")
}

// Reasons of several listed differences.
const (
	now       = "it is the time of the call"
	drawn     = "it is drawn for each call"
	otherTime = "the emulator gives a time in another form than the model says: AWS's SDKs for Go refuse that, and botocore reads any"
)

// differences are all that may be.
var differences = [...]listedDifference{
	{call: "*", member: "value.*", alike: milliseconds, reason: "times in seconds have milliseconds in Smithy; these emulators send microseconds"},
	{call: "*", member: "error", alike: unreadable, reason: "botocore does not read an error in another form than XML or CBOR; here it is the HTTP status"},
	{call: "*", member: "error", alike: sameToken, reason: "the emulator's pages have no end, and both say so"},

	{call: "ministack account:GetAccountInformation", member: "error", reason: otherTime},
	{call: "ministack cloudwatch:ListDashboards", member: "error", reason: otherTime},
	{call: "ministack elasticache:DescribeEvents", member: "error", reason: otherTime},
	{call: "ministack emr:GetBlockPublicAccessConfiguration", member: "error", reason: otherTime},
	{call: "ministack emr:ListClusters", member: "error", reason: otherTime},
	{call: "moto dms:DescribeReplicationInstances", member: "error", reason: otherTime},
	{call: "moto ram:ListPermissions", member: "error", reason: otherTime},
	{
		call: "moto support:DescribeCases", member: "error",
		reason: "it is signed for us-east-1, where the service is; botocore signs for the client's Region when an endpoint is set, and moto fails",
	},

	{call: "* waf*:GetChangeToken", member: "value.ChangeToken", volatile: true, reason: drawn},
	{call: "* sts:GetSessionToken", member: "value.Credentials.*", volatile: true, reason: drawn},
	{call: "* secretsmanager:GetRandomPassword", member: "value.RandomPassword", volatile: true, reason: drawn},
	{call: "moto iam:GetUser", member: "value.User.UserId", volatile: true, reason: drawn},
	{call: "moto iot:DescribeEndpoint", member: "value.endpointAddress", volatile: true, reason: drawn},
	{call: "moto iot:GetRegistrationCode", member: "value.registrationCode", volatile: true, reason: drawn},

	{call: "* iam:GetUser", member: "value.User.CreateDate", volatile: true, reason: now},
	{call: "ministack ec2:DescribeVolumesModifications", member: "value.*Time", volatile: true, reason: now},
	{call: "ministack ecr:GetAuthorizationToken", member: "value.*.expiresAt", volatile: true, reason: now},
	{call: "ministack secretsmanager:ListSecrets", member: "value.*.LastAccessedDate", volatile: true, reason: now},
	{call: "moto athena:ListWorkGroups", member: "value.*.CreationTime", volatile: true, reason: now},
	{call: "moto *:DescribeDB*s", member: "value.*.LatestRestorableTime", volatile: true, reason: now},
	{call: "moto efs:DescribeFileSystems", member: "value.*.Timestamp", volatile: true, reason: now},
	{call: "moto ses:GetSendStatistics", member: "value.*.Timestamp", volatile: true, reason: now},
}

package account

import (
	"encoding/json"
	"fmt"
	"strings"

	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

const (
	// externalID stands for the external id in texts: it belongs into no log.
	externalID = "EXTERNAL-ID"

	// leastExternalID is the length of an external id that is no part of other words.
	leastExternalID = 8

	// mostPath is the longest name of a role, with its path, that leaves room for a policy in
	// a cause. IAM's longest are 576.
	mostPath = 256
)

// denied returns the text for a role that does not trust the caller, or that the caller may
// not assume: STS does not say which. STS's own words come last, where they may be cut.
func (r *Role) denied(caller, said string) string {
	role := r.Access.Role
	if prefix, path, _ := strings.Cut(role, "role/"); len(path) > mostPath {
		role = prefix + "role/…" + path[strings.LastIndex(path, "/"):]
	}
	return protocol.CutCause(fmt.Sprintf("%s may not assume %s: there is no such role, or it does not trust the caller, or the caller lacks sts:AssumeRole; the trust policy that is wanted: %s; STS said: %s",
		caller, role, r.trustPolicy(caller), said))
}

// A trustPolicy is the policy of a role that says who may assume it.
//
//nolint:tagliatelle // IAM's spelling
type trustPolicy struct {
	Version   string      `json:"Version"`
	Statement []statement `json:"Statement"`
}

// A statement is the statement of a trust policy.
//
//nolint:tagliatelle // IAM's spelling
type statement struct {
	Effect    string                       `json:"Effect"`
	Principal map[string]string            `json:"Principal"`
	Action    any                          `json:"Action"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

// trustPolicy returns the policy of a role that trusts a caller.
func (r *Role) trustPolicy(caller string) string {
	s := statement{Effect: "Allow", Action: "sts:AssumeRole", Condition: map[string]map[string]string{}}
	principal, pattern := principalOf(caller)
	s.Principal = map[string]string{"AWS": principal}
	if pattern != "" {
		s.Condition["ArnLike"] = map[string]string{"aws:PrincipalArn": pattern}
	}
	if r.Access.ExternalID != "" {
		s.Condition["StringEquals"] = map[string]string{"sts:ExternalId": externalID}
	}
	if r.Access.SessionTags {
		s.Action = []string{"sts:AssumeRole", "sts:TagSession"}
	}
	policy, err := json.Marshal(trustPolicy{"2012-10-17", []statement{s}})
	if err != nil {
		return err.Error() // never
	}
	return string(policy)
}

// principalOf returns the principal of a trust policy for the caller with an ARN, and the
// pattern of ARNs that limits it, or "". The principal of a session is its role. The ARN of a
// session lacks the path of the role: add the path to the policy by hand. The path of a role
// of IAM Identity Center is known except for its Region: the pattern has a * there.
//
// Source: https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
func principalOf(caller string) (principal, pattern string) {
	parsed, _ := arn.Parse(caller)
	session, isSession := strings.CutPrefix(parsed.Resource, "assumed-role/")
	if !isSession || parsed.Service != "sts" {
		return caller, ""
	}
	role, _, _ := strings.Cut(session, "/")
	of := "arn:" + parsed.Partition + ":iam::" + parsed.AccountID + ":"
	if strings.HasPrefix(role, "AWSReservedSSO_") {
		return of + "root", of + "role/aws-reserved/sso.amazonaws.com/*" + role
	}
	return of + "role/" + role, ""
}

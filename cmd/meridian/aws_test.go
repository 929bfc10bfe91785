package main

import (
	"fmt"
	"net/http"
	"strings"
)

// answerCall answers like AWS's EC2 and STS in every Region. A Region's VPCs depend on its
// name. In us-west-1 it is not authorized.
func answerCall(w http.ResponseWriter, r *http.Request) {
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
	parts := strings.Split(scope, "/")                      // the key, the date, the Region, …
	if err := r.ParseForm(); err != nil || len(parts) < 3 { // not AWS's: a probe
		http.NotFound(w, r)
		return
	}
	region, action := parts[2], r.Form.Get("Action")
	if region == "us-west-1" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `<Response><Errors><Error><Code>UnauthorizedOperation</Code><Message>not authorized</Message></Error></Errors></Response>`)
		return
	}
	switch action {
	case "DescribeVpcs":
		items := ""
		if region != "eu-west-2" { // which has none
			items = fmt.Sprintf(`<item><vpcId>vpc-%s</vpcId><cidrBlock>10.0.0.0/16</cidrBlock><isDefault>true</isDefault></item>`, region)
		}
		if region == "us-east-1" {
			items += `<item><vpcId>vpc-2</vpcId><cidrBlock>10.1.0.0/16</cidrBlock><isDefault>false</isDefault>` +
				`<tagSet><item><key>team</key><value>a,b</value></item></tagSet></item>`
		}
		_, _ = fmt.Fprintf(w, `<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><vpcSet>%s</vpcSet></DescribeVpcsResponse>`, items)
	case "StopInstances":
		_, _ = fmt.Fprintf(w, `<StopInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><instancesSet><item><instanceId>%s</instanceId></item></instancesSet></StopInstancesResponse>`, r.Form.Get("InstanceId.1"))
	case "GetCallerIdentity":
		account, ok := strings.CutPrefix(parts[0], "KEYOF")
		if !ok {
			account = "123456789012"
		}
		_, _ = fmt.Fprintf(w, `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>`+
			`<Arn>arn:aws:iam::%[1]s:user/me</Arn><UserId>me</UserId><Account>%[1]s</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`, account)
	case "AssumeRole":
		assumeRole(w, r.Form.Get("RoleArn"))
	default:
		http.Error(w, action, http.StatusBadRequest)
	}
}

// assumeRole answers like STS: no role of account 222233334444 has the trust of anyone.
func assumeRole(w http.ResponseWriter, role string) {
	account := strings.Split(role, ":")[4]
	if account == "222233334444" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole on resource: %s</Message></Error></ErrorResponse>`, role)
		return
	}
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>`+
		`<AccessKeyId>KEYOF%s</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2999-01-01T00:00:00Z</Expiration>`+
		`</Credentials></AssumeRoleResult></AssumeRoleResponse>`, account)
}

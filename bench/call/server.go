package call

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"meridian/bench/rig"
)

// delay is how long the server takes for an answer. It is a judgement: EC2 takes longer,
// and a longer wait makes the ways more alike.
const delay = 20 * time.Millisecond

// startServer starts the server and returns its URL.
func startServer(ctx context.Context) (url string, stop func(), err error) {
	server := &http.Server{Handler: http.HandlerFunc(describeVpcs)} //nolint:gosec // Start sets its timeout
	url, err = rig.Start(ctx, server)
	return url, func() { _ = server.Close() }, err
}

// describeVpcs answers with the VPC of the Region that the request is signed for.
func describeVpcs(w http.ResponseWriter, r *http.Request) {
	scope := strings.Split(r.Header.Get("Authorization"), "/") // Credential=key/date/Region/service/…
	if r.PostFormValue("Action") != "DescribeVpcs" || len(scope) < 3 {
		http.Error(w, "want DescribeVpcs, signed", http.StatusBadRequest)
		return
	}
	if !rig.Wait(r.Context(), delay) {
		return
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<DescribeVpcsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>8f7724cf-496f-496e-8fe3-example</requestId>
    <vpcSet>
        <item>
            <vpcId>%s</vpcId>
            <ownerId>123456789012</ownerId>
            <state>available</state>
            <cidrBlock>172.31.0.0/16</cidrBlock>
            <dhcpOptionsId>dopt-0123456789abcdef0</dhcpOptionsId>
            <instanceTenancy>default</instanceTenancy>
            <isDefault>true</isDefault>
        </item>
    </vpcSet>
</DescribeVpcsResponse>
`, vpc(scope[2]))
}

// vpc returns the id of a Region's VPC.
func vpc(region string) string { return "vpc-" + region }

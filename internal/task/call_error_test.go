package task_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
)

// What a service quotes of the request has the session token no more.
func TestTheErrorOfACallHasNoSecret(t *testing.T) {
	t.Parallel()
	const secret, token = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "IQoJb3JpZ2luX2VjEXAMPLE/token+with=signs=="
	quoting := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, "<Response><Errors><Error><Code>SignatureDoesNotMatch</Code><Message>The Canonical String should have been\n"+
			"host:%s\nx-amz-security-token:%s\n%s</Message></Error></Errors></Response>", r.Host, r.Header.Get("X-Amz-Security-Token"), secret)
	})
	a := cloudOf(t, 0, quoting, credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", secret, " "+token+"\n"))
	for _, name := range []string{"call", "enabled-regions"} {
		tasks := calling(t, "reads", a)
		_, err := prepare(t, tasks, name, nil)(t.Context(), "eu-west-1", "ec2:DescribeVpcs")
		if text := fmt.Sprint(err); !strings.Contains(text, "x-amz-security-token:(secret)\n(secret) (HTTP 403)") || strings.Contains(text, token) || strings.Contains(text, secret) {
			t.Errorf("%s: %q, want the token and the key left out", name, text)
		}
	}
}

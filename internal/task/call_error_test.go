package task_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"meridian/internal/awsapi"
	"meridian/internal/task"
	"meridian/pkg/protocol"
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
		_, err := prepare(t, tasks, name, nil)(t.Context(), "eu-west-1", protocol.Target{Name: "ec2:DescribeVpcs"})
		if text := fmt.Sprint(err); !strings.Contains(text, "x-amz-security-token:(secret)\n(secret) (HTTP 403)") || strings.Contains(text, token) || strings.Contains(text, secret) {
			t.Errorf("%s: %q, want the token and the key left out", name, text)
		}
	}
}

// A call without credentials was not refused, even if what provides them was.
func TestTheRefusalOfCredentialsIsNotThatOfTheCall(t *testing.T) {
	t.Parallel()
	denied := &awshttp.ResponseError{ResponseError: &smithyhttp.ResponseError{
		Response: &smithyhttp.Response{Response: &http.Response{StatusCode: http.StatusForbidden}},
		Err:      &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform: sts:AssumeRole"},
	}}
	err := task.ErrorOfCall(t.Context(), &awsapi.CredentialsError{Err: denied})
	failed, ok := errors.AsType[*task.CallError](err)
	if !ok || failed.Name != protocol.ErrorNoCredentials || failed.Transient() || !strings.Contains(failed.Error(), "not authorized to perform: sts:AssumeRole; sign in") {
		t.Errorf("%v, want %s and why", err, protocol.ErrorNoCredentials)
	}
}

// A call whose context ends while its answer is decoded fails with what ended it.
func TestACallThatIsCutOffFailsWithWhatEndedIt(t *testing.T) {
	t.Parallel()
	ended := errors.New("terminated signal received")
	ctx, end := context.WithCancelCause(t.Context())
	undecoded := fmt.Errorf("an answer of type %q: %w", "text/xml", &smithy.DeserializationError{Err: ended})
	if err := task.ErrorOfCall(ctx, undecoded); err == nil || err.Error() != `an answer of type "text/xml": deserialization failed, terminated signal received` {
		t.Errorf("before the end: %v, want the error of the answer", err)
	}
	end(ended)
	if err := task.ErrorOfCall(ctx, undecoded); err != ended { //nolint:errorlint // nothing is around it
		t.Errorf("after the end: %v, want %v", err, ended)
	}
}

package invoke_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// Only the functions that are allowed are invoked, with any qualifier, and others are refused
// with what to set.
func TestOnlyAllowedFunctionsAreInvoked(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:lambda:eu-west-1:111111111111:function:shared"
	f := &invoke.Functions{Region: "us-east-1", Allowed: []string{"my-check", arn}}
	for function, want := range map[string]string{
		"my-check": "us-east-1", "my-check:live": "us-east-1", arn: "eu-west-1", arn + ":7": "eu-west-1",
		"other": "", "shared": "", "my-check-2": "", "arn:aws:lambda:eu-west-1:222222222222:function:shared": "",
	} {
		got, err := f.Function(protocol.Worker{Function: function})
		if want != "" && (err != nil || got.Home() != want) {
			t.Errorf("Function(%s) = %v, %v, want it in %s", function, got, err, want)
		}
		if want == "" && (err == nil || !strings.Contains(err.Error(), "run make deploy PARAMS='--param workerFunctions=my-check,"+arn+",")) {
			t.Errorf("Function(%s) = %v, want an error with what to set", function, err)
		}
	}
	f.Allowed = nil
	if got, err := f.Function(protocol.Worker{Function: "any", Placement: protocol.PlacementRegional}); err != nil || got.Home() != "" {
		t.Errorf("Function = %v, %v, want one in each Region", got, err)
	}
	f.Region = ""
	if _, err := f.Function(protocol.Worker{Function: "any"}); err == nil || !strings.Contains(err.Error(), "set AWS_REGION") {
		t.Errorf("Function without a Region = %v, want what to set", err)
	}
}

// A function is invoked by its name and its qualifier, in its Region, with the credentials of
// the access, or with those of the process.
func TestAFunctionIsInvokedWithTheCredentialsOfItsAccess(t *testing.T) {
	t.Parallel()
	server := invoketest.NewServer(t, echo)
	f := invoke.NewFunctions(server.Config(), invoke.Settings{Dial: server.Dial})
	f.Credentials = func(access *protocol.Access, region, runID string) aws.CredentialsProvider {
		return credentials.NewStaticCredentialsProvider("AKIA"+access.Account+region+runID, "secret", "")
	}
	function, err := f.Function(protocol.Worker{Function: "my-check:live", Placement: protocol.PlacementRegional})
	if err != nil {
		t.Fatal(err)
	}
	for _, access := range []*protocol.Access{nil, {Account: "111111111111"}} {
		answer, report, err := function.As(access, "eu-west-1", "run").Invoke(t.Context(), "eu-west-1", []byte(`{"a":1}`))
		if err != nil || string(answer) != `{"a":1}` || report.RequestID == "" {
			t.Errorf("Invoke = %s, %+v, %v", answer, report, err)
		}
	}
	requests := server.Requests()
	for i, key := range []string{"AKIDEXAMPLE", "AKIA111111111111eu-west-1run"} {
		if r := requests[i]; r.Function != "my-check:live" || r.KeyID != key || r.Region != "eu-west-1" {
			t.Errorf("request %d was %+v, want it signed by %s", i, r, key)
		}
	}
}

// What to do about a function that is not there, or may not be invoked, is said of the
// function, not of a regionworker.
func TestHintsOfAFunctionAreAboutTheFunction(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]protocol.Hint{
		"ResourceNotFoundException": protocol.HintSetFunction, "AccessDeniedException": protocol.HintAllowFunction,
	} {
		server := invoketest.NewServer(t, echo)
		server.Decide(func(invoketest.Call) invoketest.Fault { return invoketest.Refuse(http.StatusNotFound, code, "no") })
		function, err := invoke.NewFunctions(server.Config(), invoke.Settings{Dial: server.Dial}).Function(protocol.Worker{Function: "my-check"})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = function.As(nil, "", "run").Invoke(t.Context(), "eu-west-1", []byte(`{}`))
		if e, ok := errors.AsType[*invoke.Error](err); !ok || e.Advice != want {
			t.Errorf("Invoke = %v, want the hint %s", err, want)
		}
	}
}

// A roleError is a role that cannot be assumed.
type roleError struct{ transient bool }

func (roleError) Error() string     { return "the role is not there" }
func (roleError) ErrorName() string { return "AccessDenied" }
func (e roleError) Transient() bool { return e.transient }

// A role that cannot be assumed is told by its own name; one that may be assumed later counts
// as a call that was not sent.
func TestARoleThatCannotBeAssumedIsToldByItsName(t *testing.T) {
	t.Parallel()
	for transient, want := range map[bool]string{false: "AccessDenied", true: protocol.ErrorLambdaSDKClient} {
		server := invoketest.NewServer(t, echo)
		cfg := server.Config()
		cfg.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return aws.Credentials{}, roleError{transient} })
		function, err := invoke.NewFunctions(cfg, invoke.Settings{Dial: server.Dial}).Function(protocol.Worker{Function: "my-check"})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = function.As(nil, "", "run").Invoke(t.Context(), "eu-west-1", []byte(`{}`))
		e, ok := errors.AsType[*invoke.Error](err)
		if !ok || e.Name != want || e.Message != "the role is not there" || e.MayHaveRun() || len(server.Requests()) != 0 {
			t.Errorf("Invoke = %v, want %s, and nothing sent", err, want)
		}
	}
}

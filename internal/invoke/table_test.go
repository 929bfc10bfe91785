package invoke_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/invoke"
	"meridian/internal/invoke/invoketest"
	"meridian/pkg/protocol"
)

// Every error that the SDK knows of Lambda has a row with the SDK's status, or belongs
// to other operations. The SDK's schema of Invoke does not list its errors; the ones of
// other operations are those that botocore's model of Invoke does not list.
func TestTheTableHasEveryErrorOfInvoke(t *testing.T) {
	t.Parallel()
	others := []string{
		"AliasLimitExceededException", "CallbackTimeoutException", "CapacityProviderLimitExceededException",
		"CodeSigningConfigNotFoundException", "CodeStorageExceededException", "CodeVerificationFailedException",
		"FunctionVersionsPerCapacityProviderLimitExceededException", "InvalidCodeSignatureException",
		"PolicyLengthExceededException", "PreconditionFailedException", "ProvisionedConcurrencyConfigNotFoundException",
		"PublicPolicyException", "ResourceInUseException",
	}
	status := map[string]int{}
	for _, row := range invoke.Rows() {
		status[row.Code] = row.Status
	}
	modelled := 0
	for id, entry := range lambda.TypeRegistry.Entries {
		answer, ok := smithy.SchemaTrait[*traits.HTTPError](entry.Schema)
		_, code, _ := strings.Cut(id, "#")
		if !ok || slices.Contains(others, code) {
			continue
		}
		modelled++
		if got, ok := status[code]; !ok || got != answer.Code {
			t.Errorf("the table has status %d for %s, want %d; or list it with the errors of other operations", got, code, answer.Code)
		}
	}
	if modelled != 45 {
		t.Errorf("the SDK has %d errors of Invoke, want the 45 of botocore's model", modelled)
	}
}

// Every row has a source and, once each, a code. A row that is not retried briefly has
// a status.
func TestEveryRowHasASource(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, row := range invoke.Rows() {
		if seen[row.Code] || row.Code == "" || row.Name == "" {
			t.Errorf("the row of %q is there twice, or has no name", row.Code)
		}
		seen[row.Code] = true
		if !strings.HasPrefix(row.Source, "https://") && !strings.HasPrefix(row.Code, "Meridian.") {
			t.Errorf("the row of %s has the source %q, want a page", row.Code, row.Source)
		}
		if row.Hint != "" && !slices.Contains(protocol.Hints(), row.Hint) {
			t.Errorf("the row of %s has the hint %q, which protocol does not have", row.Code, row.Hint)
		}
	}
}

// What is documented as refused is not said to have run, and everything else is.
func TestEveryRowIsWhatInvokeReturns(t *testing.T) {
	t.Parallel()
	for _, row := range invoke.Rows() {
		if row.Status == 0 {
			continue
		}
		t.Run(row.Code, func(t *testing.T) {
			t.Parallel()
			err, billed := refusedWith(t, invoketest.Refuse(row.Status, row.Code, "why"), false)
			if err.Name != row.Name || err.MayHaveRun() != row.MayHaveRun || err.Advice != row.Hint ||
				err.RateLimited() != (row.Retried == "tooFast") || billed != row.MayHaveRun {
				t.Errorf("Invoke = %+v, billed: %v, want what the row says: %+v", err, billed, row)
			}
			if told := strings.HasSuffix(err.Message, "why; the function may have run"); told != row.MayHaveRun {
				t.Errorf("Invoke = %q, want it to say that the function may have run: %v", err.Message, row.MayHaveRun)
			}
		})
	}
}

// refusedWith returns the error of a call that always meets a fault, and whether it is
// billed.
func refusedWith(t *testing.T, fault invoketest.Fault, regional bool) (err *invoke.Error, billed bool) {
	t.Helper()
	server := invoketest.NewServer(t, echo)
	server.Decide(func(invoketest.Call) invoketest.Fault { return fault })
	settings := invoke.Settings{}
	if regional {
		settings.Placement = invoke.Regional
	}
	_, report, failed := newLambda(t, server.Config(), settings).Invoke(t.Context(), "eu-west-1", []byte(`{}`))
	err, ok := failed.(*invoke.Error) //nolint:errorlint // Invoke returns it as it is
	if !ok {
		t.Fatalf("Invoke = %v, want an *invoke.Error", failed)
	}
	return err, report.Metrics != nil
}

// Only what is documented as refused has not run: an answer without a documented code,
// or with a status that it is not documented for, may come after the work.
func TestAnAnswerThatIsNotDocumentedMayHaveRun(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name       string
		status     int
		code       string
		want       string
		mayHaveRun bool
	}{
		{"500", 500, "", protocol.ErrorLambdaAWS, true},
		{"502", 502, "", protocol.ErrorLambdaAWS, true},
		{"503", 503, "", protocol.ErrorLambdaAWS, true},
		{"504", 504, "", protocol.ErrorLambdaAWS, true},
		{"408", 408, "", protocol.ErrorLambdaAWS, true},
		{"404 of a gateway", 404, "", protocol.ErrorLambdaAWS, true},
		{"499", 499, "", protocol.ErrorLambdaAWS, true},
		{"429", 429, "", protocol.ErrorLambdaThrottled, false},
		{"429 with a code of its own", 429, "RateExceeded", protocol.ErrorLambdaThrottled, false},
		{"413", 413, "", protocol.ErrorRequestTooLarge, false},
		{"501", 501, "", "Lambda.NotImplemented", false},
		{"501 with a code of its own", 501, "NotSupportedYet", "Lambda.NotImplemented", false},
		{"504 with a code of its own", 504, "GatewayTimeout", protocol.ErrorLambdaAWS, true},
		{"503 with a code of Lambda's", 503, "ServiceException", "Lambda.ServiceException", true},
		{"504 with the code of a refusal", 504, "ENILimitReachedException", "Lambda.ENILimitReachedException", true},
		{"408 with the code of a refusal", 408, "ResourceConflictException", "Lambda.ResourceConflictException", true},
		{"400 with the code of a refusal", 400, "AccessDeniedException", "Lambda.AccessDeniedException", false},
		{"418 with a code of its own", 418, "Teapot", "Lambda.Teapot", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			fault := invoketest.Refuse(test.status, test.code, "why")
			if test.code == "" {
				fault = invoketest.Answer(test.status, "<html>")
			}
			err, billed := refusedWith(t, fault, false)
			if err.Name != test.want || err.MayHaveRun() != test.mayHaveRun || billed != test.mayHaveRun {
				t.Errorf("Invoke = %s, %v, may have run: %v, billed: %v; want %s, %v",
					err.Name, err, err.MayHaveRun(), billed, test.want, test.mayHaveRun)
			}
		})
	}
}

// A function that failed has run, whatever name it gives.
func TestAFunctionThatFailedHasRun(t *testing.T) {
	t.Parallel()
	err, _ := refusedWith(t, invoketest.FunctionError(invoke.Unhandled, `{"errorType":"Lambda.ServiceException","errorMessage":"mine"}`), false)
	if err.Name != protocol.ErrorLambdaService || !err.MayHaveRun() {
		t.Errorf("Invoke = %s, may have run: %v; want %s, true", err.Name, err.MayHaveRun(), protocol.ErrorLambdaService)
	}
}

// A throttle says which limit it is: of calls a second, or of what runs at once.
func TestAThrottleSaysWhichLimitItIs(t *testing.T) {
	t.Parallel()
	rate := map[types.ThrottleReason]bool{
		types.ThrottleReasonConcurrentInvocationLimitExceeded:                 false,
		types.ThrottleReasonReservedFunctionConcurrentInvocationLimitExceeded: false,
		types.ThrottleReasonConcurrentSnapshotCreateLimitExceeded:             false,
		types.ThrottleReasonFunctionInvocationRateLimitExceeded:               true,
		types.ThrottleReasonReservedFunctionInvocationRateLimitExceeded:       true,
		types.ThrottleReasonCallerRateLimitExceeded:                           true,
		"":             false,
		"SomethingNew": false,
	}
	for _, reason := range append(types.ThrottleReason("").Values(), "", "SomethingNew") {
		want, known := rate[reason]
		if !known {
			t.Errorf("nothing is known of the reason %s", reason)
		}
		err, _ := refusedWith(t, invoketest.Throttle(string(reason), time.Second), false)
		if err.Name != protocol.ErrorLambdaThrottled || err.RateLimited() != want {
			t.Errorf("Invoke = %s, RateLimited() = %v at %q; want %s, %v",
				err.Name, err.RateLimited(), reason, protocol.ErrorLambdaThrottled, want)
		}
	}
}

// With a worker in each Region, a hint is that Region's.
func TestAHintOfAWorkerInEachRegionIsTheRegions(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]protocol.Hint{
		"ResourceNotFoundException": protocol.HintDeployWorker,
		"AccessDeniedException":     protocol.HintAllowRegion,
		"ExpiredTokenException":     protocol.HintSignIn,
	} {
		if err, _ := refusedWith(t, invoketest.Refuse(http.StatusForbidden, code, "why"), true); err.Advice != want {
			t.Errorf("the hint at %s is %q, want %q", code, err.Advice, want)
		}
	}
}

// The default retriers name what the table says, each name once, and are valid.
func TestDefaultRetryIsWhatTheTableSays(t *testing.T) {
	t.Parallel()
	retriers := invoke.DefaultRetry()
	request := protocol.Request{Retry: retriers}
	if faults := request.Validate(); len(faults) > 0 {
		t.Errorf("Request{Retry: DefaultRetry()}.Validate() = %v, want none", faults)
	}
	want := map[string]string{}
	for _, row := range invoke.Rows() {
		if row.Retried != "" {
			want[row.Name] = map[bool]string{true: "until the end", false: "4 times"}[row.Retried == "untilReady"]
		}
	}
	got := map[string]string{}
	for _, r := range retriers {
		for _, name := range r.ErrorEquals {
			if got[name] != "" {
				t.Errorf("DefaultRetry() names %s twice", name)
			}
			got[name] = map[int]string{protocol.MaxAttempts: "until the end", 4: "4 times"}[*r.MaxAttempts]
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("DefaultRetry differs from the table (-table +retriers):\n%s", diff)
	}
	for name, want := range map[string]string{
		"Lambda.CodeArtifactUserPendingException": "until the end", "Lambda.ResourceConflictException": "until the end",
		"Lambda.ResourceNotReadyException": "until the end", "Lambda.EC2ThrottledException": "until the end",
		"Lambda.ENILimitReachedException": "until the end", "Lambda.SnapStartNotReadyException": "until the end",
		"Lambda.RequestTimeoutException": "4 times", protocol.ErrorLambdaSDKClient: "4 times", protocol.ErrorLambdaThrottled: "4 times",
		"Lambda.NotImplemented": "", "Lambda.AccessDeniedException": "", "Lambda.KMSDisabledException": "",
	} {
		if got[name] != want {
			t.Errorf("DefaultRetry retries %s %q, want %q", name, got[name], want)
		}
	}
}

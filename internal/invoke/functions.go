package invoke

import (
	"fmt"
	"slices"
	"strings"

	"meridian/internal/awsapi"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Functions are the functions of callers that may be invoked, see [protocol.Worker].
type Functions struct {
	// Lambda has the configuration and the connections that they share. Required.
	Lambda *Lambda

	// Region is the Region of a function that serves every Region and is no ARN.
	Region string

	// Allowed lists the functions that may be invoked, as requests name them without a
	// qualifier: names, and ARNs. Nil means all that the credentials allow.
	Allowed []string

	// Credentials returns the credentials of an access, which is never nil. Required for
	// requests with accounts.
	Credentials func(access *protocol.Access, region, runID string) aws.CredentialsProvider
}

// NewFunctions returns Functions with the credentials, the Region and the connections of cfg,
// see [NewLambda]. s needs no function.
func NewFunctions(cfg aws.Config, s Settings) *Functions {
	return &Functions{Lambda: newLambda(cfg, s), Region: cfg.Region}
}

// Function returns what invokes a worker. The error says why the worker is not invoked, and what
// to do.
func (f *Functions) Function(w protocol.Worker) (*Function, error) {
	own := strings.TrimSuffix(w.Function, qualifierOf(w.Function))
	if f.Allowed != nil && !slices.Contains(f.Allowed, own) {
		return nil, fmt.Errorf("is not among the functions that this deployment may invoke; run make deploy PARAMS='--param workerFunctions=%s'", //nolint:err113 // it is for a person
			strings.Join(append(slices.Clone(f.Allowed), own), ","))
	}
	home, err := homeOf(f.Region, Settings{Function: w.Function, Placement: Placement(w.Placement)})
	if err != nil {
		return nil, err
	}
	return &Function{functions: f, name: w.Function, home: home}, nil
}

// qualifierOf returns the qualifier of a function, with its colon, or "".
func qualifierOf(function string) string {
	parts := strings.Split(function, ":")
	if n := len(parts); n == 2 || n == 8 { // NAME:QUALIFIER, or an ARN's eighth part
		return ":" + parts[n-1]
	}
	return ""
}

// A Function invokes a function of a caller's.
type Function struct {
	functions  *Functions
	name, home string
}

// Home returns the Region of a function that serves every Region, or "" when each has its
// own.
func (f *Function) Home() string { return f.home }

// As returns what invokes the function with the credentials of an access; nil means those of
// the process.
func (f *Function) As(access *protocol.Access, region, runID string) *Lambda {
	shared := f.functions.Lambda
	l := &Lambda{
		function: f.name, home: f.home, caller: true, options: shared.options, requests: map[request]*awsapi.Request{},
		pool: shared.pool, sender: shared.sender, api: shared.api, holding: shared.holding, holdBytes: shared.holdBytes,
	}
	if access != nil {
		l.api = awsapi.New(shared.sender, f.functions.Credentials(access, region, runID))
	}
	return l
}

// MayNotHaveRun reports whether some errors that a retrier with this name matches say that the
// function has not run: refusals, and calls that were not sent.
func MayNotHaveRun(name string) bool {
	switch name {
	case protocol.ErrorAll, protocol.ErrorTaskFailed, protocol.ErrorLambdaSDKClient:
		return true
	}
	return slices.ContainsFunc(table, func(r row) bool { return r.name() == name && r.ran == refused })
}

package task

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
	"meridian/internal/wire"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"golang.org/x/sync/semaphore"
)

// An AWS calls AWS with the credentials of an account. [Input] has the AWS of the invocation.
// All accounts of a process share its endpoints, connections and memory. Make one for a
// process with [NewAWS]. It may be used from several goroutines.
//
// A host that accepts no connection within [wire.ConnectTimeout] is not dialled again for
// a minute: calls to it fail at once. So a dead Region costs three seconds once, and not
// in each run of that minute.
//
// Nil is for a process that does not call AWS: its methods return an error.
type AWS struct {
	*process

	own     *AWS        // the process's; nil when this is it
	access  access      // zero when this is the process's
	region  string      // of the first item of the access
	profile *awsapi.API // nil when the credentials are not from a profile

	ready   lookup[*awsapi.API]                   // has one key
	enabled lookup[protocol.EnabledRegionsOutput] // by partition
	owner   owner
	listed  sync.Map // of unit, by id
}

// A process is what all accounts of a process share.
type process struct {
	load     Configuration
	profiles Profiles
	rooms    rooms
	queries  *semaphore.Weighted                                                  // one long query
	query    int                                                                  // bytes that a query may take
	dial     func(ctx context.Context, network, address string) (net.Conn, error) // nil means the network

	loaded lookup[*configuration] // has one key
	sender *sender                // nil before the first call
	caller lookup[string]         // the ARN of the process's credentials; has one key

	mu       sync.Mutex
	accounts map[access]*entry
}

// A Configuration loads the configuration of the SDK.
type Configuration func(context.Context) (aws.Config, error)

// Profiles loads the configuration of the SDK with the credentials of a profile.
type Profiles func(ctx context.Context, name string) (aws.Config, error)

// NewAWS returns an AWS with the configuration that load returns. It takes from it the
// credentials, the endpoints, the certificates, the proxy, and the Region that roles are
// assumed in. load is called for the first call, and again a second after an error.
// profiles is for accounts with a profile; nil means that the process has none.
//
// Long answers wait for each other, as [rooms] says. A query may take a quarter of the
// memory. A memory of 0 MB means that the process is no Lambda function, and counts as 4 GB.
func NewAWS(memoryMB int, load Configuration, profiles Profiles) *AWS {
	memory := cmp.Or(memoryMB, defaultMemoryMB) << 20
	return newAccount(&process{
		load: load, profiles: profiles,
		rooms: newRooms(int64(memory)), queries: semaphore.NewWeighted(1), query: memory / 4,
	})
}

// newAccount returns an AWS of a process.
func newAccount(p *process) *AWS { return &AWS{process: p, owner: owner{known: make(chan struct{})}} }

// defaultMemoryMB is the memory assumed of a process that is no Lambda function.
const defaultMemoryMB = 4096

// budget returns the budget of a query. Call end when the result is encoded.
func (p *process) budget(ctx context.Context) (b *budget, end func()) {
	b = &budget{most: p.query}
	held := false
	b.turn = func() error {
		held = p.queries.Acquire(ctx, 1) == nil
		if !held {
			return context.Cause(ctx) //nolint:wrapcheck // it says what ended
		}
		return nil
	}
	return b, func() {
		if held {
			p.queries.Release(1)
		}
	}
}

// A configuration is what was loaded.
type configuration struct {
	aws.Config

	endpoints awsapi.Endpoints
	sender    *sender
}

// configuration returns the configuration. The error is a [CallError].
func (p *process) configuration(ctx context.Context) (*configuration, error) {
	return p.loaded.get(ctx, "", 0, nil, p.newConfiguration)
}

// newConfiguration loads the configuration.
func (p *process) newConfiguration(ctx context.Context) (*configuration, error) {
	cfg, err := p.load(ctx)
	var at awsapi.Endpoints
	if err == nil {
		at, err = awsapi.EndpointsOf(ctx, cfg)
	}
	if err != nil {
		return nil, &CallError{Name: ErrorCallConfiguration, Err: fmt.Errorf("AWS configuration: %w", err)}
	}
	base, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		base = awshttp.NewBuildableClient()
	}
	t := base.GetTransport()
	cfg.HTTPClient = base.Freeze() // one pool for all clients of the SDK
	p.sender = &sender{pool: wire.New(wire.Config{Dial: p.dial, TLS: t.TLSClientConfig, Proxy: t.Proxy})}
	return &configuration{cfg, at, p.sender}, nil
}

// api returns what calls AWS. The error is a [CallError].
func (a *AWS) api(ctx context.Context) (*awsapi.API, error) {
	if a == nil || a.load == nil {
		return nil, &CallError{Name: ErrorCallConfiguration, Err: errors.New("this process has no way to AWS")}
	}
	if a.profile != nil {
		return a.profile, nil
	}
	return a.ready.get(ctx, "", 0, nil, a.newAPI)
}

// Config returns the configuration for the SDK's clients in a Region, with the account's
// credentials and the endpoints and the HTTP client of the process. It turns the SDK's own
// retries off: the retriers of the request are the only ones.
//
//	cfg, err := in.AWS.Config(ctx, in.Region)
//	if err != nil {
//		return nil, err
//	}
//	out, err := ec2.NewFromConfig(cfg).DescribeVpcs(ctx, nil)
func (a *AWS) Config(ctx context.Context, region string) (aws.Config, error) {
	api, err := a.api(ctx)
	if err != nil {
		return aws.Config{}, err
	}
	c, err := a.configuration(ctx)
	if err != nil {
		return aws.Config{}, err
	}
	cfg := c.Copy()
	cfg.Region, cfg.Credentials = region, api.Client.Credentials()
	cfg.RetryMaxAttempts, cfg.Retryer = 0, func() aws.Retryer { return aws.NopRetryer{} }
	return cfg, nil
}

// send calls an operation. twice says that it may be called twice, limit sets the limits of
// the call; nil means the defaults.
func (a *AWS) send(
	ctx context.Context, op *model.Operation, region string, input map[string]any, twice bool, limit func(*awsapi.API),
) (awsapi.Answer, error) {
	api, err := a.api(ctx)
	if err != nil {
		return awsapi.Answer{}, err
	}
	limited := *api
	if limit != nil {
		limit(&limited)
	}
	began := time.Now()
	answer, err := limited.Call(ctx, op, region, input)
	if err == nil {
		return answer, nil
	}
	err = callError(ctx, err, twice)
	if failed, ok := errors.AsType[*CallError](err); ok && !failed.ofAccount && a.expired(failed.Name, began) {
		failed.transient = true
	}
	return awsapi.Answer{}, err
}

// ask calls an operation that a task itself needs. The operation changes nothing, and need not
// be allowed by the operator, because no request chooses it.
func (a *AWS) ask(ctx context.Context, region, target string, input map[string]any, limit func(*awsapi.API)) (map[string]any, error) {
	op, problem := lookUpOperation(target)
	if problem != "" {
		return nil, fmt.Errorf("%s %s", target, problem)
	}
	answer, err := a.send(ctx, op, region, input, true, limit)
	return answer.Value, err
}

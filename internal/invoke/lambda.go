package invoke

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"meridian/internal/awsapi"
	"meridian/internal/wire"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"golang.org/x/sync/semaphore"
)

// A Placement says where the workers are deployed.
type Placement string

// The placements.
const (
	// Home is one worker in one Region, which serves every Region. The empty Placement
	// means the same.
	Home Placement = "home"

	// Regional is a worker of the same name in every Region.
	Regional Placement = "regional"
)

// Settings say which function a [Lambda] calls, and over how many connections.
type Settings struct {
	// Function is the worker's name, optionally with ":" and an alias or a version, or
	// its full ARN. An ARN is called in its own Region, so placement Regional takes only
	// a name. Required.
	Function string

	// Placement says where the worker is deployed. Zero means Home.
	Placement Placement

	// MaxConnections limits the open connections, see wire.Config. An HTTP/2
	// connection takes up to wire.Spread calls at once, an HTTP/1.1 connection one;
	// calls beyond that wait. Zero means wire.DefaultMaxConns.
	MaxConnections int

	// MemoryMB is the memory of the process. The answers that are read and held at once
	// take an eighth of it, and those that have arrived and wait to be read about as
	// much. Zero means 256.
	MemoryMB int

	// Dial opens a connection; tests set it. It returns when its context ends. Nil
	// means the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Lambda calls workers that are AWS Lambda functions. It may be
// used from several goroutines.
type Lambda struct {
	function string
	home     string         // the Region of the worker that serves every Region; "" means that each has its own
	caller   bool           // whether it is a function of the caller's
	options  lambda.Options // say where Lambda's endpoints are
	api      *awsapi.Client
	sender   awsapi.Sender
	pool     *wire.Pool // nil when an HTTP client of the caller's sends

	withoutLog atomic.Bool // whether a server does not know the log's tail

	ending atomic.Pointer[ending] // of the last call

	holding   *semaphore.Weighted // the bytes of answers that are read or held
	holdBytes int64               // how many

	mu       sync.Mutex
	requests map[request]*awsapi.Request
}

// A request is what the requests of the calls in a Region have in common.
type request struct {
	region string // the one called
	log    bool   // whether it asks for the log's tail, which has the report
	event  bool   // whether it is asynchronous
}

// NewLambda returns a Lambda that calls the function of s with the credentials, the
// Region, the endpoint, the certificates and the proxy of cfg. It ignores cfg's retry
// settings and timeouts, see the package comment. An HTTP client of cfg that is not the
// SDK's own sends the requests instead of a pool.
//
// The error says what is wrong with s. No call is made.
func NewLambda(cfg aws.Config, s Settings) (*Lambda, error) {
	home, err := homeOf(cfg.Region, s)
	if err != nil {
		return nil, err
	}
	l := newLambda(cfg, s)
	l.function, l.home = s.Function, home
	if home != "" { // before the first call waits for it
		_, err = l.request(context.Background(), request{region: home, log: true}) //nolint:forbidigo // it is looked up in a table
	}
	return l, err
}

// newLambda returns a Lambda that calls no function yet.
func newLambda(cfg aws.Config, s Settings) *Lambda {
	l := &Lambda{
		options: lambda.NewFromConfig(cfg).Options(), requests: map[request]*awsapi.Request{},
		holdBytes: int64(cmp.Or(s.MemoryMB, defaultMemoryMB)) << 20 / answersShare,
	}
	l.holding = semaphore.NewWeighted(l.holdBytes)
	l.sender, l.pool = newSender(cfg.HTTPClient, s, int(l.holdBytes))
	l.api = awsapi.New(l.sender, cfg.Credentials)
	return l
}

// newSender returns what sends requests, and the pool if it is one. It takes the
// certificates and the proxy from base.
func newSender(base aws.HTTPClient, s Settings, receiveBytes int) (awsapi.Sender, *wire.Pool) {
	if base == nil {
		base = awshttp.NewBuildableClient()
	}
	buildable, ok := base.(*awshttp.BuildableClient)
	if !ok {
		if c, ok := base.(*http.Client); ok {
			own := *c
			own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			base = &own
		}
		return ownClient{base}, nil
	}
	t := buildable.GetTransport()
	pool := wire.New(wire.Config{Dial: s.Dial, TLS: t.TLSClientConfig, Proxy: t.Proxy, MaxConns: s.MaxConnections, ReceiveBytes: receiveBytes})
	return pool, pool
}

// homeOf returns the Region of the worker that serves every Region, or "" when each has
// its own. The error says what is wrong with s.
func homeOf(region string, s Settings) (string, error) {
	if s.Function == "" {
		return "", errors.New("no function given to invoke")
	}
	if s.MaxConnections < 0 {
		return "", fmt.Errorf("%d connections are out of range; want 0 or more", s.MaxConnections)
	}
	arnRegion, err := regionOf(s.Function)
	if err != nil {
		return "", err
	}
	switch s.Placement {
	case "", Home:
		home := cmp.Or(arnRegion, region)
		if home == "" {
			return "", fmt.Errorf("no Region to invoke %s in; set AWS_REGION, or give the function's ARN", s.Function)
		}
		return home, nil
	case Regional:
		if arnRegion != "" {
			return "", fmt.Errorf("%s is in %s only; placement %q needs a function's name, which every Region has",
				s.Function, arnRegion, Regional)
		}
		return "", nil
	default:
		return "", fmt.Errorf("placement %q is unknown; want %q or %q", s.Placement, Home, Regional)
	}
}

// regionOf returns the Region of a function's ARN, or "" for a name.
func regionOf(function string) (string, error) {
	if !strings.HasPrefix(function, "arn:") {
		return "", nil
	}
	// arn:partition:lambda:region:account:function:name, with :qualifier or not
	parts := strings.Split(function, ":")
	if n := len(parts); n < 7 || n > 8 || parts[2] != "lambda" || parts[3] == "" || parts[5] != "function" {
		return "", fmt.Errorf("%s is not the ARN of a Lambda function; want arn:aws:lambda:region:account:function:name",
			function)
	}
	return parts[3], nil
}

// Home returns the Region of the worker that serves every Region, or "" when each has
// its own.
func (l *Lambda) Home() string { return l.home }

// Invoke calls the worker that serves region and waits for its answer. The attempt is
// reported beside an error, too. A server that answers 501 is called again without the
// log, and from then on there is none: some emulators do not know it.
func (l *Lambda) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	if err := checkRequest(payload); err != nil {
		return nil, protocol.Attempt{}, err
	}
	answer, release, report, err := l.InvokeHeld(ctx, region, func(time.Duration) []byte { return payload })
	if err == nil {
		release()
	}
	return answer, report, err
}

// A Payload returns what to send, of at most [protocol.MaxInvocationBytes]. It is called when
// there is a connection, with the time since the call began, and again when the call moves
// to another connection.
type Payload = func(waited time.Duration) []byte

// InvokeHeld is Invoke, but with a payload that is made when it is sent, and the answer is held
// until release is called: the answers that are held, or being read, have together no more bytes
// than Settings.MemoryMB allows. Others wait before they are read, and release returns how long
// this one did; the end of ctx ends the wait. One answer alone is always read. release is nil
// beside an error.
func (l *Lambda) InvokeHeld(ctx context.Context, region string, payload Payload) (
	answer []byte, release func() (waited time.Duration), report protocol.Attempt, err error,
) {
	ctx, cancel := bounded(ctx)
	defer cancel()
	var out output
	defer func() {
		if release == nil { // an error, or a panic
			l.holding.Release(out.held)
		}
	}()
	r := request{region: cmp.Or(l.home, region), log: !l.withoutLog.Load()}
	report, err = l.call(ctx, r, payload, &out)
	if refused, ok := errors.AsType[*awshttp.ResponseError](err); ok && r.log && refused.HTTPStatusCode() == http.StatusNotImplemented {
		l.withoutLog.Store(true)
		r.log = false
		report, err = l.call(ctx, r, payload, &out)
	}
	if err == nil {
		held, waited := out.held, out.waited
		return out.Payload, func() time.Duration {
			l.holding.Release(held)
			return waited
		}, report, nil
	}
	return nil, nil, report, l.failure(ctx, err)
}

// failure is the function failure, with advice for this worker.
func (l *Lambda) failure(ctx context.Context, err error) error {
	err = failure(ctx, err)
	if e, ok := errors.AsType[*Error](err); ok {
		e.Advice = l.advice(e.Advice)
	}
	return err
}

// Prepare opens the connections that calls about to be made will need; calls has their
// number for each Region. It does not wait for them, and a call needs no Prepare.
func (l *Lambda) Prepare(ctx context.Context, calls map[string]int) {
	if l.pool == nil {
		return
	}
	called, all := map[string]int{}, 0 // by the Region called
	for region, n := range calls {
		called[cmp.Or(l.home, region)] += n
		all += n
	}
	l.pool.Expect(all)
	for region, n := range called {
		if r, err := l.request(ctx, request{region: region, log: true}); err == nil {
			l.pool.Prepare(r.URL(), n) //nolint:contextcheck // connecting belongs to no call
		}
	}
}

// RoundTrip returns how long the way to the worker of a Region and back takes at least,
// and false before the first connection. An HTTP client that is not the SDK's own is
// taken to be near.
func (l *Lambda) RoundTrip(region string) (time.Duration, bool) {
	if l.pool == nil {
		return 0, true
	}
	r, err := l.request(context.Background(), request{region: cmp.Or(l.home, region), log: true}) //nolint:forbidigo // it is looked up in a table
	if err != nil {
		return 0, true // so is every call of the Region
	}
	return l.pool.RoundTripTime(r.URL())
}

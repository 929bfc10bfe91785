package invoke

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/smithy-go/logging"
)

// A Placement says where the workers are deployed.
type Placement string

// The placements.
const (
	// Home is one worker in one Region, which is called for every Region. The
	// empty Placement means the same.
	Home Placement = "home"

	// Regional is a worker of the same name in every Region that is asked for.
	Regional Placement = "regional"
)

// Settings say which function a [Lambda] calls, and how wide.
type Settings struct {
	// Function is the worker's name, with ":" and an alias or a version if
	// wanted, or its full ARN. An ARN is called in the ARN's Region, so
	// placement Regional takes only a name. Required.
	Function string

	// Placement says where the worker is deployed. Zero means Home.
	Placement Placement

	// MaxConcurrency is how many calls may be under way at once; the pool of
	// connections has that size. Zero means DefaultMaxConcurrency. Calls
	// beyond it wait for a connection.
	MaxConcurrency int

	// Dial opens a connection, in tests mostly. It may take as long as its
	// context lasts. Nil means the network.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// A Lambda calls workers that are AWS Lambda functions, synchronously. It may be
// used from several goroutines.
type Lambda struct {
	cfg      aws.Config
	function string
	home     string // the Region that is called for every Region; "" means that one

	mu      sync.Mutex
	clients map[string]*lambda.Client // by the Region called
}

// NewLambda returns a Lambda that calls the function of s with the credentials,
// the Region, the endpoint and the certificates of cfg. Its retry settings and
// timeouts are not followed, see the package comment. An HTTP client of cfg that
// is not the SDK's own is used as it is, and then connecting and pooling are its
// business.
//
// The error says what is wrong with s. No call is made.
func NewLambda(cfg aws.Config, s Settings) (*Lambda, error) {
	if s.Function == "" {
		return nil, errors.New("no function given to invoke")
	}
	if s.MaxConcurrency < 0 {
		return nil, fmt.Errorf("concurrency %d is out of range; want 0 or more", s.MaxConcurrency)
	}
	arnRegion, err := regionOf(s.Function)
	if err != nil {
		return nil, err
	}
	l := &Lambda{cfg: cfg.Copy(), function: s.Function, clients: map[string]*lambda.Client{}}
	switch s.Placement {
	case "", Home:
		l.home = cmp.Or(arnRegion, cfg.Region)
		if l.home == "" {
			return nil, fmt.Errorf("no Region to invoke %s in; set AWS_REGION, or give the function's ARN", s.Function)
		}
	case Regional:
		if arnRegion != "" {
			return nil, fmt.Errorf("%s is in %s only; placement %q needs a function's name, which every Region has",
				s.Function, arnRegion, Regional)
		}
	default:
		return nil, fmt.Errorf("placement %q is unknown; want %q or %q", s.Placement, Home, Regional)
	}
	l.cfg.HTTPClient = newHTTPClient(cfg.HTTPClient, s)
	l.cfg.Credentials = signer{provider: cfg.Credentials}
	return l, nil
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

// Invoke calls the worker that serves region and waits for its answer.
func (l *Lambda) Invoke(ctx context.Context, region string, payload []byte) ([]byte, string, error) {
	if err := checkRequest(payload); err != nil {
		return nil, "", err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	out, err := l.client(cmp.Or(l.home, region)).Invoke(ctx, &lambda.InvokeInput{
		FunctionName:   &l.function,
		InvocationType: types.InvocationTypeRequestResponse,
		Payload:        payload,
	})
	if err != nil {
		return nil, requestIDOf(err), failure(ctx, err)
	}
	id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
	if out.FunctionError != nil {
		return nil, id, functionError(*out.FunctionError, out.Payload)
	}
	if err := checkAnswer(out.Payload); err != nil {
		return nil, id, err
	}
	return out.Payload, id, nil
}

// client returns the client for a Region, made on first use. All of them share
// one pool of connections.
func (l *Lambda) client(region string) *lambda.Client {
	l.mu.Lock()
	defer l.mu.Unlock()
	if c, ok := l.clients[region]; ok {
		return c
	}
	c := lambda.NewFromConfig(l.cfg, func(o *lambda.Options) {
		o.Region = region
		// Both, because AWS_MAX_ATTEMPTS and AWS_RETRY_MODE end up in them.
		o.Retryer = aws.NopRetryer{}
		o.RetryMaxAttempts = 0
		if o.ClientLogMode == 0 {
			o.Logger = logging.Nop{} // its lines are not JSON, and the errors are returned
		}
	})
	l.clients[region] = c
	return c
}

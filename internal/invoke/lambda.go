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
	"time"

	"meridian/internal/wire"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws"
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

	// MaxConnections is how many connections may be open at once, see
	// wire.Config. An HTTP/2 connection takes up to wire.Spread calls at once,
	// an HTTP/1.1 connection one; calls beyond that wait. Zero means
	// wire.DefaultMaxConns.
	MaxConnections int

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

	sender sender

	mu      sync.Mutex
	remotes map[string]*remote // by the Region called
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
	if s.MaxConnections < 0 {
		return nil, fmt.Errorf("%d connections are out of range; want 0 or more", s.MaxConnections)
	}
	arnRegion, err := regionOf(s.Function)
	if err != nil {
		return nil, err
	}
	l := &Lambda{cfg: cfg.Copy(), function: s.Function, remotes: map[string]*remote{}}
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
	l.sender = newSender(cfg.HTTPClient, s)
	l.cfg.Credentials = aws.NewCredentialsCache(signer{provider: cfg.Credentials})
	if l.home == "" {
		return l, nil
	}
	// Now, when nobody waits yet.
	_, err = l.remote(context.Background(), l.home) //nolint:forbidigo // it is looked up in a table
	return l, err
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

// Home returns the Region in which the worker is that serves every Region, or ""
// when each has its own.
func (l *Lambda) Home() string { return l.home }

// Invoke calls the worker that serves region and waits for its answer. The report
// is there beside an error, too.
func (l *Lambda) Invoke(ctx context.Context, region string, payload []byte) ([]byte, protocol.Attempt, error) {
	if err := checkRequest(payload); err != nil {
		return nil, protocol.Attempt{}, err
	}
	ctx, cancel := bounded(ctx)
	defer cancel()
	answer, report, err := l.call(ctx, cmp.Or(l.home, region), payload)
	if err != nil {
		return nil, report, failure(ctx, err)
	}
	return answer, report, nil
}

// call makes one call, in the Region given.
func (l *Lambda) call(ctx context.Context, region string, payload []byte) (answer []byte, report protocol.Attempt, err error) {
	begin := time.Now()
	asked, patience := begin, bearable(ctx, begin)
	m, err := l.remote(ctx, region)
	if err != nil {
		return nil, report, err
	}
	request := m.request(ctx, payload)
	if err := m.signFor(l.cfg.Credentials, request, payload); err != nil { // while a connection may be being opened
		return nil, report, err
	}
	ready := func(r *http.Request) error {
		begin = time.Now() // an estimate is not of the wait for a connection
		waited := begin.Sub(asked)
		if waited <= patience {
			return nil
		}
		late := protocol.LessBudget(payload, waited)
		carry(r, late)
		return m.signFor(l.cfg.Credentials, r, late)
	}
	response, err := l.sender.send(request, ready) //nolint:bodyclose // read closes it
	if err != nil {
		if mayBeBilled(err) {
			report.Metrics = estimate(time.Since(begin))
		}
		return nil, report, err
	}
	answer, err = read(response, protocol.MaxPayloadBytes)
	took := time.Since(begin)
	switch kind := response.Header.Get("X-Amz-Function-Error"); {
	case response.StatusCode >= http.StatusMultipleChoices: // also when the rest of it was cut off
		err = m.refusal(ctx, l.function, response, answer)
	case err != nil:
		err = &wire.LostError{Sent: true, Err: err}
	case kind != "":
		err = functionError(kind, answer)
	default:
		err = checkAnswer(answer)
	}
	return answer, reportOf(response, err, took), err
}

// Prepare makes ready for calls that are about to be made, so many for each
// Region: it begins to open the connections that they will need, and does not
// wait for them. Nothing but time depends on it.
func (l *Lambda) Prepare(ctx context.Context, calls map[string]int) {
	at := map[string]int{} // the Regions that are called
	for region, n := range calls {
		at[cmp.Or(l.home, region)] += n
	}
	for region, n := range at {
		if m, err := l.remote(ctx, region); err == nil {
			l.sender.prepare(m.url, n)
		}
	}
}

// remote returns the function in a Region, made on first use. All of them share
// one pool of connections.
func (l *Lambda) remote(ctx context.Context, region string) (*remote, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m, ok := l.remotes[region]; ok {
		return m, nil
	}
	m, err := newRemote(ctx, l.cfg, region, l.function)
	if err == nil {
		l.remotes[region] = m
	}
	return m, err
}

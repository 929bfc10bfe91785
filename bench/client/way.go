package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"golang.org/x/sync/errgroup"

	"meridian/bench/meridian"
	"meridian/bench/rig"
)

// home is the Region of the functions if there is one endpoint for all. The floor and
// the SDK also sign for it if there are several: the server does not look.
const home = "us-east-1"

// config returns the SDK's configuration, with its defaults where possible.
func (s Settings) config(tlsConfig *tls.Config) aws.Config {
	cfg := aws.Config{
		Region: home,
		Credentials: aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials(), nil
		})),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = tlsConfig.Clone()
		}),
	}
	if !s.regional() {
		cfg.BaseEndpoint = &s.URLs[0]
	}
	return cfg
}

// credentials are the example of AWS's documentation.
func credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}
}

// meridian makes a whole run.
func (s Settings) meridian(tlsConfig *tls.Config) (way, error) {
	var dial func(ctx context.Context, network, address string) (net.Conn, error)
	if s.regional() {
		dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			region := strings.Split(address, ".")[1] // lambda.REGION.amazonaws.com:443
			return new(net.Dialer).DialContext(ctx, network, strings.TrimPrefix(s.endpoint(region), "https://"))
		}
	}
	run, err := meridian.NewRun(s.config(tlsConfig), s.regional(), dial)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) func() (int, error) {
		answer, err := run(ctx, s.request())
		return func() (int, error) {
			if err != nil {
				return s.Calls, err
			}
			return meridian.Lost(answer, s.Calls)
		}
	}, nil
}

// firstWait is the wait of Meridian and the floor before they retry a throttled call.
const firstWait = 50 * time.Millisecond

// errThrottled is Lambda's 429.
var errThrottled = errors.New("throttled")

// A call is one invocation, encoded.
type call struct {
	endpoint string
	payload  []byte
}

// floor calls with as little as possible: one signed request for each call.
func (s Settings) floor(tlsConfig *tls.Config) way {
	p, signer := newPool(tlsConfig), v4.NewSigner()
	var calls []call
	hosts := map[string]int{}
	for _, r := range meridian.Split(s.request()) {
		endpoint := s.endpoint(r.Region)
		calls = append(calls, call{endpoint, meridian.Encode(r)})
		hosts[strings.TrimPrefix(endpoint, "https://")]++
	}
	send := func(ctx context.Context, c call) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost,
			c.endpoint+"/2015-03-31/functions/worker/invocations", bytes.NewReader(c.payload))
		if err != nil {
			return err
		}
		r.Header.Set("X-Amz-Invocation-Type", "RequestResponse")
		r.Header.Set("X-Amz-Log-Type", "Tail")
		hash := sha256.Sum256(c.payload)
		err = signer.SignHTTP(ctx, credentials(), r, hex.EncodeToString(hash[:]), "lambda", home, time.Now())
		if err != nil {
			return err
		}
		return p.send(r)
	}
	return func(ctx context.Context) func() (int, error) {
		if err := p.open(ctx, hosts); err != nil {
			return func() (int, error) { return s.Calls, err }
		}
		return together(calls, func(_ int, c call) error {
			for wait := firstWait; ; wait *= 2 {
				if err := send(ctx, c); !s.Retry || err != errThrottled || !rig.Wait(ctx, wait) { //nolint:errorlint // send does not wrap it
					return err
				}
			}
		})
	}
}

// sdk calls as people write it: one client for each endpoint, one goroutine for each
// call, encoding/json, the SDK's own retries.
func (s Settings) sdk(tlsConfig *tls.Config) way {
	cfg, requests, clients := s.config(tlsConfig), meridian.Split(s.request()), map[string]*lambda.Client{}
	for _, request := range requests {
		endpoint := s.endpoint(request.Region)
		if clients[endpoint] == nil {
			clients[endpoint] = lambda.NewFromConfig(cfg, func(o *lambda.Options) { o.BaseEndpoint = &endpoint })
		}
	}
	return func(ctx context.Context) func() (int, error) {
		results := make([]meridian.RegionResult, len(requests))
		return together(requests, func(i int, request meridian.RegionRequest) error {
			payload, err := json.Marshal(request)
			if err != nil {
				return err
			}
			answer, err := invoke(ctx, clients[s.endpoint(request.Region)], payload)
			if err != nil {
				return err
			}
			return json.Unmarshal(answer, &results[i])
		})
	}
}

// invoke calls the worker with the SDK, and asks for the end of its log as a
// coordinator does.
func invoke(ctx context.Context, client *lambda.Client, payload []byte) ([]byte, error) {
	out, err := client.Invoke(ctx, &lambda.InvokeInput{FunctionName: new("worker"), Payload: payload, LogType: types.LogTypeTail})
	if err != nil {
		return nil, err
	}
	if out.FunctionError != nil {
		return nil, errors.New(*out.FunctionError)
	}
	return out.Payload, nil
}

// together makes calls at once.
func together[T any](all []T, call func(i int, one T) error) func() (lost int, cause error) {
	errs := make([]error, len(all))
	var group errgroup.Group
	for i, one := range all {
		group.Go(func() error {
			errs[i] = call(i, one)
			return nil // an error would not stop the others, but hide theirs
		})
	}
	_ = group.Wait()
	return func() (lost int, cause error) {
		for _, err := range errs {
			if err != nil {
				lost, cause = lost+1, err
			}
		}
		return lost, cause
	}
}

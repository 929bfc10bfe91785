package client

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
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
)

// home is the Region of the functions if there is one endpoint for all.
const home = "us-east-1"

// config returns the SDK's configuration, with its defaults where possible.
func (s settings) config(tlsConfig *tls.Config) aws.Config {
	cfg := aws.Config{
		Region: home,
		Credentials: aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return credentials(), nil
		})),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = tlsConfig.Clone()
			if dial := s.dial(); dial != nil {
				t.DialContext = dial
			}
		}),
	}
	if !s.regional() {
		cfg.BaseEndpoint = &s.urls[0]
	}
	return cfg
}

// credentials are the example of AWS's documentation.
func credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}
}

// meridian makes a whole run.
func (s settings) meridian(tlsConfig *tls.Config) (way, error) {
	runner, err := meridian.NewRunner(s.config(tlsConfig), s.regional(), s.dial())
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) func() (int, error) {
		answer, err := runner.Run(ctx, s.request())
		return func() (int, error) {
			if err != nil {
				return s.calls, err
			}
			return meridian.Lost(answer, s.calls)
		}
	}, nil
}

// A call is one invocation, encoded.
type call struct {
	region, endpoint string
	payload          []byte
}

// overPool returns a way that makes the calls with send over a pool's connections.
func (s settings) overPool(p *pool, send func(context.Context, call) error) way {
	var calls []call
	hosts := map[string]int{}
	for _, r := range meridian.Split(s.request()) {
		endpoint := s.endpoint(r.Region)
		calls = append(calls, call{r.Region, endpoint, meridian.Encode(r)})
		hosts[strings.TrimPrefix(endpoint, "https://")]++
	}
	return func(ctx context.Context) func() (int, error) {
		if strings.HasPrefix(s.urls[0], "https:") {
			if err := p.open(ctx, hosts); err != nil {
				return func() (int, error) { return s.calls, err }
			}
		}
		if s.retry {
			lost, cause := meridian.Map(ctx, calls, true, send)
			return func() (int, error) { return lost, cause }
		}
		return together(calls, func(_ int, c call) error { return send(ctx, c) })
	}
}

// floor calls with as little as possible: one signed request for each call.
func (s settings) floor(tlsConfig *tls.Config) way {
	p, signer := s.newPool(tlsConfig), v4.NewSigner()
	return s.overPool(p, func(ctx context.Context, c call) error {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost,
			c.endpoint+"/2015-03-31/functions/worker/invocations", bytes.NewReader(c.payload))
		if err != nil {
			return err
		}
		r.Header.Set("X-Amz-Invocation-Type", "RequestResponse")
		r.Header.Set("X-Amz-Log-Type", "Tail")
		hash := sha256.Sum256(c.payload)
		if err := signer.SignHTTP(ctx, credentials(), r, hex.EncodeToString(hash[:]), "lambda", s.signingRegion(c.region), time.Now()); err != nil {
			return err
		}
		response, err := p.Do(r)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		var answer bytes.Buffer
		answer.Grow(int(max(response.ContentLength, 0)) + bytes.MinRead) // ReadFrom then never copies
		if _, err := answer.ReadFrom(response.Body); err != nil {
			return err
		}
		switch response.StatusCode {
		case http.StatusOK:
			return nil
		case http.StatusTooManyRequests:
			return meridian.ErrThrottled
		}
		return errors.New(response.Status)
	})
}

// prepared calls with the SDK's client over a pool's connections.
func (s settings) prepared(tlsConfig *tls.Config) way {
	p, cfg := s.newPool(tlsConfig), s.config(tlsConfig)
	cfg.HTTPClient, cfg.Retryer = p, func() aws.Retryer { return aws.NopRetryer{} }
	clients := s.clients(cfg)
	return s.overPool(p, func(ctx context.Context, c call) error {
		_, err := invoke(ctx, clients(c.region), c.payload)
		if _, throttled := errors.AsType[*types.TooManyRequestsException](err); throttled {
			return meridian.ErrThrottled
		}
		return err
	})
}

// sdk calls as people write it: one client for each endpoint, one goroutine for each
// call, encoding/json, the SDK's own retries.
func (s settings) sdk(tlsConfig *tls.Config) way {
	clients := s.clients(s.config(tlsConfig))
	requests := meridian.Split(s.request())
	return func(ctx context.Context) func() (int, error) {
		results := make([]meridian.RegionResult, len(requests))
		return together(requests, func(i int, request meridian.RegionRequest) error {
			payload, err := json.Marshal(request)
			if err != nil {
				return err
			}
			answer, err := invoke(ctx, clients(request.Region), payload)
			if err != nil {
				return err
			}
			return json.Unmarshal(answer, &results[i])
		})
	}
}

// clients returns the client for each Region's worker.
func (s settings) clients(cfg aws.Config) func(region string) *lambda.Client {
	all := map[string]*lambda.Client{}
	for _, region := range s.request().Regions {
		region = s.signingRegion(region)
		all[region] = lambda.NewFromConfig(cfg, func(o *lambda.Options) { o.Region = region })
	}
	return func(region string) *lambda.Client { return all[s.signingRegion(region)] }
}

// signingRegion returns the Region in which the worker for region is called.
func (s settings) signingRegion(region string) string {
	if s.regional() {
		return region
	}
	return home
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

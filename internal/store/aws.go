package store

import (
	"context"

	"meridian/internal/awsapi"
	"meridian/internal/wire"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
)

// bucketConnections limits the connections to S3, which takes one request at a time on each.
// Most file descriptors of a coordinator are for the workers.
const bucketConnections = 32

// NewBucket returns the bucket with a name in the Region of cfg, which also has the credentials,
// the endpoints, the certificates and the proxy. No request is sent.
func NewBucket(ctx context.Context, cfg aws.Config, name string) (*Bucket, error) {
	endpoints, err := awsapi.EndpointsOf(ctx, cfg)
	if err != nil {
		return nil, err //nolint:wrapcheck // it says what it is about
	}
	base, ok := cfg.HTTPClient.(*awshttp.BuildableClient)
	if !ok {
		base = awshttp.NewBuildableClient()
	}
	t := base.GetTransport()
	pool := wire.New(wire.Config{TLS: t.TLSClientConfig, Proxy: t.Proxy, MaxConns: bucketConnections})
	return &Bucket{Name: name, Region: cfg.Region, Client: awsapi.New(pool, cfg.Credentials), Endpoints: endpoints}, nil
}

package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// An environment has the settings that the SDK reads from a source of its configuration.
type environment func(name string) string

// configuration returns the SDK's configuration as the environment of a Lambda function has
// it: the credentials of its role, endpoints, and the file of certificates. It is read for
// the first target that calls AWS. The SDK's package config would also look for profiles
// and single sign-on, which a function does not have, and make its start a third longer.
func (e environment) configuration(context.Context) (aws.Config, error) {
	cfg := aws.Config{ConfigSources: []any{e}, Region: e("AWS_REGION")}
	if id := e("AWS_ACCESS_KEY_ID"); id != "" {
		cfg.Credentials = credentials.StaticCredentialsProvider{Value: aws.Credentials{
			AccessKeyID: id, SecretAccessKey: e("AWS_SECRET_ACCESS_KEY"), SessionToken: e("AWS_SESSION_TOKEN"),
			AccountID: e("AWS_ACCOUNT_ID"),
		}}
	}
	var err error
	cfg.HTTPClient, err = client(e("AWS_CA_BUNDLE"))
	return cfg, err
}

// GetServiceBaseEndpoint returns the endpoint that is set for a service.
func (e environment) GetServiceBaseEndpoint(_ context.Context, serviceID string) (string, bool, error) { //nolint:unparam // the SDK's sources have it
	set := cmp.Or(e("AWS_ENDPOINT_URL_"+strings.ToUpper(strings.ReplaceAll(serviceID, " ", "_"))), e("AWS_ENDPOINT_URL"))
	return set, set != "", nil
}

// GetIgnoreConfiguredEndpoints reports whether the endpoints that are set do not count.
func (e environment) GetIgnoreConfiguredEndpoints(context.Context) (ignored, found bool, err error) {
	return e.parseBool("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
}

// GetUseFIPSEndpoint returns the setting for FIPS endpoints.
func (e environment) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	on, found, err := e.parseBool("AWS_USE_FIPS_ENDPOINT")
	if on {
		return aws.FIPSEndpointStateEnabled, found, err
	}
	return aws.FIPSEndpointStateDisabled, found, err
}

// GetUseDualStackEndpoint returns the setting for dual-stack endpoints.
func (e environment) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	on, found, err := e.parseBool("AWS_USE_DUALSTACK_ENDPOINT")
	if on {
		return aws.DualStackEndpointStateEnabled, found, err
	}
	return aws.DualStackEndpointStateDisabled, found, err
}

// parseBool returns a setting that is true or false, and whether it is set.
func (e environment) parseBool(name string) (on, found bool, err error) {
	switch value := e(name); strings.ToLower(value) {
	case "":
		return false, false, nil
	case "true", "false":
		return value[0] == 't' || value[0] == 'T', true, nil
	default:
		return false, true, fmt.Errorf("%s is %q; want true or false", name, value)
	}
}

// client returns the SDK's HTTP client with the certificates of a file, or with those of
// the system when the name is empty.
func client(bundle string) (*awshttp.BuildableClient, error) {
	c := awshttp.NewBuildableClient()
	if bundle == "" {
		return c, nil
	}
	data, err := os.ReadFile(bundle) //nolint:gosec // the operator of the worker names it
	if err != nil {
		return nil, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(data) {
		return nil, errors.New("AWS_CA_BUNDLE: the file has no certificate")
	}
	return c.WithTransportOptions(func(t *http.Transport) { t.TLSClientConfig.RootCAs = roots }), nil
}

// Package ambient reads the AWS configuration that a Lambda function finds in its
// environment. functions/coordinator calls it once, when it starts.
//
// # Why not the SDK's package config
//
// That one also knows profiles and their files, single sign-on, web identities
// and the metadata of EC2, none of which an environment of Lambda has. Linking it
// links the clients of four more services, and preparing their tables takes a
// seventh of the coordinator's cold start and a fifth of its size: `make
// bench-cold` measures it. The command line, which runs where there are profiles,
// uses it.
//
// # What is read
//
// AWS_REGION, or AWS_DEFAULT_REGION. AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and
// AWS_SESSION_TOKEN, which Lambda sets for the function's role; without them
// AWS_CONTAINER_CREDENTIALS_FULL_URI, with AWS_CONTAINER_AUTHORIZATION_TOKEN,
// which it sets where an environment outlives its keys. AWS_ENDPOINT_URL_LAMBDA,
// AWS_ENDPOINT_URL and AWS_IGNORE_CONFIGURED_ENDPOINT_URLS,
// AWS_USE_FIPS_ENDPOINT, AWS_USE_DUALSTACK_ENDPOINT and AWS_CA_BUNDLE, which an
// operator may set. Each means what it means to the SDK. No file but the last
// one's is read, and nothing is asked, but for a name in
// AWS_CONTAINER_CREDENTIALS_FULL_URI where Lambda sets an address.
//
// Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
// and https://docs.aws.amazon.com/sdkref/latest/guide/environment-variables.html
package ambient

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials/endpointcreds"
)

// Config returns the configuration that getenv, which is os.Getenv, has for
// Lambda's API. Without credentials in it every call fails, and says so. The
// error names the variable that cannot be used.
func Config(getenv func(string) string) (aws.Config, error) {
	cfg := aws.Config{Region: cmp.Or(getenv("AWS_REGION"), getenv("AWS_DEFAULT_REGION"))}
	var err error
	if cfg.Credentials, err = credentials(getenv); err != nil {
		return aws.Config{}, err
	}
	ignore, err := truth(getenv, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")
	if err != nil {
		return aws.Config{}, err
	}
	if endpoint := cmp.Or(getenv("AWS_ENDPOINT_URL_LAMBDA"), getenv("AWS_ENDPOINT_URL")); endpoint != "" && !ignore {
		cfg.BaseEndpoint = &endpoint
	}
	var v variant
	if v.fips, err = truth(getenv, "AWS_USE_FIPS_ENDPOINT"); err != nil {
		return aws.Config{}, err
	}
	if v.dualStack, err = truth(getenv, "AWS_USE_DUALSTACK_ENDPOINT"); err != nil {
		return aws.Config{}, err
	}
	cfg.ConfigSources = []any{v}
	if file := getenv("AWS_CA_BUNDLE"); file != "" {
		roots, err := read(file)
		if err != nil {
			return aws.Config{}, fmt.Errorf("AWS_CA_BUNDLE: %w", err)
		}
		cfg.HTTPClient = awshttp.NewBuildableClient().WithTransportOptions(func(t *http.Transport) {
			t.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
		})
	}
	return cfg, nil
}

// credentials returns where the credentials come from, or nil.
func credentials(getenv func(string) string) (aws.CredentialsProvider, error) {
	keys := aws.Credentials{
		AccessKeyID: getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: getenv("AWS_SESSION_TOKEN"), Source: "environment",
	}
	if keys.HasKeys() {
		return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) { return keys, nil }), nil
	}
	uri := getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI")
	if uri == "" {
		return nil, nil //nolint:nilnil // which aws.Config takes for none
	}
	if err := mayGiveKeys(uri); err != nil {
		return nil, fmt.Errorf("AWS_CONTAINER_CREDENTIALS_FULL_URI: %w", err)
	}
	return endpointcreds.New(uri, func(o *endpointcreds.Options) {
		o.AuthorizationToken = getenv("AWS_CONTAINER_AUTHORIZATION_TOKEN")
	}), nil
}

// mayGiveKeys returns why a URL may not be asked for keys, or nil. Over plain HTTP
// that is this machine and the agents of ECS and EKS only, as for the SDK: anybody
// on the way to another one could read the keys, and give others.
//
// Source: https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func mayGiveKeys(uri string) error {
	u, err := url.Parse(uri)
	if err != nil {
		return fmt.Errorf("%q is no URL", uri)
	}
	host := u.Hostname()
	if host == "" {
		return fmt.Errorf("%q names no host", uri)
	}
	if u.Scheme != "http" {
		return nil
	}
	addresses := []string{host}
	if net.ParseIP(host) == nil {
		if addresses, err = net.LookupHost(host); err != nil { //nolint:noctx // as the SDK does; Lambda gives an address
			return err
		}
	}
	agents := []string{"169.254.170.2", "169.254.170.23", "fd00:ec2::23"} // of ECS, and of EKS
	for _, address := range addresses {
		if ip := net.ParseIP(address); !ip.IsLoopback() && !slices.Contains(agents, ip.String()) {
			return fmt.Errorf("%s is neither this machine nor a container's agent; want one of them, or https", host)
		}
	}
	return nil
}

// truth returns whether a variable is true. One that is not set is not.
func truth(getenv func(string) string, name string) (bool, error) {
	switch value := getenv(name); {
	case strings.EqualFold(value, "true"):
		return true, nil
	case value == "", strings.EqualFold(value, "false"):
		return false, nil
	default:
		return false, fmt.Errorf("%s: %q is neither true nor false", name, value)
	}
}

// read reads a file of certificates.
func read(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, errors.New(file + " has no certificate")
	}
	return roots, nil
}

// A variant says which of Lambda's endpoints to call, in the way that the SDK's
// clients ask for it.
type variant struct{ fips, dualStack bool }

// GetUseFIPSEndpoint implements what the SDK's clients look for.
func (v variant) GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error) {
	if v.fips {
		return aws.FIPSEndpointStateEnabled, true, nil
	}
	return aws.FIPSEndpointStateUnset, false, nil
}

// GetUseDualStackEndpoint implements what the SDK's clients look for.
func (v variant) GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error) {
	if v.dualStack {
		return aws.DualStackEndpointStateEnabled, true, nil
	}
	return aws.DualStackEndpointStateUnset, false, nil
}

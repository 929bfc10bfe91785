package main

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// configuration returns the SDK's configuration as the environment of a Lambda function has
// it: the credentials of its role, endpoints, and the file of certificates. It is read for
// the first target that calls AWS. config.LoadDefaultConfig would also look for profiles
// and single sign-on, which a function does not have, with 1.6 MB more of code to load at
// every cold start.
func configuration(context.Context) (aws.Config, error) {
	environment, err := config.NewEnvConfig()
	if err != nil {
		return aws.Config{}, err //nolint:wrapcheck // the caller says what it read
	}
	cfg := aws.Config{ConfigSources: []any{environment}, Region: environment.Region}
	if environment.BaseEndpoint != "" {
		cfg.BaseEndpoint = &environment.BaseEndpoint
	}
	if environment.Credentials.HasKeys() {
		cfg.Credentials = credentials.StaticCredentialsProvider{Value: environment.Credentials}
	}
	cfg.HTTPClient, err = client(environment.CustomCABundle)
	return cfg, err
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

// Package sdkconfig loads the AWS SDK's configuration for calls with package awsapi: for
// the coordinator and the command line. It is a package of its own because the SDK's is
// linked with the clients of single sign-on, sign-in and STS. A worker, which reads only its
// environment, starts without them, in three quarters of the time.
package sdkconfig

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/smithy-go/logging"

	"meridian/internal/awsapi"
)

// Load loads the SDK's configuration from the environment and the files that it names, as
// config.LoadDefaultConfig does. The SDK writes no log. Its credentials are renewed before
// they expire, as [awsapi.New] says.
func Load(ctx context.Context, options ...func(*config.LoadOptions) error) (aws.Config, error) {
	options = append(options, config.WithLogger(logging.Nop{}), config.WithCredentialsCacheOptions(awsapi.ExpireEarly))
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	cfg.Credentials = awsapi.Renewing(cfg.Credentials)
	return cfg, err //nolint:wrapcheck // the SDK says what it could not load
}

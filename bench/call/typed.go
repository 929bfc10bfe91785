//go:build ec2

package call

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

// newTyped returns the decoder of the SDK's typed client.
func newTyped(transport http.RoundTripper) decoder {
	client := ec2.New(ec2.Options{
		Region: "eu-west-1", Credentials: keys(), Retryer: aws.NopRetryer{}, HTTPClient: &http.Client{Transport: transport},
	})
	return func(ctx context.Context) (int, error) {
		output, err := client.DescribeInstances(ctx, nil)
		if err != nil {
			return 0, err
		}
		return len(output.Reservations), nil
	}
}

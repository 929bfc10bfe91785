package awsapi

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/url"
	"strings"

	"meridian/internal/awsapi/model"
	"meridian/internal/endpoints"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// Endpoints say where services answer. The zero value takes the plain endpoints of the
// catalogue.
type Endpoints struct {
	// URL returns the endpoint that is set for a service, by its name in the SDKs'
	// settings, or "". Nil means that none is set.
	URL func(ctx context.Context, serviceID string) (string, error)

	// Variant selects FIPS and dual-stack endpoints. It has no effect on endpoints that
	// are set.
	Variant endpoints.Variant
}

// EndpointsOf returns the endpoints as a configuration of the SDK sets them: with
// AWS_ENDPOINT_URL and AWS_ENDPOINT_URL_<SERVICE>, AWS_USE_FIPS_ENDPOINT and
// AWS_USE_DUALSTACK_ENDPOINT, or their names in the configuration file.
func EndpointsOf(ctx context.Context, cfg aws.Config) (Endpoints, error) {
	var fips aws.FIPSEndpointState
	var dual aws.DualStackEndpointState
	for _, source := range cfg.ConfigSources { // the first that says something counts
		var err error
		if s, ok := source.(interface {
			GetUseFIPSEndpoint(context.Context) (aws.FIPSEndpointState, bool, error)
		}); ok && fips == aws.FIPSEndpointStateUnset {
			fips, _, err = s.GetUseFIPSEndpoint(ctx)
		}
		if s, ok := source.(interface {
			GetUseDualStackEndpoint(context.Context) (aws.DualStackEndpointState, bool, error)
		}); ok && dual == aws.DualStackEndpointStateUnset && err == nil {
			dual, _, err = s.GetUseDualStackEndpoint(ctx)
		}
		if err != nil {
			return Endpoints{}, fmt.Errorf("read the kind of endpoints: %w", err)
		}
	}
	return Endpoints{
		Variant: endpoints.Variant{FIPS: fips == aws.FIPSEndpointStateEnabled, DualStack: dual == aws.DualStackEndpointStateEnabled},
		URL:     func(ctx context.Context, serviceID string) (string, error) { return configured(ctx, cfg, serviceID) },
	}, nil
}

// configured returns the endpoint that a configuration sets for a service, or "".
func configured(ctx context.Context, cfg aws.Config, serviceID string) (string, error) {
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(interface {
			GetIgnoreConfiguredEndpoints(context.Context) (bool, bool, error)
		}); ok {
			if ignore, found, err := s.GetIgnoreConfiguredEndpoints(ctx); err != nil || found && ignore {
				return aws.ToString(cfg.BaseEndpoint), err //nolint:wrapcheck // the caller says what was being read
			}
		}
	}
	for _, source := range cfg.ConfigSources {
		if s, ok := source.(interface {
			GetServiceBaseEndpoint(context.Context, string) (string, bool, error)
		}); ok {
			if u, found, err := s.GetServiceBaseEndpoint(ctx, serviceID); err != nil || found {
				return u, err //nolint:wrapcheck // the caller says what was being read
			}
		}
	}
	return aws.ToString(cfg.BaseEndpoint), nil
}

// Place returns where to call an operation for a Region. The input has members that the
// host begins with, for a few operations.
//
// The error is one of package endpoints, or says what is wrong with an endpoint that is
// set, or with the input.
func (e Endpoints) Place(ctx context.Context, op *model.Operation, region string, input map[string]any) (Place, error) {
	set := ""
	if e.URL != nil {
		var err error
		if set, err = e.URL(ctx, op.ServiceID); err != nil {
			return Place{}, fmt.Errorf("read the endpoint of %s: %w", op.Service, err)
		}
	}
	if set == "" && op.NoEndpoint() {
		return Place{}, RefusedError{Operation: op.Service + ":" + op.Name, Reason: "it answers at an endpoint of its own; set AWS_ENDPOINT_URL_" +
			strings.ReplaceAll(strings.ToUpper(op.ServiceID), " ", "_")}
	}
	found, err := endpoints.ResolveUnlisted(op.Service, region, e.Variant)
	place := Place{Endpoint: &url.URL{Scheme: "https", Host: found.Host}, Region: found.SigningRegion}
	if set != "" {
		place, err = setPlace(set, region, found)
	}
	if err != nil {
		return Place{}, err //nolint:wrapcheck // package endpoints says what there is not
	}
	prefix, err := hostPrefix(op, input)
	if err == nil && prefix != "" && !local(place.Endpoint.Hostname()) {
		place.Endpoint.Host = prefix + place.Endpoint.Host
	}
	return place, err
}

// setPlace returns the place of an endpoint that is set. What the catalogue has, if
// anything, says which Region to sign for.
func setPlace(set, region string, found endpoints.Endpoint) (Place, error) {
	u, err := url.Parse(set)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return Place{}, EndpointError{u.Redacted()}
	}
	return Place{Endpoint: u, Region: cmp.Or(found.SigningRegion, region)}, nil
}

// An EndpointError means that an endpoint that is set is no URL. Nothing was sent.
type EndpointError struct {
	// URL is what is set, without its password.
	URL string
}

// Error says what to correct.
func (e EndpointError) Error() string {
	return fmt.Sprintf("the endpoint %q is not an http or https URL; correct AWS_ENDPOINT_URL", e.URL)
}

// local reports whether a host cannot have a prefix.
func local(host string) bool { return net.ParseIP(host) != nil || host == "localhost" }

// hostPrefix returns what an operation puts before the host, with members of the input.
// Each has to be a label of a host name: another could send the credentials elsewhere.
func hostPrefix(op *model.Operation, input map[string]any) (prefix string, err error) {
	rest := op.HostPrefix
	for {
		text, member, found := strings.Cut(rest, "{")
		prefix += text
		if !found {
			return prefix, nil
		}
		member, rest, _ = strings.Cut(member, "}")
		label, _ := input[member].(string)
		if !model.IsHostLabel(label) {
			return "", fmt.Errorf("%s: %q begins the host's name; want 1 to 63 letters, digits and hyphens", member, label)
		}
		prefix += label
	}
}

// Once reports whether an operation has the same answer in every Region of the partition
// of region, so that one call is enough.
func (e Endpoints) Once(op *model.Operation, region string) bool {
	found, err := endpoints.Resolve(op.Service, region, e.Variant)
	return err == nil && found.Global || op.Once()
}

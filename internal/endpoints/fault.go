package endpoints

import "fmt"

// An UnknownServiceError says that no AWS SDK knows the service.
type UnknownServiceError struct {
	// Service is the name given to Resolve.
	Service string
}

// Error names the service.
func (e UnknownServiceError) Error() string {
	return fmt.Sprintf("no service is called %q", e.Service)
}

// An UnknownRegionError says that the Region does not exist.
type UnknownRegionError struct {
	// Region is the name given to Resolve.
	Region string
}

// Error names the Region.
func (e UnknownRegionError) Error() string {
	return fmt.Sprintf("no Region is called %q", e.Region)
}

// A NotInRegionError says that the service and the Region exist, but that AWS
// does not list the service in that Region.
type NotInRegionError struct {
	// Service is the id of the service.
	Service string

	// Region is the name of the Region.
	Region string
}

// Error names the service and the Region.
func (e NotInRegionError) Error() string {
	return fmt.Sprintf("%s is not listed in %s", e.Service, e.Region)
}

// A NoEndpointError says that the service has no endpoint of the variant in the
// Region. With a zero Variant it means that the service has endpoints of single
// resources only (cloudfront-keyvaluestore).
type NoEndpointError struct {
	// Service is the id of the service.
	Service string

	// Region is the name of the Region.
	Region string

	// Variant is the variant given to Resolve.
	Variant Variant
}

// Error names the service, the kind of endpoint and the Region.
func (e NoEndpointError) Error() string {
	kind := "endpoint of its own"

	switch e.Variant {
	case Variant{FIPS: true}:
		kind = "FIPS endpoint"
	case Variant{DualStack: true}:
		kind = "dual-stack endpoint"
	case Variant{FIPS: true, DualStack: true}:
		kind = "FIPS dual-stack endpoint"
	}

	return fmt.Sprintf("%s has no %s in %s", e.Service, kind, e.Region)
}

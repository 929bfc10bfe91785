//go:build !ec2

package call

import "net/http"

// newTyped returns nil: compiling service/ec2 takes minutes, and every test and lint of
// this module would wait for it.
func newTyped(http.RoundTripper) decoder { return nil }

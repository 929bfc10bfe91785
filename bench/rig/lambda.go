package rig

import (
	"context"
	"net/http"
	"path/filepath"
)

// A Lambda is Lambda's API as a coordinator sees it, over TLS and HTTP/2. Use
// [NewLambda].
type Lambda struct {
	URL   string
	Roots string // the file of the certificates that its clients trust

	server *http.Server
}

// NewLambda starts one on the loopback interface. The handler of server answers the
// invocations. Roots goes to directory; others are more certificates for it, as PEM.
func NewLambda(ctx context.Context, server *http.Server, directory string, others []byte) (l *Lambda, err error) {
	l = &Lambda{Roots: filepath.Join(directory, "roots.pem"), server: server}
	if l.server.TLSConfig, err = NewCertificate(l.Roots, others); err != nil {
		return nil, err
	}
	l.URL, err = Start(ctx, l.server)
	return l, err
}

// Close ends it.
func (l *Lambda) Close() { _ = l.server.Close() }

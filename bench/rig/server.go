package rig

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"slices"
	"time"
)

// Streams is how many calls a connection takes at once over HTTP/2, unless the server
// says otherwise. Lambda's own limit is not documented; this is a judgement.
const Streams = 128

// Start listens on a free port of the loopback interface, has server answer there
// until it is closed, and returns its URL. It speaks TLS, and so HTTP/2, if server
// has a TLSConfig. It does not log errors of connections.
func Start(ctx context.Context, server *http.Server) (url string, err error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server.ReadHeaderTimeout, server.ErrorLog = time.Minute, log.New(io.Discard, "", 0)
	server.HTTP2 = cmp.Or(server.HTTP2, &http.HTTP2Config{MaxConcurrentStreams: Streams})
	if server.TLSConfig == nil {
		go func() { _ = server.Serve(listener) }()
		return "http://" + listener.Addr().String(), nil
	}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return "https://" + listener.Addr().String(), nil
}

// NewCertificate makes a certificate for the loopback interface and for some names,
// valid for an hour, and returns a server's configuration with it. It writes what
// clients are to trust to a file, as PEM: the others and this certificate.
func NewCertificate(file string, others []byte, names ...string) (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: names,
		IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	roots := slices.Concat(others, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12},
		os.WriteFile(file, roots, 0o600)
}

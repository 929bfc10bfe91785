package wire

import (
	"bytes"
	"crypto/fips140"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"iter"
	"os"
	"runtime"
	"sync"
)

// bundles are the files that may have the system's certificates: the first that
// is there has. They are those of crypto/x509 that a Lambda function may meet.
func bundles() []string {
	if runtime.GOOS != "linux" {
		return nil // not in a file, or not in one alone
	}
	//nolint:forbidigo // crypto/x509 has no other way to be told, and this has to follow it
	if file := os.Getenv("SSL_CERT_FILE"); file != "" {
		return []string{file}
	}
	return []string{"/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt"}
}

// A trust verifies servers by the system's certificates, of which it reads only
// those that a server's own ask for. There are some 140 of them, in the bundle
// and again in the directories beside it, and crypto/x509 parses them all before
// the first handshake: in a function that starts on a small share of a CPU that
// takes longer than everything else together.
//
// Whom it believes is exactly who the system's certificates say, by the same
// rules as crypto/tls: what does not verify by the few is verified by all.
type trust struct {
	files func() []string // where to look; the first that is there

	mu  sync.Mutex
	few map[string]*x509.CertPool // by the issuers that they were read for; nil when there are none
}

// maxFew is for how many issuers t keeps what it has read. The servers of one
// operator have a few issuers in turn; one that makes up a new one each time is not
// to fill the memory.
const maxFew = 16

// newTrust returns the trust that takes the place of what cfg says, or nil where
// cfg has certificates or rules of its own, or FIPS 140 has.
func newTrust(cfg *tls.Config) *trust {
	if cfg.RootCAs != nil || cfg.InsecureSkipVerify || cfg.VerifyConnection != nil ||
		cfg.VerifyPeerCertificate != nil || cfg.Time != nil || fips140.Enabled() {
		return nil
	}
	return &trust{files: bundles}
}

// apply makes cfg, which is for a host, verify it by t. Nil leaves cfg alone, and
// so does no host: crypto/tls refuses that, and crypto/x509 would take any.
func (t *trust) apply(cfg *tls.Config, host string) {
	if t == nil || host == "" {
		return
	}
	cfg.InsecureSkipVerify = true // because the next line does
	cfg.VerifyConnection = func(s tls.ConnectionState) error { return t.verify(host, s.PeerCertificates) }
}

// verify verifies the certificates that a server has shown for a host.
func (t *trust) verify(host string, shown []*x509.Certificate) error {
	if len(shown) == 0 { // crypto/tls has refused it before
		return errNothingShown
	}
	options := x509.VerifyOptions{DNSName: host, Intermediates: x509.NewCertPool()}
	for _, c := range shown[1:] {
		options.Intermediates.AddCert(c)
	}
	if options.Roots = t.roots(shown); options.Roots != nil {
		if _, err := shown[0].Verify(options); err == nil {
			return nil
		}
		options.Roots = nil // which means all
	}
	if _, err := shown[0].Verify(options); err != nil {
		return &tls.CertificateVerificationError{UnverifiedCertificates: shown, Err: err}
	}
	return nil
}

// errNothingShown is a server without a certificate.
var errNothingShown = errors.New("the server has shown no certificate")

// roots returns the system's certificates that have issued one of those shown,
// or nil.
func (t *trust) roots(shown []*x509.Certificate) *x509.CertPool {
	issuers := make([][]byte, len(shown))
	for i, c := range shown {
		issuers[i] = c.RawIssuer
	}
	asked := string(bytes.Join(issuers, nil))
	t.mu.Lock()
	defer t.mu.Unlock() // those who wait meanwhile mostly want the same
	few, known := t.few[asked]
	if !known {
		few = t.read(issuers)
		if t.few == nil || len(t.few) == maxFew {
			t.few = map[string]*x509.CertPool{}
		}
		t.few[asked] = few
	}
	return few
}

// read reads the certificates that have one of these names.
func (t *trust) read(names [][]byte) *x509.CertPool {
	var few *x509.CertPool
	for _, file := range t.files() {
		text, err := os.ReadFile(file) //nolint:gosec // the system's, or the operator's
		if err != nil {
			continue
		}
		var head []byte
		for at, end := range certificates(text) {
			head, _ = base64.StdEncoding.AppendDecode(head[:0], text[at:end][:min(end-at, headLength)])
			if !containsAny(head, names) {
				continue
			}
			// This one as crypto/x509 reads it, which leaves out what this did not see.
			block, _ := pem.Decode(text[at-len(begin):])
			if block == nil || block.Type != "CERTIFICATE" || len(block.Headers) > 0 {
				continue
			}
			if c, err := x509.ParseCertificate(block.Bytes); err == nil {
				if few == nil {
					few = x509.NewCertPool()
				}
				few.AddCert(c)
			}
		}
		break
	}
	return few
}

// headLength is how much of a certificate is looked at, in base64: 480 bytes, in
// which a certificate that has issued itself has its name. A name that is further
// down is not found, and all certificates are read.
const headLength = 650

// containsAny reports whether any of the names is in a certificate.
func containsAny(der []byte, names [][]byte) bool {
	for _, name := range names {
		if bytes.Contains(der, name) {
			return true
		}
	}
	return false
}

// certificates yields where each certificate of a PEM file begins and ends, in
// base64. What is not plainly one, such as a certificate whose first line has been
// commented out, is left out.
func certificates(text []byte) iter.Seq2[int, int] {
	return func(yield func(at, end int) bool) {
		for at := 0; ; {
			found := bytes.Index(text[at:], []byte(begin))
			if found < 0 {
				return
			}
			first := at + found
			at = first + len(begin)
			length := bytes.Index(text[at:], []byte("\n-----END "))
			if length < 0 {
				return
			}
			if first > 0 && text[first-1] != '\n' {
				continue
			}
			if !yield(at, at+length) {
				return
			}
			at += length
		}
	}
}

// begin is the line before a certificate.
const begin = "-----BEGIN CERTIFICATE-----\n"

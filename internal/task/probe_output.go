package task

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"meridian/internal/probe"
	"meridian/pkg/protocol"
)

// A ProbeOutput has the time of each phase, and a description of the answer. Times are
// in milliseconds, to the microsecond. With several samples the times are medians, and
// the description is of the last answer.
type ProbeOutput struct {
	// Message is the line for a person.
	Message string `json:"message"`

	// Summary is the short form for a table: status and total.
	Summary string `json:"summary"`

	// Host is the requested name, after redirects the last one.
	Host string `json:"host"`

	// Address is the IP address that answered.
	Address string `json:"address"`

	// Family is the family of Address: "ipv4" or "ipv6".
	Family string `json:"family"`

	// HTTPStatus is the status code of the answer.
	HTTPStatus int `json:"httpStatus"`

	// Protocol is the protocol of the answer: "HTTP/1.1" or "HTTP/2.0".
	Protocol string `json:"protocol"`

	// TLS describes the TLS connection. Nil means plain HTTP.
	TLS *ProbeTLS `json:"tls,omitzero"`

	ProbeTimes

	// Redirects is the number of redirects that were followed.
	Redirects int `json:"redirects,omitzero"`

	// WaitMs is how long all samples together waited for a slot: a worker limits the
	// connections that it opens at once. It is not part of the other times.
	WaitMs float64 `json:"waitMs,omitzero"`

	// Samples is the number of samples, if there was more than one. Then Min, Median
	// and Max are given, each computed phase by phase.
	Samples int         `json:"samples,omitzero"`
	Min     *ProbeTimes `json:"min,omitzero"`
	Median  *ProbeTimes `json:"median,omitzero"`
	Max     *ProbeTimes `json:"max,omitzero"`
}

// A ProbeTLS describes a TLS connection.
type ProbeTLS struct {
	// Version is the TLS version, as in "TLS 1.3".
	Version string `json:"version"`

	// Cipher is the cipher suite's name.
	Cipher string `json:"cipher"`

	// CertificateDaysLeft is the number of whole days until the verified chain ends,
	// with the first of its certificates to expire.
	CertificateDaysLeft int `json:"certificateDaysLeft"`

	// CertificateIssuer is the common name of the certificate's issuer.
	CertificateIssuer string `json:"certificateIssuer"`
}

// ProbeTimes has the times of the phases in milliseconds, each from the end of the one
// before. With redirects, or a server that required HTTP/1.1, it is the sum over all
// connections.
type ProbeTimes struct {
	// ResolveMs is the time of the name's look-up.
	ResolveMs float64 `json:"resolveMs"`

	// ConnectMs is the time until an address accepted a connection.
	ConnectMs float64 `json:"connectMs"`

	// TLSMs is the time of the TLS handshake. Zero for plain HTTP.
	TLSMs float64 `json:"tlsMs"`

	// FirstByteMs is the time from sending the request to the first byte of the answer.
	FirstByteMs float64 `json:"firstByteMs"`

	// TotalMs is the time of all phases, and of reading the body if it is matched.
	TotalMs float64 `json:"totalMs"`
}

// Rows implements [Lister].
func (o *ProbeOutput) Rows() (columns []string, rows []map[string]json.RawMessage) {
	return oneRow(struct {
		*ProbeOutput
		*ProbeTLS
	}{o, o.TLS}, "httpStatus", "totalMs", "resolveMs", "connectMs", "tlsMs", "firstByteMs", "certificateDaysLeft", "address", "host")
}

// outputOf returns the output of at least one sample.
func outputOf(place string, samples []probe.Sample, now time.Time) ProbeOutput {
	last := samples[len(samples)-1]
	o := ProbeOutput{
		Host:       last.Host,
		Address:    last.Address.String(),
		Family:     string(probe.FamilyOf(last.Address)),
		HTTPStatus: last.Status,
		Protocol:   last.Protocol,
		ProbeTimes: times(samples, median),
		Redirects:  last.Redirects,
	}
	if last.TLS != nil {
		o.TLS = &ProbeTLS{
			Version: last.TLS.Version, Cipher: last.TLS.Cipher,
			CertificateDaysLeft: int(last.TLS.Expires.Sub(now) / (24 * time.Hour)),
			CertificateIssuer:   last.TLS.Issuer,
		}
	}
	var waited time.Duration
	for _, s := range samples {
		waited += s.Waited
	}
	o.WaitMs = protocol.Milliseconds(waited)
	o.Summary = fmt.Sprintf("%d in %.1f ms", o.HTTPStatus, o.TotalMs)
	of := ""
	if len(samples) > 1 {
		o.Samples = len(samples)
		o.Min, o.Median, o.Max = new(times(samples, slices.Min)), new(o.ProbeTimes), new(times(samples, slices.Max))
		of = fmt.Sprintf("median of %d from %.1f to %.1f: ", o.Samples, o.Min.TotalMs, o.Max.TotalMs)
	}
	secured := ""
	if o.TLS != nil {
		secured = fmt.Sprintf("tls %.1f, ", o.TLSMs)
	}
	o.Message = fmt.Sprintf("%s: %s (%sdns %.1f, connect %.1f, %sfirst byte %.1f)",
		place, o.Summary, of, o.ResolveMs, o.ConnectMs, secured, o.FirstByteMs)
	return o
}

// times reduces the samples to one time for each phase, with the function one.
func times(samples []probe.Sample, one func([]time.Duration) time.Duration) ProbeTimes {
	all := func(part func(probe.Phases) time.Duration) float64 {
		values := make([]time.Duration, len(samples))
		for i, s := range samples {
			values[i] = part(s.Phases)
		}
		return protocol.Milliseconds(one(values))
	}
	return ProbeTimes{
		ResolveMs:   all(func(p probe.Phases) time.Duration { return p.Resolve }),
		ConnectMs:   all(func(p probe.Phases) time.Duration { return p.Connect }),
		TLSMs:       all(func(p probe.Phases) time.Duration { return p.TLS }),
		FirstByteMs: all(func(p probe.Phases) time.Duration { return p.FirstByte }),
		TotalMs:     all(func(p probe.Phases) time.Duration { return p.Total }),
	}
}

// median returns the median of the values, which it sorts. For an even number it is the
// mean of the two in the middle.
func median(values []time.Duration) time.Duration {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

package task

import (
	"fmt"
	"slices"
	"time"

	"meridian/internal/probe"
	"meridian/pkg/protocol"
)

// A ProbeOutput says how long each part of the way took, and what answered. Times
// are in milliseconds, to the microsecond. Of several samples the times are the
// medians, and what answered is the last one's.
type ProbeOutput struct {
	// Message is the line for a person.
	Message string `json:"message"`

	// Summary is what a table has room for: status and total.
	Summary string `json:"summary"`

	// Host is the name that was asked for, after redirects the last one.
	Host string `json:"host"`

	// Address is the IP address that answered.
	Address string `json:"address"`

	// Family is the address's: "ipv4" or "ipv6".
	Family string `json:"family"`

	// HTTPStatus is the answer's status code.
	HTTPStatus int `json:"httpStatus"`

	// Protocol is the answer's: "HTTP/1.1" or "HTTP/2.0".
	Protocol string `json:"protocol"`

	// TLS says how the connection was secured. Nil means plain HTTP.
	TLS *ProbeTLS `json:"tls,omitzero"`

	ProbeTimes

	// Redirects is how many were followed.
	Redirects int `json:"redirects,omitzero"`

	// WaitMs is how long the samples waited, all of them together, for a place
	// among the connections that a worker opens at once. It is in no other time.
	WaitMs float64 `json:"waitMs,omitzero"`

	// Samples is how many there were, when there was more than one. Then Min,
	// Median and Max are given, for each part of the way on its own.
	Samples int         `json:"samples,omitzero"`
	Min     *ProbeTimes `json:"min,omitzero"`
	Median  *ProbeTimes `json:"median,omitzero"`
	Max     *ProbeTimes `json:"max,omitzero"`
}

// A ProbeTLS says how a connection was secured.
type ProbeTLS struct {
	// Version is as in "TLS 1.3".
	Version string `json:"version"`

	// Cipher is the cipher suite's name.
	Cipher string `json:"cipher"`

	// CertificateDaysLeft is how many whole days the certificate is valid for.
	CertificateDaysLeft int `json:"certificateDaysLeft"`

	// CertificateIssuer is the authority's common name.
	CertificateIssuer string `json:"certificateIssuer"`
}

// ProbeTimes are the parts of the way, in milliseconds, each from the end of the
// one before. Several connections, because of redirects, are taken together.
type ProbeTimes struct {
	// ResolveMs is the time until the name's addresses were known.
	ResolveMs float64 `json:"resolveMs"`

	// ConnectMs is the time until one of them had accepted a connection.
	ConnectMs float64 `json:"connectMs"`

	// TLSMs is the time of the handshake. Zero for plain HTTP.
	TLSMs float64 `json:"tlsMs"`

	// FirstByteMs is the time until the first byte of the answer was there.
	FirstByteMs float64 `json:"firstByteMs"`

	// TotalMs is the time of all of these and of reading the answer.
	TotalMs float64 `json:"totalMs"`
}

// outputOf sums up the samples, of which there is at least one.
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

// times makes one time of all samples', for each part of the way.
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

// median returns the middle one of the values, of an even number the mean of the
// two in the middle. It sorts them.
func median(values []time.Duration) time.Duration {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

package call

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"

	"meridian/bench/figure"
	"meridian/bench/meridian"
	"meridian/bench/rig"
)

// instances is how many instances the answer of DescribeInstances has: the most that a
// page of it has.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstances.html
const instances = 1000

// reservation is a reservation with one instance, as EC2 writes it, with a place for its
// ids.
//
//go:embed reservation.xml
var reservation string

// describeInstances returns an answer with n instances.
func describeInstances(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>
<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">
    <requestId>8f7724cf-496f-496e-8fe3-example</requestId>
    <reservationSet>
`)
	for i := range n {
		b.WriteString(strings.ReplaceAll(reservation, "ID", fmt.Sprintf("%017x", i)))
	}
	b.WriteString("    </reservationSet>\n</DescribeInstancesResponse>\n")
	return b.Bytes()
}

// A canned is a transport that gives the same answer to all requests.
type canned []byte

// RoundTrip implements http.RoundTripper.
func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"text/xml;charset=UTF-8"}},
		Body: io.NopCloser(bytes.NewReader(c)), ContentLength: int64(len(c)), Request: r,
	}, nil
}

// A decoder calls DescribeInstances and returns how many reservations it read.
type decoder func(ctx context.Context) (reservations int, err error)

// typed is the SDK's client, as the tables call it.
const typed = "typed client"

// errUntyped is why the typed client was left out.
var errUntyped = errors.New("built without -tags ec2")

// A decoded has what was measured, by way.
type decoded struct {
	runs    map[string][]decoding
	missing error // why the typed client was left out, or nil
}

// A decoding is what one call took, the network left out.
type decoding struct{ cpuMs, mebibytes, allocations float64 }

// measureDecoding has Meridian and the typed client take turns.
func measureDecoding(ctx context.Context, rounds int) (d decoded, err error) {
	d.runs = map[string][]decoding{}
	answer := canned(describeInstances(instances))
	ways := map[string]decoder{typed: newTyped(answer)}
	if ways[typed] == nil {
		d.missing = errUntyped
		delete(ways, typed)
	}
	if ways[ours], err = newDecoder(answer); err != nil {
		return d, err
	}
	for range rounds {
		for name, decode := range ways {
			m, err := decode.measure(ctx)
			if err != nil {
				return d, fmt.Errorf("%s: %w", name, err)
			}
			d.runs[name] = append(d.runs[name], m)
		}
	}
	return d, nil
}

// keys are the credentials of the calls.
func keys() aws.CredentialsProvider {
	return aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "example"}, nil
	})
}

// newDecoder returns Meridian's decoder.
func newDecoder(transport http.RoundTripper) (decoder, error) {
	call, err := meridian.NewCall("ec2", "DescribeInstances", "eu-west-1", keys(), transport)
	return func(ctx context.Context) (int, error) {
		output, err := call(ctx)
		list, _ := output["Reservations"].([]any)
		return len(list), err
	}, err
}

// calls is how many calls a measurement makes: garbage is collected in some of them.
const calls = 5

// measure makes some calls.
func (d decoder) measure(ctx context.Context) (m decoding, err error) {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu := rig.CPU()
	for range calls {
		if n, err := d(ctx); err != nil || n != instances {
			return m, fmt.Errorf("%d reservations of %d: %w", n, instances, err)
		}
	}
	m.cpuMs = figure.Milliseconds(rig.CPU()-cpu) / calls
	runtime.ReadMemStats(&after)
	m.mebibytes = float64(after.TotalAlloc-before.TotalAlloc) / calls / (1 << 20)
	m.allocations = float64(after.Mallocs-before.Mallocs) / calls
	return m, nil
}

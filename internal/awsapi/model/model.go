// Package model knows every operation of every AWS API: which services there are, what
// an operation takes and answers, how its pages are read, and whether it only reads. It
// checks inputs, and serializes and deserializes values by an operation's model with
// smithy-go's own protocols.
//
// The package awsapi calls operations with it, and the command line describes them.
//
// Everything comes from models.bin, which generate.py writes from the data of botocore,
// the core of the AWS SDK for Python. It is embedded in the binary and is read where it
// is: nothing is decoded before an operation is looked up, and then only what the
// operation uses.
//
// # Values
//
// Inputs and outputs are what encoding/json makes of JSON: map[string]any, []any, string,
// bool, float64 and nil. Member names are those of AWS's API reference and of the AWS
// CLI. A timestamp is a text as in RFC 3339, a blob is text in base64. A number that a
// float64 cannot hold exactly is a json.Number; NaN and the infinities are texts. An
// input may also have json.Number, int and int64, and seconds since 1970 for a timestamp.
//
// An output has what the model knows; the rest of an answer is dropped.
//
// # What Check promises
//
// An input without faults can be serialized. Faults have the path of the value, and say
// what is allowed: unknown members with the nearest name, wrong types, missing required
// members. Enumerations, patterns and lengths are not checked: AWS adds to them, and its
// own answer says more.
package model

import (
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"sync"

	"meridian/pkg/protocol"
)

//go:generate python3 generate.py

//go:embed models.bin
var embedded string

//nolint:gochecknoglobals // set on first use; never changed afterwards
var opened struct {
	sync.Once

	data *Data
}

// aws returns the models that are embedded. A program that does not call it is linked
// without them.
func aws() *Data {
	opened.Do(func() {
		var err error
		if opened.data, err = Open(embedded); err != nil {
			panic(err.Error())
		}
	})
	return opened.data
}

// Lookup returns an operation of AWS, as in Lookup("ec2", "DescribeInstances"). It takes
// 0.1 to 1 ms, so callers keep it. The error is an [UnknownError].
func Lookup(service, operation string) (*Operation, error) { return aws().Lookup(service, operation) }

// Services returns the names of all services, sorted. They are those of the AWS CLI and
// of package endpoints.
func Services() []string { return aws().Services() }

// Operations returns the names of a service's operations, sorted. The list is empty for
// a service that does not exist.
func Operations(service string) []string { return aws().Operations(service) }

// Data are the models of some services.
type Data struct {
	texts    texts
	services table
}

// Open returns the models in the form of models.bin. It reads the tables' sizes; damage
// behind them is found by Lookup.
func Open(text string) (*Data, error) {
	rest, ok := strings.CutPrefix(text, magic)
	r := reader{rest: rest, bad: !ok}
	r.bytes(r.number()) // botocore's version and date, for a person
	d := &Data{texts: texts{words: r.table(), made: r.table()}, services: r.table()}
	if r.bad {
		return nil, errData
	}
	return d, nil
}

// Services returns the names of the services, sorted.
func (d *Data) Services() []string { return d.texts.names(d.services) }

// Operations returns the names of a service's operations, sorted.
func (d *Data) Operations(service string) []string {
	i, ok := d.texts.search(d.services, service)
	if !ok {
		return nil
	}
	s, _ := d.service(i)
	return d.texts.names(s.operations)
}

// Lookup returns an operation. The error is an [UnknownError], or says that the data is
// damaged.
func (d *Data) Lookup(service, operation string) (*Operation, error) {
	i, ok := d.texts.search(d.services, service)
	if !ok {
		return nil, UnknownError{Service: service, Nearest: protocol.Nearest(service, d.Services())}
	}
	s, ok := d.service(i)
	if !ok {
		return nil, fmt.Errorf("%s: %w", service, errData)
	}
	j, ok := d.texts.search(s.operations, operation)
	if !ok {
		return nil, UnknownError{
			Service: service, Operation: operation,
			Nearest: protocol.Nearest(strings.ReplaceAll(operation, "-", ""), d.texts.names(s.operations)),
		}
	}
	op, ok := s.operation(j)
	if !ok {
		return nil, fmt.Errorf("%s:%s: %w", service, operation, errData)
	}
	return op, nil
}

// An UnknownError says that there is no such service, or that the service has no such
// operation.
type UnknownError struct {
	// Service is the name that was looked up.
	Service string

	// Operation is the name that was looked up. Empty means that there is no such
	// service.
	Operation string

	// Nearest is the most similar name, or "".
	Nearest string
}

// Error names the service or the operation, and the nearest one.
func (e UnknownError) Error() string {
	text := fmt.Sprintf("%s has no operation %q", e.Service, e.Operation)
	if e.Operation == "" {
		text = fmt.Sprintf("no service is called %q", e.Service)
	}
	if e.Nearest != "" {
		text += fmt.Sprintf("; did you mean %q?", e.Nearest)
	}
	return text
}

// Split returns the service and the operation of a name such as
// "ec2:DescribeInstances".
func Split(name string) (service, operation string, err error) {
	service, operation, ok := strings.Cut(name, ":")
	if !ok || service == "" || operation == "" {
		return "", "", errors.New("want a service and an operation, as in ec2:DescribeVpcs")
	}
	return service, operation, nil
}

package model

import (
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/aws/smithy-go/transport/http/protocol/awsjson"
	"github.com/aws/smithy-go/transport/http/protocol/awsquery"
	"github.com/aws/smithy-go/transport/http/protocol/restjson1"
	"github.com/aws/smithy-go/transport/http/protocol/restxml"
	"github.com/aws/smithy-go/transport/http/protocol/rpcv2"
)

// A wireProtocol is how a service's requests and answers are written.
type wireProtocol int

// In the order of generate.py.
const (
	protocolJSON wireProtocol = iota
	protocolQuery
	protocolEC2
	protocolRESTJSON
	protocolRESTXML
	protocolCBOR
)

// rest reports whether inputs are in the path, the query and the header too.
func (p wireProtocol) rest() bool { return p == protocolRESTJSON || p == protocolRESTXML }

// xml reports whether names follow the traits of XML.
func (p wireProtocol) xml() bool {
	return p == protocolQuery || p == protocolEC2 || p == protocolRESTXML
}

// Flags of a service, in the order of generate.py.
const (
	serviceJSON11 = 1 << iota
	serviceQueryCompatible
	serviceNotSigV4
	serviceS3
)

// A service is the model of one service.
type service struct {
	texts       texts
	name        string
	id          string // in AWS_ENDPOINT_URL_<ID>
	version     string
	protocol    wireProtocol
	flags       int
	target      string
	signingName string
	errors      table
	operations  table
	shapes      table
}

// service returns the service with an index, and whether its data is sound.
func (d *Data) service(index int) (*service, bool) {
	r := reader{rest: d.services.at(index)}
	s := &service{
		texts: d.texts,
		name:  d.texts.at(r.number()), id: d.texts.at(r.number()), version: d.texts.at(r.number()),
		protocol: wireProtocol(r.below(int(protocolCBOR) + 1)), flags: r.number(),
		target: d.texts.at(r.number()), signingName: d.texts.at(r.number()),
	}
	s.errors, s.operations, s.shapes = r.table(), r.table(), r.table()
	return s, !r.bad
}

// builder returns a builder of the service's shapes.
func (s *service) builder() *builder {
	return &builder{texts: s.texts, protocol: s.protocol, shapes: s.shapes, made: map[int]*shape{}, names: map[int]string{}}
}

// client returns the protocol of the service.
func (s *service) client() smithyhttp.ClientProtocol {
	var ts []smithy.Trait
	if s.flags&serviceQueryCompatible != 0 {
		ts = append(ts, &traits.AWSQueryCompatible{})
	}
	schema := smithy.NewServiceSchema(smithy.NewSchema(smithy.ShapeID{Name: s.target}, smithy.ShapeTypeService, 0, ts...), s.version)
	switch s.protocol {
	case protocolQuery:
		return awsquery.New(schema)
	case protocolEC2:
		return newEC2(schema)
	case protocolRESTJSON:
		return restjson1.New(schema)
	case protocolRESTXML:
		return restxml.New(schema)
	case protocolCBOR:
		return rpcv2.NewCBOR(schema)
	default:
		if s.flags&serviceJSON11 != 0 {
			return awsjson.New11(schema)
		}
		return awsjson.New10(schema)
	}
}

// registry returns the types of the service's errors, by name and by code. A type's
// shape is made when an error of it comes.
func (s *service) registry() *smithy.TypeRegistry {
	entries := make(map[string]*smithy.TypeRegistryEntry, s.errors.count)
	for i := range s.errors.count {
		r := reader{rest: s.errors.at(i)}
		name, code, shape := s.texts.at(r.number()), s.texts.at(r.number()), r.number()
		for _, code := range []string{name, code} {
			if code != "" {
				entries[code] = &smithy.TypeRegistryEntry{New: func() any {
					return &ServiceError{code: code, Value: Value{shape: s.builder().root(&ref{target: shape}, &traits.Error{})}}
				}}
			}
		}
	}
	return &smithy.TypeRegistry{Entries: entries}
}

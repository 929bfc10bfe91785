package model

import (
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Flags of an operation, in the order of generate.py. The number of its refusal is above
// them.
const (
	operationReads = 1 << iota
	operationIdempotent
	operationHostPrefix
	operationPages
	operationChecksum
	operationGzip
	operationAlgorithm

	refusalShift = 7
)

// methods are the HTTP methods, in the order of generate.py.
//
//nolint:gochecknoglobals // a constant
var methods = [...]string{
	http.MethodPost, http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodPatch, http.MethodOptions,
}

// An Operation is one operation of an AWS API. It may be used from several goroutines.
type Operation struct {
	// Service is the name of its service, as in "ec2".
	Service string

	// Name is its name, as in "DescribeInstances".
	Name string

	// SigningName is the service's name in signatures.
	SigningName string

	// ServiceID is the service's name in the SDKs' settings: AWS_ENDPOINT_URL_ and it,
	// in capitals and with underscores.
	ServiceID string

	// S3 says that the service signs as S3 does, see awsapi.Operation.
	S3 bool

	// HostPrefix is put before the endpoint's host; it may have members of the input in
	// braces. Empty means none.
	HostPrefix string

	// Pages says how to read further pages. Nil means that there is one page only.
	Pages *Pages

	service       *service
	flags         int
	method, uri   string
	schema        *smithy.OperationSchema
	input, output *shape // nil means none
}

// Pages says how to read the pages of an operation's answer. All fields are JMESPath
// expressions. AWS's models use only member names, dots, an index, and "||".
type Pages struct {
	// InputTokens are the members of the input that take the OutputTokens of the page
	// before, in the same order.
	InputTokens, OutputTokens []string

	// Results are the members of the output whose items are the answer.
	Results []string

	// Others are the members of the output that are the same in every page.
	Others []string

	// Limit is the member of the input that limits a page. Empty means none.
	Limit string

	// More is the member of the output that says that there are more pages. Empty means
	// that the tokens say so.
	More string
}

// operation returns the operation with an index, and whether its data is sound.
func (s *service) operation(index int) (*Operation, bool) {
	r := reader{rest: s.operations.at(index)}
	op := &Operation{Service: s.name, ServiceID: s.id, SigningName: s.signingName, S3: s.flags&serviceS3 != 0, service: s}
	op.Name = s.texts.at(r.number())
	op.method, op.uri = methods[r.below(len(methods))], s.texts.at(r.number())
	op.flags = r.number()
	if op.flags&operationHostPrefix != 0 {
		op.HostPrefix = s.texts.at(r.number())
	}
	b := s.builder()
	op.input, op.output = b.optional(&r), b.optional(&r)
	op.input.members() // whether they are streams of events
	op.output.members()
	if op.flags&operationPages != 0 {
		op.Pages = s.pages(&r)
		r.bad = r.bad || len(op.Pages.InputTokens) != len(op.Pages.OutputTokens)
	}
	op.schema = smithy.NewOperationSchema(smithy.NewSchema(smithy.ShapeID{Name: op.Name}, smithy.ShapeTypeOperation, 0,
		&traits.HTTP{Method: op.method, URI: op.path(), Code: http.StatusOK}), op.input.root(), op.output.root())
	return op, !r.bad && !b.bad
}

// optional reads the input or the output of an operation, which may have none.
func (b *builder) optional(r *reader) *shape {
	if r.number() == 0 {
		return nil
	}
	f := b.ref(r, false)
	return b.root(&f)
}

// root returns the schema of a shape, or nil for a nil shape.
func (s *shape) root() *smithy.Schema {
	if s == nil {
		return nil
	}
	return s.schema
}

// pages reads a paginator.
func (s *service) pages(r *reader) *Pages {
	list := func() []string {
		texts := make([]string, r.below(len(r.rest)+1))
		for i := range texts {
			texts[i] = s.texts.at(r.number())
		}
		return texts
	}
	first := func() string { return strings.Join(list(), "") }
	return &Pages{InputTokens: list(), OutputTokens: list(), Results: list(), Others: list(), Limit: first(), More: first()}
}

// path returns the path and the query of the operation, with members by their own names
// in the braces: Smithy's serializer looks for those.
func (op *Operation) path() string {
	if op.input == nil || !op.service.protocol.rest() {
		return op.uri
	}
	var renamed []string
	for _, m := range op.input.members() {
		if name := m.wire; name != "" && m.label {
			renamed = append(renamed, "{"+name+"}", "{"+m.name+"}", "{"+name+"+}", "{"+m.name+"+}")
		}
	}
	return strings.NewReplacer(renamed...).Replace(op.uri)
}

// Schema returns the schema of the operation, as Smithy's protocols read it.
func (op *Operation) Schema() *smithy.OperationSchema { return op.schema }

// Protocol returns the protocol of the service.
func (op *Operation) Protocol() smithyhttp.ClientProtocol {
	return &wire{ClientProtocol: op.service.client(), op: op}
}

// Errors returns the types of the service's errors. Each is a [ServiceError].
func (op *Operation) Errors() *smithy.TypeRegistry { return op.service.registry() }

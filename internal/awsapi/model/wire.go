package model

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"crypto/md5" //nolint:gosec // as below
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// A wire is a service's protocol, with a way round what it gets wrong.
type wire struct {
	smithyhttp.ClientProtocol
	op *Operation
}

// SerializeRequest implements smithyhttp.ClientProtocol.
func (w *wire) SerializeRequest(
	ctx context.Context, schema *smithy.OperationSchema, in smithy.Serializable, r *smithyhttp.Request,
) error {
	ctx = middleware.WithOperationName(ctx, w.op.Name) // the path of CBOR has it
	if err := w.ClientProtocol.SerializeRequest(ctx, schema, in, r); err != nil {
		return err //nolint:wrapcheck // the protocol's error says what could not be written
	}
	w.op.each(func(e *exception) {
		if e.header[0] != "" && r.Header.Get(e.header[0]) == "" {
			r.Header.Set(e.header[0], e.header[1])
		}
	})
	var body []byte
	if stream := r.GetStream(); stream != nil {
		var err error
		if body, err = io.ReadAll(stream); err != nil {
			return fmt.Errorf("read the body: %w", err)
		}
	}
	return w.setBody(r, body)
}

// setBody sets the body of a request, with what the model wants of it.
func (w *wire) setBody(r *smithyhttp.Request, body []byte) error {
	if w.op.service.protocol == protocolRESTXML && string(body) == "{}" {
		body = nil // for a structure that is not there
		r.Header.Del("Content-Type")
	}
	if w.op.flags&operationGzip != 0 {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body)
		_ = z.Close() // a buffer takes everything
		body = b.Bytes()
		encodings := append(r.Header.Values("Content-Encoding"), "gzip")
		r.Header.Set("Content-Encoding", strings.Join(encodings, ", "))
	}
	w.setChecksum(r.Header, body)
	changed, err := r.SetStream(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("set the body: %w", err)
	}
	*r = *changed
	return nil
}

// setChecksum sets the checksum of a body where the service wants one: CRC-32 if the
// operation has a choice of algorithms, as in S3, or else the older MD5. A checksum that the
// input has stays.
func (w *wire) setChecksum(h http.Header, body []byte) {
	const algorithm, crc, md = "X-Amz-Sdk-Checksum-Algorithm", "X-Amz-Checksum-Crc32", "Content-Md5"
	required := w.op.flags&operationChecksum != 0
	switch choice := w.op.flags&operationAlgorithm != 0; {
	case choice && (required || h.Get(algorithm) != ""):
		if !slices.ContainsFunc(slices.Collect(maps.Keys(h)), isChecksum) {
			h.Set(algorithm, "CRC32")
			sum := binary.BigEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
			h.Set(crc, base64.StdEncoding.EncodeToString(sum))
		}
	case required && h.Get(md) == "":
		sum := md5.Sum(body) //nolint:gosec // it is against damage, not against people
		h.Set(md, base64.StdEncoding.EncodeToString(sum[:]))
	}
}

// isChecksum reports whether a header has a checksum of the body.
func isChecksum(name string) bool { return strings.HasPrefix(name, "X-Amz-Checksum-") }

// DeserializeResponse implements smithyhttp.ClientProtocol. An answer that is not the
// operation's, or that cannot be read, is a smithy.DeserializationError. A refusal that is
// not in AWS's words, such as an empty body or HTML, is an error of the HTTP status. Its
// code is the number, or the name for an operation that is a HEAD request, as in "NotFound".
func (w *wire) DeserializeResponse(
	ctx context.Context, schema *smithy.OperationSchema, types *smithy.TypeRegistry, r *smithyhttp.Response, out smithy.Deserializable,
) error {
	if r.StatusCode < 200 || r.StatusCode >= 300 {
		return w.refusal(ctx, schema, types, r, out)
	}
	refused, err := w.inspect(r, types)
	if refused {
		r.StatusCode = http.StatusInternalServerError
		return w.refusal(ctx, schema, types, r, out)
	}
	if err == nil {
		if w.op.Service == "s3" && w.op.Name == "GetBucketLocation" { // its only member is the root
			r.Body = replayed{io.MultiReader(strings.NewReader("<Output>"), r.Body, strings.NewReader("</Output>")), r.Body}
		}
		err = w.ClientProtocol.DeserializeResponse(ctx, schema, types, r, out)
	}
	if _, ok := errors.AsType[*smithy.DeserializationError](err); err == nil || ok {
		return err //nolint:wrapcheck // the protocol's error says what could not be read
	}
	return &smithy.DeserializationError{Err: err} // which query leaves out
}

// refusal returns the error of an answer that is a refusal.
func (w *wire) refusal(
	ctx context.Context, schema *smithy.OperationSchema, types *smithy.TypeRegistry, r *smithyhttp.Response, out smithy.Deserializable,
) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return &smithy.DeserializationError{Err: err}
	}
	for _, known := range []*smithy.TypeRegistry{types, {}} { // without the error's members, if they cannot be read
		again := *r.Response
		again.Body = io.NopCloser(bytes.NewReader(body))
		err = w.ClientProtocol.DeserializeResponse(ctx, schema, known, &smithyhttp.Response{Response: &again}, out)
		if api, ok := err.(smithy.APIError); ok && api.ErrorCode() != unknownError { //nolint:errorlint // it is not wrapped
			return err //nolint:wrapcheck // it is AWS's
		}
	}
	code, _, _ := strings.Cut(r.Header.Get("X-Amzn-Errortype"), ":")
	name := http.StatusText(r.StatusCode)
	if w.op.method == http.MethodHead { // a refusal never has a body; AWS's SDKs name it so
		code = cmp.Or(code, strings.ReplaceAll(name, " ", ""))
	}
	return &smithy.GenericAPIError{
		Code:    cmp.Or(code, strconv.Itoa(r.StatusCode)),
		Message: cmp.Or(name, "HTTP status "+strconv.Itoa(r.StatusCode)),
	}
}

// unknownError is what the protocols call an error without a code.
const unknownError = "UnknownError"

// A ServiceError is an error that a service's model knows.
type ServiceError struct {
	Value

	// ErrorCodeOverride is the code that services with an older protocol give too, and
	// which callers know. The protocol sets it.
	ErrorCodeOverride *string

	code string
}

// Error returns the code and the message.
func (e *ServiceError) Error() string { return e.ErrorCode() + ": " + e.ErrorMessage() }

// ErrorCode returns AWS's code, as in "ResourceNotFoundException".
func (e *ServiceError) ErrorCode() string {
	if e.ErrorCodeOverride != nil {
		return *e.ErrorCodeOverride
	}
	return e.code
}

// ErrorMessage returns AWS's message, or "".
func (e *ServiceError) ErrorMessage() string {
	members, _ := e.value.(map[string]any)
	for _, name := range []string{"message", "Message", "errorMessage"} {
		if text, ok := members[name].(string); ok {
			return text
		}
	}
	return ""
}

// ErrorFault implements smithy.APIError.
func (*ServiceError) ErrorFault() smithy.ErrorFault { return smithy.FaultUnknown }

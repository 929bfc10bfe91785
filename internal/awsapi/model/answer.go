package model

import (
	"bufio"
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/traits"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

var errNoAnswer = errors.New("the answer is empty")

// inspect looks at the beginning of an answer with a status of success, and leaves the
// whole body to be read. It reports whether the answer is a refusal all the same. An error
// says that the answer is not the operation's, such as the page of a proxy: smithy-go's
// protocols read an empty output from many of those.
func (w *wire) inspect(r *smithyhttp.Response, types *smithy.TypeRegistry) (refused bool, err error) {
	content, needed := w.body()
	if content {
		return false, nil
	}
	needed = needed && r.StatusCode != http.StatusNoContent
	if w.op.service.protocol.xml() {
		return w.inspectXML(r, needed)
	}
	return w.inspectJSON(r, types, needed)
}

// body reports whether the body of an answer is content as it is, such as that of an object,
// and whether there has to be a body.
func (w *wire) body() (content, needed bool) {
	for _, m := range w.op.output.members() {
		_, payload := smithy.SchemaTrait[*traits.HTTPPayload](m.schema)
		switch {
		case payload && m.shape.fill == nil:
			return true, false
		case payload && m.shape.typ == smithy.ShapeTypeUnion: // AWS's protocol tests leave it out
		case !m.bound:
			needed = true
		}
	}
	// In REST with JSON, Smithy allows an empty answer to an operation that changes something,
	// and smithy-go takes it for success.
	lenient := w.op.service.protocol == protocolRESTJSON && !w.op.ReadOnly()
	return false, needed && !lenient && w.op.method != http.MethodHead
}

// A replayed body begins with what was read of it already.
type replayed struct {
	io.Reader
	io.Closer
}

// inspectXML inspects an answer in XML by its root.
func (w *wire) inspectXML(r *smithyhttp.Response, needed bool) (refused bool, err error) {
	var begin bytes.Buffer
	root, err := rootName(io.TeeReader(r.Body, &begin))
	_, syntax := errors.AsType[*xml.SyntaxError](err)
	switch blank := len(bytes.TrimSpace(begin.Bytes())) == 0; {
	case err != nil && !syntax && !errors.Is(err, io.EOF):
		return false, err
	case err != nil && needed && blank:
		return false, errNoAnswer
	case err != nil && needed:
		return false, fmt.Errorf("the answer has no element: %w", err)
	case err == nil:
		refused, err = w.checkRoot(root)
	default:
		err = nil
	}
	r.Body = replayed{&nestingReader{Reader: io.MultiReader(&begin, r.Body)}, r.Body}
	return refused, err
}

// checkRoot reports whether the root of an answer in XML says that it is a refusal. The error
// says that the root is not the operation's. The models of REST services do not say what the
// root has to be.
func (w *wire) checkRoot(root string) (refused bool, err error) {
	if root == "Error" || root == "ErrorResponse" {
		// S3 begins the answer of a long operation before it knows how that ends:
		// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html
		return true, nil
	}
	if want := w.op.Name + "Response"; w.op.service.protocol != protocolRESTXML && !strings.EqualFold(root, want) {
		return false, fmt.Errorf("the answer is an element %s, not %s", root, want)
	}
	if strings.EqualFold(root, "html") {
		return false, errPage
	}
	return false, nil
}

var errPage = errors.New("the answer is a page for a browser, such as that of a proxy")

// rootName returns the name of the first element in an XML document.
func rootName(document io.Reader) (string, error) {
	for d := xml.NewDecoder(document); ; {
		token, err := d.RawToken()
		if err != nil {
			return "", err //nolint:wrapcheck // the caller does
		}
		if start, ok := token.(xml.StartElement); ok {
			return start.Name.Local, nil
		}
	}
}

// inspectJSON inspects an answer in JSON or CBOR.
func (w *wire) inspectJSON(r *smithyhttp.Response, types *smithy.TypeRegistry, needed bool) (refused bool, err error) {
	body := bufio.NewReader(r.Body)
	begin, err := body.Peek(body.Size()) // an error is shorter
	if err != nil && !errors.Is(err, io.EOF) {
		return false, err //nolint:wrapcheck // the caller does
	}
	r.Body = replayed{body, r.Body}
	switch begin = bytes.TrimSpace(begin); {
	case len(begin) == 0 && needed:
		return false, errNoAnswer
	case bytes.HasPrefix(begin, []byte("<")):
		return false, errPage
	}
	return isError(begin, types), nil
}

// isError reports whether an answer in JSON has the type of an error. Some services give
// the types of their outputs too, so the type alone does not say it.
func isError(answer []byte, types *smithy.TypeRegistry) bool {
	var typed struct {
		Type string `json:"__type"` //nolint:tagliatelle // AWS's spelling
	}
	if !bytes.Contains(answer, []byte(`"__type"`)) || json.Unmarshal(answer, &typed) != nil {
		return false
	}
	name := typed.Type[strings.LastIndexByte(typed.Type, '#')+1:]
	_, known := types.Entries[name]
	return known || strings.HasSuffix(name, "Exception")
}

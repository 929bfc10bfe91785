//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/google/go-cmp/cmp"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
)

// protocolCases is the number of cases that AWS's protocol tests have, so that none is
// lost on the way.
const protocolCases = 732

// unproven are the cases that do not pass, each with its reason.
var unproven = map[string]string{
	"input/rest-xml/BodyWithXmlName":                      suiteNames,
	"input/rest-xml/HttpPayloadWithXmlName":               suiteNames,
	"input/rest-xml/HttpPayloadWithXmlNamespace":          suiteNames,
	"input/rest-xml/HttpPayloadWithXmlNamespaceAndPrefix": suiteNames,
	"input/rest-xml/RestXmlHttpPayloadWithUnion":          suiteNames,
	"input/rest-xml/XmlAttributesOnPayload":               suiteNames,

	"output/rest-json/MediaTypeHeaderOutputBase64": "a header with JSON is given as its value, as botocore does",
}

// suiteNames is why botocore skips these cases too.
const suiteNames = "the suite wants the name of the target's shape, AWS's real models that of the reference"

// TestProtocol calls the operations of AWS's protocol tests, which botocore's source
// distribution has, against a stub: each request has to be what the test says, and each
// answer has to be read as it says. It also generates the models of AWS's operations
// again: they have to be the same to the byte.
func TestProtocol(t *testing.T) {
	part(t, "protocol", "python3")
	repo, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{repo: repo, dir: filepath.Join(repo, "e2e"), env: os.Environ()}
	s.machine(t.Context(), t, "make", "build/botocore/pin", "build/botocore/protocols")
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	python := filepath.Join(repo, "build", "botocore", "bin", "python")
	s.must(ctx, t, python, filepath.Join("..", "internal", "awsapi", "model", "generate.py"), "--check")

	models := filepath.Join(t.TempDir(), "models.bin")
	lines := s.must(ctx, t, python, filepath.Join("testdata", "protocols.py"), filepath.Join(repo, "build", "botocore", "protocols"), models).stdout
	blob, err := os.ReadFile(models)
	if err != nil {
		t.Fatal(err)
	}
	data, err := model.Open(string(blob))
	if err != nil {
		t.Fatal(err)
	}
	passed, cases := 0, 0
	failed := map[string]bool{}
	for line := range strings.Lines(lines) {
		cases++
		var c protocolCase
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&c); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		reason, known := unproven[c.name()]
		switch err := c.run(ctx, data); {
		case err == nil:
			passed++
			if known {
				t.Errorf("%s passes, though it is said not to: %s", c.name(), reason)
			}
		case known:
			failed[c.name()] = true
			t.Logf("%s does not pass: %s", c.name(), reason)
		default:
			t.Errorf("%s (%s): %v", c.name(), c.Description, err)
		}
	}
	for name := range unproven {
		if !failed[name] {
			t.Errorf("there is no case %s", name)
		}
	}
	t.Logf("%d of %d cases pass", passed, cases)
	if cases != protocolCases {
		t.Errorf("%d cases, want %d", cases, protocolCases)
	}
}

// A protocolCase is a line of protocols.py.
type protocolCase struct {
	Service     string `json:"service"`
	Operation   string `json:"operation"`
	Protocol    string `json:"protocol"`
	ID          string `json:"id"`
	Description string `json:"description"`
	Endpoint    string `json:"endpoint"`

	Input   map[string]any `json:"input"`
	Request *struct {
		Method  string            `json:"method"`
		URI     string            `json:"uri"`
		Host    string            `json:"host"`
		Body    *string           `json:"body"`
		Headers map[string]string `json:"headers"`
		Forbid  []string          `json:"forbidHeaders"`
		Require []string          `json:"requireHeaders"`
	} `json:"request"`

	Response *struct {
		Status  int               `json:"status_code"` //nolint:tagliatelle // botocore's spelling
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"response"`
	Result       any     `json:"result"`
	ErrorCode    *string `json:"errorCode"`
	ErrorMessage string  `json:"errorMessage"`
}

// name is the file, and the id or the number of the case.
func (c *protocolCase) name() string {
	if c.ID == "" {
		return c.Service
	}
	return c.Service[:strings.LastIndex(c.Service[:strings.LastIndex(c.Service, "/")], "/")+1] + c.ID
}

// run calls the operation, and returns what is wrong.
func (c *protocolCase) run(ctx context.Context, data *model.Data) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	op, err := data.Lookup(c.Service, c.Operation)
	if err != nil {
		return err
	}
	var sent *http.Request
	var body []byte
	api := &awsapi.API{
		Client: awsapi.New(sendFunc(func(r *http.Request) (*http.Response, error) {
			sent = r
			body, err = io.ReadAll(r.Body)
			return c.answer(), err
		}), credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", "")),
		Endpoints: awsapi.Endpoints{URL: func(context.Context, string) (string, error) { return c.Endpoint, nil }},
	}
	input := op.WithTokens(c.Input, func() string { return "00000000-0000-4000-8000-000000000000" })
	answer, err := api.Call(ctx, op, "us-east-1", input)
	if c.Request != nil {
		if sent == nil {
			return fmt.Errorf("nothing was sent: %w", err)
		}
		return errors.Join(c.compareRequest(sent), c.compareBody(ctx, data, body))
	}
	return c.compareAnswer(answer, err)
}

// answer is what the stub answers.
func (c *protocolCase) answer() *http.Response {
	r := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}
	if c.Response == nil {
		return r
	}
	if c.Response.Status != 0 {
		r.StatusCode = c.Response.Status
	}
	for name, value := range c.Response.Headers {
		r.Header.Set(name, value)
	}
	body := []byte(c.Response.Body)
	if c.Protocol == "smithy-rpc-v2-cbor" {
		body, _ = base64.StdEncoding.DecodeString(c.Response.Body)
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return r
}

// compareAnswer compares what a call returned.
func (c *protocolCase) compareAnswer(answer awsapi.Answer, err error) error {
	var got any = answer.Value
	if c.ErrorCode != nil {
		api, ok := errors.AsType[smithy.APIError](err)
		if !ok || api.ErrorCode() != *c.ErrorCode || c.ErrorMessage != "" && api.ErrorMessage() != c.ErrorMessage {
			return fmt.Errorf("error %w, want %s: %s", err, *c.ErrorCode, c.ErrorMessage)
		}
		got = map[string]any{}
		if modeled, ok := errors.AsType[*model.ServiceError](err); ok {
			got = modeled.Any()
		}
		err = nil
	}
	if err != nil {
		return err
	}
	want := c.Result
	if want == nil {
		want = map[string]any{}
	}
	if m, _ := got.(map[string]any); m == nil {
		got = map[string]any{}
	}
	return difference("value", numbers(want), got)
}

// numbers returns a value with its numbers as float64, unless that would change them.
func numbers(value any) any {
	switch v := value.(type) {
	case json.Number:
		f, _ := v.Float64()
		if i, err := v.Int64(); err == nil && int64(f) != i {
			return v
		}
		return f
	case []any:
		for i := range v {
			v[i] = numbers(v[i])
		}
	case map[string]any:
		for key := range v {
			v[key] = numbers(v[key])
		}
	}
	return value
}

// compareRequest compares the line and the header of a request.
func (c *protocolCase) compareRequest(r *http.Request) error {
	var errs []error
	want := c.Request
	if want.Method != "" {
		errs = append(errs, difference("method", want.Method, r.Method))
	}
	path, query, _ := strings.Cut(want.URI, "?")
	if host, _, _ := strings.Cut(want.Host, "/"); host != "" { // the path has the rest
		errs = append(errs, difference("host", host, r.URL.Host))
	}
	if want.URI != "" {
		errs = append(errs, difference("path", path, r.URL.EscapedPath()), difference("query", parameters(query), parameters(r.URL.RawQuery)))
	}
	for name, value := range want.Headers {
		errs = append(errs, difference(name, value, strings.Join(r.Header.Values(name), ", ")))
	}
	for _, name := range want.Forbid {
		if value := r.Header.Get(name); value != "" {
			errs = append(errs, fmt.Errorf("%s: %s is sent", name, value))
		}
	}
	for _, name := range want.Require {
		if r.Header.Get(name) == "" && (!strings.EqualFold(name, "Content-Length") || r.ContentLength <= 0) {
			errs = append(errs, fmt.Errorf("%s is not sent", name))
		}
	}
	return errors.Join(errs...)
}

// parameters are those of a query, in order.
func parameters(query string) []string {
	all := strings.Split(query, "&")
	for i, p := range all {
		name, value, _ := strings.Cut(p, "=")
		n, _ := url.QueryUnescape(name)
		v, _ := url.QueryUnescape(value)
		all[i] = n + "=" + v
	}
	slices.Sort(all)
	return all
}

// compareBody compares the body of a request, as the protocol reads it.
func (c *protocolCase) compareBody(ctx context.Context, data *model.Data, got []byte) error {
	if c.Request.Body == nil {
		return nil
	}
	want := []byte(*c.Request.Body)
	switch c.Protocol {
	case "smithy-rpc-v2-cbor":
		want, _ = base64.StdEncoding.DecodeString(*c.Request.Body)
		if len(want) == 0 || len(got) == 0 {
			return difference("body", string(want), string(got))
		}
		w, err := c.decode(ctx, data, want)
		if err != nil {
			return err
		}
		g, err := c.decode(ctx, data, got)
		return errors.Join(err, difference("body", w, g))
	case "query", "ec2":
		return difference("body", parameters(string(want)), parameters(string(got)))
	case "rest-xml":
		maps := strings.Contains(c.ID, "Map") // whose entries have no order
		if w := tree(want, maps); w != "" {
			return difference("body", w, tree(got, maps))
		}
	default:
		var w, g any
		if json.Unmarshal(want, &w) == nil && json.Unmarshal(got, &g) == nil {
			return difference("body", w, g)
		}
	}
	return difference("body", string(want), string(got))
}

// decode reads a body of the case's input as an output: the operation Twin has that.
func (c *protocolCase) decode(ctx context.Context, data *model.Data, body []byte) (any, error) {
	op, err := data.Lookup(c.Service, "Twin")
	if err != nil {
		return nil, err
	}
	out := op.Output()
	r := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}}, Body: io.NopCloser(bytes.NewReader(body))}
	err = op.Protocol().DeserializeResponse(ctx, op.Schema(), op.Errors(), &smithyhttp.Response{Response: r}, out)
	return out.Any(), err
}

// tree returns XML in one form: elements of different names in order of their names,
// or of any if all is set, attributes in order, blanks between elements left out. It is
// empty for what is not XML.
func tree(document []byte, all bool) string {
	type element struct {
		text     string
		children []string
	}
	stack := []element{{}}
	for d := xml.NewDecoder(bytes.NewReader(document)); ; {
		token, err := d.Token()
		if err != nil {
			if len(stack) != 1 || !errors.Is(err, io.EOF) {
				return ""
			}
			return strings.Join(stack[0].children, "")
		}
		top := &stack[len(stack)-1]
		switch token := token.(type) {
		case xml.StartElement:
			slices.SortFunc(token.Attr, func(a, b xml.Attr) int { return strings.Compare(a.Name.Local, b.Name.Local) })
			stack = append(stack, element{text: fmt.Sprint("<", token.Name, token.Attr, ">")})
		case xml.CharData:
			top.text += string(token)
		case xml.EndElement:
			if len(top.children) > 0 {
				top.text = top.text[:strings.IndexByte(top.text, '>')+1]
			}
			if all {
				slices.Sort(top.children)
			}
			slices.SortStableFunc(top.children, func(a, b string) int {
				return strings.Compare(a[:strings.IndexByte(a, '>')], b[:strings.IndexByte(b, '>')])
			})
			whole := top.text + strings.Join(top.children, "") + "</>"
			stack = stack[:len(stack)-1]
			stack[len(stack)-1].children = append(stack[len(stack)-1].children, whole)
		}
	}
}

// difference returns what two values differ in, or nil.
func difference(what string, want, got any) error {
	if diff := cmp.Diff(want, got); diff != "" {
		return fmt.Errorf("%s (-want +got):\n%s", what, diff)
	}
	return nil
}

// A sendFunc is a Sender that has a connection at once.
type sendFunc func(r *http.Request) (*http.Response, error)

func (f sendFunc) Send(_ context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	if err := ready(r); err != nil {
		return nil, err
	}
	return f(r)
}

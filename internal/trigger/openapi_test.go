package trigger_test

import (
	"bytes"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"meridian/pkg/protocol/schema"
)

// openAPI has the description of the HTTP API, and compiles a schema in it.
var openAPI = sync.OnceValues(func() (map[string]any, func(pointer string) *jsonschema.Schema) {
	text, err := schema.Read("openapi")
	if err != nil {
		panic(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		panic(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("openapi.json", document); err != nil {
		panic(err)
	}
	var mu sync.Mutex
	return document.(map[string]any), func(pointer string) *jsonschema.Schema {
		mu.Lock()
		defer mu.Unlock()
		return compiler.MustCompile("openapi.json" + pointer)
	}
})

// at returns the value at the keys of nested objects, or nil, and its JSON pointer. A
// reference on the way is followed.
func at(keys ...string) (value any, pointer string) {
	document, _ := openAPI()
	value, pointer = document, "#"
	for _, key := range keys {
		object, _ := value.(map[string]any)
		value, pointer = object[key], pointer+"/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(key)
		if referring, _ := value.(map[string]any); referring["$ref"] != nil {
			value, pointer = at(strings.Split(strings.TrimPrefix(referring["$ref"].(string), "#/"), "/")...)
		}
	}
	return value, pointer
}

var ofARun = regexp.MustCompile(`^/runs/[^/]*`)

// described returns the keys of the description of a request's answers. That of an unknown
// path or a method that is not allowed is the one of any method.
func described(request events.APIGatewayV2HTTPRequest, status int) []string {
	path := strings.TrimPrefix(request.RawPath, "/"+request.RequestContext.Stage)
	path = ofARun.ReplaceAllString(path, "/runs/{id}")
	method := strings.ToLower(request.RequestContext.HTTP.Method)
	if found, _ := at("paths", path); found == nil {
		path, method = "/runs", "post"
	}
	if found, _ := at("paths", path, method); found == nil {
		method = "get"
		if found, _ := at("paths", path, method); found == nil {
			method = "post"
		}
	}
	return []string{"paths", path, method, "responses", fmt.Sprint(status)}
}

// checkDescribed checks that an answer is as the OpenAPI document describes it.
func checkDescribed(t *testing.T, request events.APIGatewayV2HTTPRequest, answer events.APIGatewayV2HTTPResponse) {
	t.Helper()
	keys := described(request, answer.StatusCode)
	media := answer.Headers["content-type"]
	found, pointer := at(append(keys, "content", media, "schema")...)
	if found == nil && (answer.StatusCode != http.StatusNotModified || answer.Body != "") {
		t.Errorf("the OpenAPI document does not describe %v with %s", keys, media)
		return
	}
	for name := range answer.Headers {
		if header, _ := at(append(keys, "headers", name)...); name != "content-type" && header == nil {
			t.Errorf("the OpenAPI document does not describe the header %s of %v", name, keys)
		}
	}
	if !strings.HasSuffix(media, "json") || strings.HasSuffix(pointer, "/Result") {
		return // lines, or an answer of the test
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(answer.Body))
	if err == nil {
		_, compile := openAPI()
		err = compile(pointer).Validate(body)
	}
	if err != nil {
		t.Errorf("%s: %v", answer.Body, err)
	}
}

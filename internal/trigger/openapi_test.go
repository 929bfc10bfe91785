package trigger_test

import (
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"meridian/pkg/protocol/schema"
)

// openAPI has the description of the HTTP API, and the schema of a problem in it.
var openAPI = sync.OnceValues(func() (map[string]any, *jsonschema.Schema) {
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
	return document.(map[string]any), compiler.MustCompile("openapi.json#/components/schemas/Problem")
})

// at returns the value at the keys of nested objects, or nil.
func at(value any, keys ...string) any {
	for _, key := range keys {
		object, _ := value.(map[string]any)
		value = object[key]
	}
	return value
}

// checkDescribed checks that an answer is as the OpenAPI document describes it.
func checkDescribed(t *testing.T, answer events.APIGatewayV2HTTPResponse) {
	t.Helper()
	document, problem := openAPI()
	described := at(document, "paths", "/runs", "post", "responses", fmt.Sprint(answer.StatusCode))
	if at(described, "content", answer.Headers["content-type"], "schema") == nil {
		t.Errorf("the OpenAPI document does not describe %d with %s", answer.StatusCode, answer.Headers["content-type"])
	}
	for name := range answer.Headers {
		if name != "content-type" && at(described, "headers", name) == nil {
			t.Errorf("the OpenAPI document does not describe the header %s of %d", name, answer.StatusCode)
		}
	}
	if answer.StatusCode == 200 {
		return // with an answer of the test
	}
	body, err := jsonschema.UnmarshalJSON(strings.NewReader(answer.Body))
	if err == nil {
		err = problem.Validate(body)
	}
	if err != nil {
		t.Errorf("%s: %v", answer.Body, err)
	}
}

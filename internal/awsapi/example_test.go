package awsapi_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/prelude"
	"github.com/aws/smithy-go/traits"
	"github.com/aws/smithy-go/transport/http/protocol/restjson1"

	"meridian/internal/awsapi"
	"meridian/internal/awsapi/model"
)

// A model of an operation is enough to call it: its schemas, which may be made at run
// time, its protocol, and values that read and write themselves by a schema.
func ExampleClient_Do() {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL)
		fmt.Println("signed:", strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"))
		_, _ = io.WriteString(w, `{"Text":"hello"}`)
	}))
	defer api.Close()
	endpoint, err := url.Parse(api.URL)
	if err != nil {
		fmt.Println(err)
		return
	}

	id := func(name string) smithy.ShapeID { return smithy.ShapeID{Namespace: "example", Name: name} }
	input := smithy.NewSchema(id("GetGreetingInput"), smithy.ShapeTypeStructure, 1)
	input.AddMember("Name", prelude.String, &traits.HTTPLabel{})
	output := smithy.NewSchema(id("GetGreetingOutput"), smithy.ShapeTypeStructure, 1)
	output.AddMember("Text", prelude.String)
	operation := &awsapi.Operation{
		Schema: smithy.NewOperationSchema(smithy.NewSchema(id("GetGreeting"), smithy.ShapeTypeOperation, 0,
			&traits.HTTP{Method: http.MethodGet, URI: "/greetings/{Name}", Code: http.StatusOK}), input, output),
		Protocol:    restjson1.New(nil),
		Errors:      &smithy.TypeRegistry{},
		SigningName: "greeter",
	}

	ctx := context.Background()
	client := awsapi.New(plain{}, credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", ""))
	request, err := awsapi.Serialize(ctx, operation, awsapi.Place{Endpoint: endpoint, Region: "eu-west-1"},
		&record{schema: input, values: map[string]string{"Name": "world"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	greeting := &record{schema: output, values: map[string]string{}}
	response, err := client.Do(ctx, awsapi.Call{Request: request, Output: greeting}) //nolint:bodyclose // Do closes it
	fmt.Println(response.StatusCode, greeting.values, err)
	// Output:
	// GET /greetings/world
	// signed: true
	// 200 map[Text:hello] <nil>
}

// Any operation of AWS can be called by its name. The pages of its answer are merged.
func ExampleAPI_Call() {
	pages := []string{
		`{"TableNames":["accounts","orders"],"LastEvaluatedTableName":"orders"}`,
		`{"TableNames":["users"]}`,
	}
	dynamodb := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Println(r.Header.Get("X-Amz-Target"), string(body))
		_, _ = io.WriteString(w, pages[0])
		pages = pages[1:]
	}))
	defer dynamodb.Close()

	operation, err := model.Lookup("dynamodb", "ListTables")
	if err != nil {
		fmt.Println(err)
		return
	}
	api := awsapi.API{
		Client:    awsapi.New(plain{}, credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "example", "")),
		Endpoints: awsapi.Endpoints{URL: func(context.Context, string) (string, error) { return dynamodb.URL, nil }},
	}
	answer, err := api.Call(context.Background(), operation, "eu-west-1", nil)
	fmt.Println(answer.Value, answer.Pages, answer.More, err)

	_, err = api.Call(context.Background(), operation, "eu-west-1", map[string]any{"limit": 1.0})
	fmt.Println(err)
	// Output:
	// DynamoDB_20120810.ListTables {}
	// DynamoDB_20120810.ListTables {"ExclusiveStartTableName":"orders"}
	// map[TableNames:[accounts orders users]] 2 false <nil>
	// limit: is not a member; did you mean Limit?
}

// A plain is a Sender over net/http.
type plain struct{}

func (plain) Send(_ context.Context, r *http.Request, ready func(*http.Request) error) (*http.Response, error) {
	if err := ready(r); err != nil {
		return nil, err
	}
	return http.DefaultTransport.RoundTrip(r)
}

// A record is a structure of strings.
type record struct {
	schema *smithy.Schema
	values map[string]string
}

// Serialize implements smithy.Serializable.
func (r *record) Serialize(s smithy.ShapeSerializer) {
	s.WriteStruct(r.schema)
	for name, value := range r.values {
		s.WriteString(r.schema.Member(name), value)
	}
	s.CloseStruct()
}

// Deserialize implements smithy.Deserializable.
func (r *record) Deserialize(d smithy.ShapeDeserializer) error {
	return smithy.ReadStruct(d, r.schema, func(member *smithy.Schema) error {
		var value string
		err := d.ReadString(member, &value)
		r.values[member.MemberName()] = value
		return err
	})
}

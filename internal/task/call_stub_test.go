package task_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"meridian/internal/task"
	"meridian/pkg/protocol"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// A stub answers the calls of operations, in order of arrival, and keeps what it was sent.
type stub struct {
	t       *testing.T
	mu      sync.Mutex
	answers []answer
	got     []string // the signing Region, the path, and the body of each request
}

// An answer is what a stub says to one request.
type answer struct {
	status int // 0 means 200
	header map[string]string
	body   string
}

// ServeHTTP implements http.Handler.
func (s *stub) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	region := strings.Split(r.Header.Get("Authorization"), "/")[2]
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, strings.TrimSpace(region+" "+r.URL.Path+" "+string(body)))
	if len(s.answers) < len(s.got) {
		s.t.Errorf("request %d was not expected: %s", len(s.got), s.got[len(s.got)-1])
		w.WriteHeader(http.StatusTeapot)
		return
	}
	a := s.answers[len(s.got)-1]
	for name, value := range a.header {
		w.Header().Set(name, value)
	}
	w.WriteHeader(max(a.status, 200))
	_, _ = io.WriteString(w, a.body)
}

// cloud returns an AWS in which a handler answers every service.
func cloud(t *testing.T, handler http.Handler) *task.AWS {
	t.Helper()
	return cloudWithin(t, 0, handler)
}

// cloudWithin is cloud for a process with a memory.
func cloudWithin(t *testing.T, memoryMB int, handler http.Handler) *task.AWS {
	t.Helper()
	return cloudOf(t, memoryMB, handler, credentials.NewStaticCredentialsProvider("key", "secret", ""))
}

// cloudOf is cloudWithin with credentials.
func cloudOf(t *testing.T, memoryMB int, handler http.Handler, of aws.CredentialsProvider) *task.AWS {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return task.NewAWS(memoryMB, func(context.Context) (aws.Config, error) {
		return aws.Config{BaseEndpoint: aws.String(server.URL), Credentials: of}, nil
	}, nil)
}

// calling returns the registry of a worker that may call some operations.
func calling(t *testing.T, allow string, a *task.AWS) *task.Registry {
	t.Helper()
	tasks, err := task.Builtin().Configure(settings{"MERIDIAN_CALL_ALLOW": allow}.lookup, a)
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

// call calls an operation in eu-west-1 once, and returns its output or its error as one
// line.
func call(t *testing.T, tasks *task.Registry, target, parameters string) (json.RawMessage, error) {
	t.Helper()
	work := prepare(t, tasks, "call", json.RawMessage(parameters))
	return work(task.WithRunID(t.Context(), "run"), "eu-west-1", protocol.Target{Name: target})
}

const (
	vpcs = `<DescribeVpcsResponse><vpcSet><item><vpcId>vpc-1</vpcId><cidrBlock>10.0.0.0/16</cidrBlock></item>` +
		`<item><vpcId>vpc-2</vpcId><cidrBlock>10.1.0.0/16</cidrBlock></item></vpcSet>%s</DescribeVpcsResponse>`
	more = `<nextToken>more</nextToken>`
)

// prepare returns the work of a task with parameters that have no faults.
func prepare(t *testing.T, tasks *task.Registry, name string, parameters json.RawMessage) task.Work {
	t.Helper()
	work, faults := tasks.Prepare(name, parameters)
	if faults != nil {
		t.Fatalf("Prepare(%s, %s) = %v", name, parameters, faults)
	}
	return work
}
